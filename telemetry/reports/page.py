"""A report as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from wattq.pages.figures import data_uri
from wattq.pages.html import render_page
from wattq.telemetry.reports.advice import THRESHOLDS
from wattq.telemetry.reports.anomalies import LEAST_RATIO
from wattq.telemetry.reports.figures import (
    anomalies_figure,
    daily_figure,
    groups_figure,
    heat_figure,
    nodes_figure,
    predictions_figure,
)
from wattq.telemetry.reports.schema import AnomalyPart, EfficiencyPart, PredictionPart, TelemetryReport, ThermalPart
from wattq.telemetry.reports.tables import (
    Table,
    anomaly_table,
    coverage_sentence,
    energy_text,
    group_table,
    heat_table,
    node_table,
    score_table,
)
from wattq.telemetry.reports.text import grid_sentence

__all__ = ["report_html"]

Json = dict[str, Any]

_TEMPLATE = Path(__file__).resolve().parent / "templates" / "report.html"
_MOST = 30


def report_html(report: TelemetryReport) -> str:
    """Return a report as HTML that needs no other file and no network."""
    return render_page(
        _TEMPLATE,
        title="Energy report",
        description=f"{report.period.start} to {report.period.end} UTC, {report.store}",
        warnings=_warnings(report),
        facts=_facts(report),
        coverage=coverage_sentence(report.coverage),
        recommendations=[each.model_dump() for each in report.recommendations],
        sections=list(_sections(report)),
        notes=report.notes,
        method=_method(report),
    )


def _warnings(report: TelemetryReport) -> list[str]:
    coverage, found = report.coverage, []
    if coverage.synthetic_only:
        found.append("All energy of this report is synthetic: made up, measured nowhere.")
    elif coverage.measured_share is not None and coverage.measured_share < THRESHOLDS["measured_share"][0]:
        found.append(f"{100.0 * (1.0 - coverage.measured_share):.1f} % of the energy below was not measured.")
    grid = report.efficiency.grid if report.efficiency is not None else None
    if grid is not None:
        terms = (("Cost", grid.price), ("CO2e", grid.carbon))
        found += [f"{name} rests on a synthetic signal." for name, term in terms if term.synthetic]
        constant = [name for name, term in terms if term.kind == "constant"]
        if constant:
            found.append(f"{' and '.join(constant)} rest on constants of the settings, not on this grid and time.")
    return found


def _facts(report: TelemetryReport) -> list[dict[str, str]]:
    coverage = report.coverage
    facts = [(f"{coverage.jobs:,}", "runs began"), (energy_text(coverage.energy_j), "energy of runs")]
    if coverage.measured_share is not None:
        facts.append((f"{100.0 * coverage.measured_share:.1f} %", "of it measured"))
    if report.efficiency is not None:
        total, grid = report.efficiency.total, report.efficiency.grid
        if total.wh_per_cpu_hour is not None:
            facts.append((f"{total.wh_per_cpu_hour:.3g} Wh", "for a CPU-hour"))
        if total.co2e_kg is not None:
            facts.append((f"{total.co2e_kg:.3g} kg", "CO2e"))
        if total.cost is not None:
            facts.append((f"{total.cost:.3g} {grid.currency}", "cost"))
    if report.anomalies is not None:
        facts.append((str(len(report.anomalies.anomalies)), "runs unlike their like"))
    if report.thermal is not None:
        facts.append((str(sum(node.hotspot for node in report.thermal.nodes)), "hot nodes"))
    return [{"value": value, "label": label} for value, label in facts]


def _sections(report: TelemetryReport) -> Iterator[Json]:
    if report.efficiency is not None:
        yield _efficiency(report.efficiency, report)
    if report.anomalies is not None:
        yield _anomalies(report.anomalies)
    if report.thermal is not None:
        yield _thermal(report.thermal)
    if report.predictions is not None:
        yield _predictions(report.predictions)


def _picture(figure: Figure, alt: str, caption: str) -> dict[str, str]:
    return {"src": data_uri(figure, "svg"), "alt": alt, "caption": caption}


def _section(title: str, text: str, pictures: list[dict[str, str]], tables: list[Table], open_ones: int) -> Json:
    shown = [
        {"title": t.title, "headings": t.headings, "rows": t.rows, "left_out": t.left_out, "open": k < open_ones}
        for k, t in enumerate(tables)
    ]
    return {"title": title, "text": text, "figures": pictures, "tables": shown}


def _efficiency(part: EfficiencyPart, report: TelemetryReport) -> Json:
    text = f"{coverage_sentence(report.coverage)} {grid_sentence(part.grid)}"
    tables = [group_table(part, by, _MOST) for by in ("partition", "job_type", "user", "day")]
    pictures = []
    if part.total.energy_j > 0:
        caption = "Energy of the runs that began on a day, by where the number comes from."
        pictures.append(_picture(daily_figure(part.daily), "Energy by day", caption))
        for by, what in (("partition", "partition"), ("job_type", "job type"), ("user", "user")):
            caption = f"Left: energy by {what}. Right: energy of completed runs for an hour of a core; less is better."
            pictures.append(_picture(groups_figure(part.by[by], what), f"Energy by {what}", caption))
    if part.nodes:
        caption = "Measured energy of nodes: shared out to jobs by cores, and drawn while no job ran."
        pictures.append(_picture(nodes_figure(part.nodes), "Measured energy of nodes", caption))
        tables.append(node_table(part.nodes, _MOST))
    else:
        text += " No node has measured power in node_metrics, so nothing is said about idle energy."
    return _section("Energy for work", text, pictures, tables, 1)


def _anomalies(part: AnomalyPart) -> Json:
    text = (
        f"{len(part.anomalies)} of {part.checked:,} runs with measured energy lie more than {part.fence:g} "
        "interquartile ranges beyond the quartiles of their like, and are far from the median: at least "
        f"{LEAST_RATIO['power']:g} times in power per node, or {LEAST_RATIO['energy']:g} times in energy of the run."
    )
    caption = "How far from usual the listed runs are, both axes logarithmic."
    pictures = [_picture(anomalies_figure(part), "Runs unlike their like", caption)] if part.anomalies else []
    tables = [anomaly_table(part, _MOST)] if part.anomalies else []
    return _section("Runs unlike their like", text, pictures, tables, 1)


def _thermal(part: ThermalPart) -> Json:
    if not part.nodes:
        return _section("Heat", "No thermal events and no temperatures in this period.", [], [], 0)
    text = (
        f"{part.samples:,} samples with temperatures; {part.throttled_jobs} of {part.jobs_with_throttling_known} runs "
        f"that say so were throttled ({energy_text(part.throttled_energy_j)}). A node is hot when it had events of "
        "severity high or critical, or samples above 85 °C. Warming is at equal load, by daily means of five days or "
        "more, ± one standard error."
    )
    pictures = [_picture(heat_figure(part), "Highest temperatures", "Highest temperature of each node in the period.")]
    return _section("Heat", text, pictures, [heat_table(part, _MOST)], 1)


def _predictions(part: PredictionPart) -> Json:
    if not part.scores:
        text = f"{part.without_actual} predictions wait for their actual energy; there is nothing to compare."
        return _section("Predictions against actual values", text, [], [], 0)
    text = (
        "Scores of raw values, without any transformation. Predictions of runs with measured, modelled and synthetic "
        "energy are scored apart: agreement with a model says nothing about the machine. "
        f"{part.without_actual} predictions wait for their actual energy."
    )
    caption = "Left: both axes logarithmic. Right: relative errors."
    pictures = [_picture(predictions_figure(part), "Predicted against actual energy", caption)] if part.pairs else []
    return _section("Predictions against actual values", text, pictures, [score_table(part)], 1)


def _method(report: TelemetryReport) -> list[str]:
    return [
        "Runs count in the period in which they began, when they have ended. Days are of UTC.",
        "Wh per run, CPU-hour and GiB-hour are of completed runs whose energy is known; energy, cost and CO2e are of "
        "all ended runs whose energy is known. CPU-hours are cores held x hours; used CPU-hours count utilisation too.",
        "Cost and CO2e of a run: its energy x PUE x the mean of price or intensity over the time that it ran, "
        "integrated over the steps of the signal; energy at times that a signal does not cover has none, and is noted.",
        "Measured: from counters and sensors, shared out by cores on shared nodes. Modelled: from utilisation by a "
        "model of the node. Synthetic energy is never mixed with real one.",
        "MAE, RMSE, bias: of joules or seconds. MAPE: mean of |error| / actual. R²: 1 - squared errors / squares about "
        "the mean. KS: largest distance of the two distribution functions.",
        *(f"A recommendation is made beyond {limit:g}: {of}." for limit, of in THRESHOLDS.values()),
        f"Made by wattq {report.version} from {report.store}.",
    ]
