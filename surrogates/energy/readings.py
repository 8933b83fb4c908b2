"""Readings of the devices of nodes, and the power of each node from them without counting anything twice."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.surrogates.energy.series import PowerSeries

__all__ = ["MeasuredNode", "Readings", "choose_devices", "measured_nodes"]

Floats = NDArray[np.float64]

_TOTAL = re.compile(
    r"node|sys|system|dcmi|ipmi|total|power_meter-.*|pwr consumption|pw consumption|power meter|total.?power"
    r"|sys(tem)?.?(power|level|pwr).*|node.?power.*"
)
_SUPPLY = re.compile(r"psu?([-_ ]?\d+.*)?|pw.?\d.*|power supply.?\d.*|.+-pin\d*(#\d+)?")
_LEFT_OUT = (
    (re.compile(r"(chassis|enclosure|rack).*"), "a sensor of several nodes"),
    (re.compile(r"(gpu[-_]?\d+)[-_/.: ].+"), "part of a GPU"),
    (re.compile(r".+-pout.*"), "output of a supply, inside its input"),
    (re.compile(r".+-ecore\d*.*"), "inside its socket"),
)
_PSYS = re.compile(r"psys([-_]\d+)?")
_PACKAGE = re.compile(r"package[-_]?\d*")
_IN_PACKAGE = re.compile(r"(core|uncore|pp0|pp1|cores|gt)([-_]?\d+)?")
_SOCKET = re.compile(r".+-esocket\d*(#\d+)?")
# A counter is fast where its logger is; readings this much further apart than usual leave a gap.
_USUAL_STEPS = 5.0


@dataclass(frozen=True)
class Readings:
    """Readings of power and energy, in any order; all columns have one row for each.

    Attributes:
        node: name of the node.
        device: name of the device in it, such as ``package-0``, ``dram-0``, ``gpu1``; empty for the node as a whole.
        time_s: Unix time, s.
        power_w: power, W; NaN where it was not read.
        energy_j: energy since the reading before, J; NaN where it is not known.
        meter: what read it, such as ``rapl``; empty where that is not known.
        source, sha256: the file or store, and the digest of its content, if it has one.
        notes: what else to know, such as rows left out.
    """

    node: Sequence[str]
    device: Sequence[str]
    time_s: Floats
    power_w: Floats
    energy_j: Floats
    meter: Sequence[str]
    source: str
    sha256: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class MeasuredNode:
    """The power of a node.

    Attributes:
        name: of the node.
        series: its power over time: the sum of its devices.
        devices: those that were added.
        left_out: other devices, and why they were not.
        meters: what read the devices that were added.
        counted: whether energy counters were used, for some of the time at least.
    """

    name: str
    series: PowerSeries
    devices: tuple[str, ...]
    left_out: dict[str, str]
    meters: tuple[str, ...]
    counted: bool


def choose_devices(devices: Iterable[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the devices of a node that add up to it, and why the others do not.

    A sensor of the whole node (``node``, ``power_meter-power1``), or else the inputs of its supplies added, stands for
    it alone. Else parts are added: RAPL's packages and memory, GPUs, and what has no known name. ``core`` and
    ``uncore`` lie inside their package; ``psys`` holds the packages, so it counts where no package does; a chassis
    holds several nodes. Source: Linux kernel, Documentation/power/powercap/powercap.rst.

    Raises:
        SurrogateError: when none is left.
    """
    names = tuple(dict.fromkeys(devices))
    low = {name: name.strip().lower() for name in names}
    left = {name: why for name in names for rule, why in _LEFT_OUT if rule.fullmatch(low[name])}
    open_ones = [name for name in names if name not in left]
    whole = _whole(open_ones, low)
    if whole:
        told = " and ".join(name for name in whole if name) or "the node"
        return whole, {name: f"inside {told}" for name in open_ones if name not in whole} | left
    left |= _inside(open_ones, low)
    used = tuple(name for name in names if name not in left)
    if not used:
        raise SurrogateError(f"devices {', '.join(names)[:120]}: none of them is of one node; name a node's sensors")
    return used, left


def _whole(names: Sequence[str], low: dict[str, str]) -> tuple[str, ...]:
    """Return the sensor of the whole node, else the inputs of its supplies, else nothing."""
    totals = [name for name in names if not low[name] or _TOTAL.fullmatch(low[name])]
    first = [name for name in totals if low[name] in ("", "node")] or totals
    boards = [name for name in first if low[name].startswith("power_meter-")]
    if totals:
        return tuple(boards) if boards and first[0] in boards else (first[0],)
    supplies = [name for name in names if _SUPPLY.fullmatch(low[name])]
    # A sensor named without a number is the sum of the supplies.
    return tuple([name for name in supplies if low[name] in ("ps", "psu")] or supplies)


def _inside(names: Sequence[str], low: dict[str, str]) -> dict[str, str]:
    """Return the parts that lie inside another one, and where."""
    package, psys = (any(rule.fullmatch(low[name]) for name in names) for rule in (_PACKAGE, _PSYS))
    rules = (
        (_PSYS, package, "holds the packages"),
        (_SOCKET, package, "the package again"),
        (_IN_PACKAGE, package or psys, "inside its package"),
    )
    return {name: why for name in names for rule, holds, why in rules if holds and rule.fullmatch(low[name])}


def measured_nodes(
    readings: Readings, *, hold: str = "linear", gap_s: float | None = None
) -> tuple[dict[str, MeasuredNode], tuple[str, ...]]:
    """Return the nodes of readings, and notes about what was too little to be used.

    Where a device has both, the energy of its counter is taken and not the integral of its power.

    Args:
        readings: of any devices.
        hold: a key of `HOLDS`, for power between two readings.
        gap_s: readings of a device further apart leave a gap, s; five times their median distance when None.

    Raises:
        SurrogateError: when a value breaks its rule, or no node has two readings.
    """
    found, notes = {}, list(readings.notes)
    names = np.asarray(readings.node, dtype=np.str_)
    for name in dict.fromkeys(names.tolist()):
        try:
            found[name] = _node(name, readings, np.flatnonzero(names == name), hold, gap_s, notes)
        except _TooFewError:
            notes.append(f"{name or 'node'}: no device with two readings or more")
    if not found:
        raise SurrogateError(f"{readings.source}: no node has two readings of power or energy; give more samples")
    return found, tuple(notes)


class _TooFewError(Exception):
    """A node without a device that has two readings."""


def _node(
    name: str, readings: Readings, rows: NDArray[np.int64], hold: str, gap_s: float | None, notes: list[str]
) -> MeasuredNode:
    devices = np.asarray(readings.device, dtype=np.str_)[rows]
    meters = np.asarray(readings.meter, dtype=np.str_)[rows]
    parts: dict[str, PowerSeries] = {}
    for device in dict.fromkeys(devices.tolist()):
        mine = _of_best_meter(rows[devices == device], meters[devices == device], readings.energy_j)
        series = _series(readings, mine, hold, gap_s)
        if series is None:
            notes.append(f"{name}: {device or 'node'} has fewer than two readings, left out")
        else:
            parts[device] = series
    if not parts:
        raise _TooFewError
    used, left = choose_devices(parts)
    chosen = np.isin(devices, used)
    return MeasuredNode(
        name=name,
        series=PowerSeries.together([parts[device] for device in used]),
        devices=used,
        left_out=left,
        meters=tuple(sorted({meter for meter in meters[chosen].tolist() if meter})),
        counted=bool(np.isfinite(readings.energy_j[rows[chosen]]).any()),
    )


def _of_best_meter(rows: NDArray[np.int64], meters: NDArray[np.str_], energy_j: Floats) -> NDArray[np.int64]:
    """Return the rows of one meter of a device that several read: that with most counted energies, then most rows."""
    names = list(dict.fromkeys(meters.tolist()))
    if len(names) < 2:
        return rows
    counted = {name: int(np.isfinite(energy_j[rows[meters == name]]).sum()) for name in names}
    best = max(names, key=lambda name: (counted[name], int((meters == name).sum())))
    mine: NDArray[np.int64] = rows[meters == best]
    return mine


def _series(readings: Readings, rows: NDArray[np.int64], hold: str, gap_s: float | None) -> PowerSeries | None:
    time, power, spent = readings.time_s[rows], readings.power_w[rows], readings.energy_j[rows]
    if not (np.isfinite(power) | np.isfinite(spent)).any():
        return None
    kept = np.isfinite(time)
    distinct, place = np.unique(time[kept], return_inverse=True)
    if len(distinct) < 2:
        return None
    gap = _USUAL_STEPS * float(np.median(np.diff(distinct))) if gap_s is None else gap_s
    # Readings of one time (a clock of whole seconds): energies add up, of powers the mean counts.
    energy = _grouped(place, spent[kept], len(distinct))
    count = _grouped(place, np.where(np.isfinite(power[kept]), 1.0, np.nan), len(distinct))
    mean = _grouped(place, power[kept], len(distinct)) / count
    holds = np.isfinite(mean) | np.isfinite(energy) | np.append(np.isfinite(energy[1:]), False)
    return PowerSeries.of_readings(distinct, mean, energy, hold=hold, gap_s=gap) if holds.sum() > 1 else None


def _grouped(place: NDArray[np.int64], values: Floats, n: int) -> Floats:
    """Return the sum of the known values of each group, NaN where none is known."""
    known = np.isfinite(values)
    sums = np.bincount(place[known], values[known], minlength=n)
    return np.where(np.bincount(place[known], minlength=n) > 0, sums, np.nan)
