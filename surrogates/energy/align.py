"""Power samples and job windows: mean power and energy of each job, and how much of it was measured.

Jobs that share a device share its power at each moment by the cores that they hold there, so that the energies of the
jobs add up to that of the device while any of them ran.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.surrogates.energy.series import PowerSeries

__all__ = ["AlignedEnergy", "JobWindow", "align", "align_jobs"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class JobWindow:
    """When and where a job ran.

    Attributes:
        job_id: its name.
        start_s, end_s: on the axis of the samples, s.
        devices: names of the nodes (or GPUs) that it ran on, each once.
        cores: cores that it holds on each of them; the share of a shared device goes by them.

    Raises:
        SurrogateError: when it ends before it starts, has no device or one twice, or no cores.
    """

    job_id: str
    start_s: float
    end_s: float
    devices: tuple[str, ...]
    cores: float = 1.0

    def __post_init__(self) -> None:
        if not self.end_s > self.start_s:
            raise SurrogateError(f"job {self.job_id}: ends at {self.end_s:g} s, not after its start {self.start_s:g} s")
        if not self.devices or len(set(self.devices)) < len(self.devices):
            raise SurrogateError(f"job {self.job_id}: no devices, or one named twice; name each device once")
        if not self.cores > 0.0:
            raise SurrogateError(f"job {self.job_id}: {self.cores:g} cores; it must hold some")


@dataclass(frozen=True)
class AlignedEnergy:
    """Energy of jobs from samples.

    Attributes:
        job_id: names of the jobs.
        energy_j: energy of all devices of the job, J; where a part was not measured, scaled up by the mean power of
            the rest; NaN where coverage is below the least one.
        measured_j: the measured part alone, J.
        power_w: mean power of one device, W; NaN as `energy_j`.
        coverage: measured share of device-seconds of the job, 0 to 1.
        low: whether coverage is below the least one.
        run_s: length of the windows, s; of a job of several windows, their device-seconds by its devices.
    """

    job_id: tuple[str, ...]
    energy_j: Floats
    measured_j: Floats
    power_w: Floats
    coverage: Floats
    low: NDArray[np.bool_]
    run_s: Floats


def align(
    series: Mapping[str, PowerSeries], jobs: Sequence[JobWindow], *, least_coverage: float = 0.9
) -> AlignedEnergy:
    """Return the energy of jobs from the power of their devices.

    A device of a job without any series counts as not measured.

    Args:
        series: device -> power.
        jobs: windows.
        least_coverage: below this measured share of its device-seconds a job gets no energy.

    Raises:
        SurrogateError: when `least_coverage` is not above 0 and at most 1.
    """
    if not 0.0 < least_coverage <= 1.0:
        raise SurrogateError(f"least coverage {least_coverage:g}; it is above 0 and at most 1")
    measured_j, measured_s = np.zeros(len(jobs)), np.zeros(len(jobs))
    for device, rows in _by_device(jobs).items():
        if device in series:
            energy, time = _shared(series[device], [jobs[row] for row in rows])
            measured_j[rows] += energy
            measured_s[rows] += time
    count = np.array([len(job.devices) for job in jobs], dtype=np.float64)
    span = count * np.array([job.end_s - job.start_s for job in jobs])
    whole = np.array([job.end_s - job.start_s for job in jobs])
    return _scaled(tuple(job.job_id for job in jobs), measured_j, measured_s, span, whole, least_coverage)


def align_jobs(
    series: Mapping[str, PowerSeries],
    windows: Sequence[JobWindow],
    job: NDArray[np.int64],
    *,
    least_coverage: float = 0.9,
) -> AlignedEnergy:
    """Return the energy of jobs that have one window or several, as `align` does of windows.

    Args:
        series: device -> power.
        windows: windows.
        job: index of the job of each window, from 0 without a hole.
        least_coverage: below this measured share of its device-seconds a job gets no energy.

    Raises:
        SurrogateError: when `least_coverage` is not above 0 and at most 1.
    """
    found = align(series, windows, least_coverage=least_coverage)
    if np.array_equal(job, np.arange(len(windows))):
        return found
    count = int(job.max()) + 1
    span = np.array([len(window.devices) * (window.end_s - window.start_s) for window in windows])
    devices: list[set[str]] = [set() for _ in range(count)]
    for window, number in zip(windows, job.tolist(), strict=True):
        devices[number].update(window.devices)
    energy, measured, whole = (_summed(job, each) for each in (found.measured_j, found.coverage * span, span))
    first = np.unique(job, return_index=True)[1]
    names = tuple(windows[row].job_id for row in first)
    run_s = whole / np.array([len(each) for each in devices])
    return _scaled(names, energy, measured, whole, run_s, least_coverage)


def _summed(job: NDArray[np.int64], values: Floats) -> Floats:
    return np.bincount(job, values).astype(np.float64)


def _scaled(
    names: tuple[str, ...], measured_j: Floats, measured_s: Floats, span: Floats, run_s: Floats, least: float
) -> AlignedEnergy:
    coverage = np.minimum(measured_s / span, 1.0)
    # A sum of spans may miss the whole by a rounding error.
    low = coverage < least * (1.0 - 1e-12)
    whole = np.where(low, np.nan, measured_j / np.where(low, 1.0, coverage))
    return AlignedEnergy(names, whole, measured_j, whole / span, coverage, low, run_s)


def _by_device(jobs: Sequence[JobWindow]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for row, job in enumerate(jobs):
        for device in job.devices:
            rows.setdefault(device, []).append(row)
    return rows


def _shared(series: PowerSeries, jobs: Sequence[JobWindow]) -> tuple[Floats, Floats]:
    """Return measured energy and time of the jobs of one device.

    Between two dates at which a job starts or ends, the jobs on the device do not change: energy per core is summed
    from date to date, and a job has the difference of the sums times its cores.
    """
    start, end = np.array([job.start_s for job in jobs]), np.array([job.end_s for job in jobs])
    cores = np.array([job.cores for job in jobs])
    dates = np.unique(np.concatenate((start, end)))
    first, last = np.searchsorted(dates, start), np.searchsorted(dates, end)
    change = np.zeros(len(dates))
    np.add.at(change, first, cores)
    np.add.at(change, last, -cores)
    held = np.cumsum(change)[:-1]
    running = np.zeros(len(dates))
    np.add.at(running, first, 1.0)
    np.add.at(running, last, -1.0)
    busy = np.cumsum(running)[:-1] > 0.5
    per_core = np.where(busy, series.energy(dates[:-1], dates[1:]) / np.where(busy, held, 1.0), 0.0)
    total = np.concatenate(([0.0], np.cumsum(per_core)))
    return cores * (total[last] - total[first]), series.measured(start, end)
