"""The power of a node: sensors of all of it, else of its parts, else the model, and never two of one thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wattq.platforms import NodePower
from wattq.settings import NodeSettings
from wattq.telemetry.meters import METERS, ModelMeter, NodeWatts, PowerOfNode, find_meters, node_power_of

MODEL = NodePower(node_idle_w=100.0, node_full_w=300.0)


def machine(sysfs: Any, psutil: Any, nvml: Any, model: NodePower | None = MODEL, ipmi: str = "no-ipmi") -> PowerOfNode:
    from wattq.telemetry.meters import NodeMeter

    return PowerOfNode(find_meters(sysfs.root, ipmi=(ipmi,), nvml=nvml), NodeMeter(sysfs.root, module=psutil), model)


def test_nothing_here_is_named_and_modelled(sysfs: Any, fake_psutil: Any, fake_nvml: Any) -> None:
    node = machine(sysfs, fake_psutil, fake_nvml(init="LibraryNotFound"))
    assert tuple(node.found.missing) == METERS
    assert node.found.meters == ()
    assert node.read(0.0) is None
    fake_psutil.busy_s += 25.0
    fake_psutil.idle_s += 75.0
    assert node.read(100.0) == NodeWatts(150.0, 15_000.0, "modelled", "model", True)
    assert node.readings["model"][0].power_w == 150.0


def test_without_a_model_nothing_is_made_up(sysfs: Any, fake_psutil: Any, fake_nvml: Any) -> None:
    node = machine(sysfs, fake_psutil, fake_nvml(init="LibraryNotFound"), model=None)
    node.read(0.0)
    fake_psutil.busy_s += 25.0
    assert node.read(100.0) is None


def test_processors_memory_and_gpus_add_up(sysfs: Any, fake_psutil: Any, fake_nvml: Any) -> None:
    file = sysfs.rapl("intel-rapl:0", "package-0", 0)
    sysfs.rapl("intel-rapl:0:0", "core", 0)
    nvml = fake_nvml({"power_mw": 250_000, "energy_mj": 1000, "util": (100, 0)}, {"power_mw": 50_000, "energy_mj": 0})
    node = machine(sysfs, fake_psutil, nvml)
    # At the first date the counter has no power yet: GPUs alone would pass for the node.
    assert node.read(0.0) is None
    file.write_text("100000000\n", encoding="utf-8")
    assert node.read(1.0) == NodeWatts(400.0, 101.0, "measured", "rapl+nvml", False)


def test_what_never_had_a_power_is_not_waited_for(sysfs: Any, fake_psutil: Any, fake_nvml: Any) -> None:
    node = machine(sysfs, fake_psutil, fake_nvml({"power_mw": 50_000, "energy_mj": 3000}, {"util": (1, 1)}))
    assert node.read(0.0) == NodeWatts(50.0, 3.0, "measured", "nvml", False)


def test_the_board_counts_alone(sysfs: Any, fake_psutil: Any, fake_nvml: Any) -> None:
    sysfs.chip(0, "power_meter", power1_average=500_000_000)
    sysfs.rapl("intel-rapl:0", "package-0", 0)
    node = machine(sysfs, fake_psutil, fake_nvml({"power_mw": 250_000}))
    assert node.read(0.0) == NodeWatts(500.0, None, "measured", "hwmon", True)
    assert set(node.readings) == {"hwmon", "rapl", "nvml"}


def test_parts_of_hwmon_do_not_add_to_rapl(sysfs: Any, fake_psutil: Any, fake_nvml: Any) -> None:
    sysfs.chip(0, "amd_energy", energy1_input=0, energy1_label="Esocket0")
    file = sysfs.rapl("intel-rapl:0", "package-0", 0)
    node = machine(sysfs, fake_psutil, fake_nvml(init="LibraryNotFound"))
    node.read(0.0)
    sysfs.chip(0, "amd_energy", energy1_input=100_000_000)
    file.write_text("100000000\n", encoding="utf-8")
    assert node.read(1.0) == NodeWatts(100.0, 100.0, "measured", "rapl", False)


def test_a_sensor_that_fails_gives_way_and_the_model_knows_its_energy(
    sysfs: Any, fake_psutil: Any, fake_nvml: Any
) -> None:
    nvml = fake_nvml({"power_mw": 250_000})
    node = machine(sysfs, fake_psutil, nvml)
    node.read(0.0)
    nvml.gpus[0]["power_mw"] = nvml.error("GpuIsLost")
    fake_psutil.busy_s += 10.0
    watts = node.read(10.0)
    assert watts == NodeWatts(300.0, 3000.0, "modelled", "model", True)


def test_the_model_takes_the_load_of_gpus(sysfs: Any, fake_psutil: Any, fake_nvml: Any) -> None:
    model = NodePower(gpus=2, node_idle_w=100.0, node_full_w=300.0, gpu_idle_w=50.0, gpu_full_w=250.0)
    node = machine(sysfs, fake_psutil, fake_nvml({"util": (100, 0)}, {"util": (50, 0)}), model)
    node.read(0.0)
    fake_psutil.idle_s += 10.0
    assert node.read(10.0) == NodeWatts(100.0 + 2 * (50.0 + 200.0 * 0.75), 5000.0, "modelled", "model", True)


def test_ipmi_first(tmp_path: Path, sysfs: Any, fake_psutil: Any, fake_nvml: Any) -> None:
    script = tmp_path / "ipmitool"
    script.write_text("#!/bin/sh\necho 'Instantaneous power reading: 420 Watts'\n", encoding="utf-8")
    script.chmod(0o755)
    sysfs.chip(0, "power_meter", power1_average=500_000_000)
    node = machine(sysfs, fake_psutil, fake_nvml({"power_mw": 250_000}), ipmi=str(script))
    assert node.read(0.0) == NodeWatts(420.0, None, "measured", "ipmi", True)
    node.close()


def test_some_meters_alone(sysfs: Any, fake_nvml: Any) -> None:
    sysfs.rapl("intel-rapl:0", "package-0", 0)
    found = find_meters(sysfs.root, wanted=("rapl",), nvml=fake_nvml({}))
    assert [meter.name for meter in found.meters] == ["rapl"]
    assert found.missing == {}


def test_energy_of_the_model_is_its_power_over_time() -> None:
    loads = iter([(None, None), (0.0, None), (1.0, None), (0.5, None)])
    meter = ModelMeter(MODEL, lambda: next(loads))
    readings = [meter.read(now_s)[0] for now_s in (0.0, 10.0, 20.0, 40.0)]
    assert [reading.power_w for reading in readings] == [None, 100.0, 300.0, 200.0]
    assert [reading.energy_j for reading in readings] == [None, 1000.0, 4000.0, 8000.0]
    assert (meter.source, meter.devices()) == ("modelled", ("node",))


def test_the_model_of_the_settings() -> None:
    power = node_power_of(NodeSettings(name="n1", cpus=2, cpu_idle_w=10.0, cpu_full_w=110.0, other_w=5.0))
    assert power.power_w(0.5) == pytest.approx(5.0 + 2 * 60.0)
