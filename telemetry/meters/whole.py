"""The power of this node from the meters that it has: a sensor of the whole node, or of its parts, or the model."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wattq.platforms import NodePower
from wattq.telemetry.meters.base import Meter, Reading, Source, total_energy_j, total_power_w
from wattq.telemetry.meters.finding import METERS, FoundMeters, find_meters
from wattq.telemetry.meters.model import ModelMeter
from wattq.telemetry.meters.node import NodeMeter, NodeReading

__all__ = ["NodeWatts", "PowerOfNode", "whole_node"]


@dataclass(frozen=True, slots=True)
class NodeWatts:
    """Power of the node at one date.

    Attributes:
        power_w: W.
        energy_j: counter of energy, J, where each of its devices has one.
        source: ``measured`` or ``modelled``.
        meter: what it comes from: ``ipmi``, ``hwmon``, ``rapl+nvml``, ``model``.
        is_whole: whether it is all that the node draws; false for processors, memory and GPUs alone.
    """

    power_w: float
    energy_j: float | None
    source: Source
    meter: str
    is_whole: bool


def whole_node(
    meters: Sequence[Meter], readings: Mapping[str, Sequence[Reading]], known: Collection[tuple[str, str]] = ()
) -> NodeWatts | None:
    """Return the power of a node from readings of its meters; None where none has a reading.

    The first meter of the whole node counts alone. Without one, RAPL (packages and memory) and NVML (GPUs) are added:
    they measure different devices. Sensors of hwmon that are parts may measure the same ones, and are used alone, last.
    A sum is never made without one of its parts: a counter that has no power yet, or a device that had one before.

    Args:
        meters: in the order of `METERS`.
        readings: of each meter, by its name.
        known: names of meters and devices that have had a power.
    """
    whole = [meter for meter in meters if meter.whole_node]
    parts = [meter for meter in meters if not meter.whole_node]
    ways = [[meter] for meter in whole]
    ways += [[meter for meter in parts if meter.name != "hwmon"], [meter for meter in parts if meter.name == "hwmon"]]
    for way in ways:
        found = _sum_of(way, readings, known)
        if found is not None:
            return found
    return None


def _sum_of(
    meters: Sequence[Meter], readings: Mapping[str, Sequence[Reading]], known: Collection[tuple[str, str]] = ()
) -> NodeWatts | None:
    found = {meter.name: [reading for reading in readings.get(meter.name, ()) if reading.adds] for meter in meters}
    pairs = [(name, reading) for name, each in found.items() for reading in each]
    lacking = [(name, reading) for name, reading in pairs if reading.power_w is None]
    if any(reading.energy_j is not None or (name, reading.device) in known for name, reading in lacking):
        return None
    used = [meter for meter in meters if total_power_w(found[meter.name]) is not None]
    if not used:
        return None
    adding = [reading for meter in used for reading in found[meter.name] if reading.power_w is not None]
    power_w = sum(reading.power_w for reading in adding if reading.power_w is not None)
    is_whole = all(meter.whole_node for meter in used)
    return NodeWatts(power_w, total_energy_j(adding), used[0].source, "+".join(m.name for m in used), is_whole)


class PowerOfNode:
    """Everything about the power of this node, read together.

    Args:
        found: the meters, from `find_meters`.
        load: load of the node.
        model: power without sensors; no power is made up when None.

    Attributes:
        found: the meters.
        load: the last load that was read.
        readings: of each meter, by its name, the last that were read; of the model too, once it was needed.
    """

    def __init__(self, found: FoundMeters, load: NodeMeter, model: NodePower | None) -> None:
        self.found = found
        self.load: NodeReading | None = None
        self.readings: dict[str, list[Reading]] = {}
        self._load_meter = load
        self._known: set[tuple[str, str]] = set()
        self._model = None if model is None else ModelMeter(model, self._loads)

    @classmethod
    def of_machine(
        cls,
        model: NodePower | None,
        root: Path = Path("/"),
        *,
        wanted: Sequence[str] = METERS,
        ipmi_waits: bool = True,
        nvml: Any = None,
        psutil: Any = None,
    ) -> PowerOfNode:
        """Return the power of this machine, with the meters that work on it; arguments as of `find_meters`."""
        found = find_meters(root, wanted=wanted, ipmi_waits=ipmi_waits, nvml=nvml)
        return cls(found, NodeMeter(root, module=psutil), model)

    def read(self, now_s: float) -> NodeWatts | None:
        """Read load and meters, and return the power of the node: measured, or else modelled, or None.

        Args:
            now_s: the date, Unix s.
        """
        self.load = self._load_meter.read(now_s)
        self.readings = {meter.name: meter.read(now_s) for meter in self.found.meters}
        measured = whole_node(self.found.meters, self.readings, self._known)
        self._known |= {(n, r.device) for n, each in self.readings.items() for r in each if r.power_w is not None}
        if self._model is None:
            return measured
        # The model is read at each date, so that its counter covers dates at which a sensor fails.
        modelled = self._model.read(now_s)
        if measured is not None:
            return measured
        self.readings[self._model.name] = modelled
        return _sum_of([self._model], self.readings)

    def _loads(self) -> tuple[float | None, float | None]:
        gpus = [reading.utilization for reading in self.readings.get("nvml", ())]
        known = [share for share in gpus if share is not None]
        return self.load.cpu_utilization if self.load else None, sum(known) / len(known) if known else None

    def close(self) -> None:
        """Close the meters."""
        self.found.close()
