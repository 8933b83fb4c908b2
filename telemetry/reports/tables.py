"""The tables of a report as headings and cells: the same on the page and on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wattq.pages.figures import number_text
from wattq.telemetry.period import date_text
from wattq.telemetry.reports.schema import (
    AnomalyPart,
    Coverage,
    EfficiencyPart,
    Group,
    NodeUse,
    PredictionPart,
    Scores,
    ThermalPart,
)
from wattq.units import JOULES_PER_KWH

__all__ = [
    "Table",
    "anomaly_table",
    "coverage_sentence",
    "energy_text",
    "group_table",
    "heat_table",
    "node_table",
    "score_table",
]

_BY = {"day": "Day (UTC)", "user": "User", "partition": "Partition", "job_type": "Job type"}


@dataclass(frozen=True)
class Table:
    """A table: title, headings, rows of texts, and how many rows were left out."""

    title: str
    headings: list[str]
    rows: list[list[str]]
    left_out: int = 0


def energy_text(joules: float) -> str:
    """Return an energy in Wh, kWh or MWh with three digits."""
    kwh = joules / JOULES_PER_KWH
    if kwh >= 1000.0:
        return f"{number_text(kwh / 1000.0)} MWh"
    return f"{number_text(kwh)} kWh" if kwh >= 1.0 or kwh == 0.0 else f"{number_text(1000.0 * kwh)} Wh"


def coverage_sentence(coverage: Coverage) -> str:
    """Return how much of the energy was measured, in words."""
    if coverage.synthetic_only:
        return f"All energy of this report is synthetic: made up, measured nowhere ({energy_text(coverage.energy_j)})."
    ended = coverage.jobs - coverage.running - coverage.left_out_synthetic
    if not coverage.with_energy:
        return f"No energy is known of {ended} ended runs."
    parts = ", ".join(
        f"{100.0 * joules / coverage.energy_j if coverage.energy_j else 0.0:.1f} % {name}"
        for name, joules in coverage.by_source.items()
    )
    meters = ", ".join(f"{name} {energy_text(joules)}" for name, joules in coverage.by_meter.items())
    said = f"{energy_text(coverage.energy_j)} by {coverage.with_energy} of {ended} ended runs: {parts}"
    if meters:
        said += f" ({meters})"
    if coverage.mean_coverage is not None:
        said += f"; samples cover {100.0 * coverage.mean_coverage:.1f} % of the measured runs' time"
    return said + "."


def _number(value: float | None, scale: float = 1.0) -> str:
    return "-" if value is None else number_text(value * scale)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100.0 * value:.1f} %"


def group_table(part: EfficiencyPart, by: str, most: int) -> Table:
    """Return energy for work by day, user, partition or job_type."""
    currency = part.grid.currency
    headings = [_BY[by], "runs", "completed", "energy", "measured", "modelled", "not completed", "Wh/run"]
    headings += ["Wh/CPU-h", "Wh/GiB-h", "CPU use", "CPU-h/kWh", currency, "kg CO2e"]
    groups = part.by[by]
    shown = [part.total, *(groups[-most:] if by == "day" else groups[:most])]
    rows = [_group_row(group) for group in shown]
    # A column that says 0 of every row would push others off the page.
    plain = not any(group.modelled_share for group in shown)
    kept = [k for k, heading in enumerate(headings) if not (plain and heading == "modelled")]
    rows = [[row[k] for k in kept] for row in rows]
    return Table(f"By {by.replace('_', ' ')}", [headings[k] for k in kept], rows, max(0, len(groups) - most))


def _group_row(group: Group) -> list[str]:
    usage = None if group.mean_cpu_usage is None else group.mean_cpu_usage / 100.0
    return [
        group.name,
        f"{group.jobs:,}",
        f"{group.completed:,}",
        energy_text(group.energy_j),
        _percent(group.measured_share),
        _percent(group.modelled_share),
        energy_text(group.lost_j),
        *(_number(value) for value in (group.wh_per_job, group.wh_per_cpu_hour, group.wh_per_gb_hour)),
        _percent(usage),
        _number(group.used_cpu_hours_per_kwh),
        _number(group.cost),
        _number(group.co2e_kg),
    ]


def node_table(nodes: Sequence[NodeUse], most: int) -> Table:
    """Return the measured energy of nodes."""
    rows = [
        [
            node.node,
            energy_text(node.energy_j),
            energy_text(node.jobs_j),
            energy_text(node.idle_j),
            _percent(node.idle_j / node.energy_j if node.energy_j else None),
            f"{node.hours:.1f} h",
            _percent(node.coverage),
        ]
        for node in nodes[:most]
    ]
    headings = ["Node", "measured energy", "of jobs", "idle", "idle share", "span", "measured time"]
    return Table("Nodes: measured energy", headings, rows, max(0, len(nodes) - most))


def anomaly_table(part: AnomalyPart, most: int) -> Table:
    """Return runs unlike their like."""
    rows = [
        [
            each.job_id,
            date_text(each.start_s),
            each.user or "-",
            each.node or "-",
            "power per node" if each.measure == "power" else "energy of the run",
            f"{number_text(each.value)} W" if each.measure == "power" else energy_text(each.value),
            f"{number_text(each.usual)} W" if each.measure == "power" else energy_text(each.usual),
            f"{each.ratio:.2f} x",
            each.group.removeprefix("application "),
        ]
        for each in part.anomalies[:most]
    ]
    headings = ["Job", "begin (UTC)", "user", "node", "unlike in", "value", "usual", "ratio", "compared with"]
    return Table("Runs unlike their like", headings, rows, max(0, len(part.anomalies) - most))


def heat_table(part: ThermalPart, most: int) -> Table:
    """Return heat by node."""
    rows = []
    for node in part.nodes[:most]:
        trend = "-"
        if node.trend_k_per_day is not None and node.trend_error_k_per_day is not None:
            trend = f"{node.trend_k_per_day:+.2f} ± {node.trend_error_k_per_day:.2f}"
        rows.append(
            [
                f"{node.node}{' (hot)' if node.hotspot else ''}",
                str(node.events),
                str(node.high),
                str(node.critical),
                str(node.throttling),
                f"{node.event_seconds:,.0f} s",
                *(_number(value) for value in (node.max_event_c, node.max_excess_k, node.max_cpu_c, node.max_gpu_c)),
                _percent(node.cpu_above_warning),
                _percent(node.cpu_above_critical),
                trend,
            ]
        )
    headings = ["Node", "events", "high", "critical", "throttling", "duration", "event max °C", "over limit K"]
    headings += ["CPU max °C", "GPU max °C", "CPU > 75 °C", "CPU > 85 °C", "warming K/day"]
    return Table("Heat by node", headings, rows, max(0, len(part.nodes) - most))


def score_table(part: PredictionPart) -> Table:
    """Return scores of predictions."""
    headings = ["Model, method", "of", "actual", "predictions", "MAE", "RMSE", "MAPE", "bias", "relative bias", "R²"]
    headings += ["KS", "within 10 %", "in interval"]
    return Table("Predictions against actual values", headings, [_score_row(score) for score in part.scores])


def _score_row(score: Scores) -> list[str]:
    amount = (lambda joules: energy_text(abs(joules))) if score.target == "energy" else _seconds
    sign = "-" if score.bias < 0 else "+"
    return [
        ", ".join(word for word in (score.model_version, score.method) if word) or "(not named)",
        score.target,
        score.actual_source,
        f"{score.predictions:,}",
        amount(score.mae),
        amount(score.rmse),
        _percent(score.mape),
        f"{sign}{amount(score.bias)}",
        "-" if score.relative_bias is None else f"{100.0 * score.relative_bias:+.1f} %",
        "-" if score.r2 is None else f"{score.r2:.3f}",
        f"{score.ks:.3f}",
        _percent(score.within_10_percent),
        _percent(score.interval_coverage),
    ]


def _seconds(value: float) -> str:
    return f"{number_text(abs(value))} s"
