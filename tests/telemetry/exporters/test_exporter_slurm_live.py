"""The exporter `slurm` on a real Slurm with accounting: jobs run, end, are told of, and are counted once."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from live_slurm import slurm_cluster, wait_for
from live_slurmdbd import accounting

from wattq.settings import ExporterSettings, Settings
from wattq.telemetry.exporters import Request, SlurmExporter, render
from wattq.telemetry.exporters.slurm_commands import SlurmCommands

pytestmark = pytest.mark.service

LINES = [
    "JobAcctGatherType=jobacct_gather/linux",
    "JobAcctGatherFrequency=1",
    # finished jobs leave the queue's list while the test waits
    "MinJobAge=2",
]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("exporter")
    with accounting(folder / "dbd") as lines, slurm_cluster(folder / "slurm", [*LINES, *lines]):
        yield


def submit(*words: str) -> str:
    command = ["sbatch", "--parsable", "--output=/dev/null", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, cwd="/tmp")
    return done.stdout.strip().partition(";")[0]


def exporter(state: Path) -> SlurmExporter:
    return SlurmExporter(Settings(exporter=ExporterSettings(slurm_state=str(state), usage_s=1.0)))


def shown(made: SlurmExporter) -> list[str]:
    assert made.refresh(), made.collector.problems
    return render(made.page.book)[0].decode().splitlines()


def finished(made: SlurmExporter, state: str) -> float | None:
    made.refresh()
    return made.page.book.value("wattq_slurm_jobs_finished_total", (state, "debug"))


def post(made: SlurmExporter, path: str, message: dict[str, Any]) -> dict[str, Any]:
    answer = made.routes["POST", path](Request("POST", path, {}, json.dumps(message).encode()))
    assert answer.status == 200, answer.body
    return dict(json.loads(answer.body))


@pytest.mark.usefixtures("cluster")
def test_jobs_run_and_end(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    made = exporter(state)
    busy = submit("-J", 'odd | "name"', "--wrap", "timeout 8 sh -c 'while :; do :; done'")
    array = submit("--array=1-2", "--wrap", "sleep 1")
    submit("--begin=now+1hour", "--wrap", "true")
    used = f'wattq_slurm_job_cpu_utilization_ratio{{job_id="{busy}"'
    wait_for(lambda: any(line.startswith(used) and not line.endswith(" 0.0") for line in shown(made)), 60)
    lines = shown(made)
    assert (
        f'wattq_slurm_job_state{{job_id="{busy}",job_name="odd | \\"name\\"",partition="debug",user="root"}} 1.0'
        in lines
    )
    assert 'wattq_slurm_jobs{partition="debug",state="PENDING"} 1.0' in lines
    assert any(
        line.startswith(f'wattq_slurm_job_energy_joules{{job_id="{busy}",job_type="unknown",source="model"}}')
        for line in lines
    )
    assert post(made, "/metrics/job/start", {"job_id": busy, "job_type": "cpu"}) == {"status": "ok", "counted": False}
    wait_for(lambda: finished(made, "COMPLETED") == 2.0, 60)
    assert post(made, "/metrics/job/complete", {"job_id": f"{array}_1", "state": "COMPLETED"})["counted"] is False
    wait_for(lambda: finished(made, "FAILED") == 1.0, 60)
    duration = 'wattq_slurm_job_duration_seconds_count{job_type="cpu_intensive",partition="debug"} 1.0'
    assert duration in render(made.page.book)[0].decode().splitlines()


@pytest.mark.usefixtures("cluster")
def test_jobs_that_ended_unseen_are_found_in_the_accounting(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    first = exporter(state)
    before = finished(first, "COMPLETED") or 0.0
    job = submit("--wrap", "true")
    # MinJobAge passes while nobody looks
    wait_for(lambda: any(ended.job_id == job for ended in SlurmCommands().ended(0.0)), 60)
    wait_for(lambda: not any(listed.job_id == job for listed in SlurmCommands().queue()), 120)
    second = exporter(state)
    assert finished(second, "COMPLETED") == before + 1.0
    assert finished(second, "COMPLETED") == before + 1.0
