"""The power of this node from the meters that it has: a sensor of the whole node, or of its parts, or the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def whole_node(meters: Sequence[Meter], readings: Mapping[str, Sequence[Reading]]) -> NodeWatts | None:
    """Return the power of a node from readings of its meters; None where none has a reading.

    The first meter of the whole node counts alone. Without one, RAPL (packages and memory) and NVML (GPUs) are added:
    they measure different devices. Sensors of hwmon that are parts may measure the same ones, and are used alone, last.

    Args:
        meters: in the order of `METERS`.
        readings: of each meter, by its name.
    """
    whole = [meter for meter in meters if meter.whole_node]
    parts = [meter for meter in meters if not meter.whole_node]
    ways = [[meter] for meter in whole]
    ways += [[meter for meter in parts if meter.name != "hwmon"], [meter for meter in parts if meter.name == "hwmon"]]
    for way in ways:
        found = _sum_of(way, readings)
        if found is not None:
            return found
    return None


def _sum_of(meters: Sequence[Meter], readings: Mapping[str, Sequence[Reading]]) -> NodeWatts | None:
    powers = {meter: total_power_w(readings.get(meter.name, ())) for meter in meters}
    known = [meter for meter in meters if powers[meter] is not None]
    if not known:
        return None
    counters = [total_energy_j(readings[meter.name]) for meter in known]
    energy_j = None if None in counters else sum(counter for counter in counters if counter is not None)
    power_w = sum(power for power in powers.values() if power is not None)
    is_whole = all(meter.whole_node for meter in known)
    return NodeWatts(power_w, energy_j, known[0].source, "+".join(meter.name for meter in known), is_whole)


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
        measured = whole_node(self.found.meters, self.readings)
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
