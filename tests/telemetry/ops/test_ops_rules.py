"""Alerts and recording rules: names, thresholds, durations, severities, and only metrics that wattq has."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from ops_rules import ADDED, PROMETHEUS, check_expression, rules
from promql import grouping_labels, names_matching, series_asked

from wattq.telemetry.exporters import METRICS
from wattq.telemetry.exporters.vocabulary import JOB_STATE_CODES
from wattq.telemetry.store import ROLLUPS

# alert: what the reference says of it, threshold, duration, severity
ALERTS = {
    "HighCPUTemperature": ("> 80", "2m", "warning"),
    "CriticalCPUTemperature": ("> 90", "1m", "critical"),
    "ThermalThrottlingActive": ("> 0", "1m", "warning"),
    "HighGPUTemperature": ("> 85", "2m", "warning"),
    "LongRunningJob": ("> 24 * 3600", "5m", "info"),
    "HighJobFailureRate": ("> 0.1", "5m", "warning"),
    "JobQueueBuildup": ("> 50", "5m", "warning"),
    "HighEnergyConsumptionJob": ("> 1e6", "2m", "info"),
    "HighCPUUsage": ("> 0.9", "5m", "warning"),
    "HighMemoryUsage": ("> 0.9", "5m", "warning"),
    "DiskSpaceLow": ("> 0.85", "5m", "warning"),
    "NodeDown": ("== 0", "2m", "critical"),
    "HighPowerConsumption": ("> 200", "5m", "warning"),
    "PowerConsumptionSpike": ("> 100", "2m", "info"),
    "ExporterDown": ("== 0", "2m", "critical"),
    "HighScrapeDuration": ("> 10", "5m", "warning"),
    "MissingThermalMetrics": ("absent", "5m", "warning"),
    "MissingJobMetrics": ("absent", "10m", "warning"),
}


def test_the_alerts_are_those_of_the_reference() -> None:
    found = {rule["alert"]: rule for rule in rules("alerts.yml")}
    assert list(found) == list(ALERTS)
    for name, (threshold, duration, severity) in ALERTS.items():
        rule = found[name]
        assert threshold in rule["expr"], name
        assert (rule["for"], rule["labels"]) == (duration, {"severity": severity})
        assert set(rule["annotations"]) == {"summary", "description"}


@pytest.mark.parametrize(
    "rule", [*rules("alerts.yml"), *rules("recording.yml")], ids=lambda rule: rule.get("alert") or rule["record"]
)
def test_expressions_ask_for_metrics_that_exist(rule: dict[str, Any]) -> None:
    check_expression(rule["expr"])


def test_a_name_that_does_not_exist_is_found() -> None:
    for expr in (
        "wattq_cpu_temp_celsius > 80",
        "hpc_cpu_temperature_celsius > 80",
        'wattq_slurm_jobs{queue="x"} > 1',
        "max by (node) (wattq_node_load1)",
        "rate(wattq_slurm_job_duration_seconds[5m])",
    ):
        with pytest.raises(AssertionError, match=r"no label|no metric"):
            check_expression(expr)


@pytest.mark.parametrize("rule", rules("alerts.yml"), ids=lambda rule: rule["alert"])
def test_annotations_name_labels_that_the_alert_has(rule: dict[str, Any]) -> None:
    text = " ".join(rule["annotations"].values())
    used = set(re.findall(r"\$labels\.(\w+)", text))
    grouped = grouping_labels(rule["expr"])
    assert used <= (grouped or ADDED)


def test_states_of_failed_jobs_exist_and_are_those_of_the_store() -> None:
    (rule,) = [rule for rule in rules("alerts.yml") if rule["alert"] == "HighJobFailureRate"]
    (states,) = re.findall(r'state=~"([^"]+)"', rule["expr"])
    (stored,) = re.findall(r"job_state IN \(([^)]+)\)", ROLLUPS["job_metrics_hourly"].sql)
    assert set(states.split("|")) == set(re.findall(r"\w+", stored)) <= set(JOB_STATE_CODES)


def test_every_temperature_counts_as_one() -> None:
    (expr,) = [rule["expr"] for rule in rules("alerts.yml") if rule["alert"] == "MissingThermalMetrics"]
    ((_, _, pattern),) = next(series_asked(expr)).matchers
    chosen = names_matching(pattern, {metric.name for metric in METRICS})
    assert chosen == {metric.name for metric in METRICS if metric.unit == "celsius"}
    assert len(chosen) == 4


def test_a_slow_scrape_ends_later_than_its_alert_begins() -> None:
    content = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))["global"]
    assert 10 < int(content["scrape_timeout"].removesuffix("s")) < int(content["scrape_interval"].removesuffix("s"))


def test_jobs_of_the_alerts_are_scraped() -> None:
    content = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    assert [job["job_name"] for job in content["scrape_configs"]] == ["wattq-node", "wattq-slurm", "wattq-api"]


def test_every_rule_has_a_test() -> None:
    tested = (PROMETHEUS / "recording_test.yml").read_text(encoding="utf-8")
    assert [rule["record"] for rule in rules("recording.yml") if rule["record"] not in tested] == []
    content = yaml.safe_load((PROMETHEUS / "alerts_test.yml").read_text(encoding="utf-8"))
    checks = [check for test in content["tests"] for check in test["alert_rule_test"]]
    for name, (_, duration, _) in ALERTS.items():
        mine = [check for check in checks if check["alertname"] == name]
        assert any(check["exp_alerts"] for check in mine), name
        assert any(not check["exp_alerts"] for check in mine), name
        assert duration[:-1].isdigit()
