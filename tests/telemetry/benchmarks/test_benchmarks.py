"""Benchmarks: what is asked, when workers work, what they count, and the figures made of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.cli import main
from wattq.errors import TelemetryError
from wattq.platforms import NodePower
from wattq.platforms.calibrate import FitOptions, calibrate_power, read_samples
from wattq.telemetry.benchmarks import (
    CpuOptions,
    IoOptions,
    Measured,
    MixedOptions,
    benchmark_document,
    benchmark_text,
    parse_intensity,
    samples_csv,
)
from wattq.telemetry.benchmarks.cpu_work import CPU_KERNELS, make_kernel
from wattq.telemetry.benchmarks.cpu_workers import CpuCrew, WorkerResult, work_on_duty
from wattq.telemetry.benchmarks.duty import Duty, duties
from wattq.telemetry.benchmarks.io_work import IO_OPERATIONS, IoFile
from wattq.telemetry.benchmarks.io_workers import IoCrew
from wattq.telemetry.benchmarks.observing import Observation, Observer
from wattq.telemetry.meters import PowerOfNode, ThermalSensors


def observation(time_s: float, **facts: Any) -> Observation:
    values: dict[str, Any] = {
        "span_s": 1.0,
        "unix_s": 1e9 + time_s,
        "energy_j": 200.0,
        "source": "measured",
        "meter": "rapl",
        "is_whole": False,
        "cpu": 0.5,
        "memory": 0.25,
        "read_bytes_s": None,
        "written_bytes_s": None,
        "celsius": 60.0 + time_s,
        "throttled": time_s == 3.0,
        "operations": 100.0 * time_s,
    }
    return Observation(time_s, **(values | facts))


def measured(options: Any = None, **facts: Any) -> Measured:
    """Return ten seconds at 200 W after two idle ones at 50 W, with two workers that did 500 operations each."""
    workers = (
        WorkerResult("cpu0", "matrix", {"matrix": 500.0}, 5, 9.0, 8.0),
        WorkerResult("cpu1", "matrix", {"matrix": 500.0}, 5, 9.0, 8.0),
    )
    idle = tuple(observation(-t, energy_j=50.0, cpu=0.0) for t in (2.0, 1.0))
    busy = tuple(observation(float(t), **facts) for t in range(1, 11))
    return Measured(
        options or CpuOptions(10.0, workload="matrix", idle_s=2.0), "2026-01-01T00:00:00+00:00", idle, busy, workers
    )


def test_figures() -> None:
    found = benchmark_document(measured())["performance_metrics"]
    assert found["operations"] == {"value": 1000.0, "unit": "1"}
    assert found["operations_per_second"]["value"] == 100.0
    energy = {"value": 2000.0, "unit": "J", "source": "measured", "meter": "rapl", "covers": "parts with sensors"}
    assert found["energy"] == energy | {"share_of_time": 1.0}
    assert found["energy_above_idle"] == {"value": 1500.0, "unit": "J", "source": "measured"}
    assert found["energy_per_operation"] == {"value": 2.0, "unit": "J/flop", "source": "measured"}
    assert found["energy_per_flop"] == {"value": 2.0, "unit": "J/flop", "source": "measured"}
    assert found["performance_per_watt"] == {"value": 0.5, "unit": "flop/s/W", "source": "measured"}
    assert found["thermal_efficiency"] == {"value": 0.9, "unit": "1"}
    assert found["job_type"]["value"] == "cpu_intensive"
    assert found["job_type"]["cpu_of_workers"] == {"value": 80.0, "unit": "%"}


def test_history_every_five_seconds() -> None:
    document = benchmark_document(measured())
    assert [entry["time_s"] for entry in document["metrics_history"]] == [5.0, 10.0]
    first = document["metrics_history"][0]
    assert (first["power"], first["energy_j"], first["operations_per_second"]) == (200.0, 1000.0, 100.0)
    assert first["cpu_temperature"] == 63.0
    assert document["system_metrics"]["cpu_temperature"] == {"mean": 65.5, "max": 70.0, "unit": "degC"}


def test_without_power_there_is_a_reason() -> None:
    document = benchmark_document(measured(energy_j=None, source=None, meter=None, throttled=None, memory=None))
    for name in ("energy", "mean_power", "energy_per_operation", "performance_per_watt", "thermal_efficiency"):
        quantity = document["performance_metrics"][name]
        assert quantity["value"] is None
        assert quantity["reason"]
    assert "energy: not known (nothing tells the power of this node)" in benchmark_text(document)


def test_energy_that_is_partly_modelled_is_called_modelled() -> None:
    one = measured()
    busy = (*one.busy[:-1], observation(10.0, source="modelled", meter="model", is_whole=True))
    found = benchmark_document(Measured(one.options, one.began, one.idle, busy, one.workers))["performance_metrics"]
    assert found["energy"]["source"] == found["energy_per_operation"]["source"] == "modelled"
    assert found["energy"]["meter"] == "model, rapl"


def test_samples_calibrate_a_platform(tmp_path: Path) -> None:
    node = NodePower(node_idle_w=80, node_full_w=260)
    loads = [0.0] * 10 + [0.5] * 10 + [1.0] * 10
    busy = tuple(observation(float(t), cpu=load, energy_j=node.power_w(load)) for t, load in enumerate(loads))
    file = tmp_path / "samples.csv"
    file.write_text(samples_csv(Measured(CpuOptions(30.0), "", (), busy, ())), encoding="utf-8")
    (state,) = calibrate_power(read_samples(file), FitOptions()).states
    assert state.idle_w.value == pytest.approx(80, rel=0.02)
    assert state.full_w.value == pytest.approx(260, rel=0.02)


@pytest.mark.parametrize(("text", "share"), [("low", 0.3), ("medium", 0.6), ("high", 1.0), ("0.1", 0.1), ("1.0", 1.0)])
def test_intensity(text: str, share: float) -> None:
    assert parse_intensity(text) == share


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: parse_intensity("hot"), "--intensity 'hot': write a number from 0.1 to 1, or low, medium, high"),
        (lambda: parse_intensity("nan"), "--intensity 'nan'"),
        (lambda: CpuOptions(0.0), "--duration 0: use 0.1 to 86400"),
        (lambda: CpuOptions(cores=0), "--cores 0"),
        (lambda: CpuOptions(workload="sorting"), "--workload 'sorting': use one of prime, matrix"),
        (lambda: IoOptions(temp_dir=Path("nowhere")), "--temp-dir 'nowhere': is no folder"),
        (lambda: IoOptions(data_mb=0), "--data-size 0"),
        (lambda: MixedOptions(pattern="waves"), "--pattern 'waves': use one of alternating, concurrent, burst"),
        (lambda: MixedOptions(cpu_io_ratio=1.0), "--cpu-io-ratio 1: use 0.05 to 0.95"),
        (lambda: MixedOptions(idle_s=-1.0), "--idle -1"),
    ],
)
def test_options_are_checked(make: Any, message: str) -> None:
    with pytest.raises(TelemetryError) as found:
        make()
    assert message in str(found.value)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.05, 0.95), st.sampled_from(["alternating", "concurrent", "burst"]), st.floats(0, 100))
def test_duties(ratio: float, pattern: str, begin_s: float) -> None:
    cpu, io = duties(MixedOptions(pattern=pattern, cpu_io_ratio=ratio))
    assert cpu is not None
    assert io is not None
    share = {"alternating": ratio, "concurrent": min(1, 2 * ratio), "burst": min(1, 2 * ratio) / 2}[pattern]
    assert cpu.busy_s / cpu.period_s == pytest.approx(share)
    for duty in (cpu, io):
        wait_s = duty.wait_s(begin_s)
        assert 0 <= wait_s <= duty.period_s
        assert duty.wait_s(begin_s + wait_s + 1e-6 * (wait_s > 0)) == 0.0
    if pattern == "alternating":
        # one of them works at any time, and never both
        assert (cpu.wait_s(begin_s) == 0.0) != (io.wait_s(begin_s) == 0.0)


def test_intensity_is_a_share_of_each_tenth_of_a_second() -> None:
    duty, none = duties(CpuOptions(intensity=0.3))
    assert none is None
    assert duty is not None
    assert (duty.wait_s(5.02), round(duty.wait_s(5.04), 6)) == (0.0, 0.06)


@pytest.mark.parametrize("workload", list(CPU_KERNELS))
def test_cpu_work_is_counted(workload: str) -> None:
    batch = make_kernel(workload)
    assert batch() == batch()
    expected = {"prime": 200, "matrix": 2 * 192**3, "floating": 2 * 32 * 16_384, "fibonacci": 20_000}
    assert batch() == (workload, expected[workload])


def test_mixed_work_takes_turns() -> None:
    batch = make_kernel("mixed")
    assert [batch()[0] for _ in range(5)] == ["prime", "matrix", "floating", "fibonacci", "prime"]


def test_io_work_is_counted(tmp_path: Path) -> None:
    file = IoFile(tmp_path, 2_500_000, seed=1)
    file.fill()
    assert (tmp_path / "data").stat().st_size == 2 * 2**20
    batch = file.kernel("mixed")
    done = [batch() for _ in range(4)]
    assert done == list(zip(IO_OPERATIONS, (1, 1, 16, 6), strict=True))
    assert file.written_bytes == 2**20 + 8 * 4096 + 4096
    assert file.read_bytes == 2**20 + 8 * 4096 + 4096
    file.close()
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_work_stops_when_the_time_is_over() -> None:
    result, tally = WorkerResult("w", "prime"), [0.0]
    work_on_duty(lambda: ("prime", 2.0), Duty(busy_s=0.05), 0.15, result, tally, 0)
    assert tally[0] == result.count == 2.0 * result.batches > 0


def test_no_room_for_files(tmp_path: Path) -> None:
    with pytest.raises(TelemetryError, match="MB free, not enough for 4000 files of 1000000 MB"):
        IoCrew(4000, "mixed", Duty(), 1.0, 1_000_000, tmp_path)


def test_files_go_when_work_is_broken_off(tmp_path: Path) -> None:
    crew = IoCrew(2, "sequential_write", Duty(), 600.0, 1, tmp_path)

    def break_off() -> None:
        with crew.standing_by():
            crew.begin()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert not list(tmp_path.iterdir())


def test_a_worker_that_is_killed() -> None:
    crew = CpuCrew(1, "prime", Duty(), 600.0)
    with crew.standing_by():
        crew.begin()
        os.kill(crew._processes[0].pid, signal.SIGKILL)
        with pytest.raises(TelemetryError, match="worker cpu0 ended with code -9"):
            crew.results()


def test_the_node_is_observed(sysfs: Any, fake_nvml: Any, fake_psutil: Any) -> None:
    nvml = fake_nvml(init="LibraryNotFound")
    power = PowerOfNode.of_machine(
        NodePower(node_idle_w=100, node_full_w=300), sysfs.root, wanted=("rapl",), nvml=nvml, psutil=fake_psutil
    )
    observer = Observer(power, ThermalSensors(sysfs.root), lambda: 7.0)
    fake_psutil.busy_s += 1
    fake_psutil.idle_s += 1
    (seen,) = observer.watch(0.05, 1.0)
    assert (seen.source, seen.meter, seen.is_whole, seen.cpu, seen.operations) == ("modelled", "model", True, 0.5, 7.0)
    assert seen.power_w == pytest.approx(200.0)
    assert (seen.celsius, seen.throttled) == (None, None)


QUANTITIES = [
    "operations",
    "operations_per_second",
    "read_rate",
    "write_rate",
    "energy",
    "mean_power",
    "idle_power",
    "energy_above_idle",
    "energy_per_operation",
    "energy_per_flop",
    "performance_per_watt",
    "thermal_efficiency",
]


def check_schema(document: dict[str, Any]) -> None:
    """Check parts, units, and that what has no value has a reason."""
    parts = ["benchmark_info", "performance_metrics", "system_metrics", "worker_results", "metrics_history"]
    assert list(document) == parts
    performance = document["performance_metrics"]
    assert [name for name in performance if name not in ("operation", "job_type")] == QUANTITIES
    for name in QUANTITIES:
        assert performance[name]["unit"]
        assert (performance[name]["value"] is None) == bool(performance[name].get("reason"))
    for name in ("energy", "energy_per_operation", "performance_per_watt"):
        assert performance[name]["value"] > 0
        assert performance[name]["source"] in ("measured", "modelled")
    assert performance["job_type"]["value"] in ("cpu_intensive", "memory_intensive", "io_intensive", "mixed", "light")
    assert all(set(entry) >= {"mean", "max", "unit"} for entry in document["system_metrics"].values())
    assert len(document["metrics_history"]) == 1
    assert document["metrics_history"][0]["energy_j"] == pytest.approx(performance["energy"]["value"])


RUNS = {
    "cpu": (["--intensity", "high", "--cores", "2", "--workload", "matrix"], ["cpu0", "cpu1"]),
    "io": (["--threads", "2", "--data-size", "2"], ["io0", "io1"]),
    "mixed": (
        ["--pattern", "concurrent", "--cpu-threads", "1", "--io-threads", "1", "--data-size", "2"],
        ["io0", "cpu0"],
    ),
}


def test_three_seconds_of_each(tmp_path: Path) -> None:
    """All three at once, each a program of its own that writes what is documented and leaves nothing else."""
    start = "import sys; from wattq.cli import main; main(sys.argv[1:])"
    begun = {}
    for name, (words, _) in RUNS.items():
        folder = tmp_path / name
        folder.mkdir()
        place = [] if name == "cpu" else ["--temp-dir", "."]
        asked = [
            "benchmark",
            name,
            *words,
            *place,
            "--duration",
            "3",
            "-o",
            "out.json",
            "--samples",
            "samples.csv",
            "-q",
        ]
        command = [sys.executable, "-c", start, *asked]
        begun[name] = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for name, process in begun.items():
        printed, complaint = process.communicate(timeout=120)
        assert (process.returncode, printed) == (0, b""), complaint
        check_run(tmp_path / name, RUNS[name][1])


def check_run(folder: Path, workers: list[str]) -> None:
    document = json.loads((folder / "out.json").read_text(encoding="utf-8"))
    check_schema(document)
    assert [worker["worker"] for worker in document["worker_results"]] == workers
    assert all(worker["batches"] > 0 for worker in document["worker_results"])
    assert document["benchmark_info"]["elapsed"]["value"] >= 3.0
    assert len((folder / "samples.csv").read_text(encoding="utf-8").splitlines()) >= 4
    assert sorted(path.name for path in folder.iterdir()) == ["out.json", "samples.csv"]


def test_a_folder_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["benchmark", "cpu", "-o", str(tmp_path / "none" / "out.json")])
    assert end.value.code == 2
    assert "there is no folder" in capsys.readouterr().err
