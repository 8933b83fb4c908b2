"""Log of NVIDIA GPUs: one row per GPU and date."""

from __future__ import annotations

from dataclasses import dataclass

from wattq.telemetry.loggers.columns import Column, Deltas, Record, Row, pct
from wattq.telemetry.loggers.records import device_record
from wattq.telemetry.meters.base import Meter, Reading

__all__ = ["NVML_COLUMNS", "NvmlRecorder"]

NVML_COLUMNS = (
    Column("ts", digits=6),
    Column("gpu_index", "whole"),
    Column("power_w"),
    Column("gpu_util_pct", digits=1),
    Column("mem_util_pct", digits=1),
    Column("temp_c", digits=1),
    Column("energy_counter_j"),
    Column("mem_used_bytes", "whole"),
    Column("sm_clock_mhz", digits=0),
    Column("power_limit_w"),
    Column("throttling", "whole"),
)
"""Columns of a log of GPUs."""


@dataclass(frozen=True)
class _Sample:
    now_s: float
    readings: list[Reading]
    steps_j: list[float | None]
    node: str

    def rows(self) -> list[Row]:
        return [_row(self.now_s, reading) for reading in self.readings]

    def records(self) -> dict[str, list[Record]]:
        pairs = zip(self.readings, self.steps_j, strict=True)
        records = [device_record(self.now_s, self.node, "nvml", reading, step_j) for reading, step_j in pairs]
        return {"power_samples": records}


class NvmlRecorder:
    """Reads GPUs for a log.

    Args:
        meter: of the GPUs.
        node: name of this node, for the store.
    """

    columns = NVML_COLUMNS

    def __init__(self, meter: Meter, node: str) -> None:
        self._meter, self._node, self._deltas = meter, node, Deltas()

    def sample(self, now_s: float) -> _Sample:
        """Read every GPU; `now_s` in Unix s."""
        readings = self._meter.read(now_s)
        steps_j = [self._deltas.step(reading.device, reading.energy_j) for reading in readings]
        return _Sample(now_s, readings, steps_j, self._node)

    def close(self) -> None:
        """Close the meter."""
        self._meter.close()


def _row(now_s: float, reading: Reading) -> Row:
    return (
        now_s,
        float(reading.device.removeprefix("gpu")),
        reading.power_w,
        pct(reading.utilization),
        pct(reading.memory_utilization),
        reading.temperature_c,
        reading.energy_j,
        reading.memory_used_bytes,
        reading.clock_mhz,
        reading.power_limit_w,
        None if reading.throttling is None else float(reading.throttling),
    )
