"""What loggers write: columns, units, empty cells, rows of the store; and what other rooms make of it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wattq.platforms import NodePower
from wattq.platforms.calibrate import FitOptions, ReadOptions, calibrate_power, read_samples
from wattq.surrogates.energy import PowerSeries, series_of
from wattq.telemetry.loggers import (
    Cadence,
    CsvSink,
    NodeRecorder,
    NvmlRecorder,
    RaplRecorder,
    Recorder,
    Stop,
    run_logger,
)
from wattq.telemetry.meters import CpuShare, NodeMeter, NvmlMeter, PowerOfNode, RaplMeter, ThermalSensors, find_meters

START_S = 1_790_000_000.0


def log(
    recorder: Recorder, file: Path, times_s: Iterable[float], change: Callable[[float], None]
) -> list[dict[str, str]]:
    """Write a CSV of samples at these dates; `change` sets the machine before each."""
    sink = CsvSink(file, recorder.columns)
    for time_s in times_s:
        change(time_s)
        sink.write(recorder.sample(START_S + time_s))
    sink.close()
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def node_recorder(sysfs: Any, psutil: Any, nvml: Any) -> NodeRecorder:
    power = PowerOfNode(
        find_meters(sysfs.root, ipmi=("no-ipmi",), nvml=nvml),
        NodeMeter(sysfs.root, module=psutil),
        NodePower(node_idle_w=100.0, node_full_w=300.0),
    )
    return NodeRecorder(power, ThermalSensors(sysfs.root), "n1", longest_s=50.0)


def test_columns_of_gpus(tmp_path: Path, fake_nvml: Any) -> None:
    full = {"power_mw": 345_678, "energy_mj": 12_345, "util": (87, 41), "memory": 2**30, "temp": 61, "clock": 1755}
    nvml = fake_nvml({**full, "enforced_mw": 700_000, "reasons": 0x40}, {"util": (0, 0)})
    rows = log(NvmlRecorder(NvmlMeter(module=nvml), "n1"), tmp_path / "a.csv", [0.25], lambda time_s: None)
    assert list(rows[0])[:6] == ["ts", "gpu_index", "power_w", "gpu_util_pct", "mem_util_pct", "temp_c"]
    assert rows[0] == {
        "ts": "1790000000.25",
        "gpu_index": "0",
        "power_w": "345.678",
        "gpu_util_pct": "87",
        "mem_util_pct": "41",
        "temp_c": "61",
        "energy_counter_j": "12.345",
        "mem_used_bytes": "1073741824",
        "sm_clock_mhz": "1755",
        "power_limit_w": "700",
        "throttling": "1",
    }
    missing = ("power_w", "temp_c", "energy_counter_j", "mem_used_bytes", "power_limit_w", "throttling")
    assert [rows[1][name] for name in missing] == [""] * 6
    assert (rows[1]["gpu_index"], rows[1]["gpu_util_pct"]) == ("1", "0")


def test_gpus_in_the_store(fake_nvml: Any) -> None:
    nvml = fake_nvml({"energy_mj": 1000, "power_mw": 50_000, "util": (50, 20)})
    recorder = NvmlRecorder(NvmlMeter(module=nvml), "n1")
    (first,) = recorder.sample(1.0).records()["power_samples"]
    nvml.gpus[0]["energy_mj"] = 51_000
    (second,) = recorder.sample(2.0).records()["power_samples"]
    assert first["energy_j"] is None
    assert second == {
        "time": 2.0,
        "node_id": "n1",
        "device": "gpu0",
        "power_w": 50.0,
        "energy_j": 50.0,
        "utilization": 0.5,
        "memory_utilization": 0.2,
        "memory_used_bytes": None,
        "temperature_c": None,
        "clock_mhz": None,
        "power_limit_w": None,
        "meter": "nvml",
    }


def test_domains_have_columns_of_their_own(tmp_path: Path, sysfs: Any, fake_psutil: Any) -> None:
    file = sysfs.rapl("intel-rapl:0", "package-0", 0)
    core = sysfs.rapl("intel-rapl:0:0", "core", 0)
    sysfs.rapl("intel-rapl:0:1", "dram", 500_000)

    def change(time_s: float) -> None:
        file.write_text(f"{int(60e6 * time_s)}\n", encoding="utf-8")
        core.write_text(f"{int(40e6 * time_s)}\n", encoding="utf-8")
        fake_psutil.busy_s += 30.0
        fake_psutil.idle_s += 10.0

    recorder = RaplRecorder(RaplMeter(sysfs.root), "n1", CpuShare(fake_psutil))
    first, second = log(recorder, tmp_path / "a.csv", [0.0, 1.0], change)
    domains = ["package-0_w", "package-0_j", "core-0_w", "core-0_j", "dram-0_w", "dram-0_j"]
    assert list(first) == ["ts", "power_w", "energy_counter_j", "cpu_util_pct", *domains]
    assert (first["power_w"], first["package-0_w"], first["cpu_util_pct"]) == ("", "", "")
    assert second["power_w"] == "60"
    assert [second[name] for name in domains] == ["60", "60", "40", "40", "0", "0.5"]
    assert second["cpu_util_pct"] == "75"
    assert second["energy_counter_j"] == "60.5"


def test_a_node_without_sensors(tmp_path: Path, sysfs: Any, fake_psutil: Any, fake_nvml: Any) -> None:
    recorder = node_recorder(sysfs, fake_psutil, fake_nvml(init="LibraryNotFound"))

    def change(time_s: float) -> None:
        fake_psutil.busy_s += 15.0
        fake_psutil.idle_s += 15.0
        rx, tx = fake_psutil.network["eth0"]
        fake_psutil.network["eth0"] = (rx + 300, tx + 3000)

    first, second = log(recorder, tmp_path / "a.csv", [0.0, 30.0], change)
    known = {
        "ts": "1790000030",
        "node": "n1",
        "cpu_util_pct": "50",
        "mem_util_pct": "25",
        "mem_used_bytes": "250",
        "disk_util_pct": "90",
        "load1": "1.5",
        "load5": "1.25",
        "load15": "1",
        "net_rx_bytes_s": "10",
        "net_tx_bytes_s": "100",
        "disk_read_bytes_s": "0",
        "disk_write_bytes_s": "0",
        "modelled_w": "200",
    }
    assert {name: cell for name, cell in second.items() if cell} == known
    assert {name for name, cell in first.items() if cell} == {name for name in known if "_bytes_s" not in name} - {
        "cpu_util_pct",
        "modelled_w",
    }


def test_a_node_with_sensors(tmp_path: Path, sysfs: Any, fake_psutil: Any, fake_nvml: Any) -> None:
    sysfs.chip(0, "power_meter", power1_average=321_000_000)
    sysfs.chip(1, "coretemp", temp1_label="Package id 0", temp1_input=61_000)
    sysfs.chip(2, "nct6775", fan1_input=900, fan2_input=1450)
    sysfs.write("class/thermal/thermal_zone0/type", "acpitz")
    sysfs.write("class/thermal/thermal_zone0/temp", 27_800)
    for cpu, khz in ((0, 2_000_000), (1, 3_000_000)):
        sysfs.write(f"devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq", khz)
        sysfs.write(f"devices/system/cpu/cpu{cpu}/thermal_throttle/core_throttle_count", 0)
        sysfs.write(f"devices/system/cpu/cpu{cpu}/topology/core_id", cpu)
    recorder = node_recorder(sysfs, fake_psutil, fake_nvml({"temp": 70}, {"temp": 72}))
    first, second = log(
        recorder,
        tmp_path / "a.csv",
        [0.0, 30.0],
        lambda time_s: sysfs.write("devices/system/cpu/cpu1/thermal_throttle/core_throttle_count", int(time_s)),
    )
    shown = {name: second[name] for name in list(second)[13:]}
    assert shown == {
        "cpu_temp_c": "61",
        "gpu_temp_c": "72",
        "system_temp_c": "27.8",
        "fan_rpm": "1450",
        "cpu_clock_mhz": "2500",
        "throttled_cores": "1",
        "power_w": "321",
        "power_meter": "hwmon",
        "energy_counter_j": "",
        "modelled_w": "",
    }
    assert first["throttled_cores"] == ""


def test_a_node_in_the_store(sysfs: Any, fake_psutil: Any, fake_nvml: Any) -> None:
    sysfs.chip(0, "power_meter", power1_average=300_000_000)
    nvml = fake_nvml({"power_mw": 50_000, "energy_mj": 0})
    recorder = node_recorder(sysfs, fake_psutil, nvml)
    first = recorder.sample(0.0).records()
    sysfs.chip(0, "power_meter", power1_average=320_000_000)
    nvml.gpus[0]["energy_mj"] = 1_500_000
    fake_psutil.network["eth0"] = (1600, 500)
    second = recorder.sample(30.0).records()
    (metrics,) = second["node_metrics"]
    assert first["node_metrics"][0]["energy_j"] is None
    assert metrics["energy_j"] == 30.0 * 310.0
    assert (metrics["power_consumption_watts"], metrics["power_source"]) == (320.0, "measured")
    assert (metrics["network_rx_bytes"], metrics["network_tx_bytes"]) == (600, 0)
    assert [(row["device"], row["meter"], row["power_w"], row["energy_j"]) for row in second["power_samples"]] == [
        ("power_meter-power1", "hwmon", 320.0, None),
        ("gpu0", "nvml", 50.0, 1500.0),
    ]
    # After a pause, power without a counter says nothing about the energy in it.
    assert recorder.sample(130.0).records()["node_metrics"][0]["energy_j"] is None


def test_modelled_power_is_marked_and_no_device_measured_it(sysfs: Any, fake_psutil: Any, fake_nvml: Any) -> None:
    recorder = node_recorder(sysfs, fake_psutil, fake_nvml(init="LibraryNotFound"))
    recorder.sample(0.0)
    fake_psutil.idle_s += 10.0
    records = recorder.sample(10.0).records()
    (metrics,) = records["node_metrics"]
    assert (metrics["power_consumption_watts"], metrics["power_source"]) == (100.0, "modelled")
    assert records["power_samples"] == []


def test_records_are_what_the_store_takes(tmp_path: Path, sysfs: Any, fake_psutil: Any, fake_nvml: Any) -> None:
    from wattq.telemetry.store import open_store

    sysfs.rapl("intel-rapl:0", "package-0", 1_000_000)
    recorder = node_recorder(sysfs, fake_psutil, fake_nvml({"power_mw": 50_000, "memory": 2**33, "util": (1, 2)}))
    with open_store(str(tmp_path / "s.db")) as store:
        for table, rows in recorder.sample(START_S).records().items():
            assert store.write(table, rows) == len(rows)
        assert {row["device"] for row in store.read("power_samples")} == {"package-0", "gpu0"}
        assert store.read("node_metrics")[0]["node_id"] == "n1"


def square_w(time_s: float, period_s: float) -> float:
    """Return the power of a square wave: half of the period 400 W, the other half 100 W."""
    return 400.0 if time_s % period_s < period_s / 2 else 100.0


@pytest.mark.parametrize(("interval_s", "period_s"), [(0.1, 10.0), (0.1, 7.3), (1.0, 20.0)])
def test_energy_of_a_square_wave_of_a_gpu(tmp_path: Path, fake_nvml: Any, interval_s: float, period_s: float) -> None:
    nvml = fake_nvml({"power_mw": 0, "util": (50, 0)})
    recorder = NvmlRecorder(NvmlMeter(module=nvml), "n1")
    times_s = np.arange(round(20 * period_s / interval_s) + 1) * interval_s

    def change(time_s: float) -> None:
        nvml.gpus[0]["power_mw"] = square_w(time_s, period_s) * 1e3

    log(recorder, tmp_path / "a.csv", times_s.tolist(), change)
    (series,) = series_of(read_samples(tmp_path / "a.csv")).values()
    energy = series.energy(np.array([START_S]), np.array([START_S + 20 * period_s]))[0]
    assert energy == pytest.approx(20 * period_s * 250.0, rel=0.01)


def test_energy_of_a_square_wave_of_a_counter_that_wraps(tmp_path: Path, sysfs: Any, fake_psutil: Any) -> None:
    file = sysfs.rapl("intel-rapl:0", "package-0", 0, range_uj=65_532_610_987)
    recorder = RaplRecorder(RaplMeter(sysfs.root), "n1", CpuShare(fake_psutil))
    spent_uj = [65_000_000_000]

    def change(time_s: float) -> None:
        file.write_text(f"{spent_uj[0] % 65_532_610_987}\n", encoding="utf-8")
        spent_uj[0] += round(square_w(time_s, 20.0) * 1e6)
        fake_psutil.busy_s += 1.0

    rows = log(recorder, tmp_path / "a.csv", range(1001), change)
    assert min(float(row["power_w"]) for row in rows[1:]) == 100.0
    times_s = [float(row["ts"]) for row in rows]
    counter = PowerSeries.of_counter(times_s, [float(row["energy_counter_j"]) for row in rows], gap_s=5.0)
    (power,) = series_of(read_samples(tmp_path / "a.csv"), hold="last").values()
    span = np.array([START_S + 1]), np.array([START_S + 1000])
    assert counter.energy(*span)[0] == pytest.approx(999 * 250.0, rel=0.01)
    assert power.energy(*span)[0] == pytest.approx(999 * 250.0, rel=0.01)
    assert spent_uj[0] > 65_532_610_987 * 4


def test_calibration_reads_logs_of_gpus(tmp_path: Path, fake_nvml: Any) -> None:
    nvml = fake_nvml({"enforced_mw": 400_000}, {"enforced_mw": 400_000})

    def change(time_s: float) -> None:
        for gpu, share in zip(nvml.gpus, (int(time_s) % 11 * 10, 100 - int(time_s) % 11 * 10), strict=True):
            gpu["util"], gpu["power_mw"] = (share, 0), 40_000 + 2_600 * share

    log(NvmlRecorder(NvmlMeter(module=nvml), "n1"), tmp_path / "a.csv", range(220), change)
    samples = read_samples(tmp_path / "a.csv")
    assert (samples.devices, samples.unit) == (("0", "1"), "W")
    (state,) = calibrate_power(samples).states
    assert (state.setting, state.idle_w.value, state.full_w.value) == pytest.approx((400.0, 40.0, 300.0))


def test_calibration_reads_logs_of_counters(tmp_path: Path, sysfs: Any, fake_psutil: Any) -> None:
    file = sysfs.rapl("intel-rapl:0", "package-0", 0)
    sysfs.rapl("intel-rapl:0:0", "core", 0)
    spent_uj = [0]

    def change(time_s: float) -> None:
        share = int(time_s) % 11 / 10
        fake_psutil.busy_s += share
        fake_psutil.idle_s += 1.0 - share
        spent_uj[0] += round((50.0 + 150.0 * share) * 1e6)
        file.write_text(f"{spent_uj[0]}\n", encoding="utf-8")

    log(RaplRecorder(RaplMeter(sysfs.root), "n1", CpuShare(fake_psutil)), tmp_path / "a.csv", range(220), change)
    (state,) = calibrate_power(read_samples(tmp_path / "a.csv"), FitOptions(affine=True)).states
    assert (state.idle_w.value, state.full_w.value) == pytest.approx((50.0, 200.0), abs=0.1)


def test_calibration_reads_logs_of_nodes_and_takes_no_model_for_a_measurement(
    tmp_path: Path, sysfs: Any, fake_psutil: Any, fake_nvml: Any
) -> None:
    sysfs.chip(0, "power_meter", power1_average=0)
    recorder = node_recorder(sysfs, fake_psutil, fake_nvml(init="LibraryNotFound"))

    def change(time_s: float) -> None:
        share = int(time_s / 30.0) % 11 / 10
        fake_psutil.busy_s += 30.0 * share
        fake_psutil.idle_s += 30.0 * (1.0 - share)
        sysfs.chip(0, "power_meter", power1_average=int((200.0 + 300.0 * share) * 1e6))

    log(recorder, tmp_path / "a.csv", [30.0 * k for k in range(220)], change)
    samples = read_samples(tmp_path / "a.csv")
    assert samples.devices == ("n1",)
    (state,) = calibrate_power(samples, FitOptions(affine=True)).states
    assert (state.idle_w.value, state.full_w.value) == pytest.approx((200.0, 500.0), abs=0.5)
    modelled = node_recorder(Empty(tmp_path / "none"), fake_psutil, fake_nvml(init="LibraryNotFound"))
    log(modelled, tmp_path / "b.csv", [30.0 * k for k in range(20)], lambda time_s: None)
    with pytest.raises(ValueError, match="no sample is left"):
        read_samples(tmp_path / "b.csv")


class Empty:
    """A machine without any sensor."""

    def __init__(self, root: Path) -> None:
        self.root = root


def test_counters_alone_calibrate_as_well(tmp_path: Path, sysfs: Any, fake_psutil: Any) -> None:
    file = sysfs.rapl("intel-rapl:0", "package-0", 0)

    def change(time_s: float) -> None:
        file.write_text(f"{int(time_s * 80e6)}\n", encoding="utf-8")
        fake_psutil.busy_s += 1.0

    log(RaplRecorder(RaplMeter(sysfs.root), "n1", CpuShare(fake_psutil)), tmp_path / "a.csv", range(10), change)
    options = ReadOptions({"energy": "package-0_j", "power": "package-0_w"})
    assert set(read_samples(tmp_path / "a.csv", options).power_w) == {80.0}


def test_a_logger_runs_and_says_what_it_did(tmp_path: Path, fake_nvml: Any) -> None:
    nvml = fake_nvml({"power_mw": 1000}, {"power_mw": 2000})
    recorder = NvmlRecorder(NvmlMeter(module=nvml), "n1")
    file = tmp_path / "a.csv"
    report = run_logger(recorder, [CsvSink(file, recorder.columns)], Cadence(0.01, count=3))
    assert report.samples == 3
    assert report.text().startswith("3 samples, ")
    assert report.text().endswith(f"6 rows in {file}")
    assert nvml.open == 0
    assert len(file.read_text(encoding="utf-8").splitlines()) == 7


def test_every_sink_is_closed_after_a_failure(tmp_path: Path, fake_nvml: Any) -> None:
    class Broken:
        closed = 0

        def write(self, sample: Any) -> None:
            raise RuntimeError("broken")

        def close(self) -> str:
            Broken.closed += 1
            raise RuntimeError("still broken")

    nvml = fake_nvml({"power_mw": 1000})
    recorder = NvmlRecorder(NvmlMeter(module=nvml), "n1")
    with pytest.raises(RuntimeError, match="still broken"):
        run_logger(recorder, [Broken(), Broken()], Cadence(0.01, count=3))
    assert Broken.closed == 2
    assert nvml.open == 0


def test_asked_to_stop_before_the_first_tick(tmp_path: Path, fake_nvml: Any) -> None:
    recorder = NvmlRecorder(NvmlMeter(module=fake_nvml({})), "n1")
    stop = Stop()
    stop.set()
    report = run_logger(recorder, [CsvSink(tmp_path / "a.csv", recorder.columns)], Cadence(1.0), stop=stop)
    assert (report.samples, report.missed) == (0, 0)
