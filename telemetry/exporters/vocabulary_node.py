"""Metrics of the exporter `node`: hardware, load, energy of one node."""

from __future__ import annotations

from wattq.telemetry.exporters.metric import Alias, Metric

__all__ = ["NODE_METRICS"]


def _gauge(name: str, labels: tuple[str, ...], unit: str, text: str, *aliases: Alias) -> Metric:
    return Metric(name, "gauge", "node", labels, unit, text, aliases)


def _counter(name: str, labels: tuple[str, ...], unit: str, text: str, *aliases: Alias) -> Metric:
    return Metric(name, "counter", "node", labels, unit, text, aliases)


_THERMAL = (
    _gauge(
        "wattq_cpu_temperature_celsius",
        ("socket", "core"),
        "celsius",
        "Temperature of a CPU core; core 'package' is the whole socket",
        Alias("hpc_cpu_temperature_celsius"),
    ),
    _gauge(
        "wattq_node_cpu_temperature_celsius",
        (),
        "celsius",
        "Highest CPU temperature of the node",
        Alias("hpc_node_cpu_temp_celsius"),
    ),
    _gauge(
        "wattq_gpu_temperature_celsius",
        ("gpu", "gpu_name"),
        "celsius",
        "Temperature of a GPU",
        Alias("hpc_gpu_temperature_celsius", ("gpu_id", "gpu_name")),
    ),
    _gauge(
        "wattq_thermal_zone_temperature_celsius",
        ("zone", "type"),
        "celsius",
        "Temperature of a thermal zone",
        Alias("hpc_thermal_zone_temperature_celsius", ("zone_id", "zone_type")),
    ),
    _gauge(
        "wattq_fan_speed_rpm",
        ("fan", "label"),
        "rpm",
        "Speed of a fan, rotations per minute",
        Alias("hpc_fan_speed_rpm", ("fan_id", "fan_label")),
    ),
    _gauge(
        "wattq_thermal_throttling_active",
        ("core",),
        "",
        "1 where heat slowed a core, or a GPU (gpu0), since the previous reading, else 0",
        Alias("hpc_thermal_throttling_active"),
    ),
    _counter(
        "wattq_thermal_events_total",
        ("type",),
        "",
        "Thermal events since the exporter began: throttling, overheat (a threshold was passed), cooling (left again)",
        Alias("hpc_thermal_events_total"),
    ),
)

_POWER = (
    _gauge(
        "wattq_power_watts",
        ("component",),
        "watts",
        "Measured power of a part: package-0, dram-0, gpu0, psu and so on",
        Alias("hpc_power_consumption_watts"),
    ),
    _counter(
        "wattq_energy_joules_total", ("component",), "joules", "Energy counter of a part; where it starts means nothing"
    ),
    _gauge(
        "wattq_node_power_watts",
        ("source",),
        "watts",
        "Power of the node; source: measured, or modelled from its load where nothing measures it",
        Alias("hpc_node_power_watts"),
    ),
    _counter(
        "wattq_node_energy_joules_total",
        ("source",),
        "joules",
        "Energy of the node since the exporter began, by source",
    ),
    _gauge("wattq_power_limit_watts", ("component",), "watts", "Power limit in force for a part"),
    _gauge("wattq_gpu_utilization_ratio", ("gpu", "gpu_name"), "ratio", "Utilisation of a GPU, 0 to 1"),
    _gauge("wattq_gpu_memory_utilization_ratio", ("gpu", "gpu_name"), "ratio", "Memory traffic of a GPU, 0 to 1"),
    _gauge("wattq_gpu_memory_used_bytes", ("gpu", "gpu_name"), "bytes", "Memory in use on a GPU"),
    _gauge("wattq_gpu_clock_hertz", ("gpu", "gpu_name"), "hertz", "Clock of a GPU's processors"),
)

_LOAD = (
    Metric(
        "wattq_node_info",
        "info",
        "node",
        ("node", "processor", "cpus", "system", "version"),
        "",
        "The node: name, processor, logical CPUs, operating system, version of the exporter",
        (Alias("hpc_thermal_system_info"),),
    ),
    _gauge(
        "wattq_node_cpu_utilization_ratio", (), "ratio", "Busy share of the node's CPUs since the last reading, 0-1"
    ),
    _gauge("wattq_node_memory_utilization_ratio", (), "ratio", "Share of the memory that is in use, 0 to 1"),
    _gauge("wattq_node_filesystem_utilization_ratio", ("mountpoint",), "ratio", "Share of a file system that is used"),
    _gauge("wattq_node_cpu_frequency_hertz", (), "hertz", "Mean clock of the CPUs"),
    _gauge("wattq_node_load1", (), "", "Load average over 1 minute"),
    _gauge("wattq_node_load5", (), "", "Load average over 5 minutes"),
    _gauge("wattq_node_load15", (), "", "Load average over 15 minutes"),
    _counter("wattq_node_network_receive_bytes_total", ("device",), "bytes", "Bytes that a network device received"),
    _counter("wattq_node_network_transmit_bytes_total", ("device",), "bytes", "Bytes that a network device sent"),
    _counter("wattq_node_disk_read_bytes_total", ("device",), "bytes", "Bytes read from a disk"),
    _counter("wattq_node_disk_written_bytes_total", ("device",), "bytes", "Bytes written to a disk"),
    _gauge(
        "wattq_meter_up", ("meter",), "", "1 where a meter of the node answered the last reading, 0 where it failed"
    ),
)

NODE_METRICS: tuple[Metric, ...] = (*_THERMAL, *_POWER, *_LOAD)
"""Every metric of the exporter `node`; one whose sensor is missing is absent, never 0."""
