"""The exporter `node` on machines made of files: what is there is shown, what is missing is absent."""

from __future__ import annotations

from typing import Any

import pytest

from wattq.platforms import NodePower
from wattq.telemetry.exporters import Book, NodeCollector, metrics_of, render
from wattq.telemetry.meters import PowerOfNode, ThermalSensors

MODEL = NodePower(node_idle_w=100, node_full_w=300)


def machine(sysfs: Any, fake_nvml: Any, fake_psutil: Any) -> Any:
    """Write a machine that has every sensor; return its GPU."""
    sysfs.rapl("intel-rapl:0", "package-0", 1_000_000)
    sysfs.rapl("intel-rapl:0:0", "dram", 1_000_000)
    sysfs.chip(0, "coretemp", temp1_label="Package id 0", temp1_input=61000, temp2_label="Core 3", temp2_input=58000)
    sysfs.chip(1, "nct6775", fan1_input=1200, fan1_label="rear")
    sysfs.write("class/thermal/thermal_zone0/type", "acpitz")
    sysfs.write("class/thermal/thermal_zone0/temp", 31500)
    sysfs.write("devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", 4)
    sysfs.write("devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", 2_500_000)
    sysfs.write("devices/system/cpu/cpu1/cpufreq/scaling_cur_freq", 3_500_000)
    gpu = {"power_mw": 200_000, "energy_mj": 5_000_000, "util": (80, 30), "memory": 2**30, "temp": 70, "clock": 1500}
    return {**gpu, "enforced_mw": 700_000, "reasons": 0}


def collector(sysfs: Any, nvml: Any, psutil: Any, **options: Any) -> NodeCollector:
    power = PowerOfNode.of_machine(MODEL, sysfs.root, wanted=("hwmon", "rapl", "nvml"), nvml=nvml, psutil=psutil)
    return NodeCollector(Book("node", **options), power, ThermalSensors(sysfs.root), "n1", sysfs.root)


def lines(made: NodeCollector) -> list[str]:
    return [line for line in render(made.book)[0].decode().splitlines() if not line.startswith("#")]


@pytest.fixture
def full(sysfs: Any, fake_nvml: Any, fake_psutil: Any) -> tuple[NodeCollector, Any, Any]:
    gpu = machine(sysfs, fake_nvml, fake_psutil)
    nvml = fake_nvml(gpu)
    made = collector(sysfs, nvml, fake_psutil)
    made.update(1000.0)
    return made, nvml.gpus[0], fake_psutil


def test_every_metric_of_the_vocabulary_is_shown(full: Any, sysfs: Any) -> None:
    made, gpu, psutil = full
    sysfs.rapl("intel-rapl:0", "package-0", 1_000_000 + 500_000_000)
    sysfs.rapl("intel-rapl:0:0", "dram", 1_000_000 + 50_000_000)
    gpu["energy_mj"] += 2_000_000
    psutil.busy_s += 5
    psutil.idle_s += 15
    made.update(1010.0)
    shown = lines(made)
    names = {line.partition("{")[0].partition(" ")[0] for line in shown}
    assert names == {name for metric in metrics_of("node") for name in metric.names}
    assert {
        'wattq_cpu_temperature_celsius{core="3",socket="0"} 58.0',
        'hpc_cpu_temperature_celsius{core="package",socket="0"} 61.0',
        "wattq_node_cpu_temperature_celsius 61.0",
        'wattq_gpu_temperature_celsius{gpu="0",gpu_name="Fake 1000"} 70.0',
        'hpc_gpu_temperature_celsius{gpu_id="0",gpu_name="Fake 1000"} 70.0',
        'hpc_thermal_zone_temperature_celsius{zone_id="0",zone_type="acpitz"} 31.5',
        'hpc_fan_speed_rpm{fan_id="nct6775-fan1",fan_label="rear"} 1200.0',
        'wattq_power_watts{component="package-0"} 50.0',
        'wattq_power_watts{component="dram-0"} 5.0',
        'wattq_power_limit_watts{component="gpu0"} 700.0',
        'wattq_gpu_memory_utilization_ratio{gpu="0",gpu_name="Fake 1000"} 0.3',
        'wattq_gpu_clock_hertz{gpu="0",gpu_name="Fake 1000"} 1.5e+09',
        "wattq_node_cpu_frequency_hertz 3e+09",
        "wattq_node_cpu_utilization_ratio 0.25",
        "wattq_node_memory_utilization_ratio 0.25",
        'wattq_node_filesystem_utilization_ratio{mountpoint="/scratch"} 0.9',
        "wattq_node_load15 1.0",
        'wattq_node_network_receive_bytes_total{device="eth0"} 1000.0',
        'wattq_meter_up{meter="rapl"} 1.0',
        'wattq_meter_up{meter="nvml"} 1.0',
        'wattq_thermal_throttling_active{core="0"} 0.0',
        'wattq_thermal_events_total{type="throttling"} 0.0',
    } <= set(shown)


def test_energy_of_the_node_comes_from_its_counters(full: Any, sysfs: Any) -> None:
    made, gpu, _ = full
    for step in (1, 2):
        sysfs.rapl("intel-rapl:0", "package-0", 1_000_000 + step * 500_000_000)
        sysfs.rapl("intel-rapl:0:0", "dram", 1_000_000 + step * 50_000_000)
        gpu["energy_mj"] += 2_000_000
        made.update(1000.0 + 10 * step)
    # the first reading has no power: the second counts power x time, the third the difference of the counters
    assert made.book.value("wattq_node_energy_joules_total", ("measured",)) == pytest.approx(2 * (500 + 50 + 2000))
    assert made.book.value("wattq_node_power_watts", ("measured",)) == pytest.approx(255.0)


def test_without_sensors_power_is_modelled_and_heat_is_absent(sysfs: Any, fake_nvml: Any, fake_psutil: Any) -> None:
    made = collector(sysfs, fake_nvml(init="LibraryNotFound"), fake_psutil)
    made.update(1000.0)
    fake_psutil.busy_s += 10
    fake_psutil.idle_s += 10
    made.update(1020.0)
    shown = lines(made)
    assert 'wattq_node_power_watts{source="modelled"} 200.0' in shown
    assert 'hpc_node_power_watts{source="modelled"} 200.0' in shown
    assert 'wattq_node_energy_joules_total{source="modelled"} 4000.0' in shown
    absent = ("temperature", "throttling", "thermal_events", "fan", "gpu", "wattq_power_watts", "frequency", "meter_up")
    assert not [line for line in shown for word in absent if word in line.partition("{")[0]]


def test_a_sensor_that_fails_leaves_nothing_behind(full: Any) -> None:
    made, gpu, _ = full
    del gpu["temp"], gpu["power_mw"], gpu["energy_mj"]
    made.update(1010.0)
    shown = lines(made)
    assert not [line for line in shown if line.startswith(("wattq_gpu_temperature", "hpc_gpu_temperature"))]
    assert not [line for line in shown if 'component="gpu0"' in line and "limit" not in line]
    assert 'wattq_meter_up{meter="nvml"} 0.0' in shown


def test_thermal_events_are_counted_once(full: Any, sysfs: Any) -> None:
    made, gpu, _ = full
    count = "devices/system/cpu/cpu0/thermal_throttle/core_throttle_count"
    for now, milli, throttled in (
        (1, 84_000, 4),
        (2, 85_000, 7),
        (3, 90_000, 7),
        (4, 80_000, 7),
        (5, 86_000, 9),
        (6, 74_000, 9),
    ):
        sysfs.write("class/hwmon/hwmon0/temp1_input", milli)
        sysfs.write(count, throttled)
        made.update(1000.0 + now)
    events = {
        kind: made.book.value("wattq_thermal_events_total", (kind,)) for kind in ("overheat", "cooling", "throttling")
    }
    assert events == {"overheat": 1.0, "cooling": 1.0, "throttling": 5.0}
    gpu["temp"] = 90
    made.update(1010.0)
    assert made.book.value("wattq_thermal_events_total", ("overheat",)) == 2.0


def test_throttling_is_active_while_the_count_grows(full: Any, sysfs: Any) -> None:
    made = full[0]
    sysfs.write("devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", 5)
    active = []
    for now in (1, 2):
        made.update(1000.0 + now)
        active.append(made.book.value("wattq_thermal_throttling_active", ("0",)))
    assert active == [1.0, 0.0]
    assert made.book.value("wattq_thermal_throttling_active", ("gpu0",)) == 0.0


def test_info_names_node_and_processor(sysfs: Any, fake_nvml: Any, fake_psutil: Any) -> None:
    (sysfs.root / "proc").mkdir()
    (sysfs.root / "proc" / "cpuinfo").write_text("processor : 0\nmodel name\t: Fake CPU 3000\n", encoding="utf-8")
    made = collector(sysfs, fake_nvml(init="LibraryNotFound"), fake_psutil, aliases=False)
    (line,) = lines(made)
    assert line.startswith("wattq_node_info{")
    assert 'node="n1",processor="Fake CPU 3000"' in line
