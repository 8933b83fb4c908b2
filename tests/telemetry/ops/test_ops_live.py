"""Prometheus scrapes the real exporters and the API: every panel, every rule and every alert finds its series.

One node exporter shows this machine; another one runs over files of a made-up machine with every sensor that this one
may lack. Slurm is a real one of one node, whose jobs run while Prometheus watches. In the test's copy of the files
Prometheus looks every second, and the five minutes that PowerConsumptionSpike looks back are five seconds.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from grafana_panels import dashboards, filled_promql, targets
from live_postgres import free_port
from live_prometheus import Daemon, begun, prometheus, wait_until
from live_slurm import slurm_cluster
from ops_rules import rules

from wattq.settings import ExporterSettings, Settings
from wattq.telemetry.exporters import METRICS, MetricsServer, NodeExporter
from wattq.telemetry.ops import write_stack

pytestmark = pytest.mark.service

WATTQ = [sys.executable, "-c", "from wattq.cli import main; main()"]
# The limit that ends each alert's expression: what stands before it is what must have data.
LIMIT = re.compile(r"\s*(?:==|>)\s*[\de* .]+$")
JOB_TYPES = ("cpu_intensive", "unknown")
GPU = {"power_mw": 250_000, "energy_mj": 1000, "util": (90, 20), "memory": 10**9, "temp": 61, "clock": 1500}
GPU |= {"enforced_mw": 700_000, "reasons": 0}
# Only jobs with GPUs have the first one.
NOT_HERE = {"wattq_slurm_job_gpus"}


def made_up_machine(sysfs: Any) -> None:
    """Write the sensors of a server: two sockets, fans, zones, throttling, RAPL."""
    for socket in (0, 1):
        labels = {"temp1_label": f"Package id {socket}", "temp2_label": "Core 0"}
        sysfs.chip(socket, "coretemp", temp1_input=61_000, temp2_input=60_000, **labels)
        sysfs.rapl(f"intel-rapl:{socket}", f"package-{socket}", 0)
        cpu = f"devices/system/cpu/cpu{socket}"
        sysfs.write(f"{cpu}/topology/physical_package_id", socket)
        sysfs.write(f"{cpu}/topology/core_id", 0)
        sysfs.write(f"{cpu}/thermal_throttle/core_throttle_count", 3)
        sysfs.write(f"{cpu}/cpufreq/scaling_cur_freq", 2_400_000)
    sysfs.chip(2, "nct6775", fan1_input=1200, fan1_label="front")
    sysfs.write("class/thermal/thermal_zone0/type", "acpitz")
    sysfs.write("class/thermal/thermal_zone0/temp", 30_000)


def spend(sysfs: Any, ending: threading.Event) -> None:
    """Let both packages draw about 100 W until told to end."""
    begin_s = time.monotonic()
    while not ending.wait(0.2):
        for socket in (0, 1):
            sysfs.rapl(f"intel-rapl:{socket}", f"package-{socket}", int(1e8 * (time.monotonic() - begin_s)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("live")


@contextlib.contextmanager
def made_up_exporter(sysfs: Any, nvml: Any) -> Iterator[str]:
    made_up_machine(sysfs)
    ending = threading.Event()
    thread = threading.Thread(target=spend, args=(sysfs, ending), daemon=True)
    thread.start()
    exporter = NodeExporter(Settings(exporter=ExporterSettings(fresh_s=0.5)), sysfs.root, nvml=nvml)
    try:
        with exporter.running(), MetricsServer("127.0.0.1", 0, exporter.routes).running() as server:
            yield f"127.0.0.1:{server.port}"
    finally:
        ending.set()
        thread.join()


@dataclass(frozen=True)
class Watched:
    """Prometheus, and the addresses that it asks."""

    prometheus: Daemon
    made_up: str
    real: str
    slurm: str
    api: str


def quick(stack: Path) -> Path:
    """Let Prometheus look every second; return its configuration."""
    for name in ("prometheus.yml", "recording.yml", "alerts.yml"):
        path = stack / "prometheus" / name
        text = path.read_text(encoding="utf-8").replace("offset 5m", "offset 5s")
        path.write_text(re.sub(r"(interval|timeout): \d+s", r"\1: 1s", text), encoding="utf-8")
    return stack / "prometheus" / "prometheus.yml"


def service(words: list[str], port: int, log: Path, **environ: str) -> contextlib.AbstractContextManager[Daemon]:
    env = {**os.environ, "WATTQ_CONFIG": "", **environ}
    return begun([*WATTQ, *words, "--port", str(port)], port, log, "/metrics", env)


def jobs() -> None:
    """Send jobs that succeed, one that fails, one that runs on, and one that waits for more than there is."""
    for words in (["true"], ["sleep", "1"], ["sleep", "4"], ["sleep", "6"], ["false"], ["sleep", "600"]):
        subprocess.run(["sbatch", "-n1", "-o", "/dev/null", "--wrap", " ".join(words)], check=True, capture_output=True)
    subprocess.run(["sbatch", "-n1", "-o", "/dev/null", "--hold", "--wrap", "true"], check=True, capture_output=True)


@pytest.fixture(scope="module")
def watched(folder: Path, sysfs_at: Any, fake_nvml: Any) -> Iterator[Watched]:
    lines = ["JobAcctGatherType=jobacct_gather/linux", "JobAcctGatherFrequency=1"]
    node, slurm, api = free_port(), free_port(), free_port()
    often = {"WATTQ_EXPORTER_REFRESH_S": "1", "WATTQ_EXPORTER_USAGE_S": "1"}
    often["WATTQ_EXPORTER_SLURM_STATE"] = str(folder / "slurm.json")
    with contextlib.ExitStack() as stack:
        stack.enter_context(slurm_cluster(folder / "slurm", lines))
        stack.callback(end_jobs)
        made_up = stack.enter_context(made_up_exporter(sysfs_at(folder / "machine"), fake_nvml(GPU, GPU)))
        stack.enter_context(service(["telemetry", "exporter", "node"], node, folder / "node.log"))
        stack.enter_context(service(["telemetry", "exporter", "slurm"], slurm, folder / "slurm.log", **often))
        stack.enter_context(service(["api"], api, folder / "api.log"))
        addresses = {"node": [made_up, f"127.0.0.1:{node}"], "slurm": [f"127.0.0.1:{slurm}"]}
        addresses |= {"api": [f"127.0.0.1:{api}"], "alertmanager": []}
        write_stack(folder / "stack", addresses)
        daemon = stack.enter_context(prometheus(quick(folder / "stack"), folder))
        wait_until(lambda: len(daemon.series("up == 1")) == 4, 60, lambda: daemon.series("up"))
        wait_until(
            lambda: daemon.series("wattq_slurm_jobs_finished_total"), 60, lambda: (folder / "slurm.log").read_text()
        )
        jobs()
        ask_api(api)
        wait_until(
            lambda: daemon.series("sum(increase(wattq_slurm_job_duration_seconds_count[1h])) > 2"),
            120,
            lambda: daemon.series('{__name__=~"wattq_slurm_job.*"}'),
        )
        wait_until(
            lambda: daemon.series("wattq_slurm_job_cpu_utilization_ratio"), 60, lambda: daemon.series("wattq_slurm_up")
        )
        ask_api(api)
        time.sleep(5)
        yield Watched(daemon, made_up, f"127.0.0.1:{node}", f"127.0.0.1:{slurm}", f"127.0.0.1:{api}")


def end_jobs() -> None:
    """End every job: what a job began would outlive its Slurm."""

    def listed() -> str:
        return subprocess.run(["squeue", "-h"], check=True, capture_output=True, text=True).stdout

    subprocess.run(["scancel", "--user=root"], check=True, capture_output=True)
    wait_until(lambda: not listed(), 60, listed)


def ask_api(port: int) -> None:
    for path in ("/", "/openapi.json") * 3:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            assert answer.status == 200


def values(daemon: Daemon) -> dict[str, list[str]]:
    """Return the values of dashboard variables: what Prometheus answers to label_values, all of them."""
    found = {"job_type": list(JOB_TYPES)}
    for board in dashboards().values():
        for variable in board["templating"]["list"]:
            asked = re.fullmatch(r"label_values\((\w+), (\w+)\)", str(variable["definition"]))
            if asked:
                answer = daemon.get(f"/api/v1/label/{asked[2]}/values", **{"match[]": asked[1]})
                found[variable["name"]] = answer["data"]
    return found


def test_variables_have_values(watched: Watched) -> None:
    found = values(watched.prometheus)
    assert found["instance"] == sorted([watched.made_up, watched.real])
    assert found["partition"] == ["debug"]


@pytest.mark.parametrize("target", list(targets("wattq-prometheus")), ids=lambda t: f"{t.place} {t.content['refId']}")
def test_every_panel_finds_its_series(watched: Watched, target: Any) -> None:
    for chosen in (values(watched.prometheus), {"instance": [], "partition": [], "job_type": list(JOB_TYPES)}):
        found = watched.prometheus.series(filled_promql(target.query, chosen))
        assert found, target.query
        assert all(one["value"][1] not in ("NaN", "+Inf", "-Inf") for one in found), found
        shown = set(re.findall(r"\{\{(\w+)\}\}", target.content["legendFormat"]))
        assert all(shown <= set(one["metric"]) for one in found), "a legend has blanks"


@pytest.mark.parametrize("rule", rules("recording.yml"), ids=lambda rule: rule["record"])
def test_every_recording_rule_records(watched: Watched, rule: dict[str, Any]) -> None:
    found = watched.prometheus.series(rule["record"])
    assert found, rule["expr"]
    assert all(one["value"][1] != "NaN" for one in found)


@pytest.mark.parametrize("rule", rules("alerts.yml"), ids=lambda rule: rule["alert"])
def test_every_alert_looks_at_series_that_are_there(watched: Watched, rule: dict[str, Any]) -> None:
    expr = rule["expr"].strip().replace("offset 5m", "offset 5s")
    watched.prometheus.series(expr)
    inner = re.sub(r"^absent\((.*)\)$", r"\1", expr)
    bare = inner if inner != expr else LIMIT.sub("", expr)
    assert bare != expr
    assert watched.prometheus.series(bare), bare


def test_rules_are_evaluated_without_an_error(watched: Watched) -> None:
    groups = watched.prometheus.get("/api/v1/rules")["data"]["groups"]
    found = [rule for group in groups for rule in group["rules"]]
    assert len(found) == len(rules("alerts.yml")) + len(rules("recording.yml"))
    assert {(rule["health"], rule.get("lastError")) for rule in found} == {("ok", None)}


def test_nothing_that_is_declared_stays_away(watched: Watched) -> None:
    """Exporters over a machine with every sensor, and the API, show every metric but what needs more hardware."""
    shown = set(watched.prometheus.get("/api/v1/label/__name__/values")["data"])
    names = {metric.name + ("_count" if metric.kind == "histogram" else "") for metric in METRICS}
    assert names - shown == NOT_HERE
