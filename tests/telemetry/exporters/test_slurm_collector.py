"""The exporter `slurm` over commands that print what the test says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wattq.errors import SlurmError, TelemetryError
from wattq.platforms import NodePower
from wattq.telemetry.exporters.book import Book, render
from wattq.telemetry.exporters.slurm_collector import SlurmCollector
from wattq.telemetry.exporters.slurm_commands import SlurmCommands
from wattq.telemetry.exporters.slurm_ended import EndedJobs, JobEnd
from wattq.telemetry.exporters.slurm_energy import JobEnergy, StoredEnergy, TypedEnergy, job_power_w
from wattq.telemetry.exporters.slurm_text import QueuedJob, Usage
from wattq.telemetry.exporters.vocabulary import metrics_of
from wattq.telemetry.store import open_store

MODEL = NodePower(node_idle_w=100, node_full_w=300)


class FakeStore:
    """A store of rows; `rows` None is one that is away."""

    def __init__(self, rows: list[dict[str, Any]] | None) -> None:
        self.rows, self.open = rows, True

    def read(self, name: str, **how: Any) -> list[dict[str, Any]]:
        assert name == "job_metrics"
        if self.rows is None:
            raise TelemetryError("store: away")
        wanted = how["where"]["job_id"]
        return [row for row in self.rows if row["time"] >= how["since_s"] and row["job_id"] in wanted]

    def close(self) -> None:
        self.open = False


def collector(file: Path | None = None, rows: list[dict[str, Any]] | None = None, **options: Any) -> SlurmCollector:
    book = Book("slurm")
    stored = StoredEnergy(lambda: FakeStore(rows))
    commands = SlurmCommands(options.pop("timeout_s", 20.0))
    return SlurmCollector(book, commands, EndedJobs(book, file), JobEnergy(MODEL), stored, **options)


def lines(made: SlurmCollector) -> list[str]:
    return [line for line in render(made.book)[0].decode().splitlines() if not line.startswith("#")]


def test_every_metric_of_the_vocabulary_is_shown(fake_slurm: Any, job: Any, t0: float) -> None:
    fake_slurm.prints(
        "squeue",
        job("17", run="1:00", tres="cpu=2,gres/gpu=1")
        + job("18", "PENDING", start=None, run="0:00", submit=t0 - 40)
        + job("19", "FAILED", end=t0 + 30, run="0:30"),
    )
    fake_slurm.prints("sstat", "17.batch|cpu=00:01:00,energy=0,mem=5K\n")
    made = collector()
    made.book.add("wattq_slurm_hook_events_total", 0, ("start",))
    assert made.refresh(t0 + 60)
    shown = lines(made)
    names = {line.partition("{")[0].partition(" ")[0] for line in shown}
    plain = {name for name in names if not name.endswith(("_bucket", "_sum", "_count"))}
    histograms = {name for metric in metrics_of("slurm") if metric.kind == "histogram" for name in metric.names}
    assert plain | histograms == {name for metric in metrics_of("slurm") for name in metric.names}
    assert {
        'wattq_slurm_job_state{job_id="17",job_name="work",partition="p",user="ann"} 1.0',
        'hpc_slurm_job_state{job_id="18",job_name="work",partition="p",user="ann"} 0.0',
        'wattq_slurm_job_state{job_id="19",job_name="work",partition="p",user="ann"} 5.0',
        'wattq_slurm_job_runtime_seconds{job_id="17",partition="p",user="ann"} 60.0',
        'wattq_slurm_job_queue_time_seconds{job_id="17",partition="p",user="ann"} 100.0',
        'wattq_slurm_job_queue_time_seconds{job_id="18",partition="p",user="ann"} 100.0',
        'wattq_slurm_job_cpu_utilization_ratio{job_id="17",node="n1"} 0.5',
        'hpc_slurm_job_cpu_usage_percent{job_id="17",node="n1"} 50.0',
        'hpc_slurm_job_memory_usage_bytes{job_id="17",node="n1"} 5120.0',
        'wattq_slurm_job_gpus{job_id="17"} 1.0',
        # half of a node of 4 CPUs at half load, and a GPU of 300 W, for a minute
        'wattq_slurm_job_energy_joules{job_id="17",job_type="unknown",source="model"} 24000.0',
        'wattq_slurm_jobs{partition="p",state="PENDING"} 1.0',
        'wattq_slurm_jobs{partition="q",state="RUNNING"} 0.0',
        'wattq_slurm_nodes{state="mixed"} 3.0',
        'hpc_slurm_jobs_total{partition="p",state="FAILED"} 1.0',
        'hpc_slurm_jobs_total{partition="q",state="COMPLETED"} 0.0',
        'hpc_job_duration_seconds_sum{job_type="unknown",partition="p"} 30.0',
        'wattq_slurm_cluster_info{accounting="rapl",cluster="c1",controller="head",slurm_version="22.05.8"} 1.0',
        "wattq_slurm_up 1.0",
    } <= set(shown)


def test_environment_cannot_hide_jobs(fake_slurm: Any, job: Any, t0: float, monkeypatch: pytest.MonkeyPatch) -> None:
    script = fake_slurm.folder / "squeue"
    script.write_text('#!/bin/sh\ntest "$SQUEUE_STATES$TZ" = UTC && cat "$0.txt"\n', encoding="utf-8")
    monkeypatch.setenv("SQUEUE_STATES", "PENDING")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    fake_slurm.prints("squeue", job("17"))
    assert len(SlurmCommands().queue()) == 1


def test_ends_are_counted_once(fake_slurm: Any, job: Any, t0: float, tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    ended = job("17_1", "COMPLETED", raw="18", end=t0 + 60)
    fake_slurm.prints("squeue", ended)
    made = collector(file)
    for step in range(3):
        made.refresh(t0 + 70 + step)
    key = ("COMPLETED", "p")
    assert made.book.value("wattq_slurm_jobs_finished_total", key) == 1.0
    again = collector(file)
    again.refresh(t0 + 90)
    assert again.book.value("wattq_slurm_jobs_finished_total", key) == 1.0
    # requeued: a new run under the old number
    fake_slurm.prints("squeue", job("17_1", "COMPLETED", raw="18", start=t0 + 200, end=t0 + 260))
    again.refresh(t0 + 300)
    again.refresh(t0 + 310)
    assert again.book.value("wattq_slurm_jobs_finished_total", key) == 2.0


def test_an_epilog_and_the_queue_tell_of_one_end(fake_slurm: Any, job: Any, t0: float) -> None:
    fake_slurm.prints("squeue", job("17_1", raw="18"))
    made = collector()
    made.refresh(t0 + 50)
    told = JobEnd("18", "", "COMPLETED", "p", 60.0, t0 + 61, t0, "mixed")
    assert made.told_end(told, TypedEnergy(500.0, "store", "mixed"))
    assert not made.told_end(told, TypedEnergy(500.0, "store", "mixed"))
    fake_slurm.prints("squeue", job("17_1", "COMPLETED", raw="18", end=t0 + 60))
    made.refresh(t0 + 70)
    assert made.book.value("wattq_slurm_jobs_finished_total", ("COMPLETED", "p")) == 1.0
    assert 'wattq_slurm_job_energy_joules{job_id="17_1",job_type="mixed",source="store"} 500.0' in lines(made)
    assert 'hpc_job_duration_seconds_count{job_type="mixed",partition="p"} 1.0' in lines(made)


def test_a_gap_is_filled_from_the_accounting(fake_slurm: Any, job: Any, t0: float, tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    fake_slurm.prints("squeue", job("17"))
    collector(file).refresh(t0)
    fake_slurm.prints("squeue", job("20", "FAILED", end=t0 + 3000))
    fake_slurm.prints(
        "sacct",
        "17|17|TIMEOUT|p|2023-11-14T22:40:00|1600\n20|20|FAILED|p|2023-11-14T23:03:20|60\n"
        "9|9|COMPLETED|p|2023-11-14T20:00:00|5\n",
    )
    late = collector(file)
    late.refresh(t0 + 3600)
    late.refresh(t0 + 3610)
    assert "--starttime=2023-11-14T22:13:20" in fake_slurm.asked("sacct")[0]
    assert len(fake_slurm.asked("sacct")) == 1
    counts = {
        state: late.book.value("wattq_slurm_jobs_finished_total", (state, "p")) for state in ("TIMEOUT", "FAILED")
    }
    assert counts == {"TIMEOUT": 1.0, "FAILED": 1.0}
    assert late.book.value("wattq_slurm_jobs_finished_total", ("COMPLETED", "p")) == 0.0


def test_a_cluster_without_accounting_is_asked_once(fake_slurm: Any, t0: float, tmp_path: Path) -> None:
    fake_slurm.fails("sacct", "Slurm accounting storage is disabled")
    file = tmp_path / "state.json"
    collector(file).refresh(t0)
    made = collector(file)
    for step in (1, 2):
        made.refresh(t0 + 4000 * step)
    assert len(fake_slurm.asked("sacct")) == 1


def test_old_ends_are_forgotten_but_not_recounted(t0: float) -> None:
    ended = EndedJobs(Book("slurm"), None)
    end = JobEnd("17", "17", "COMPLETED", "p", 5.0, t0, t0 - 5)
    assert ended.count(end)
    ended.forget(t0 + 4000, {"17"})
    assert not ended.count(end)
    ended.forget(t0 + 4000, ())
    assert ended.count(end)


def test_the_counter_is_on_disk_before_it_is_shown(t0: float, tmp_path: Path) -> None:
    file, book = tmp_path / "none" / "state.json", Book("slurm")
    ended = EndedJobs(book, file)
    ended.count(JobEnd("17", "17", "COMPLETED", "p", 5.0, t0))
    assert book.value("wattq_slurm_jobs_finished_total", ("COMPLETED", "p")) is None
    (tmp_path / "none").touch()
    with pytest.raises(TelemetryError, match="cannot be written"):
        ended.save()
    assert book.value("wattq_slurm_jobs_finished_total", ("COMPLETED", "p")) is None
    (tmp_path / "none").unlink()
    ended.save()
    assert book.value("wattq_slurm_jobs_finished_total", ("COMPLETED", "p")) == 1.0
    assert "COMPLETED" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"version": 2}', '{"version": 1, "ended": [], "refreshed_s": 0}', "[" * 99999]
)
def test_a_damaged_state_is_refused(content: str, tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(TelemetryError, match="remove it to count from 0"):
        EndedJobs(Book("slurm"), file)


def test_jobs_with_metrics_are_bounded(fake_slurm: Any, job: Any, t0: float) -> None:
    waiting = [job(str(n), "PENDING", start=None, run="0:00", submit=t0 - 1000 + n) for n in range(1, 50)]
    fake_slurm.prints("squeue", "".join(waiting) + job("99"))
    made = collector(max_jobs=3)
    made.refresh(t0 + 10)
    shown = [line for line in lines(made) if line.startswith("wattq_slurm_job_state")]
    assert [line.partition('job_id="')[2].partition('"')[0] for line in shown] == ["99", "1", "2"]
    assert made.book.value("wattq_slurm_jobs_not_shown") == 47.0
    assert made.book.value("wattq_slurm_jobs", ("PENDING", "p")) == 49.0


def test_a_slurm_that_is_away(fake_slurm: Any, job: Any, t0: float) -> None:
    fake_slurm.prints("squeue", job("17"))
    made = collector()
    made.refresh(t0)
    fake_slurm.fails("squeue", "slurm_load_jobs error: Unable to contact slurm controller")
    assert not made.refresh(t0 + 30)
    assert made.problems == ["squeue: exit code 1: slurm_load_jobs error: Unable to contact slurm controller"]
    assert made.book.value("wattq_slurm_up") == 0.0
    assert made.book.value("wattq_slurm_refresh_failures_total", ("squeue",)) == 1.0
    assert made.book.value("wattq_slurm_job_cpus", ("17",)) == 2.0
    made.refresh(t0 + 90)
    assert made.book.value("wattq_slurm_job_cpus", ("17",)) is None
    fake_slurm.works("squeue")
    assert made.refresh(t0 + 100)
    assert made.book.value("wattq_slurm_job_cpus", ("17",)) == 2.0


def test_a_command_that_hangs_is_killed(fake_slurm: Any) -> None:
    fake_slurm.hangs("squeue")
    with pytest.raises(SlurmError, match=r"squeue: no answer within 0\.2 s"):
        SlurmCommands(0.2).queue()


def test_no_slurm_on_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SlurmError, match="squeue: not on the PATH"):
        SlurmCommands()


def test_energy_from_the_store(fake_slurm: Any, job: Any, t0: float) -> None:
    fake_slurm.prints("squeue", job("17") + job("18") + job("19"))
    row = {"time": t0, "energy_source": "measured", "energy_j": 1234.0, "job_type": None, "workload_pattern": "mixed"}
    old = row | {"time": t0 - 9000, "job_id": "19", "energy_j": 7.0}
    made = collector(rows=[row | {"job_id": "17"}, row | {"job_id": "18", "energy_source": "modelled"}, old])
    made.refresh(t0 + 60)
    shown = lines(made)
    assert 'wattq_slurm_job_energy_joules{job_id="17",job_type="mixed",source="store"} 1234.0' in shown
    assert 'wattq_slurm_job_energy_joules{job_id="18",job_type="mixed",source="model"} 1234.0' in shown
    assert 'wattq_slurm_job_energy_joules{job_id="19",job_type="unknown",source="model"} 9000.0' in shown


def test_energy_from_a_real_store(t0: float, tmp_path: Path) -> None:
    path = str(tmp_path / "store.db")
    with open_store(path) as store:
        row = {"time": t0, "energy_source": "measured", "energy_j": 5.0, "job_type": "mixed"}
        store.write("job_metrics", [row | {"job_id": str(n)} for n in range(1, 700)])
    stored = StoredEnergy(lambda: open_store(path, create=False))
    jobs = [QueuedJob(str(n), str(n), "RUNNING", "u", "p", "n", 1, 0, "n1", t0, t0, None, 5.0) for n in range(1, 701)]
    found = stored.read(jobs)
    stored.close()
    assert len(found) == 699
    assert found["699"] == TypedEnergy(5.0, "store", "mixed")


def test_a_store_that_is_away_is_opened_again(t0: float) -> None:
    stores = [FakeStore(None), FakeStore([])]
    made = iter(stores)
    stored = StoredEnergy(lambda: next(made))
    jobs = [QueuedJob("1", "1", "RUNNING", "u", "p", "n", 1, 0, "n1", t0, t0, None, 5.0)]
    with pytest.raises(TelemetryError):
        stored.read(jobs)
    assert not stores[0].open
    assert stored.read(jobs) == {}
    stored.close()
    assert not stores[1].open


def test_gathered_energy_is_preferred_to_the_model(t0: float) -> None:
    job = QueuedJob("17", "17", "RUNNING", "u", "p", "n", 2, 0, "n1", t0, t0, None, 60.0)
    energies = JobEnergy(MODEL).of_jobs([job], {}, {"17": Usage(1.0, 0.0, 777.0)}, {"p": 4})
    assert energies["17"] == TypedEnergy(777.0, "acct_gather")


def test_shares_of_a_full_node_add_up() -> None:
    node = NodePower(gpus=4)
    parts = [job_power_w(node, 16, 1, 64, 1.0) for _ in range(4)]
    assert sum(parts) == pytest.approx(node.power_w(1.0, 1.0))
