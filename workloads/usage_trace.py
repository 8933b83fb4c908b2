"""Usage traces: a list of files, one for each rank, with lines ``<rank> m_usage <usage> <flops>``."""

from __future__ import annotations

import math
from pathlib import Path

from wattq.errors import WorkloadError, at
from wattq.workloads.files import read_plain

__all__ = ["MAX_RANKS", "read_usage_trace"]

MAX_RANKS = 100_000
_MAX_BYTES = 2**26


def read_usage_trace(base_dir: Path, name: str, place: str) -> tuple[tuple[tuple[float, float], ...], ...]:
    """Return, for each rank, its phases as (usage of the cores in [0, 1], flops) pairs.

    Args:
        base_dir: folder of the workload; `name` is relative to it, the ranks' files to the folder of `name`.
        name: the file that lists one file for each rank.
        place: whose trace it is, for messages.

    Raises:
        MissingFileError: when a file is not there.
        WorkloadError: when a line breaks the format.
    """
    path = base_dir / name
    files = _text(path).rstrip().splitlines()
    if not files or any(not file.strip() for file in files):
        raise WorkloadError(f"{place}: {path} names no trace on some line; give one file name for each rank")
    if len(files) > MAX_RANKS:
        raise WorkloadError(f"{place}: {path} has {len(files)} ranks; at most {MAX_RANKS} are read")
    return tuple(_rank(path.parent / file.strip(), rank) for rank, file in enumerate(files))


def _text(path: Path) -> str:
    try:
        return read_plain(path, limit=_MAX_BYTES).decode("utf-8")
    except UnicodeDecodeError as error:
        raise WorkloadError(f"{path}: not UTF-8 text ({error.reason}); save the file as UTF-8") from None


def _rank(path: Path, rank: int) -> tuple[tuple[float, float], ...]:
    phases = []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        words = line.split()
        if words and not words[0].startswith("#"):
            phases.append(_phase(words, rank, at(path, number)))
    return tuple(phases)


def _phase(words: list[str], rank: int, place: str) -> tuple[float, float]:
    if len(words) != 4 or words[0] != str(rank) or words[1] != "m_usage":
        raise WorkloadError(
            f"{place}: {' '.join(words)[:60]!r}; a line of this rank reads '{rank} m_usage <usage> <flops>'"
        )
    try:
        usage, flops = float(words[2]), float(words[3])
    except ValueError:
        raise WorkloadError(f"{place}: {words[2][:30]!r} {words[3][:30]!r}; usage and flops must be numbers") from None
    if not (0 <= usage <= 1 and flops >= 0 and math.isfinite(flops)):
        raise WorkloadError(
            f"{place}: usage {usage:g}, flops {flops:g}; usage must be from 0 to 1, flops finite and 0 or more"
        )
    return usage, flops
