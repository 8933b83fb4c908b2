"""Rules of Prometheus, and whether an expression asks for metrics that wattq has."""

from __future__ import annotations

from typing import Any

import yaml
from grafana_panels import OPS
from promql import Asked, grouping_labels, names_matching, series_asked

from wattq.telemetry.exporters import METRICS, find_metric

__all__ = ["ADDED", "BUILT_IN", "PROMETHEUS", "check_expression", "labels_of", "rules"]

PROMETHEUS = OPS / "prometheus"
# Series that Prometheus makes itself, and labels that it adds.
BUILT_IN = {"up": set(), "scrape_duration_seconds": set(), "ALERTS": {"alertname", "alertstate", "severity"}}
ADDED = {"job", "instance"}


def rules(file: str) -> list[dict[str, Any]]:
    content = yaml.safe_load((PROMETHEUS / file).read_text(encoding="utf-8"))
    return [rule for group in content["groups"] for rule in group["rules"]]


RECORDED = {rule["record"]: grouping_labels(rule["expr"]) for rule in rules("recording.yml")}


def labels_of(name: str) -> set[str] | None:
    """Return the labels that a series may have, or None where nothing has that name."""
    if name in BUILT_IN:
        return BUILT_IN[name] | ADDED
    if name in RECORDED:
        return RECORDED[name]
    metric = find_metric(name)
    if metric is None or name in {alias.name for alias in metric.aliases}:
        return None
    if metric.kind == "histogram":
        return None if name == metric.name else {*metric.labels, *ADDED, "le"}
    return {*metric.labels, *ADDED}


def check_expression(expr: str) -> None:
    """Fail unless an expression asks for canonical metrics of the vocabulary, by labels that they have."""
    asked = list(series_asked(expr))
    assert asked, expr
    known: set[str] = set()
    for selector in asked:
        names = {selector.name} - {""} or named_by_pattern(selector)
        assert names, f"{expr}: no metric has such a name"
        for name in names:
            labels = labels_of(name)
            assert labels is not None, f"{expr}: {name} is no metric of wattq"
            used = {label for label, _, _ in selector.matchers} - {"__name__"}
            assert used <= labels, f"{expr}: {name} has no label {used - labels}"
            known |= labels
    assert grouping_labels(expr) <= known, f"{expr}: no metric has the labels {grouping_labels(expr) - known}"


def named_by_pattern(selector: Asked) -> set[str]:
    (pattern,) = [value for label, operator, value in selector.matchers if (label, operator) == ("__name__", "=~")]
    return names_matching(pattern, {metric.name for metric in METRICS if metric.kind != "histogram"})
