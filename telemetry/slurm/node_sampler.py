"""Samples of the node while jobs run on it: its load, power and temperatures."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from wattq.platforms import NodePower
from wattq.telemetry.meters import Flow, PowerOfNode, ThermalSensors
from wattq.telemetry.slurm.marks import Mark, mark_of

__all__ = ["NodeSample", "NodeSampler"]


@dataclass(frozen=True)
class NodeSample:
    """The node at one date; None for what is not known.

    Attributes:
        time_s: Unix s.
        node: its name.
        cpu_percent, memory_percent, disk_percent: 0 to 100.
        load: run queue over 1, 5 and 15 minutes.
        cpu_c, gpu_c, system_c: temperatures, degrees Celsius.
        throttling: whether heat slows a core or a GPU down.
        fan_rpm: fastest fan, 1/min.
        power_w: power, W; energy_j: since the sample before, J; both as `source` says.
        source: ``measured`` or ``modelled``.
        moved: bytes received, sent, read and written since the sample before.
    """

    time_s: float
    node: str
    cpu_percent: float | None = None
    memory_percent: float | None = None
    disk_percent: float | None = None
    load: tuple[float | None, float | None, float | None] = (None, None, None)
    cpu_c: float | None = None
    gpu_c: float | None = None
    system_c: float | None = None
    throttling: bool | None = None
    fan_rpm: float | None = None
    power_w: float | None = None
    energy_j: float | None = None
    source: str | None = None
    moved: tuple[int | None, int | None, int | None, int | None] = (None, None, None, None)

    def row(self) -> dict[str, object]:
        """Return it as a row of the table ``node_metrics``."""
        return {
            "time": self.time_s,
            "node_id": self.node,
            "cpu_usage": self.cpu_percent,
            "memory_usage": self.memory_percent,
            "disk_usage": self.disk_percent,
            **dict(zip(("load_avg_1m", "load_avg_5m", "load_avg_15m"), self.load, strict=True)),
            "cpu_temp": self.cpu_c,
            "gpu_temp": self.gpu_c,
            "system_temp": self.system_c,
            "fan_speed_rpm": self.fan_rpm,
            "power_consumption_watts": self.power_w,
            "energy_j": self.energy_j,
            "power_source": self.source,
            **dict(
                zip(
                    ("network_rx_bytes", "network_tx_bytes", "disk_read_bytes", "disk_write_bytes"),
                    self.moved,
                    strict=True,
                )
            ),
        }


class NodeSampler:
    """Reads the node through the meters; one thread at a time.

    Args:
        node: its name.
        model: power where no sensor measures it.
        root: folder that holds ``sys`` and ``proc``.

    Raises:
        MissingDependencyError: psutil is not installed.
    """

    def __init__(self, node: str, model: NodePower, root: Path = Path("/")) -> None:
        self._node, self._root = node, root
        # A slow management controller must not hold up the other jobs.
        self._power = PowerOfNode.of_machine(model, root, ipmi_waits=False)
        self._thermal = ThermalSensors(root)
        self._counters: tuple[float | None, ...] = (None,) * 4
        self._energy: tuple[str, float] | None = None
        # Rates are since the reading before: this one makes the first sample whole.
        self.sample(time.time(), "")

    @property
    def missing(self) -> dict[str, str]:
        """Names of meters that do not work here, and why."""
        return dict(self._power.found.missing)

    def sample(self, now_s: float, job_id: str) -> tuple[NodeSample, Mark]:
        """Return the node at a date, and the mark of it, in the name of a job."""
        watts = self._power.read(now_s)
        sample = self._heated(self._loaded(NodeSample(now_s, self._node)))
        spent_j = self._spent_j(None if watts is None else (watts.meter, watts.energy_j))
        if watts is not None:
            sample = replace(sample, power_w=watts.power_w, energy_j=spent_j, source=watts.source)
        readings = [(meter, self._power.readings.get(meter.name, [])) for meter in self._power.found.meters]
        return sample, mark_of(now_s, "tick", job_id, readings, self._root)

    def close(self) -> None:
        """Close the meters."""
        self._power.close()

    def _loaded(self, sample: NodeSample) -> NodeSample:
        load = self._power.load
        if load is None:
            return sample
        return replace(
            sample,
            cpu_percent=_percent(load.cpu_utilization),
            memory_percent=_percent(load.memory_utilization),
            disk_percent=_percent(max(load.filesystems.values(), default=None)),
            load=(load.load1, load.load5, load.load15),
            moved=self._moved(load.network_total(), load.disk_total()),
        )

    def _moved(self, network: Flow | None, disk: Flow | None) -> tuple[int | None, int | None, int | None, int | None]:
        now: tuple[float | None, ...] = tuple(
            value for flow in (network, disk) for value in ((flow.in_bytes, flow.out_bytes) if flow else (None, None))
        )
        before, self._counters = self._counters, now
        steps = [
            int(new - old) if new is not None and old is not None and new >= old else None
            for new, old in zip(now, before, strict=True)
        ]
        return steps[0], steps[1], steps[2], steps[3]

    def _heated(self, sample: NodeSample) -> NodeSample:
        gpus = self._power.readings.get("nvml", [])
        slowed = [core.active for core in self._thermal.throttling()] + [gpu.throttling for gpu in gpus]
        known = [each for each in slowed if each is not None]
        return replace(
            sample,
            cpu_c=self._thermal.cpu_temperature_c(),
            gpu_c=max((gpu.temperature_c for gpu in gpus if gpu.temperature_c is not None), default=None),
            system_c=self._thermal.system_temperature_c(),
            throttling=any(known) if known else None,
            fan_rpm=max((fan.rpm for fan in self._thermal.fans()), default=None),
        )

    def _spent_j(self, now: tuple[str, float | None] | None) -> float | None:
        before = self._energy
        self._energy = (now[0], now[1]) if now is not None and now[1] is not None else None
        if before is None or self._energy is None or before[0] != self._energy[0]:
            return None
        step = self._energy[1] - before[1]
        return step if step >= 0 else None


def _percent(share: float | None) -> float | None:
    return None if share is None else 100.0 * share
