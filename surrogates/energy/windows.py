"""Job windows and power samples from files, and labels made of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError, at
from wattq.files import read_plain
from wattq.platforms.calibrate.columns import Column, parse_time
from wattq.platforms.calibrate.samples import Samples
from wattq.surrogates.energy.align import AlignedEnergy, JobWindow, align_jobs
from wattq.surrogates.energy.jobs import EnergyJobs, EnergyLabels
from wattq.surrogates.energy.series import PowerSeries
from wattq.workloads.text_table import TextTable, amount, read_csv

__all__ = [
    "WindowTable",
    "device_names",
    "labels_from_samples",
    "labels_of",
    "parse_windows",
    "read_windows",
    "series_of",
]

_MOST_DEVICES = 100_000
_DEVICES = ("devices", "nodes", "node", "node_id", "nodelist")
_LIST = re.compile(r"([^\[\],;\s]{0,60})(?:\[([0-9,\-]{1,10000})\])?([^\[\],;\s]{0,60})")
_SPLIT = re.compile(r"[;,\s]+(?![^\[]*\])")


@dataclass(frozen=True)
class WindowTable:
    """Windows of jobs, and what was asked for.

    Attributes:
        windows: when and where; several where a job holds different cores on different nodes.
        jobs: the requests, one for each job; nodes are the devices.
        source: name of the file.
        job: index of the job of each window; every window is a job of its own when it is not given.
        notes: what else to know, such as jobs left out.
    """

    windows: tuple[JobWindow, ...]
    jobs: EnergyJobs
    source: str
    job: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.job.size:
            object.__setattr__(self, "job", np.arange(len(self.windows)))


def read_windows(path: str | Path) -> WindowTable:
    """Return the windows of a CSV file: job_id, start, end, devices, and cores, application, user, queue, if known.

    Dates are seconds on the axis of the samples, or dates as the samples have them. Devices (or ``nodes``, ``node``)
    are names separated by blanks or ``;``, with Slurm's ranges: ``nid[001000-001003,001007]``. A job may have several
    rows, one for each node, with the cores that it holds there; what it asked for stands in the first.

    Raises:
        MissingFileError: when it cannot be read.
        InvalidInputError: when it breaks its format; the message names line and column.
    """
    return parse_windows(read_plain(path), str(path))


def parse_windows(data: bytes, source: str) -> WindowTable:
    """Return the windows of the plain content of a file; see `read_windows`."""
    table = read_csv(data, source)
    where = next((name for name in _DEVICES if name in table.columns), "devices")
    table.require("job_id", "start", "end", where, what="a window says which job ran when and where")
    if not table.n_rows:
        raise SurrogateError(f"{source}: no jobs; give a row for each")
    starts, ends = (_dates(table, name) for name in ("start", "end"))
    cores = np.nan_to_num(table.convert("cores", amount, "a number above 0"), nan=1.0)
    lists = [_devices(table, row, where) for row in range(table.n_rows)]
    columns = (table.column("job_id").tolist(), starts, ends, lists, cores.tolist())
    windows = tuple(JobWindow(*cells) for cells in zip(*columns, strict=True))
    names = [window.job_id for window in windows]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    job = np.array([numbers[name] for name in names], dtype=np.int64)
    held: list[set[str]] = [set() for _ in numbers]
    for window, number in zip(windows, job.tolist(), strict=True):
        held[number].update(window.devices)
    first = np.unique(job, return_index=True)[1]
    return WindowTable(windows, _requests(table, first, [len(each) for each in held]), source, job)


def _requests(table: TextTable, first: NDArray[np.int64], nodes: Sequence[int]) -> EnergyJobs:
    return EnergyJobs.of(
        nodes,
        request_s=table.convert("request_s", amount, "a number of seconds")[first],
        frequency_ghz=table.convert("frequency_ghz", amount, "a clock in GHz")[first],
        application=table.column("application")[first].astype(np.str_),
        user=table.column("user")[first].astype(np.str_),
        queue=table.column("queue")[first].astype(np.str_),
    )


def _dates(table: TextTable, name: str) -> list[float]:
    column = Column(0, name)
    lines = table.lines.tolist()
    return [parse_time(t, table.source, line, column) for t, line in zip(table.column(name), lines, strict=True)]


def _devices(table: TextTable, row: int, name: str) -> tuple[str, ...]:
    text = str(table.column(name)[row])
    try:
        return device_names(text)
    except SurrogateError as error:
        raise SurrogateError(f"{at(table.source, int(table.lines[row]))}: {error}") from None


def device_names(text: str) -> tuple[str, ...]:
    """Return the names of a list such as ``nid[001000-001003,001007] gpu0``.

    Raises:
        SurrogateError: when it is no such list, empty, or longer than 100,000 names.
    """
    names: list[str] = []
    for part in filter(None, _SPLIT.split(text.strip())):
        match = _LIST.fullmatch(part)
        if match is None:
            raise SurrogateError(f"devices '{text[:60]}': write names, or ranges such as nid[001000-001003]")
        numbers = _numbers(match[2], text, _MOST_DEVICES - len(names)) if match[2] else [""]
        names += [f"{match[1]}{number}{match[3]}" for number in numbers]
    if not names:
        raise SurrogateError("devices: none named; a job ran somewhere")
    return tuple(names)


def _numbers(ranges: str, text: str, most: int) -> list[str]:
    numbers: list[str] = []
    for each in ranges.split(","):
        first, _, last = each.partition("-")
        if not first.isdecimal() or (last and not last.isdecimal()) or len(first) > 12 or len(last) > 12:
            raise SurrogateError(f"devices '{text[:60]}': '{each[:20]}' is no range such as 001000-001003")
        stop = int(last or first)
        if not 0 <= stop - int(first) < most - len(numbers):
            raise SurrogateError(f"devices '{text[:60]}': '{each[:26]}' runs backwards, or names too many devices")
        numbers += [f"{number:0{len(first)}d}" for number in range(int(first), stop + 1)]
    return numbers


def series_of(samples: Samples, *, hold: str = "linear", gap_s: float | None = None) -> dict[str, PowerSeries]:
    """Return the power of each device of a file of samples.

    Args:
        samples: as `read_samples` gives them.
        hold: a key of `HOLDS`.
        gap_s: samples of a device further apart leave a gap, s; five times their median distance when None.

    Raises:
        SurrogateError: when the samples have no times, or a device has fewer than two of them.
    """
    if np.isnan(samples.time_s).any():
        raise SurrogateError(f"{samples.source}: samples without times; power is aligned to windows by time")
    series = {}
    for number, name in enumerate(samples.devices):
        rows = np.flatnonzero(samples.device == number)
        time, power = _distinct(samples.time_s[rows], samples.power_w[rows])
        if len(time) < 2:
            raise SurrogateError(f"{samples.source}: device {name}: {len(time)} samples; give two or more")
        gap = 5.0 * float(np.median(np.diff(time))) if gap_s is None else gap_s
        series[name] = PowerSeries.of_samples(time, power, hold=hold, gap_s=gap)
    return series


def _distinct(time: NDArray[np.float64], power: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Return samples in order of time, those of one time (clocks of 1 s) as their mean."""
    distinct, place = np.unique(time, return_inverse=True)
    return distinct, np.bincount(place, power) / np.bincount(place)


def labels_from_samples(
    table: WindowTable, samples: Samples, series: Mapping[str, PowerSeries], *, least_coverage: float = 0.9
) -> EnergyLabels:
    """Return labels of the jobs whose devices were measured well enough; notes name the others.

    Args:
        table: windows and requests.
        samples: where the series come from.
        series: device -> power, from `series_of`.
        least_coverage: below this measured share a job gives no label.

    Raises:
        SurrogateError: when no job was measured well enough.
    """
    found = align_jobs(series, table.windows, table.job, least_coverage=least_coverage)
    return labels_of(table, found, samples.source, samples.sha256, samples.notes, least_coverage=least_coverage)


def labels_of(
    table: WindowTable,
    found: AlignedEnergy,
    source: str,
    sha256: str,
    notes: Sequence[str] = (),
    *,
    least_coverage: float = 0.9,
) -> EnergyLabels:
    """Return labels of the jobs of `align_jobs` that were measured well enough; notes name the others.

    Args:
        table: windows and requests.
        found: energies of its jobs.
        source: name of the samples.
        sha256: their digest.
        notes: what else to know of them.
        least_coverage: what `found` was made with, for the notes.

    Raises:
        SurrogateError: when no job was measured well enough.
    """
    kept = np.flatnonzero(~found.low & (found.energy_j > 0.0))
    left_out = [f"{found.job_id[row]} ({found.coverage[row]:.0%})" for row in np.flatnonzero(found.low)]
    if not kept.size:
        raise SurrogateError(
            f"{table.source}: no job was measured for {least_coverage:.0%} of its time ({_listed(left_out)}); do the "
            f"names of devices and the dates fit those of {source}?"
        )
    few = (f"left out: {len(left_out)} jobs measured for less than {least_coverage:.0%}: {_listed(left_out)}",)
    return EnergyLabels(
        jobs=table.jobs.take(kept),
        run_s=found.run_s[kept],
        energy_j=found.energy_j[kept],
        label_source="sampled",
        source=source,
        sha256=sha256,
        job_id=tuple(found.job_id[row] for row in kept),
        notes=(*table.notes, *notes, *(few if left_out else ())),
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
