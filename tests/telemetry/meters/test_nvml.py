"""NVML: every value, every way in which one can be missing."""

from __future__ import annotations

from typing import Any

import pytest

from wattq.errors import MissingDependencyError, TelemetryError
from wattq.telemetry.meters import MeterError, NvmlMeter, Reading

FULL = {
    "name": "Fake H1",
    "power_mw": 345_678,
    "energy_mj": 9_876_543_210,
    "util": (87, 41),
    "memory": 12 * 2**30,
    "temp": 61,
    "clock": 1755,
    "enforced_mw": 700_000,
    "limit_mw": 650_000,
    "reasons": 0x4,
}


def test_every_value(fake_nvml: Any) -> None:
    (reading,) = NvmlMeter(module=fake_nvml(FULL)).read(0.0)
    assert reading == Reading(
        "gpu0",
        power_w=pytest.approx(345.678),
        energy_j=pytest.approx(9_876_543.21),
        utilization=pytest.approx(0.87),
        memory_utilization=pytest.approx(0.41),
        memory_used_bytes=12 * 2**30,
        temperature_c=61.0,
        clock_mhz=1755.0,
        power_limit_w=700.0,
        throttling=False,
        label="Fake H1",
    )


def test_what_is_not_supported_is_none_and_not_asked_again(fake_nvml: Any) -> None:
    nvml = fake_nvml({})
    meter = NvmlMeter(module=nvml)
    assert meter.read(0.0) == [Reading("gpu0", label="Fake 1000")]
    nvml.asked.clear()
    assert meter.read(1.0) == [Reading("gpu0", label="Fake 1000")]
    assert nvml.asked == []


def test_a_failure_that_passes_is_asked_again(fake_nvml: Any) -> None:
    nvml = fake_nvml(dict(FULL))
    meter = NvmlMeter(module=nvml)
    nvml.gpus[0]["power_mw"] = nvml.error("Unknown")
    assert meter.read(0.0)[0].power_w is None
    nvml.gpus[0]["power_mw"] = 50_000
    assert meter.read(1.0)[0].power_w == 50.0


def test_a_lost_gpu_leaves_the_others(fake_nvml: Any) -> None:
    nvml = fake_nvml(dict(FULL), dict(FULL))
    meter = NvmlMeter(module=nvml)
    for name in FULL:
        nvml.gpus[0][name] = nvml.error("GpuIsLost")
    lost, well = meter.read(0.0)
    assert lost == Reading("gpu0", label="Fake H1")
    assert well.power_w == pytest.approx(345.678)


@pytest.mark.parametrize("value", [0, 5])
def test_zero_is_a_reading(fake_nvml: Any, value: int) -> None:
    reading = NvmlMeter(module=fake_nvml({"util": (value, 0), "power_mw": value})).read(0.0)[0]
    assert (reading.utilization, reading.memory_utilization) == (value * 0.01, 0.0)
    assert reading.power_w == value * 1e-3


def test_the_second_way_to_a_value(fake_nvml: Any) -> None:
    reading = NvmlMeter(module=fake_nvml({"limit_mw": 250_000})).read(0.0)[0]
    assert reading.power_limit_w == 250.0


def test_the_new_question_for_temperature_first(fake_nvml: Any) -> None:
    nvml = fake_nvml({"temp": 40})
    nvml.nvmlDeviceGetTemperatureV = lambda gpu, sensor: 41
    assert NvmlMeter(module=nvml).read(0.0)[0].temperature_c == 41.0


@pytest.mark.parametrize("reasons", [0x20, 0x40, 0x61])
def test_heat_slows_it_down(fake_nvml: Any, reasons: int) -> None:
    assert NvmlMeter(module=fake_nvml({"reasons": reasons})).read(0.0)[0].throttling is True


@pytest.mark.parametrize("only", [["1"], ["gpu1"], ["GPU-1"], ["1", "GPU-1"]])
def test_choosing_gpus(fake_nvml: Any, only: list[str]) -> None:
    assert NvmlMeter(only, module=fake_nvml({"power_mw": 1}, {"power_mw": 2})).devices() == ("gpu1",)


def test_a_gpu_that_is_not_there(fake_nvml: Any) -> None:
    nvml = fake_nvml({})
    with pytest.raises(TelemetryError, match=r"no GPU 3; there are 0 \(Fake 1000\)"):
        NvmlMeter(["3"], module=nvml)
    assert nvml.open == 0


def test_a_gpu_that_may_not_be_read(fake_nvml: Any) -> None:
    nvml = fake_nvml({"power_mw": 1}, {"power_mw": 2})
    nvml.gpus[0]["handle"] = nvml.error("NoPermission")
    assert NvmlMeter(module=nvml).devices() == ("gpu1",)


@pytest.mark.parametrize(
    ("init", "words"),
    [
        ("LibraryNotFound", "no NVIDIA driver here"),
        ("DriverNotLoaded", "installed but not loaded"),
        ("NoPermission", "may not use the driver"),
        ("Unknown", "Unknown; check what nvidia-smi says"),
    ],
)
def test_no_driver(fake_nvml: Any, init: str, words: str) -> None:
    with pytest.raises(MeterError, match=words) as caught:
        NvmlMeter(module=fake_nvml(init=init))
    assert caught.value.exit_code == 1


def test_a_driver_without_a_gpu(fake_nvml: Any) -> None:
    with pytest.raises(MeterError, match="no GPU that this user may read"):
        NvmlMeter(module=fake_nvml())


def test_names_as_bytes(fake_nvml: Any) -> None:
    assert NvmlMeter(module=fake_nvml({"name": b"Old \xff"})).read(0.0)[0].label == "Old \N{REPLACEMENT CHARACTER}"


def test_closing_twice(fake_nvml: Any) -> None:
    meter = NvmlMeter(module=fake_nvml({}))
    meter.close()
    meter.close()


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pynvml", None)
    with pytest.raises(MissingDependencyError, match=r"GPU power: needs pynvml.*wattq\[telemetry\]"):
        NvmlMeter()


def test_the_real_library_knows_every_question(fake_nvml: Any) -> None:
    """What the stand-in answers, and what the meter asks besides, exists in nvidia-ml-py."""
    pynvml = pytest.importorskip("pynvml")
    for name in (*fake_nvml.VALUES, *(name for name in vars(fake_nvml()) if name.startswith(("nvml", "NVML")))):
        assert hasattr(pynvml, name), name
    for name in ("nvmlDeviceGetTemperatureV", "nvmlDeviceGetCurrentClocksThrottleReasons", "NVML_CLOCK_SM"):
        assert hasattr(pynvml, name)
    for kind in ("NotSupported", "FunctionNotFound", "NoPermission", "LibraryNotFound", "LibRmVersionMismatch"):
        assert hasattr(pynvml, f"NVMLError_{kind}")
