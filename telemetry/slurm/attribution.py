"""Energy of a job from the marks of its node, shared with the jobs beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from wattq.errors import SurrogateError
from wattq.platforms import NodePower
from wattq.surrogates.energy import JobWindow, PowerSeries, align
from wattq.telemetry.slurm.marks import Device, Mark

__all__ = ["Holding", "JobEnergy", "energy_of_jobs"]

_MOST_W = 1000.0
_NEVER_S = 1e9
_SHORTEST_S = 1e-6
_PEAK_S = 0.5
_TICKS_S = 0.05
_LEAST = 0.5


@dataclass(frozen=True)
class Holding:
    """What a job holds of this node, and when; `end_s` is infinite while it runs."""

    start_s: float
    end_s: float
    cores: float
    gpus: tuple[int, ...] = ()


@dataclass(frozen=True)
class JobEnergy:
    """Energy of a job on this node.

    Attributes:
        energy_j: J; what was not measured counts with the mean power of the rest.
        mean_w, peak_w: mean power, and the highest between two marks, W.
        coverage: share of the run that was measured (or modelled), 0 to 1.
        source: ``measured`` or ``modelled``.
        meter: what it comes from, such as ``rapl+nvml`` or ``model``.
    """

    energy_j: float
    mean_w: float
    peak_w: float
    coverage: float
    source: str
    meter: str


@dataclass(frozen=True)
class _Way:
    """One way to know the power of the node: its parts, by name, and what they are called together."""

    parts: Mapping[str, PowerSeries]
    source: str
    meter: str


def energy_of_jobs(
    marks: Sequence[Mark], held: Mapping[str, Holding], model: NodePower, sample_s: float, *, most_dates: int = 2000
) -> dict[str, JobEnergy]:
    """Return the energy of the jobs that have ended, as far as marks tell.

    What the node draws belongs to the jobs on it, by the cores that they hold at each moment; a GPU that a job holds
    belongs to that job (to several that share it in equal parts). So the energies of the jobs add up to that of the
    node while any of them runs. The first way that covers at least half of a job counts: a meter of the whole node,
    packages and memory with GPUs, other sensors, the model at the processors' utilisation.

    Args:
        marks: of the node, in order of time.
        held: what each job holds; a job that runs still has an infinite end, and gets no energy.
        model: power of the node without sensors.
        sample_s: seconds between samples; sensors of power without a counter are trusted over five of them.
        most_dates: most marks that peaks of power are looked for between; energy does not depend on it.
    """
    found: dict[str, JobEnergy] = {}
    for way in _ways(marks, model, sample_s):
        for job, energy in _along(way, _thinned(marks, most_dates), held).items():
            known = found.get(job)
            if known is None or (known.coverage < _LEAST and energy.coverage > known.coverage):
                found[job] = energy
    return found


def _ways(marks: Sequence[Mark], model: NodePower, sample_s: float) -> Iterable[_Way]:
    series: dict[tuple[str, str], PowerSeries] = {}
    whole: dict[str, bool] = {}
    for meter, device in sorted({(d.meter, d.device) for mark in marks for d in mark.devices if d.adds}):
        one = _series(marks, meter, device, sample_s)
        if one is not None:
            series[meter, device] = one
    for mark in marks:
        whole.update({d.meter: d.whole for d in mark.devices if d.adds and (d.meter, d.device) in series})
    groups: list[tuple[str, ...]] = [(meter,) for meter in sorted(whole) if whole[meter]]
    groups += [tuple(meter for meter in ("rapl", "nvml") if meter in whole and not whole[meter])]
    # GPUs that a short job does not hold may not have been read while it ran.
    groups += [("rapl",)] if groups[-1] == ("rapl", "nvml") else []
    groups += [tuple(meter for meter in sorted(whole) if not whole[meter] and meter not in ("rapl", "nvml"))]
    for group in filter(None, groups):
        yield _Way({d: one for (m, d), one in series.items() if m in group}, "measured", "+".join(group))
    modelled = _modelled(marks, model)
    if modelled is not None:
        yield _Way({"node": modelled}, "modelled", "model")


def _series(marks: Sequence[Mark], meter: str, device: str, sample_s: float) -> PowerSeries | None:
    seen = [(mark.time_s, d) for mark in marks for d in mark.devices if (d.meter, d.device) == (meter, device)]
    counted = [(time, d) for time, d in seen if d.energy_j is not None]
    powered = [(time, d) for time, d in seen if d.power_w is not None]
    try:
        if len(counted) >= len(powered):
            times, devices = _growing(counted)
            wrap = devices[-1].wraps_j if devices else None
            gap_s = wrap / _MOST_W if wrap else _NEVER_S
            counters = [min(d.energy_j or 0.0, wrap - 1e-6) if wrap else d.energy_j or 0.0 for d in devices]
            return PowerSeries.of_counter(times, counters, wrap_j=wrap, gap_s=gap_s)
        times, devices = _growing(powered)
        return PowerSeries.of_samples(times, [d.power_w or 0.0 for d in devices], gap_s=5 * sample_s)
    except SurrogateError:
        return None


def _growing(seen: Sequence[tuple[float, Device]]) -> tuple[list[float], list[Device]]:
    kept: list[tuple[float, Device]] = []
    for time, device in seen:
        if not kept or time > kept[-1][0] + _SHORTEST_S:
            kept.append((time, device))
    return [time for time, _ in kept], [device for _, device in kept]


def _modelled(marks: Sequence[Mark], model: NodePower) -> PowerSeries | None:
    """Return the power of the model, which is affine in utilisation, so that its mean is that of mean utilisation."""
    timed = [(mark.time_s, mark.cpu_s) for mark in marks if mark.cpu_s is not None]
    times: list[float] = [timed[0][0]] if timed else []
    spent = [np.nan]
    before = timed[0][1] if timed else (0.0, 0.0)
    for time, cpu in timed[1:]:
        span, whole = time - times[-1], cpu[1] - before[1]
        # Within less than some ticks of the kernel's clock (10 ms) there is no telling.
        if span < _TICKS_S or whole <= 0:
            continue
        times.append(time)
        spent.append(model.power_w(min(max((cpu[0] - before[0]) / whole, 0.0), 1.0)) * span)
        before = cpu
    try:
        return PowerSeries.of_readings(times, [np.nan] * len(times), spent[: len(times)], gap_s=_NEVER_S)
    except SurrogateError:
        return None


def _along(way: _Way, marks: Sequence[Mark], held: Mapping[str, Holding]) -> dict[str, JobEnergy]:
    windows = _windows(way, _dates(marks, held), held)
    if not windows:
        return {}
    found = align(way.parts, windows, least_coverage=1e-9)
    sums: dict[str, _Sums] = {}
    for k, window in enumerate(windows):
        measured = float(found.measured_j[k]), float(found.coverage[k]) * (window.end_s - window.start_s)
        sums.setdefault(window.job_id, _Sums()).add(window, *measured)
    energies = {job: one.energy(way) for job, one in sums.items() if np.isfinite(held[job].end_s)}
    return {job: energy for job, energy in energies.items() if energy is not None}


class _Sums:
    """What a job drew from each device, and between each two dates."""

    def __init__(self) -> None:
        self._devices: dict[str, list[float]] = {}
        self._spans: dict[tuple[float, float], list[float]] = {}

    def add(self, window: JobWindow, measured_j: float, measured_s: float) -> None:
        span_s = window.end_s - window.start_s
        device = self._devices.setdefault(window.devices[0], [0.0, 0.0, 0.0])
        for k, value in enumerate((measured_j, measured_s, span_s)):
            device[k] += value
        span = self._spans.setdefault((window.start_s, window.end_s), [0.0, span_s])
        span[0] += measured_j
        span[1] = min(span[1], measured_s)

    def energy(self, way: _Way) -> JobEnergy | None:
        """Return the energy; each device counts on with its mean power where it was not measured."""
        if any(measured_s <= 0.0 for _, measured_s, _ in self._devices.values()):
            return None
        energy_j = sum(joules * span_s / measured_s for joules, measured_s, span_s in self._devices.values())
        coverage = min(measured_s / span_s for _, measured_s, span_s in self._devices.values())
        run_s = sum(end - start for start, end in self._spans)
        whole = {span: each[0] for span, each in self._spans.items() if each[1] > 0.999 * (span[1] - span[0])}
        powers = [joules / (end - start) for (start, end), joules in whole.items() if end - start >= _PEAK_S]
        mean_w = energy_j / run_s
        return JobEnergy(energy_j, mean_w, max([mean_w, *powers]), min(coverage, 1.0), way.source, way.meter)


def _thinned(marks: Sequence[Mark], most: int) -> Sequence[Mark]:
    return marks[:: -(-len(marks) // most)] if most and marks else ()


def _dates(marks: Sequence[Mark], held: Mapping[str, Holding]) -> list[float]:
    """Return the dates between which nothing changes: marks, and starts and ends of jobs."""
    finite = [date for each in held.values() for date in (each.start_s, each.end_s) if np.isfinite(date)]
    if not finite:
        return []
    last = max(finite)
    dates = sorted({*finite, *(mark.time_s for mark in marks if min(finite) < mark.time_s < last)})
    kept = dates[:1]
    for date in dates[1:]:
        if date > kept[-1] + _SHORTEST_S:
            kept.append(date)
    return kept


def _windows(way: _Way, dates: Sequence[float], held: Mapping[str, Holding]) -> list[JobWindow]:
    windows = []
    for start, end in pairwise(dates):
        middle = 0.5 * (start + end)
        running = {job: one for job, one in held.items() if one.start_s <= middle < one.end_s}
        for device in way.parts if running else ():
            gpu = int(device[3:]) if device.startswith("gpu") and device[3:].isdecimal() else None
            holders = [job for job, one in running.items() if gpu in one.gpus]
            shares = dict.fromkeys(holders, 1.0) or {job: max(one.cores, 1e-9) for job, one in running.items()}
            windows += [JobWindow(job, start, end, (device,), cores) for job, cores in shares.items()]
    return windows
