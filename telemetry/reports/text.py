"""A report as lines for a terminal."""

from __future__ import annotations

from wattq.telemetry.reports.schema import EfficiencyPart, Grid, GridTerm, Recommendation, TelemetryReport
from wattq.telemetry.reports.tables import (
    Table,
    anomaly_table,
    coverage_sentence,
    energy_text,
    group_table,
    heat_table,
    score_table,
)

__all__ = ["grid_sentence", "report_text"]

_MOST = 8
_HIDDEN = {"completed", "not completed", "Wh/run", "Wh/GiB-h", "CPU-h/kWh", "begin (UTC)", "compared with"}
_HIDDEN |= {"throttling", "event max °C", "over limit K", "CPU > 85 °C", "warming K/day", "RMSE", "bias", "in interval"}


def report_text(report: TelemetryReport) -> str:
    """Return the main figures, short tables, recommendations and notes."""
    lines = [
        f"{report.period.start} to {report.period.end} UTC: {report.coverage.jobs:,} runs began, "
        f"{report.coverage.running:,} not ended",
        coverage_sentence(report.coverage),
    ]
    lines += _efficiency(report.efficiency) if report.efficiency is not None else []
    if report.anomalies is not None:
        part = report.anomalies
        lines += ["", f"Anomalies: {len(part.anomalies)} of {part.checked:,} runs with measured energy"]
        lines += _table(anomaly_table(part, _MOST))
    if report.thermal is not None:
        hot = sum(node.hotspot for node in report.thermal.nodes)
        lines += ["", f"Heat: {hot} hot of {len(report.thermal.nodes)} nodes"]
        lines += _table(heat_table(report.thermal, _MOST))
    if report.predictions is not None:
        scored, waiting = len(report.predictions.scores), report.predictions.without_actual
        lines += ["", f"Predictions: {scored} scores, {waiting} predictions wait for their actual energy"]
        lines += _table(score_table(report.predictions))
    lines += ["", "Recommendations:" if report.recommendations else "Recommendations: none"]
    lines += [f"  {advice_line(each)}" for each in report.recommendations]
    lines += [f"note: {note}" for note in report.notes]
    return "\n".join(lines) + "\n"


def advice_line(each: Recommendation) -> str:
    """Return a recommendation and its numbers in one line."""
    numbers = "; ".join(f"{e.name} {e.value:.4g} {e.unit}" for e in each.evidence)
    return f"{each.title}: {numbers}"


def _efficiency(part: EfficiencyPart) -> list[str]:
    lines = [grid_sentence(part.grid)]
    for by in ("partition", "job_type", "user"):
        table = group_table(part, by, _MOST)
        rows = table.rows if by == "partition" else table.rows[1:]
        shown = Table(table.title, table.headings, rows, table.left_out)
        lines += ["", table.title + ":", *_table(shown)]
    idle, energy = sum(node.idle_j for node in part.nodes), sum(node.energy_j for node in part.nodes)
    if energy > 0:
        share = 100.0 * idle / energy
        lines += ["", f"Nodes: {energy_text(energy)} measured, {energy_text(idle)} ({share:.1f} %) of it idle"]
    return lines


def grid_sentence(grid: Grid) -> str:
    """Return what cost and CO2e rest on, in words."""
    return f"Cost: {_term(grid.price)}. CO2e: {_term(grid.carbon)}. PUE {grid.pue:g}."


def _term(term: GridTerm) -> str:
    if term.kind == "constant":
        return f"{term.value:g} {term.unit}, {term.source}"
    made_up = ", synthetic" if term.synthetic else ""
    return f"{term.source or 'signal'} {term.region} in {term.unit}, {term.span}{made_up}".replace("  ", " ")


def _table(table: Table) -> list[str]:
    if not table.rows:
        return []
    columns = [k for k, heading in enumerate(table.headings) if heading not in _HIDDEN]
    cells = [[row[c] for c in columns] for row in [table.headings, *table.rows]]
    widths = [min(max(len(row[c]) for row in cells), 34) for c in range(len(columns))]
    lines = [
        "  " + "  ".join(_cell(text, width, c == 0) for c, (text, width) in enumerate(zip(row, widths, strict=True)))
        for row in cells
    ]
    more = [f"  and {table.left_out} more"] if table.left_out else []
    return [line.rstrip() for line in lines] + more


def _cell(text: str, width: int, is_first: bool) -> str:
    cut = text if len(text) <= width else f"{text[: width - 1]}…"
    return cut.ljust(width) if is_first else cut.rjust(width)
