"""hwmon: units, which sensors are the node, which are parts."""

from __future__ import annotations

from typing import Any

import pytest

from wattq.telemetry.meters import HwmonMeter, MeterError, total_power_w


def test_a_meter_of_the_board_is_the_node(sysfs: Any) -> None:
    sysfs.chip(0, "coretemp", temp1_input=50000)
    sysfs.chip(1, "amdgpu", power1_average=30_000_000, power1_cap=200_000_000, power1_label="PPT")
    sysfs.chip(2, "power_meter", power1_average=321_000_000)
    meter = HwmonMeter(sysfs.root)
    assert meter.devices() == ("amdgpu-PPT", "power_meter-power1")
    assert meter.whole_node
    gpu, node = meter.read(0.0)
    assert (gpu.power_w, gpu.power_limit_w, gpu.adds) == (30.0, 200.0, False)
    assert (node.power_w, node.power_limit_w, node.energy_j) == (321.0, None, None)
    assert total_power_w([gpu, node]) == 321.0


def test_inputs_of_supplies_are_the_node_and_outputs_are_not_added(sysfs: Any) -> None:
    for number in (0, 1):
        files = {"power1_input": 150_000_000, "power1_label": "pin", "power2_input": 140_000_000}
        sysfs.chip(number, "pmbus", **files, power2_label="pout1")
    meter = HwmonMeter(sysfs.root)
    assert meter.devices() == ("pmbus-pin", "pmbus-pout1", "pmbus-pin#2", "pmbus-pout1#2")
    assert meter.whole_node
    assert total_power_w(meter.read(0.0)) == 300.0


def test_parts_alone_are_not_the_node(sysfs: Any) -> None:
    sysfs.chip(0, "amdgpu", power1_input=25_500_000)
    meter = HwmonMeter(sysfs.root)
    assert not meter.whole_node
    assert total_power_w(meter.read(0.0)) == 25.5


def test_counters_of_energy_give_mean_power(sysfs: Any) -> None:
    files = {"energy1_label": "Ecore000", "energy1_input": 1_000_000}
    sysfs.chip(0, "amd_energy", **files, energy2_label="Esocket0", energy2_input=5_000_000)
    meter = HwmonMeter(sysfs.root)
    assert [reading.power_w for reading in meter.read(0.0)] == [None, None]
    sysfs.chip(0, "amd_energy", energy1_input=21_000_000, energy2_input=105_000_000)
    readings = meter.read(2.0)
    assert [(r.power_w, r.energy_j, r.adds) for r in readings] == [(10.0, 21.0, False), (50.0, 105.0, True)]
    sysfs.chip(0, "amd_energy", energy1_input=0, energy2_input=0)
    assert [reading.power_w for reading in meter.read(4.0)] == [None, None]


def test_power_and_energy_of_one_channel_are_one_sensor(sysfs: Any) -> None:
    sysfs.chip(0, "ina238", power1_input=7_000_000, energy1_input=70_000_000)
    (reading,) = HwmonMeter(sysfs.root).read(0.0)
    assert (reading.device, reading.power_w, reading.energy_j) == ("ina238-power1", 7.0, 70.0)


def test_a_sensor_that_fails_is_none(sysfs: Any) -> None:
    sysfs.chip(0, "power_meter", power1_average=1_000_000)
    meter = HwmonMeter(sysfs.root)
    (sysfs.root / "sys/class/hwmon/hwmon0/power1_average").unlink()
    assert meter.read(0.0)[0].power_w is None


def test_no_sensor(sysfs: Any) -> None:
    sysfs.chip(0, "acpitz", temp1_input=27800)
    with pytest.raises(MeterError, match="no sensor of power below"):
        HwmonMeter(sysfs.root)
