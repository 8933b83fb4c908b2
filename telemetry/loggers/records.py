"""Readings of devices as rows of the store."""

from __future__ import annotations

from wattq.telemetry.loggers.columns import Record
from wattq.telemetry.meters.base import Reading

__all__ = ["device_record"]


def device_record(now_s: float, node: str, meter: str, reading: Reading, step_j: float | None) -> Record:
    """Return a row of the table ``power_samples``.

    Args:
        now_s: the date, Unix s.
        node: name of the node.
        meter: name of the meter.
        reading: of a device.
        step_j: energy since the sample before, J.
    """
    return {
        "time": now_s,
        "node_id": node,
        "device": reading.device,
        "power_w": reading.power_w,
        "energy_j": step_j,
        "utilization": reading.utilization,
        "memory_utilization": reading.memory_utilization,
        "memory_used_bytes": None if reading.memory_used_bytes is None else int(reading.memory_used_bytes),
        "temperature_c": reading.temperature_c,
        "clock_mhz": reading.clock_mhz,
        "power_limit_w": reading.power_limit_w,
        "meter": meter,
    }
