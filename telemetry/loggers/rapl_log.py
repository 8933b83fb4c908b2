"""Log of energy counters of processors and memory: one row per date, two columns per domain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wattq.telemetry.loggers.columns import Column, Deltas, Record, Row, pct
from wattq.telemetry.loggers.records import device_record
from wattq.telemetry.meters.base import Meter, Reading, total_energy_j, total_power_w
from wattq.telemetry.meters.node import CpuShare

__all__ = ["RaplRecorder", "rapl_columns"]


def rapl_columns(devices: Sequence[str]) -> tuple[Column, ...]:
    """Return the columns for these domains: the sum of packages and memory first, then each domain by itself."""
    first = (Column("ts", digits=6), Column("power_w"), Column("energy_counter_j"), Column("cpu_util_pct", digits=2))
    each = (Column(f"{device}_{unit}") for device in devices for unit in ("w", "j"))
    return (*first, *each)


@dataclass(frozen=True)
class _Sample:
    now_s: float
    readings: list[Reading]
    steps_j: list[float | None]
    cpu: float | None
    node: str

    def rows(self) -> list[Row]:
        each = [value for reading in self.readings for value in (reading.power_w, reading.energy_j)]
        return [(self.now_s, total_power_w(self.readings), total_energy_j(self.readings), pct(self.cpu), *each)]

    def records(self) -> dict[str, list[Record]]:
        pairs = zip(self.readings, self.steps_j, strict=True)
        records = [device_record(self.now_s, self.node, "rapl", reading, step_j) for reading, step_j in pairs]
        return {"power_samples": records}


class RaplRecorder:
    """Reads the counters, and the utilisation of the processors that goes with them.

    Args:
        meter: of the counters.
        node: name of this node, for the store.
        cpus: utilisation of the processors.
    """

    def __init__(self, meter: Meter, node: str, cpus: CpuShare) -> None:
        self._meter, self._node, self._cpus, self._deltas = meter, node, cpus, Deltas()
        self.columns = rapl_columns(meter.devices())

    def sample(self, now_s: float) -> _Sample:
        """Read every domain; `now_s` in Unix s."""
        readings = self._meter.read(now_s)
        steps_j = [self._deltas.step(reading.device, reading.energy_j) for reading in readings]
        return _Sample(now_s, readings, steps_j, self._cpus.read(), self._node)

    def close(self) -> None:
        """Close the files of the counters."""
        self._meter.close()
