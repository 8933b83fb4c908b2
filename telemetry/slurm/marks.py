"""Marks: counters of this node at one date, written down by whichever hook passes by.

Each hook is a process of its own and a job may outlive many of them, so counters are kept as the hardware shows them,
with the value at which they begin anew, and energies are computed from the marks when a job has ended.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wattq.errors import WattqError
from wattq.telemetry.meters import HwmonMeter, Meter, NvmlMeter, RaplMeter, Reading

__all__ = ["Device", "Mark", "gpu_mark", "mark_of", "parse_marks", "take_mark"]


@dataclass(frozen=True)
class Device:
    """What a mark says of a device that draws power.

    Attributes:
        meter, device: names, such as ``rapl`` and ``package-0``.
        energy_j: counter, J; None where it has none.
        power_w: power of the moment, W; None where it is not known.
        wraps_j: where the counter begins anew, J; None where it does not, or nobody knows.
        adds: whether it counts in the sum of the meter's devices.
        whole: whether the meter measures all that the node draws.
    """

    meter: str
    device: str
    energy_j: float | None
    power_w: float | None
    wraps_j: float | None = None
    adds: bool = True
    whole: bool = False


@dataclass(frozen=True)
class Mark:
    """Counters at one date.

    Attributes:
        time_s: Unix s.
        event: ``start`` or ``end`` of a job, ``tick`` of its sampler, ``gpu`` for GPUs alone.
        job_id: the job.
        devices: what draws power.
        cpu_s: busy and whole time of all processors since the machine started, s; None where it was not read.
    """

    time_s: float
    event: str
    job_id: str
    devices: tuple[Device, ...] = ()
    cpu_s: tuple[float, float] | None = None

    def line(self) -> str:
        """Return the mark as one line of JSON."""
        devices = [
            [d.meter, d.device, d.energy_j, d.power_w, d.wraps_j, int(d.adds), int(d.whole)] for d in self.devices
        ]
        document = {"t": self.time_s, "e": self.event, "j": self.job_id, "d": devices, "c": self.cpu_s}
        return json.dumps(document, separators=(",", ":")) + "\n"


def parse_marks(text: str) -> list[Mark]:
    """Return the marks of a file in order of time; lines that are cut short or damaged are left out."""
    marks = []
    for line in text.splitlines():
        with suppress(ValueError, TypeError, KeyError, IndexError, AttributeError):
            marks.append(_parsed(json.loads(line)))
    return sorted(marks, key=lambda mark: mark.time_s)


def _parsed(document: Mapping[str, Any]) -> Mark:
    devices = tuple(
        Device(str(d[0]), str(d[1]), _number(d[2]), _number(d[3]), _number(d[4]), bool(d[5]), bool(d[6]))
        for d in document["d"]
    )
    cpu = document["c"]
    cpu_s = None if cpu is None else (float(cpu[0]), float(cpu[1]))
    return Mark(float(document["t"]), str(document["e"]), str(document["j"]), devices, cpu_s)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def take_mark(now_s: float, event: str, job_id: str, root: Path = Path("/")) -> Mark:
    """Return counters that can be read at once: processors' times, RAPL and hwmon. Nothing that fails is an error.

    Args:
        now_s: the date, Unix s.
        event: as of `Mark`.
        job_id: as of `Mark`.
        root: folder that holds ``sys`` and ``proc``.
    """
    devices: list[Device] = []
    for make in (RaplMeter, HwmonMeter):
        with suppress(WattqError, OSError):
            devices += _read(make(root), now_s)
    return Mark(now_s, event, job_id, tuple(devices), _cpu_times(root))


def mark_of(
    now_s: float, event: str, job_id: str, readings: Sequence[tuple[Meter, Sequence[Reading]]], root: Path = Path("/")
) -> Mark:
    """Return the mark of readings that were taken, with processors' times and counters of RAPL and hwmon as they are.

    A meter that lives long takes out what RAPL's counters wrap, so these two are read anew.
    """
    fresh = take_mark(now_s, event, job_id, root)
    others = [
        _device(meter, reading, None)
        for meter, each in readings
        if meter.name not in (RaplMeter.name, HwmonMeter.name)
        for reading in each
    ]
    return Mark(now_s, event, job_id, fresh.devices + tuple(others), fresh.cpu_s)


def gpu_mark(now_s: float, job_id: str, module: Any = None) -> Mark:
    """Return the counters of the GPUs.

    Raises:
        WattqError: there are none, or no library for them.
    """
    return Mark(now_s, "gpu", job_id, tuple(_read(NvmlMeter(module=module), now_s)))


def _read(meter: Meter, now_s: float) -> list[Device]:
    wraps = meter.ranges_j() if isinstance(meter, RaplMeter) else {}
    try:
        return [_device(meter, reading, wraps.get(reading.device)) for reading in meter.read(now_s)]
    finally:
        meter.close()


def _device(meter: Meter, reading: Reading, wraps_j: float | None) -> Device:
    return Device(
        meter.name, reading.device, reading.energy_j, reading.power_w, wraps_j, reading.adds, meter.whole_node
    )


def _cpu_times(root: Path) -> tuple[float, float] | None:
    """Return busy and whole time of all processors, s; `NodeMeter` knows it only since a reading of its own."""
    with suppress(OSError, ValueError, IndexError):
        first = (root / "proc/stat").read_text(encoding="ascii", errors="replace").partition("\n")[0].split()
        ticks = [float(word) / 100.0 for word in first[1:9]]
        if first[0] == "cpu" and len(ticks) == 8:
            return sum(ticks) - ticks[3] - ticks[4], sum(ticks)
    return None
