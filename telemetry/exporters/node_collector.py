"""The exporter `node`: what the meters of this node say, as metrics."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path

from wattq import __version__
from wattq.telemetry.energy_step import energy_between_j
from wattq.telemetry.exporters.book import Book, Key
from wattq.telemetry.exporters.thermal_events import ThermalEvents
from wattq.telemetry.meters import Flow, NodeReading, NodeWatts, PowerOfNode, Reading, ThermalSensors

__all__ = ["NodeCollector", "processor_name"]


class NodeCollector:
    """Puts the readings of a node into a book; a sensor that is missing leaves its metric absent.

    Args:
        book: of the exporter `node`.
        power: meters and load.
        thermal: temperatures, fans, clocks, throttling.
        node: name of the node.
        root: folder that holds ``proc``, for the processor's name.
    """

    def __init__(
        self, book: Book, power: PowerOfNode, thermal: ThermalSensors, node: str = "", root: Path = Path("/")
    ) -> None:
        self.book = book
        self._power, self._thermal = power, thermal
        self._events = ThermalEvents(book)
        self._before: tuple[float, NodeWatts | None] | None = None
        system = f"{platform.system()} {platform.release()}"
        labels = (node or platform.node(), processor_name(root), os.cpu_count() or 0, system, __version__)
        book.set("wattq_node_info", 1, labels)

    def update(self, now_s: float) -> None:
        """Read all meters and sensors.

        Args:
            now_s: the date, Unix s.
        """
        watts = self._power.read(now_s)
        self._show_power(watts, now_s)
        self._show_gpus(self._power.readings.get("nvml", ()))
        self._show_heat()
        if self._power.load is not None:
            self._show_load(self._power.load)

    def _show_power(self, watts: NodeWatts | None, now_s: float) -> None:
        meters = {meter.name: self._power.readings.get(meter.name, ()) for meter in self._power.found.meters}
        parts = [reading for readings in meters.values() for reading in readings]
        self._gauge("wattq_power_watts", {(part.device,): part.power_w for part in parts})
        self._gauge("wattq_energy_joules_total", {(part.device,): part.energy_j for part in parts})
        self._gauge("wattq_power_limit_watts", {(part.device,): part.power_limit_w for part in parts})
        self._gauge("wattq_meter_up", {(name,): float(_answers(found)) for name, found in meters.items()})
        self._gauge("wattq_node_power_watts", {} if watts is None else {(watts.source,): watts.power_w})
        before, self._before = self._before, (now_s, watts)
        if watts is not None and before is not None:
            energy_j = energy_between_j(*before, now_s, watts)
            self.book.add("wattq_node_energy_joules_total", energy_j, (watts.source,))

    def _show_gpus(self, gpus: Iterable[Reading]) -> None:
        known = {(gpu.device.removeprefix("gpu"), gpu.label): gpu for gpu in gpus}
        each = known.items()
        self._gauge("wattq_gpu_temperature_celsius", {key: gpu.temperature_c for key, gpu in each})
        self._gauge("wattq_gpu_utilization_ratio", {key: gpu.utilization for key, gpu in each})
        self._gauge("wattq_gpu_memory_utilization_ratio", {key: gpu.memory_utilization for key, gpu in each})
        self._gauge("wattq_gpu_memory_used_bytes", {key: gpu.memory_used_bytes for key, gpu in each})
        clocks = {key: None if gpu.clock_mhz is None else gpu.clock_mhz * 1e6 for key, gpu in each}
        self._gauge("wattq_gpu_clock_hertz", clocks)
        heat = [(key[0], gpu.temperature_c) for key, gpu in each]
        self._events.temperatures("gpu", [(name, celsius) for name, celsius in heat if celsius is not None])

    def _show_heat(self) -> None:
        thermal = self._thermal
        cpus = thermal.cpu_temperatures()
        values = {(cpu.socket, cpu.core or "package"): cpu.celsius for cpu in cpus}
        self._gauge("wattq_cpu_temperature_celsius", values)
        self._single("wattq_node_cpu_temperature_celsius", thermal.cpu_temperature_c())
        self._gauge("wattq_thermal_zone_temperature_celsius", {(z.zone, z.type): z.celsius for z in thermal.zones()})
        self._gauge("wattq_fan_speed_rpm", {(fan.fan, fan.label): fan.rpm for fan in thermal.fans()})
        clocks = [clock.mhz for clock in thermal.clocks()]
        self._single("wattq_node_cpu_frequency_hertz", 1e6 * sum(clocks) / len(clocks) if clocks else None)
        counts = thermal.throttling()
        active = {(count.core,): float(count.active or 0) for count in counts}
        gpus = self._power.readings.get("nvml", ())
        active |= {(gpu.device,): float(gpu.throttling) for gpu in gpus if gpu.throttling is not None}
        self._gauge("wattq_thermal_throttling_active", active)
        self._events.temperatures("cpu", [(" ".join(key), celsius) for key, celsius in values.items()])
        self._events.throttling(counts)

    def _show_load(self, load: NodeReading) -> None:
        self._single("wattq_node_cpu_utilization_ratio", load.cpu_utilization)
        self._single("wattq_node_memory_utilization_ratio", load.memory_utilization)
        self._single("wattq_node_load1", load.load1)
        self._single("wattq_node_load5", load.load5)
        self._single("wattq_node_load15", load.load15)
        self._gauge("wattq_node_filesystem_utilization_ratio", {(k,): v for k, v in load.filesystems.items()})
        self._flows("wattq_node_network_receive_bytes_total", "wattq_node_network_transmit_bytes_total", load.network)
        self._flows("wattq_node_disk_read_bytes_total", "wattq_node_disk_written_bytes_total", load.disks)

    def _flows(self, into: str, out: str, flows: Mapping[str, Flow]) -> None:
        self._gauge(into, {(device,): flow.in_bytes for device, flow in flows.items()})
        self._gauge(out, {(device,): flow.out_bytes for device, flow in flows.items()})

    def _single(self, name: str, value: float | None) -> None:
        self._gauge(name, {(): value})

    def _gauge(self, name: str, values: Mapping[Key, float | None]) -> None:
        self.book.replace(name, {key: value for key, value in values.items() if value is not None})


def _answers(readings: Iterable[Reading]) -> bool:
    return any(reading.power_w is not None or reading.energy_j is not None for reading in readings)


def processor_name(root: Path = Path("/")) -> str:
    """Return what the processor calls itself; its architecture where it does not say."""
    try:
        lines = (root / "proc" / "cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        key, sign, value = line.partition(":")
        if sign and key.strip() in ("model name", "Model", "cpu model") and value.strip():
            return value.strip()
    return platform.machine()
