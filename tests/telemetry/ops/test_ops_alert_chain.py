"""Prometheus, Alertmanager and a webhook for real: each alert fires on crafted series and reaches the webhook.

Minutes are seconds here: the test's copy of the files has every duration, range and offset of the alerts divided by 60
(the true ones are tested by promtool), and Alertmanager's waits are one second. Thresholds are the true ones, and so is
the scrape that takes longer than 10 s.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from live_postgres import free_port
from live_prometheus import Daemon, Pages, begun, pages, program, prometheus, wait_until
from ops_rules import rules

from wattq.telemetry.ops import write_stack

pytestmark = pytest.mark.service

NODE = """\
wattq_thermal_throttling_active{core="3"} 1
wattq_gpu_temperature_celsius{gpu="0",gpu_name="H200"} 85.5
wattq_node_cpu_utilization_ratio 0.91
wattq_node_memory_utilization_ratio 0.91
wattq_node_filesystem_utilization_ratio{mountpoint="/scratch"} 0.86
wattq_power_watts{component="package-0"} 201
"""
JOBS = """\
wattq_slurm_job_runtime_seconds{job_id="17",user="ada",partition="long"} 86401
wattq_slurm_job_energy_joules{job_id="17",job_type="mixed",source="model"} 1000001
wattq_slurm_jobs{state="PENDING",partition="cpu"} 51
"""
QUIET = "wattq_node_load1 0.5\n"


class Crafted:
    """A node and a cluster on which everything goes wrong; later, one that says hardly anything."""

    def __init__(self) -> None:
        self.begin_s = time.monotonic()
        self.quiet = False

    def page(self) -> str:
        if self.quiet:
            return QUIET
        age_s = time.monotonic() - self.begin_s
        finished = f'wattq_slurm_jobs_finished_total{{state="COMPLETED",partition="cpu"}} {int(age_s) * 8}\n'
        failed = f'wattq_slurm_jobs_finished_total{{state="FAILED",partition="cpu"}} {int(age_s)}\n'
        warm = f"wattq_node_cpu_temperature_celsius {80.5 if age_s < 25 else 90.5}\n"
        # a step of 101 W every 20 s
        power = f'wattq_node_power_watts{{source="measured"}} {200 + 101 * (int(age_s) // 20)}\n'
        return NODE + JOBS + warm + finished + failed + power


def shortened(text: str) -> str:
    """Return alerts whose minutes are seconds."""
    text, count = re.subn(r"(for: |offset |\[)(\d+)m\b", r"\1\2s", text)
    assert count == 18 + 2 + 1
    return text


def crafted_stack(folder: Path, crafted: str, alertmanager: int) -> Path:
    """Write the stack with targets of the test, and the test's durations; return Prometheus' configuration."""
    dead = [f"127.0.0.1:{free_port()}" for _ in range(3)]
    addresses = {"node": [crafted, dead[0]], "slurm": [dead[1]], "api": [dead[2]]}
    write_stack(folder, {**addresses, "alertmanager": [f"127.0.0.1:{alertmanager}"]})
    alerts, config = folder / "prometheus" / "alerts.yml", folder / "prometheus" / "prometheus.yml"
    alerts.write_text(shortened(alerts.read_text()))
    slow = "\n  - job_name: wattq-slow\n    scrape_interval: 15s\n    scrape_timeout: 14s\n    metrics_path: /slow\n"
    slow += f'    static_configs: [{{targets: ["{crafted}"]}}]\n'
    text = re.sub(
        "scrape_interval: 30s|scrape_timeout: 20s", lambda match: match[0].split()[0] + " 1s", config.read_text()
    )
    config.write_text(text.replace("evaluation_interval: 30s", "evaluation_interval: 1s") + slow)
    routes = folder / "alertmanager" / "alertmanager.yml"
    waits = r"(group_wait|group_interval): \w+"
    routes.write_text(re.sub(waits, r"\1: 1s", routes.read_text()))
    return config


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[tuple[Pages, Crafted, Daemon, Daemon]]:
    """Crafted pages and a webhook, Prometheus, Alertmanager begun by the stack's own start.sh."""
    crafted, port = Crafted(), free_port()
    binary = program("prometheus-alertmanager", "alertmanager")
    with pages() as server:
        server.texts = {"/metrics": crafted.page, "/slow": slow_page}
        stack = tmp_path / "stack"
        config = crafted_stack(stack, server.address, port)
        words = ["sh", str(stack / "alertmanager" / "start.sh"), str(stack / "alertmanager" / "alertmanager.yml")]
        words += [binary, f"--storage.path={tmp_path / 'am'}", f"--web.listen-address=127.0.0.1:{port}"]
        words += ["--cluster.listen-address=", "--log.level=warn"]
        given = {**os.environ, "TMPDIR": str(tmp_path), "ALERT_WEBHOOK_URL": f"http://{server.address}/hook?a=1&b=2"}
        with (
            begun(words, port, tmp_path / "alertmanager.log", "/-/ready", given) as manager,
            prometheus(config, tmp_path) as daemon,
        ):
            yield server, crafted, daemon, manager


def slow_page() -> str:
    time.sleep(10.3)
    return "wattq_api_uptime_seconds 1\n"


def told(server: Pages, status: str, since: int = 0) -> set[str]:
    """Return the names of the alerts that the webhook was told of, from some message on."""
    alerts = [alert for message in server.posted[since:] for alert in message["alerts"]]
    return {alert["labels"]["alertname"] for alert in alerts if alert["status"] == status}


def firing(daemon: Daemon) -> set[str]:
    alerts = daemon.get("/api/v1/alerts")["data"]["alerts"]
    return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}


def test_every_alert_reaches_the_webhook(chain: tuple[Pages, Crafted, Daemon, Daemon]) -> None:
    server, crafted, daemon, manager = chain
    every = {rule["alert"] for rule in rules("alerts.yml")}
    absent = {"MissingThermalMetrics", "MissingJobMetrics"}

    def missing() -> str:
        return f"not told: {every - told(server, 'firing')}; firing: {firing(daemon)}"

    wait_until(lambda: told(server, "firing") >= every - absent, 90, missing)
    # Prometheus learns of targets some seconds after its start, which are minutes here.
    assert not firing(daemon) & absent
    # A node that became hotter is reported as critical, and no more as hot.
    wait_until(lambda: suppressed(manager) >= {"HighCPUTemperature"}, 30, missing)
    crafted.quiet, before = True, len(server.posted)
    wait_until(lambda: told(server, "firing", before) >= absent, 60, missing)
    assert len(every) == 18
    assert told(server, "firing") == every
    wait_until(lambda: "HighGPUTemperature" in told(server, "resolved"), 60, missing)
    assert {rule["health"] for rule in evaluated(daemon)} == {"ok"}


def suppressed(manager: Daemon) -> set[str]:
    alerts = [alert for alert in manager.get("/api/v2/alerts") if alert["status"]["state"] == "suppressed"]
    return {alert["labels"]["alertname"] for alert in alerts}


def evaluated(daemon: Daemon) -> list[dict[str, Any]]:
    groups = daemon.get("/api/v1/rules")["data"]["groups"]
    return [rule for group in groups for rule in group["rules"]]
