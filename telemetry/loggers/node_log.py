"""Log of this node: load, temperatures, fans, clocks, power; one row per date."""

from __future__ import annotations

from dataclasses import dataclass

from wattq.telemetry.loggers.columns import Cell, Column, Deltas, Record, Row, pct
from wattq.telemetry.loggers.records import device_record
from wattq.telemetry.meters.base import Reading
from wattq.telemetry.meters.node import Flow, NodeReading
from wattq.telemetry.meters.thermal import ThermalSensors
from wattq.telemetry.meters.whole import NodeWatts, PowerOfNode

__all__ = ["NODE_COLUMNS", "NodeRecorder"]

NODE_COLUMNS = (
    Column("ts", digits=6),
    Column("node", "text"),
    Column("cpu_util_pct", digits=2),
    Column("mem_util_pct", digits=2),
    Column("mem_used_bytes", "whole"),
    Column("disk_util_pct", digits=2),
    Column("load1", digits=2),
    Column("load5", digits=2),
    Column("load15", digits=2),
    Column("net_rx_bytes_s", digits=1),
    Column("net_tx_bytes_s", digits=1),
    Column("disk_read_bytes_s", digits=1),
    Column("disk_write_bytes_s", digits=1),
    Column("cpu_temp_c", digits=1),
    Column("gpu_temp_c", digits=1),
    Column("system_temp_c", digits=1),
    Column("fan_rpm", digits=0),
    Column("cpu_clock_mhz", digits=0),
    Column("throttled_cores", "whole"),
    Column("power_w"),
    Column("power_meter", "text"),
    Column("energy_counter_j"),
    Column("modelled_w"),
)
"""Columns of a log of a node."""

_SLOW_S = 1.0


@dataclass(frozen=True)
class _Heat:
    cpu_c: float | None
    system_c: float | None
    fan_rpm: float | None
    clock_mhz: float | None
    throttled: float | None


@dataclass(frozen=True)
class _Steps:
    """What went by since the sample before: bytes, and energy, J."""

    rx: float | None
    tx: float | None
    read: float | None
    write: float | None
    energy_j: float | None
    devices_j: dict[tuple[str, str], float | None]


@dataclass(frozen=True)
class _Sample:
    now_s: float
    node: str
    load: NodeReading
    heat: _Heat
    watts: NodeWatts | None
    readings: dict[str, list[Reading]]
    steps: _Steps

    @property
    def gpu_c(self) -> float | None:
        known = [reading.temperature_c for reading in self.readings.get("nvml", ())]
        return max((celsius for celsius in known if celsius is not None), default=None)

    def rows(self) -> list[Row]:
        load, heat = self.load, self.heat
        network, disks = load.network_total(), load.disk_total()
        return [
            (
                self.now_s,
                self.node,
                pct(load.cpu_utilization),
                pct(load.memory_utilization),
                load.memory_used_bytes,
                pct(_fullest(load)),
                load.load1,
                load.load5,
                load.load15,
                *_rates(network),
                *_rates(disks),
                heat.cpu_c,
                self.gpu_c,
                heat.system_c,
                heat.fan_rpm,
                heat.clock_mhz,
                heat.throttled,
                *_power(self.watts),
            )
        ]

    def records(self) -> dict[str, list[Record]]:
        devices = [
            device_record(self.now_s, self.node, meter, reading, self.steps.devices_j[meter, reading.device])
            for meter, readings in self.readings.items()
            for reading in readings
            if meter != "model"
        ]
        return {"node_metrics": [self._metrics()], "power_samples": devices}

    def _metrics(self) -> Record:
        load, heat, watts, steps = self.load, self.heat, self.watts, self.steps
        return {
            "time": self.now_s,
            "node_id": self.node,
            "cpu_usage": pct(load.cpu_utilization),
            "memory_usage": pct(load.memory_utilization),
            "disk_usage": pct(_fullest(load)),
            "load_avg_1m": load.load1,
            "load_avg_5m": load.load5,
            "load_avg_15m": load.load15,
            "cpu_temp": heat.cpu_c,
            "gpu_temp": self.gpu_c,
            "system_temp": heat.system_c,
            "fan_speed_rpm": heat.fan_rpm,
            "power_consumption_watts": watts.power_w if watts else None,
            "energy_j": steps.energy_j,
            "network_rx_bytes": _whole(steps.rx),
            "network_tx_bytes": _whole(steps.tx),
            "disk_read_bytes": _whole(steps.read),
            "disk_write_bytes": _whole(steps.write),
            "power_source": watts.source if watts else None,
        }


class NodeRecorder:
    """Reads load, heat and power of this node for a log.

    Sensors of heat are slow to read and slow to change: they are read at most once a second.

    Args:
        power: meters and load.
        thermal: sensors of heat.
        node: name of this node.
        longest_s: a power without a counter counts as energy up to this time between two samples, s.
    """

    columns = NODE_COLUMNS

    def __init__(self, power: PowerOfNode, thermal: ThermalSensors, node: str, *, longest_s: float) -> None:
        self._power, self._thermal, self._node, self._longest_s = power, thermal, node, longest_s
        self._deltas = Deltas()
        self._heat: tuple[float, _Heat] | None = None
        self._last: tuple[float, NodeWatts] | None = None

    def sample(self, now_s: float) -> _Sample:
        """Read everything; `now_s` in Unix s."""
        watts = self._power.read(now_s)
        load = self._power.load
        assert load is not None
        readings = dict(self._power.readings)
        steps = self._steps(now_s, load, watts, readings)
        return _Sample(now_s, self._node, load, self._heat_at(now_s), watts, readings, steps)

    def _steps(
        self, now_s: float, load: NodeReading, watts: NodeWatts | None, readings: dict[str, list[Reading]]
    ) -> _Steps:
        network, disks, step = load.network_total(), load.disk_total(), self._deltas.step
        energy_j = self._energy_j(now_s, watts)
        devices_j = {
            (meter, reading.device): step(f"{meter} {reading.device}", reading.energy_j)
            for meter, each in readings.items()
            for reading in each
        }
        return _Steps(
            step("rx", network.in_bytes if network else None),
            step("tx", network.out_bytes if network else None),
            step("read", disks.in_bytes if disks else None),
            step("write", disks.out_bytes if disks else None),
            energy_j,
            devices_j,
        )

    def _energy_j(self, now_s: float, watts: NodeWatts | None) -> float | None:
        """Return the energy since the sample before, J: by its counter, or else by the mean of the two powers."""
        last, self._last = self._last, None if watts is None else (now_s, watts)
        if last is None or watts is None or last[1].meter != watts.meter:
            return None
        span_s = now_s - last[0]
        if watts.energy_j is not None and last[1].energy_j is not None:
            step_j = watts.energy_j - last[1].energy_j
            return step_j if step_j >= 0 else None
        return 0.5 * (last[1].power_w + watts.power_w) * span_s if 0 < span_s <= self._longest_s else None

    def _heat_at(self, now_s: float) -> _Heat:
        if self._heat is None or not 0 <= now_s - self._heat[0] < _SLOW_S:
            self._heat = (now_s, _look(self._thermal))
        return self._heat[1]

    def close(self) -> None:
        """Close the meters."""
        self._power.close()


def _look(thermal: ThermalSensors) -> _Heat:
    clocks = [clock.mhz for clock in thermal.clocks()]
    throttled = [each.active for each in thermal.throttling() if each.active is not None]
    return _Heat(
        thermal.cpu_temperature_c(),
        thermal.system_temperature_c(),
        max((fan.rpm for fan in thermal.fans()), default=None),
        sum(clocks) / len(clocks) if clocks else None,
        float(sum(throttled)) if throttled else None,
    )


def _fullest(load: NodeReading) -> float | None:
    return max(load.filesystems.values(), default=None)


def _rates(flow: Flow | None) -> tuple[float | None, float | None]:
    return (None, None) if flow is None else (flow.in_bytes_s, flow.out_bytes_s)


def _power(watts: NodeWatts | None) -> tuple[Cell, Cell, Cell, Cell]:
    """Return power_w, power_meter, its counter, modelled_w: what is modelled never stands where a measurement would."""
    if watts is None:
        return None, None, None, None
    if watts.source == "modelled":
        return None, None, None, watts.power_w
    return watts.power_w, watts.meter, watts.energy_j, None


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)
