"""A real Slurm runs jobs with the hooks; their energy is in store, API and metrics. Needs slurm-wlm, munge and root."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from live_slurm import Cluster, free_port, slurm_cluster, wait_for

from wattq.telemetry.store import open_store

pytestmark = pytest.mark.service

BOX_S = 5.0
GPU_W = 200.0

# A GPU of 200 W that takes caps from 100 W to 400 W, told to other processes by a file.
PYNVML = """
import json, time, types

STATE = {state!r}

class NVMLError(Exception):
    pass

class NVMLError_NotSupported(NVMLError):
    pass

def nvmlInit(): pass
def nvmlShutdown(): pass
def nvmlDeviceGetCount(): return 1
def nvmlDeviceGetHandleByIndex(index): return index
def nvmlDeviceGetName(handle): return "Fake 200"
def nvmlDeviceGetUUID(handle): return "GPU-0"
def nvmlDeviceGetPowerUsage(handle): return 200_000
def nvmlDeviceGetTotalEnergyConsumption(handle): return int(time.time() * 200_000)
def nvmlDeviceGetPowerManagementLimitConstraints(handle): return 100_000, 400_000
def nvmlDeviceGetPowerManagementLimit(handle): return json.load(open(STATE))[-1]

def nvmlDeviceSetPowerManagementLimit(handle, limit):
    limits = [*json.load(open(STATE)), limit]
    with open(STATE, "w") as file:
        json.dump(limits, file)

def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    if name.startswith("nvml"):
        def refuse(*words):
            raise NVMLError_NotSupported(name)
        return refuse
    return 0 if name.startswith("NVML_") else NVMLError
"""


@dataclass
class Site:
    """A Slurm with hooks, exporter and API, on a node with a GPU that is none."""

    folder: Path
    cluster: Cluster
    exporter: str
    api: str

    @property
    def log(self) -> str:
        path = self.folder / "log" / "hooks.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def submit(self, *words: str, script: str) -> str:
        command = ["sbatch", "--parsable", "-o", "/dev/null", *words, "--wrap", script]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=self.folder, timeout=60)
        return done.stdout.strip()

    def row(self, job: str) -> dict[str, Any]:
        """Return the row of a job, once it has ended."""

        def found() -> list[dict[str, Any]]:
            with open_store(str(self.folder / "store.db")) as store:
                rows = store.read("job_metrics", where={"job_id": job})
            return [row for row in rows if row["end_time"] is not None]

        wait_for(found, 90, lambda: self.log)
        return found()[0]


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        data: bytes = answer.read()
    return data


def reached(url: str) -> bool:
    try:
        get(url)
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, repo_dir: Path) -> Iterator[Site]:
    """Begin all of it."""
    folder = tmp_path_factory.mktemp("hooks")
    source = os.pathsep.join([str(repo_dir / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
    (folder / "fake").mkdir()
    (folder / "fake" / "pynvml.py").write_text(PYNVML.format(state=str(folder / "limits.json")), encoding="utf-8")
    (folder / "limits.json").write_text("[400000]", encoding="ascii")
    python = folder / "python"
    python.write_text(
        f'#!/bin/sh\nPYTHONPATH="{folder}/fake:{source}" exec "{sys.executable}" "$@"\n', encoding="utf-8"
    )
    python.chmod(0o755)
    exporter, api = free_port(), free_port()
    settings = {
        "store": {"url": str(folder / "store.db"), "spool": str(folder / "spool")},
        "exporter": {"slurm_port": exporter, "slurm_state": str(folder / "exporter.json")},
        "api": {"port": api, "rate_per_s": 100.0},
        "slurm": {
            "log_dir": str(folder / "log"),
            "state_dir": str(folder / "state"),
            "time_box_s": BOX_S,
            "sample_s": 2.0,
            "deliver_s": 5.0,
        },
    }
    (folder / "wattq.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    environ = {**os.environ, "PYTHONPATH": source, "WATTQ_CONFIG": str(folder / "wattq.yaml"), "NO_PROXY": "127.0.0.1"}

    def wattq(*words: str) -> list[str]:
        return [sys.executable, "-c", "from wattq.cli import main; main()", *words]

    subprocess.run(
        wattq("slurm", "files", str(folder / "etc"), "--python", str(python)), env=environ, check=True, timeout=60
    )
    with open_store(str(folder / "store.db")):
        pass
    lines = [f"Prolog={folder}/etc/prolog.sh", f"Epilog={folder}/etc/epilog.sh", "PrologFlags=Alloc"]
    lines += ["GresTypes=gpu", f"NodeName={socket.gethostname()} NodeAddr=127.0.0.1 CPUs=4 RealMemory=8000 Gres=gpu:1"]
    (folder / "slurm").mkdir()
    (folder / "slurm" / "gres.conf").write_text("Name=gpu File=/dev/zero\n", encoding="ascii")
    with slurm_cluster(folder / "slurm", lines, cpus=4) as cluster:
        environ["SLURM_CONF"] = str(cluster.conf)
        services = []
        for name, words in (("exporter", ("telemetry", "exporter", "slurm")), ("api", ("api", "--no-tokens"))):
            with (folder / f"{name}.log").open("wb") as log:
                services.append(subprocess.Popen(wattq(*words), env=environ, stdout=log, stderr=log))
        made = Site(folder, cluster, f"http://127.0.0.1:{exporter}", f"http://127.0.0.1:{api}")
        try:
            for url, name in ((f"{made.exporter}/metrics", "exporter"), (f"{made.api}/openapi.json", "api")):
                wait_for(lambda url=url: reached(url), 90, (folder / f"{name}.log").read_text)
            yield made
        finally:
            for service in services:
                service.terminate()
                service.wait(30)
            wait_for(lambda: not keeper_of(folder), 30)


def keeper_of(folder: Path) -> bool:
    from wattq.telemetry.slurm.keeper_process import only_keeper

    if not (folder / "state").exists():
        return False
    with only_keeper(folder / "state") as held:
        return not held


def test_energy_of_jobs_reaches_store_api_and_metrics(site: Site) -> None:
    busy = site.submit("-n", "2", "-J", "burn", script="timeout 8 sh -c 'while :; do :; done'; exit 3")
    wait_for(lambda: f'job_id="{busy}"' in metrics(site), 30, lambda: site.log)
    calm = site.submit("-n", "1", "--comment", "wattq:job_type=io", script="sleep 3")
    row, other = site.row(busy), site.row(calm)
    assert (row["job_state"], row["exit_code"], row["job_name"], row["cpu_cores"]) == ("FAILED", 3, "burn", 2)
    assert (other["job_state"], other["exit_code"], other["job_type"]) == ("COMPLETED", 0, "io_intensive")
    for each in (row, other):
        assert each["energy_j"] > 0
        assert each["energy_j"] == pytest.approx(each["avg_power_watts"] * each["duration_seconds"], rel=1e-6)
        # The GPU, which neither holds, is read a moment after the start.
        assert each["energy_coverage"] > 0.6
        assert each["energy_source"] in ("measured", "modelled")
        assert 2.0 < each["duration_seconds"] < 60.0
        # Slurm's clock has whole seconds.
        assert each["end_time"] - each["time"] == pytest.approx(each["duration_seconds"], abs=BOX_S + 2)
    assert row["cpu_usage"] > 10
    assert (site.folder / "log" / f"job_{busy}_energy.log.gz").exists()
    # The API shows the same joules.
    recent = {job["job_id"]: job for job in json.loads(get(f"{site.api}/jobs/recent?limit=50"))["jobs"]}
    assert recent[busy]["energy_j"] == pytest.approx(row["energy_j"])
    assert recent[calm]["energy_j"] == pytest.approx(other["energy_j"])
    # It was asked for a prediction of each.
    with open_store(str(site.folder / "store.db")) as store:
        predictions = {each["job_id"]: each for each in store.read("energy_predictions")}
    for job, each in ((busy, row), (calm, other)):
        assert predictions[job]["actual_energy_j"] == pytest.approx(each["energy_j"])
        assert predictions[job]["predicted_energy_j"] > 0
        assert predictions[job]["prediction_error_percent"] is not None
        assert each["prediction_accuracy"] is not None
    # The exporter was told of both, and counted each once.
    wait_for(lambda: 'wattq_slurm_hook_events_total{event="complete"} 2' in metrics(site), 30, lambda: site.log)
    text = metrics(site)
    assert 'wattq_slurm_hook_events_total{event="start"} 2' in text
    assert 'wattq_slurm_jobs_finished_total{state="FAILED",partition="debug"} 1' in flat(text)
    assert 'wattq_slurm_jobs_finished_total{state="COMPLETED",partition="debug"} 1' in flat(text)
    assert 'event="refused"} 0' in text


def metrics(site: Site) -> str:
    return get(f"{site.exporter}/metrics").decode()


def flat(text: str) -> str:
    return (
        text.replace("1.0\n", "1\n")
        .replace('partition="debug",state="FAILED"', 'state="FAILED",partition="debug"')
        .replace('partition="debug",state="COMPLETED"', 'state="COMPLETED",partition="debug"')
    )


def test_energy_of_a_running_job_is_in_the_metrics(site: Site) -> None:
    job = site.submit(script="sleep 25")

    def shown() -> list[str]:
        lines = metrics(site).splitlines()
        return [line for line in lines if line.startswith("wattq_slurm_job_energy_joules{") and f'"{job}"' in line]

    wait_for(
        lambda: any('source="' in line and float(line.rpartition(" ")[2]) > 0 for line in shown()), 40, lambda: site.log
    )
    subprocess.run(["scancel", job], check=True, timeout=60)
    row = site.row(job)
    assert row["job_state"] == "CANCELLED"
    assert row["energy_j"] > 0


def test_tasks_of_an_array_and_shared_nodes(site: Site) -> None:
    array = site.submit("--array=1-3", "-n", "1", script="sleep 4")
    rows = [site.row(f"{array}_{task}") for task in (1, 2, 3)]
    assert all(row["cpu_cores"] == 1 and row["job_state"] == "COMPLETED" for row in rows)
    # Three jobs of one core shared the node: together they drew what one node may.
    from wattq.settings import NodeSettings

    if rows[0]["energy_source"] == "modelled":
        assert sum(row["avg_power_watts"] for row in rows) < 1.35 * NodeSettings().node_full_w


def test_a_job_caps_its_gpu(site: Site) -> None:
    limits = site.folder / "limits.json"
    words = ("--gres=gpu:1", "-n", "1", "--comment", "wattq:gpu_power_cap=250")
    job = site.submit(*words, script=f"cp {limits} {site.folder}/seen.json; sleep 4")
    row = site.row(job)
    # Capped before the job began, and given back after it; no other job touched it.
    assert json.loads((site.folder / "seen.json").read_text(encoding="ascii")) == [400_000, 250_000]
    wait_for(
        lambda: json.loads(limits.read_text(encoding="ascii")) == [400_000, 250_000, 400_000], 30, lambda: site.log
    )
    assert (row["energy_source"], row["energy_meter"].rpartition("+")[2]) == ("measured", "nvml")
    if row["energy_meter"] == "nvml":
        assert row["energy_j"] == pytest.approx(GPU_W * row["duration_seconds"], rel=0.01)
    assert f"job {job}: GPU 0 capped at 250 W (250 W wanted)" in site.log


def test_the_prolog_adds_less_than_its_time_box(site: Site) -> None:
    began_s = time.monotonic()
    subprocess.run(["srun", "-n1", "true"], check=True, timeout=120, cwd=site.folder)
    took_s = time.monotonic() - began_s
    # All of it: queue, prolog, launch, end.
    assert took_s < BOX_S + 10
    hook = ["env", "-i", "SLURM_JOB_ID=999999", "/bin/sh", str(site.folder / "etc" / "prolog.sh")]
    began_s = time.monotonic()
    subprocess.run(hook, check=True, timeout=60)
    assert time.monotonic() - began_s < BOX_S
    subprocess.run([*hook[:-1], str(site.folder / "etc" / "epilog.sh")], check=True, timeout=60)
    print(f"srun true with hooks: {took_s:.2f} s")


def test_hooks_that_fail_do_not_drain_the_node(site: Site) -> None:
    conf = site.folder / "etc" / "wattq-hooks.conf"
    before = conf.read_text(encoding="utf-8")
    try:
        conf.write_text("PYTHON=/nonexistent\n", encoding="utf-8")
        subprocess.run(["srun", "-n1", "true"], check=True, timeout=120, cwd=site.folder)
    finally:
        conf.write_text(before, encoding="utf-8")
    state = subprocess.run(["sinfo", "-h", "-o", "%t"], capture_output=True, text=True, check=True, timeout=60).stdout
    assert "drain" not in state
