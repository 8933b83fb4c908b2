"""Run times drawn from those of a file, each as likely as it is there."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError, WorkloadError
from wattq.workloads.files import plain_name, read_plain, sha256_hex

__all__ = ["DurationSampler", "parse_duration_s", "read_durations"]

_CLOCK = re.compile(r"(?:(\d{1,5})-)?(\d{1,6}):([0-5]?\d)(?::([0-5]?\d)(?:\.\d+)?)?", re.ASCII)
_SECONDS = re.compile(r"\d{1,10}(?:\.\d+)?", re.ASCII)
_DAY_S = 86_400


@dataclass(frozen=True)
class DurationSampler:
    """Run times to draw from.

    Attributes:
        durations_s: the run times found, whole seconds, at least 1.
        source: name and digest of the file.

    Raises:
        InvalidInputError: when there is none.
    """

    durations_s: NDArray[np.int64] = field(repr=False)
    source: str

    def __post_init__(self) -> None:
        if not self.durations_s.size or int(self.durations_s.min()) < 1:
            raise InvalidInputError(f"{self.source}: a duration sampler needs run times of at least 1 s, one or more")

    def draw(self, random: np.random.Generator, count: int, *, at_least_s: int = 1) -> NDArray[np.int64]:
        """Draw `count` run times, s; those below `at_least_s` become `at_least_s`."""
        return np.maximum(self.durations_s[random.integers(0, self.durations_s.size, count)], at_least_s)


def parse_duration_s(text: str) -> int | None:
    """Return the seconds that a text says in one of Slurm's forms, None where it does not.

    They are ``HH:MM:SS``, ``D-HH:MM:SS``, ``D-HH:MM``, ``MM:SS`` and ``SECONDS``; a fraction of a second is dropped.
    """
    text = text.strip()
    if _SECONDS.fullmatch(text):
        return int(float(text))
    match = _CLOCK.fullmatch(text)
    if match is None:
        return None
    days, first, second, third = match.groups()
    if third is None and days is None:
        return int(first) * 60 + int(second)
    return int(days or 0) * _DAY_S + int(first) * 3600 + int(second) * 60 + int(third or 0)


def read_durations(path: str | Path) -> DurationSampler:
    """Return the run times of a file: a text with one in each line, or a workload (``.swf``, ``.json``).

    Empty lines, lines that start with ``#`` and run times of 0 s are passed over.

    Raises:
        MissingFileError: when the file cannot be read.
        WorkloadError: when a line is no duration, or a workload breaks its format.
        InvalidInputError: when no run time is left.
    """
    if plain_name(path).endswith((".swf", ".json")):
        return _of_workload(path)
    data = read_plain(path)
    found = []
    for number, raw in enumerate(data.decode("utf-8", "replace").splitlines(), start=1):
        line = raw.strip()
        if line and not line.startswith("#"):
            seconds = parse_duration_s(line)
            if seconds is None:
                raise WorkloadError(
                    f"{path}, line {number}: {line[:60]!r} is no duration; write HH:MM:SS, D-HH:MM:SS or seconds"
                )
            found.append(seconds)
    kept = np.array([seconds for seconds in found if seconds], dtype=np.int64)
    return DurationSampler(kept, f"{Path(path).name} (sha256 {sha256_hex(data)})")


def _of_workload(path: str | Path) -> DurationSampler:
    from wattq.workloads.generate_table import table_of
    from wattq.workloads.reader import read_workload

    workload = read_workload(path)
    return DurationSampler(
        table_of(workload).duration_s, f"{Path(path).name} (sha256 {workload.report.sha256}, {workload.n_jobs} jobs)"
    )
