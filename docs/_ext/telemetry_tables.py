"""Tables of the site on telemetry: settings, requests, metrics, columns, alerts, panels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from markdown_table import table

__all__ = ["TELEMETRY_TABLES"]


def settings() -> str:
    """Return every setting with its default."""
    from wattq.settings import Settings

    rows = []
    for section, part in Settings.model_fields.items():
        for key, field in type(part.default).model_fields.items():
            default = "" if field.default in (None, "", ()) else f"`{field.default}`"
            rows.append([f"`{section}.{key}`", default, str(field.description)])
    return table(["setting", "default", "meaning"], rows)


def _model_rows(model: Any) -> list[list[str]]:
    return [[f"`{name}`", field.description or ""] for name, field in model.model_fields.items()]


def api_request() -> str:
    """Return the fields of a job that the HTTP API is asked about."""
    from wattq.telemetry.api.requests import JobRequest

    return table(["field", "meaning"], _model_rows(JobRequest))


def api_answer() -> str:
    """Return the fields of a prediction of the HTTP API."""
    from wattq.telemetry.api.answers import Prediction

    return table(["field", "meaning"], _model_rows(Prediction))


def exporter_metrics(exporter: str) -> str:
    """Return the metrics of an exporter with labels, kind, other names and meaning."""
    from wattq.telemetry.exporters import METRICS

    rows = []
    for metric in (entry for entry in METRICS if entry.exporter == exporter):
        names = [
            f"`{alias.name}`" + (f" (x {alias.factor:.6g})" if alias.factor != 1 else "") for alias in metric.aliases
        ]
        rows.append([f"`{metric.name}`", metric.kind, ", ".join(metric.labels), ", ".join(names), metric.help])
    return table(["metric", "kind", "labels", "other names", "meaning"], rows)


def store_columns(name: str) -> str:
    """Return the columns of a table, roll-up or view of the store."""
    from wattq.telemetry.store.schema import DESCRIPTIONS

    described = DESCRIPTIONS[name]
    kept = f" Rows are kept for {described.kept_days} days." if described.kept_days else ""
    rows = [
        [f"**`{f.name}`**" if f.name in described.key else f"`{f.name}`", f.kind, f.unit, _column_words(f)]
        for f in described.fields
    ]
    return f"A row is {described.doc}.{kept}\n\n" + table(["column", "kind", "unit", "what it holds"], rows)


def _column_words(field: Any) -> str:
    choices = f": {', '.join(f'`{choice}`' for choice in field.choices)}" if field.choices else ""
    computed = "; computed" if field.computed else ""
    return f"{field.doc}{choices}{computed}"


def alerts() -> str:
    """Return the alerts: expression, duration, severity."""
    rows = [
        [f"`{rule['alert']}`", f"`{' '.join(rule['expr'].split())}`", rule["for"], rule["labels"]["severity"]]
        for rule in _rules("alerts.yml")
    ]
    return table(["alert", "fires when", "for", "severity"], rows)


def recordings() -> str:
    """Return the recording rules."""
    rows = [[f"`{rule['record']}`", f"`{' '.join(rule['expr'].split())}`"] for rule in _rules("recording.yml")]
    return table(["series", "expression"], rows)


def _rules(file: str) -> list[dict[str, Any]]:
    import yaml

    from wattq.telemetry import ops

    text = (Path(ops.__file__).parent / "prometheus" / file).read_text(encoding="utf-8")
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def panels() -> str:
    """Return the panels of each dashboard."""
    import json

    from wattq.telemetry import ops

    boards = sorted((Path(ops.__file__).parent / "grafana" / "dashboards").glob("*.json"))
    rows = [
        [board["title"], panel["title"], panel["description"]]
        for board in (json.loads(path.read_text(encoding="utf-8")) for path in boards)
        for panel in board["panels"]
    ]
    return table(["dashboard", "panel", "what it shows"], rows)


TELEMETRY_TABLES: dict[str, Callable[..., str]] = {
    "alerts": alerts,
    "api-answer": api_answer,
    "api-request": api_request,
    "exporter-metrics": exporter_metrics,
    "panels": panels,
    "recordings": recordings,
    "settings": settings,
    "store-columns": store_columns,
}
