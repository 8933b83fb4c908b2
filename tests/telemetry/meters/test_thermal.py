"""Temperatures, fans, clocks, throttling: what is there in its unit, what is not there absent."""

from __future__ import annotations

from typing import Any

from wattq.telemetry.meters import Clock, CpuTemperature, Fan, ThermalSensors, Throttling, Zone


def test_nothing_is_absent_and_not_zero(sysfs: Any) -> None:
    sensors = ThermalSensors(sysfs.root)
    assert sensors.cpu_temperatures() == []
    assert sensors.zones() == []
    assert sensors.fans() == []
    assert sensors.clocks() == []
    assert sensors.throttling() == []
    assert sensors.cpu_temperature_c() is None
    assert sensors.system_temperature_c() is None


def test_cores_and_packages_of_intel(sysfs: Any) -> None:
    files = {"temp1_label": "Package id 1", "temp1_input": 61000, "temp2_label": "Core 0", "temp2_input": 58000}
    sysfs.chip(0, "coretemp", **files, temp12_label="Core 10", temp12_input=60500)
    sensors = ThermalSensors(sysfs.root)
    assert sensors.cpu_temperatures() == [
        CpuTemperature("1", "", 61.0),
        CpuTemperature("1", "0", 58.0),
        CpuTemperature("1", "10", 60.5),
    ]
    assert sensors.cpu_temperature_c() == 61.0


def test_sockets_of_amd_by_order_and_die_before_control(sysfs: Any) -> None:
    first = {"temp1_label": "Tctl", "temp1_input": 75000, "temp2_label": "Tdie", "temp2_input": 65000}
    sysfs.chip(0, "k10temp", **first, temp3_label="Tccd1", temp3_input=63000)
    sysfs.chip(1, "k10temp", temp1_label="Tctl", temp1_input=50000)
    assert ThermalSensors(sysfs.root).cpu_temperatures() == [
        CpuTemperature("0", "", 65.0),
        CpuTemperature("0", "ccd1", 63.0),
        CpuTemperature("1", "", 50.0),
    ]


def test_a_zone_stands_in_for_a_chip(sysfs: Any) -> None:
    for number, kind, milli in ((0, "acpitz", 27800), (1, "x86_pkg_temp", 55000), (10, "cpu-thermal", 56500)):
        sysfs.write(f"class/thermal/thermal_zone{number}/type", kind)
        sysfs.write(f"class/thermal/thermal_zone{number}/temp", milli)
    sensors = ThermalSensors(sysfs.root)
    assert sensors.zones() == [
        Zone("0", "acpitz", 27.8),
        Zone("1", "x86_pkg_temp", 55.0),
        Zone("10", "cpu-thermal", 56.5),
    ]
    assert sensors.cpu_temperature_c() == 56.5
    assert sensors.system_temperature_c() == 27.8


def test_faults_and_impossible_values_are_absent(sysfs: Any) -> None:
    sysfs.chip(0, "coretemp", temp1_label="Core 0", temp1_input=40000, temp1_fault=1)
    sysfs.chip(1, "coretemp", temp1_label="Core 0", temp1_input=-128000)
    sysfs.write("class/thermal/thermal_zone0/type", "acpitz")
    sysfs.write("class/thermal/thermal_zone0/temp", "nonsense")
    sensors = ThermalSensors(sysfs.root)
    assert sensors.cpu_temperatures() == []
    assert sensors.zones() == []


def test_fans_that_stand_still_are_zero_and_missing_ones_absent(sysfs: Any) -> None:
    sysfs.chip(0, "nct6775", fan1_input=0, fan2_input=1450, fan2_label="CPU fan", fan3_input=900, fan3_fault=1)
    assert ThermalSensors(sysfs.root).fans() == [
        Fan("nct6775-fan1", "fan1", 0.0),
        Fan("nct6775-fan2", "CPU fan", 1450.0),
    ]


def test_clocks_in_order(sysfs: Any) -> None:
    for cpu, khz in ((0, 2_400_000), (2, 3_100_500), (10, 800_000)):
        sysfs.write(f"devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq", khz)
    assert ThermalSensors(sysfs.root).clocks() == [Clock("0", 2400.0), Clock("2", 3100.5), Clock("10", 800.0)]


def test_throttling_is_growth_and_threads_count_once(sysfs: Any) -> None:
    for cpu, core in ((0, 0), (1, 1), (2, 0)):
        folder = f"devices/system/cpu/cpu{cpu}"
        sysfs.write(f"{folder}/topology/physical_package_id", 0)
        sysfs.write(f"{folder}/topology/core_id", core)
        sysfs.write(f"{folder}/thermal_throttle/core_throttle_count", 5)
        sysfs.write(f"{folder}/thermal_throttle/package_throttle_count", 9)
    sensors = ThermalSensors(sysfs.root)
    assert sensors.throttling() == [
        Throttling("0", 5, None),
        Throttling("package-0", 9, None),
        Throttling("1", 5, None),
    ]
    sysfs.write("devices/system/cpu/cpu1/thermal_throttle/core_throttle_count", 8)
    assert sensors.throttling() == [
        Throttling("0", 5, False),
        Throttling("package-0", 9, False),
        Throttling("1", 8, True),
    ]
    assert [each.active for each in sensors.throttling()] == [False, False, False]
