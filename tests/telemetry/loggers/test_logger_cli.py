"""`wattq telemetry nvml`, `rapl` and `node` as commands: files, words, exit codes, signals."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from wattq.cli import main
from wattq.platforms.calibrate import read_samples


def wattq(*words: object) -> int:
    """Run a command; return its exit code."""
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    return int(end.value.code or 0)


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The settings of this machine do not matter."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in [name for name in os.environ if name.startswith("WATTQ_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch, fake_nvml: Any) -> Callable[..., Any]:
    """Puts GPUs where `pynvml` is imported from."""

    def put(*gpus: dict[str, Any], init: str = "") -> Any:
        module = fake_nvml(*gpus, init=init)
        monkeypatch.setitem(sys.modules, "pynvml", module)
        return module

    return put


GPU = {"power_mw": 70_000, "util": (10, 5), "temp": 40, "energy_mj": 5000}


def test_three_rows_of_a_gpu(tmp_path: Path, gpus: Any, capsys: pytest.CaptureFixture[str]) -> None:
    gpus(GPU)
    file = tmp_path / "gpu.csv"
    assert wattq("telemetry", "nvml", "--interval", "0.02", "--count", "3", "-o", file) == 0
    rows = rows_of(file)
    assert len(rows) == 3
    assert list(rows[0])[:6] == ["ts", "gpu_index", "power_w", "gpu_util_pct", "mem_util_pct", "temp_c"]
    assert [row["power_w"] for row in rows] == ["70"] * 3
    assert all(float(before["ts"]) < float(after["ts"]) for before, after in pairwise(rows))
    assert "3 samples, " in capsys.readouterr().err


def test_chosen_gpus_in_one_file(tmp_path: Path, gpus: Any) -> None:
    gpus(GPU, GPU, GPU)
    file = tmp_path / "gpu.csv"
    assert wattq("telemetry", "nvml", "--count", "1", "--device", "2,gpu0", "-o", file) == 0
    assert [row["gpu_index"] for row in rows_of(file)] == ["0", "2"]


def test_standard_output_by_default(gpus: Any, capfd: pytest.CaptureFixture[str]) -> None:
    gpus(GPU)
    assert wattq("telemetry", "nvml", "--count", "1") == 0
    out, err = capfd.readouterr()
    assert out.splitlines()[0].startswith("ts,gpu_index,power_w,")
    assert len(out.splitlines()) == 2
    assert "1 rows in standard output" in err


def test_no_driver_is_clear_words(gpus: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gpus(init="LibraryNotFound")
    assert wattq("telemetry", "nvml", "-o", tmp_path / "a.csv") == 1
    err = capsys.readouterr().err
    assert err.startswith("wattq: error: NVML: no NVIDIA driver here")
    assert "Traceback" not in err
    assert not (tmp_path / "a.csv").exists()


def test_domains_below_a_root(tmp_path: Path, sysfs: Any) -> None:
    sysfs.rapl("intel-rapl:0", "package-0", 1_000_000)
    sysfs.rapl("intel-rapl:0:0", "dram", 1_000_000)
    file = tmp_path / "rapl.csv"
    words = ("telemetry", "rapl", "--sysfs", sysfs.root, "--interval", "0.02", "--count", "3", "-o", file)
    assert wattq(*words) == 0
    rows = rows_of(file)
    assert [(row["package-0_w"], row["dram-0_j"]) for row in rows] == [("", "1"), ("0", "1"), ("0", "1")]
    assert wattq(*words) == 2
    assert wattq(*words, "--append") == 0
    assert len(rows_of(file)) == 6


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("rapl", "--device", "package-9"), 2, "no device package-9"),
        (("rapl", "--interval", "300"), 2, "a counter may go round unseen in more than 262 s; use less"),
        (("rapl", "--interval", "0"), 2, "interval 0 s: use 0.01 to 86400 s"),
        (("rapl", "--count", "0"), 2, "count 0: take 1 sample or more"),
        (("rapl", "--duration", "-1"), 2, "duration -1 s: it is above 0"),
        (("rapl", "-o", "a.txt"), 2, "use .csv or .parquet"),
        (("rapl", "--append"), 2, "--append goes with an --out of .csv"),
        (("rapl", "-o", "a.parquet", "--append"), 2, "--append goes with an --out of .csv"),
        (("rapl", "--store", "default"), 2, "the settings name no store"),
        (("rapl", "--store", "mysql://h/d"), 2, "no kind of store"),
        (("node", "--interval", "1e9"), 2, "interval 1e+09 s"),
    ],
)
def test_wrong_options(
    words: tuple[str, ...], code: int, said: str, sysfs: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    sysfs.rapl("intel-rapl:0", "package-0", 1_000_000)
    assert wattq("telemetry", words[0], "--sysfs", sysfs.root, *words[1:]) == code
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


def test_a_machine_without_counters(tmp_path: Path, sysfs: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert wattq("telemetry", "rapl", "--sysfs", sysfs.root) == 1
    assert "wattq: error: RAPL: no intel-rapl zones" in capsys.readouterr().err


def test_a_node_names_what_it_lacks(tmp_path: Path, sysfs: Any, gpus: Any, capsys: pytest.CaptureFixture[str]) -> None:
    gpus(init="LibraryNotFound")
    file = tmp_path / "node.csv"
    words = ("telemetry", "node", "--sysfs", sysfs.root, "--interval", "0.05", "--count", "2", "-o", file)
    assert wattq(*words) == 0
    err = capsys.readouterr().err
    for note in (
        "hwmon: no sensor of power",
        "RAPL: no intel-rapl",
        "NVML: no NVIDIA driver",
        "modelled_w is computed",
    ):
        assert f"note: {note}" in err or note in err
    rows = rows_of(file)
    assert len(rows) == 2
    assert [row["power_w"] for row in rows] == ["", ""]
    assert float(rows[1]["modelled_w"]) >= 150.0


def test_a_node_of_another_name_in_the_store_of_the_settings(
    tmp_path: Path, sysfs: Any, gpus: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wattq.telemetry.store import open_store

    gpus(init="LibraryNotFound")
    monkeypatch.setenv("WATTQ_NODE_NAME", "n042")
    monkeypatch.setenv("WATTQ_STORE_URL", str(tmp_path / "s.db"))
    words = ("telemetry", "node", "--sysfs", sysfs.root, "--interval", "0.02", "--count", "3", "--store", "default")
    assert wattq(*words) == 0
    with open_store(str(tmp_path / "s.db")) as store:
        rows = store.read("node_metrics")
    assert [row["node_id"] for row in rows] == ["n042"] * 3
    assert (tmp_path / "s.db.spool").is_dir()


def start(*words: object) -> subprocess.Popen[bytes]:
    """Start a command in a process of its own."""
    code = "import sys; from wattq.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("nothing happened within a minute")


def test_a_killed_logger_loses_at_most_its_last_line(tmp_path: Path, sysfs: Any) -> None:
    sysfs.rapl("intel-rapl:0", "package-0", 1_000_000)
    file = tmp_path / "a.csv"
    program = start("telemetry", "rapl", "--sysfs", sysfs.root, "--interval", "0.02", "-o", file)
    wait_until(lambda: file.exists() and file.read_bytes().count(b"\n") > 20)
    program.kill()
    program.communicate()
    lines = file.read_bytes().splitlines(keepends=True)
    assert len(lines) > 20
    assert all(line.endswith(b"\n") and line.count(b",") == lines[0].count(b",") for line in lines[:-1])
    words = ("telemetry", "rapl", "--sysfs", sysfs.root, "--count", "1", "-o", file, "--append")
    assert wattq(*words) == 0
    assert len(rows_of(file)) >= len(lines) - 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_files_in_order(tmp_path: Path, sysfs: Any, number: signal.Signals) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    sysfs.rapl("intel-rapl:0", "package-0", 1_000_000)
    file = tmp_path / "a.parquet"
    words = ("telemetry", "rapl", "--sysfs", sysfs.root, "--interval", "0.05", "-o", file)
    program = start(*words)
    wait_until((tmp_path / "a.parquet.part").exists)
    time.sleep(0.5)
    program.send_signal(number)
    _, err = program.communicate(timeout=60)
    assert program.returncode == 0, err
    assert f"stopped by {number.name}".encode() in err
    assert parquet.read_table(file).num_rows >= 2
    assert not (tmp_path / "a.parquet.part").exists()


def test_a_reader_that_goes_away_ends_the_logger(tmp_path: Path, sysfs: Any) -> None:
    sysfs.rapl("intel-rapl:0", "package-0", 1_000_000)
    program = start("telemetry", "rapl", "--sysfs", sysfs.root, "--interval", "0.02")
    assert program.stdout is not None
    assert program.stdout.readline().startswith(b"ts,power_w,")
    program.stdout.close()
    assert program.stderr is not None
    err = program.stderr.read()
    program.stderr.close()
    assert program.wait(60) == 1
    assert b"Traceback" not in err


def test_calibration_takes_what_the_command_wrote(
    tmp_path: Path, gpus: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    shares = iter([0, 0, 20, 40, 60, 80, 100, 100, 50, 0, 10, 90] * 3)
    module = gpus(GPU)
    state = {"share": 0}

    def load() -> tuple[int, int]:
        state["share"] = next(shares)
        return state["share"], 0

    # Utilisation is asked for after power: the power of a sample is that of the share drawn before.
    module.gpus[0]["util"] = lambda: (state["share"], 0)
    module.gpus[0]["power_mw"] = lambda: 30_000 + 2_200 * load()[0]
    file = tmp_path / "gpu.csv"
    assert wattq("telemetry", "nvml", "--interval", "0.01", "--count", "36", "-o", file) == 0
    assert len(read_samples(file).power_w) == 36
    capsys.readouterr()
    assert wattq("platform", "calibrate", file) == 0
    out = capsys.readouterr().out
    assert "30.0" in out
    assert "250.0" in out


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["node", "rapl"])
def test_ten_samples_a_second_take_little_of_a_core(tmp_path: Path, sysfs: Any, kind: str) -> None:
    """Less than 2 % of one core over a minute, in CPU time of the process, without its start."""
    from wattq.platforms import NodePower
    from wattq.telemetry.loggers import Cadence, CsvSink, NodeRecorder, RaplRecorder, Recorder, run_logger
    from wattq.telemetry.meters import CpuShare, PowerOfNode, RaplMeter, ThermalSensors

    for socket in range(2):
        sysfs.rapl(f"intel-rapl:{socket}", f"package-{socket}", 1_000_000)
        sysfs.rapl(f"intel-rapl:{socket}:0", "core", 1_000_000)
        sysfs.rapl(f"intel-rapl:{socket}:1", "dram", 1_000_000)
    recorder: Recorder
    if kind == "node":
        recorder = NodeRecorder(PowerOfNode.of_machine(NodePower()), ThermalSensors(), "n1", longest_s=1.0)
    else:
        recorder = RaplRecorder(RaplMeter(sysfs.root), "n1", CpuShare())
    sink = CsvSink(tmp_path / "a.csv", recorder.columns)
    before_s = time.process_time()
    report = run_logger(recorder, [sink], Cadence(0.1, duration_s=60.0))
    assert report.samples + report.missed == 600
    assert (time.process_time() - before_s) / 60.0 < 0.02
