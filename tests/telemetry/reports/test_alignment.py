"""Measured power shared out to the jobs of a store and of files, and written back, by the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from wattq.cli import main
from wattq.errors import TelemetryError
from wattq.surrogates.energy import read_labels
from wattq.telemetry.alignment import align_power, files_of_power, jobs_of_store, measured_rows, power_of_store
from wattq.telemetry.alignment_text import alignment_text
from wattq.telemetry.loggers.csv_sink import CsvSink
from wattq.telemetry.loggers.parquet_sink import ParquetSink
from wattq.telemetry.loggers.rapl_log import RaplRecorder
from wattq.telemetry.meters.base import Reading
from wattq.telemetry.meters.node import CpuShare
from wattq.telemetry.period import date_s, date_text
from wattq.telemetry.store import open_store

T0 = 1_795_132_800.0


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    return int(end.value.code or 0)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Two jobs on n1 for ten minutes, 100 W and 300 W by turns of 30 s sampled each second; n2 with its model alone."""
    path = tmp_path / "w.db"
    time = np.arange(T0 - 60.0, T0 + 661.0)
    power = np.where(((time - T0) // 30.0) % 2 == 0, 100.0, 300.0)
    with open_store(str(path)) as opened:
        rows = [
            {"time": t, "node_id": "n1", "device": device, "power_w": watts * share, "meter": "rapl"}
            for t, watts in zip(time.tolist(), power.tolist(), strict=True)
            for device, share in (("package-0", 0.75), ("dram-0", 0.25), ("core-0", 0.5))
        ]
        opened.write("power_samples", rows)
        modelled = {"node_id": "n2", "power_consumption_watts": 250.0, "power_source": "modelled"}
        opened.write("node_metrics", [{"time": t, **modelled} for t in time.tolist()])
        measured = {"node_id": "n3", "power_consumption_watts": 90.0, "energy_j": 90.0, "power_source": "measured"}
        opened.write("node_metrics", [{"time": t, **measured} for t in time.tolist()])
        jobs = [("1", 0, 600, "n1", 24), ("2", 300, 600, "n1", 8), ("3", 0, 600, "n2", 8), ("4", 0, 300, "n[1,3]", 16)]
        opened.write("job_metrics", [job(*each) for each in jobs])
    return path


def job(name: str, start: int, end: int, nodes: str, cores: int) -> dict[str, object]:
    return {
        "time": T0 + start,
        "end_time": T0 + end,
        "job_id": name,
        "node_id": nodes,
        "cpu_cores": cores,
        "user_id": "u",
        "job_name": "app",
        "energy_j": 1.0,
        "energy_source": "modelled",
        "energy_meter": "model",
        "job_state": "COMPLETED",
    }


def test_jobs_of_a_store(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run("telemetry", "align", "--store", store, "-o", tmp_path / "l.csv", "--update", "--report", tmp_path / "r")
    printed = capsys.readouterr().out
    assert code == 0, printed
    assert "3 of 4 jobs measured" in printed
    assert "n1: power of dram-0 + package-0; core-0 left out: inside its package" in printed
    assert "left out: 1 jobs measured for less than 90%: 3 (0%)" in printed
    assert "3 jobs of the store updated" in printed
    with open_store(str(store)) as opened:
        rows = {row["job_id"]: row for row in opened.read("job_metrics")}
    # n1 draws 200 W in the mean. To 300 s: 24 cores of job 1, 8 of job 4; then 24 of job 1, 8 of job 2.
    half = 300 * 200.0
    found = [rows[name]["energy_j"] for name in "124"]
    assert found == pytest.approx([1.5 * half, 0.25 * half, 0.25 * half + 300 * 90.0], rel=0.01)
    assert found[0] + found[1] + found[2] - 300 * 90.0 == pytest.approx(600 * 200.0, rel=0.01)
    assert [rows[name]["energy_source"] for name in "1234"] == ["measured", "measured", "modelled", "measured"]
    assert [rows[name]["energy_meter"] for name in "1234"] == ["rapl", "rapl", "model", "node+rapl"]
    assert [rows[name]["energy_coverage"] for name in "124"] == [1.0, 1.0, 1.0]
    assert rows["1"]["avg_power_watts"] == pytest.approx(1.5 * half / 600, rel=0.01)
    assert (rows["3"]["energy_j"], rows["3"]["energy_coverage"]) == (1.0, None)
    labels = read_labels(tmp_path / "l.csv")
    assert (labels.job_id, labels.label_source) == (("1", "4", "2"), "sampled")
    assert labels.jobs.nodes.tolist() == [1.0, 2.0, 1.0]
    document = json.loads((tmp_path / "r").read_text())
    assert [each["energy_j"] is None for each in document["jobs"]] == [False, True, False, False]
    nodes = {each["node"]: each for each in document["nodes"]}
    assert sorted(nodes) == ["n1", "n3"]
    assert nodes["n1"]["jobs_j"] + nodes["n1"]["idle_j"] == pytest.approx(nodes["n1"]["energy_j"], rel=1e-9)
    assert nodes["n1"]["idle_j"] == pytest.approx(120 * 200.0, rel=0.01)


def test_a_period_keeps_those_that_share(store: Path) -> None:
    with open_store(str(store)) as opened:
        table = jobs_of_store(opened, T0 + 400.0, None)
        assert [window.job_id for window in table.windows] == ["1", "3", "2"]
        found = align_power(table, power_of_store(opened, T0, T0 + 600.0))
        rows, lost = measured_rows(found, opened.read("job_metrics")[:1])
    assert [row["job_id"] for row in rows] == ["1"]
    assert lost == 1
    assert "2 of 3 jobs measured" in alignment_text(found)


def test_files_of_power_and_jobs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The GPUs are in one file and the processors in another: both are of the node."""
    times = range(0, 601, 10)
    (tmp_path / "gpu.csv").write_text(
        "ts,gpu_index,power_w,energy_counter_j\n" + "".join(f"{t},0,200,{200 * t}\n" for t in times)
    )
    cpu = "ts,power_w,energy_counter_j,package-0_w,package-0_j\n"
    (tmp_path / "cpu.csv").write_text(cpu + "".join(f"{t},100,{100 * t},100,{100 * t}\n" for t in times))
    (tmp_path / "jobs.csv").write_text("job_id,start,end,node,cores\n1,0,300,n1,4\n2,100,500,n1,12\n3,550,650,n1,1\n")
    files = (tmp_path / "gpu.csv", tmp_path / "cpu.csv")
    options = ("--node", "n1", "--jobs", tmp_path / "jobs.csv", "-o", tmp_path / "l.csv")
    assert run("telemetry", "align", *files, *options) == 0
    assert "n1: energy counters of gpu0 + rapl" in capsys.readouterr().out
    joules = read_labels(tmp_path / "l.csv").energy_j
    assert joules.tolist() == pytest.approx([300 * 100.0 + 300 * 50.0, 300 * 150.0 + 300 * 200.0])
    assert run("telemetry", "align", *files, *options, "--start", "1970-01-01") == 2
    assert "before the year 2000" in capsys.readouterr().err
    assert run("telemetry", "align", *files, *options, "--start", "2020-01-01") == 2
    assert "no job ran in this time" in capsys.readouterr().err


def test_refusals(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATTQ_STORE_URL", raising=False)
    monkeypatch.setenv("WATTQ_CONFIG", str(tmp_path / "none.yaml"))
    (tmp_path / "none.yaml").write_text("{}\n")
    assert run("telemetry", "align") == 2
    assert "nothing to write" in capsys.readouterr().err
    assert run("telemetry", "align", "-o", tmp_path / "l.csv") == 2
    assert "no store: name one with --store" in capsys.readouterr().err
    assert run("telemetry", "align", "-o", tmp_path / "l.csv", "--store", tmp_path / "away.db") == 2
    assert "wattq telemetry store init" in capsys.readouterr().err
    with open_store(str(tmp_path / "w.db")) as opened:
        opened.write("job_metrics", [job("1", 0, 600, "n1", 4)])
        with pytest.raises(TelemetryError, match="no measured power of this time"):
            power_of_store(opened, T0, T0 + 600.0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-20", T0),
        ("2026-11-20T00:00", T0),
        ("2026-11-20T01:00+01:00", T0),
        ("2026-11-20 00:00:30Z", T0 + 30.0),
    ],
)
def test_dates(text: str, seconds: float) -> None:
    assert date_s(text, "--start") == seconds
    assert date_text(seconds) == "2026-11-20 00:00"


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "1999-12-31"])
def test_dates_that_are_none(text: str) -> None:
    with pytest.raises(TelemetryError, match="--end"):
        date_s(text, "--end")


class Counters:
    """A meter of two packages, a part of one, and the whole of both: 100 W and 300 W by turns of 30 s."""

    name = "rapl"
    source = "measured"
    whole_node = False

    def devices(self) -> tuple[str, ...]:
        return ("package-0", "core-0", "package-1", "psys")

    def read(self, now_s: float) -> list[Reading]:
        turns, rest = divmod(now_s - T0 + 60.0, 60.0)
        joules = turns * 12_000.0 + 100.0 * min(rest, 30.0) + 300.0 * max(rest - 30.0, 0.0)
        shares = {"package-0": 0.6, "core-0": 0.4, "package-1": 0.4, "psys": 1.2}
        adds = {"package-0", "package-1"}
        return [Reading(name, None, joules * share, adds=name in adds) for name, share in shares.items()]

    def close(self) -> None:
        pass


class Idle:
    def read(self) -> float | None:
        return None


def test_what_the_logger_writes_is_what_jobs_get(tmp_path: Path) -> None:
    """By the logger into CSV, Parquet and a store, then to the joules of two jobs: all alike, the sum within 1 %."""
    pytest.importorskip("pyarrow")
    recorder = RaplRecorder(Counters(), "n1", cast("CpuShare", Idle()))
    samples = [recorder.sample(T0 - 60.0 + 0.5 * k) for k in range(1500)]
    sinks = (CsvSink(tmp_path / "p.csv", recorder.columns), ParquetSink(tmp_path / "p.parquet", recorder.columns))
    for sink in sinks:
        for sample in samples:
            sink.write(sample)
        sink.close()
    jobs = [job("1", 0, 600, "n1", 24), job("2", 315, 615, "n1", 8)]
    with open_store(str(tmp_path / "w.db")) as store:
        store.write("job_metrics", jobs)
        for sample in samples:
            store.write("power_samples", sample.records()["power_samples"])
        table = jobs_of_store(store)
        of_store = align_power(table, power_of_store(store, T0, T0 + 615.0))
    files = [align_power(table, files_of_power([tmp_path / name], "n1")) for name in ("p.csv", "p.parquet")]
    # 61,500 J to 315 s, all of job 1; 58,500 J to 600 s, three quarters of job 1; then 15 s at 100 W.
    expected = [61_500.0 + 0.75 * 58_500.0, 0.25 * 58_500.0 + 1500.0]
    for found in (of_store, *files):
        assert found.found.energy_j == pytest.approx(expected, rel=0.001)
        assert found.nodes["n1"].counted
    assert files[0].found.energy_j.tolist() == pytest.approx(of_store.found.energy_j.tolist(), rel=1e-6)
    assert set(of_store.nodes["n1"].left_out) == {"core-0", "psys"}
