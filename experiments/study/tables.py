"""The tables of a study: aligned text, Markdown, and CSV files."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wattq.experiments.plots.style import number_text
from wattq.experiments.study.bootstrap import Estimate
from wattq.experiments.study.quantities import QUANTITIES, quantity
from wattq.experiments.study.records import WeekRecord
from wattq.experiments.study.summary import Group, Row
from wattq.experiments.table import aligned

__all__ = [
    "FIXED",
    "amount",
    "duration",
    "group_table",
    "markdown_tables",
    "notes_of",
    "ratio_text",
    "study_csv",
    "study_text",
    "term_tables",
    "weeks_csv",
]

NONE = "n/a"

FIXED = "no power state changes: only idle time moves across the edges of the weeks"
"""What is said of a policy whose energy cannot depend on its schedule."""


@dataclass(frozen=True)
class _Column:
    heading: str
    cell: Callable[[Row], str]
    names: tuple[str, ...] = ()
    """Quantities without which the column is left out."""
    bound: Callable[[Group], str] = lambda _: ""
    """The cell of the lower bounds."""


def duration(seconds: float) -> str:
    """Return a duration in the unit that suits it, three significant digits."""
    for size, unit in ((48 * 3600.0, "d"), (2 * 3600.0, "h"), (120.0, "min")):
        if seconds >= size:
            return f"{number_text(seconds / {'d': 86400.0, 'h': 3600.0, 'min': 60.0}[unit])} {unit}"
    return f"{number_text(seconds)} s"


def amount(value: float) -> str:
    """Return a sum with thousands separated, and decimals only where it is small."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == 0 else f"{value:,.3g}"


def ratio_text(estimate: Estimate) -> str:
    """Return a quotient to EASY as percent with its interval: ``97.9 % [95.5, 99.8]``."""
    text = f"{100 * estimate.value:.1f} %"
    if estimate.low is None or estimate.high is None:
        return text
    return f"{text} [{100 * estimate.low:.1f}, {100 * estimate.high:.1f}]"


def _value(name: str, form: Callable[[float], str]) -> Callable[[Row], str]:
    return lambda row: form(row.values[name].value) if name in row.values else NONE


def _ratio(name: str) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        if name in row.ratios:
            return "100 %" if row.is_baseline else ratio_text(row.ratios[name])
        return "void" if row.void and quantity(name).ratio == "void" and name in row.values else NONE

    return cell


def _pair(name: str, heading: str, form: Callable[[float], str]) -> tuple[_Column, _Column]:
    def least(group: Group) -> str:
        return form(group.bounds[name]) if name in group.bounds else ""

    def share(group: Group) -> str:
        if group.baseline is None or name not in group.bounds:
            return ""
        return f"{100 * group.bounds[name] / group.baseline.values[name].value:.1f} %"

    return _Column(heading, _value(name, form), (name,), least), _Column("vs easy", _ratio(name), (name,), share)


def _captured(row: Row) -> str:
    share = row.captured.get("energy_kwh")
    return NONE if share is None or row.is_baseline else f"{100 * share:.0f} %"


def _extra_wait(row: Row) -> str:
    known = row.extra_wait_max_s is not None and not row.is_baseline
    return duration(max(row.extra_wait_max_s or 0.0, 0.0)) if known else NONE


def _columns() -> tuple[_Column, ...]:
    energy = [
        column
        for name, entry in QUANTITIES.items()
        if entry.ratio == "void"
        for column in _pair(name, entry.label, amount)
    ]
    return (
        _Column("Policy", lambda row: row.policy, (), lambda _: "lower bound"),
        *energy,
        _Column("of the possible saving", _captured, ("bound",), lambda _: "100 %"),
        *_pair("wait_p95_s", "Wait p95", duration),
        *_pair("wait_p99_s", "Wait p99", duration),
        *_pair("bounded_slowdown_mean", "Bsld mean", number_text),
        _Column("Longest extra wait", _extra_wait),
        _Column("Utilisation", _value("utilisation", lambda value: f"{100 * value:.1f} %")),
        _Column("Served (host-h)", _value("served_work_host_h", amount)),
        _Column("Unfinished (host-h)", _value("unfinished_work_host_h", amount)),
        _Column("Killed (host-h)", _value("killed_work_host_h", amount)),
        _Column("Never started", _value("jobs_never_started", amount)),
    )


def group_table(group: Group) -> list[list[str]]:
    """Return the cells of a group, headings first, lower bounds last; columns that no policy has are left out."""
    known = {name for row in group.rows for name in row.values} | ({"bound"} if group.bounds else set())
    columns = [column for column in _columns() if set(column.names) <= known]
    bounds = [[column.bound(group) for column in columns]] if group.bounds else []
    return [
        [column.heading for column in columns],
        *([column.cell(row) for column in columns] for row in group.rows),
        *bounds,
    ]


def notes_of(group: Group) -> list[str]:
    """Return what the cells of a group do not say: why savings are void, why numbers are missing."""
    notes = [f"{row.policy}: {row.void}" for row in group.rows if row.void]
    notes += [f"{row.policy}: no {name}: {reason}" for row in group.rows for name, reason in row.missing.items()]
    return list(dict.fromkeys(notes))


def study_text(groups: Sequence[Group]) -> str:
    """Return the tables as aligned text, one block per log and grid."""
    return "\n\n".join(
        "\n".join([f"{group.title} ({len(group.weeks)} weeks)", aligned(group_table(group)), *notes_of(group)])
        for group in groups
    )


def markdown_tables(groups: Sequence[Group], level: int = 3) -> str:
    """Return the tables as Markdown, one heading of the given level per log and grid."""
    return "\n".join(_markdown(group, level) for group in groups)


def _markdown(group: Group, level: int) -> str:
    head, *rows = group_table(group)
    lines = [f"{'#' * level} {group.title}", "", _line(head), _line(["---", *["---:"] * (len(head) - 1)])]
    lines += [_line(row) for row in rows]
    notes = notes_of(group)
    return "\n".join([*lines, "", *([*(f"- {note}" for note in notes), ""] if notes else [])])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def study_csv(groups: Sequence[Group]) -> str:
    """Return every number of a study: one line per log, grid, policy and quantity.

    Columns: workload, grid, weeks, policy, quantity (its name ends in the unit), unit, value, low, high, ratio_vs_easy,
    ratio_low, ratio_high, void (why no ratio is stated). An unknown number is an empty cell.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    ends = ["value", "low", "high", "ratio_vs_easy", "ratio_low", "ratio_high", "void"]
    writer.writerow(["workload", "grid", "weeks", "policy", "quantity", "unit", *ends])
    for group in groups:
        for row in group.rows:
            for name, estimate in row.values.items():
                void = row.void if QUANTITIES[name].ratio == "void" else ""
                numbers = [*_numbers(estimate), *_numbers(row.ratios.get(name))]
                place = [group.workload, group.grid, len(group.weeks), row.policy, name, QUANTITIES[name].unit]
                writer.writerow([*place, *numbers, void])
    return stream.getvalue()


def _numbers(estimate: Estimate | None) -> list[str]:
    values = (None, None, None) if estimate is None else (estimate.value, estimate.low, estimate.high)
    return ["" if value is None else repr(value) for value in values]


def weeks_csv(records: Sequence[WeekRecord]) -> str:
    """Return the sums of every week: one line per log, week, policy and grid; an unknown number is an empty cell."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    names = list(dict.fromkeys(name for record in records for name in record.values))
    writer.writerow(["workload", "week", "monday", "grid", "placed", "season_days", "policy", *names])
    for record in records:
        where = [record.workload, record.week, record.monday or "", record.grid, record.placed or ""]
        cells = [repr(record.values[name]) if name in record.values else "" for name in names]
        writer.writerow([*where, f"{record.season_d:g}", record.policy, *cells])
    return stream.getvalue()


def term_tables(group: Group) -> list[tuple[str, list[list[str]]]]:
    """Return, for each quantity, a title and a table of the terms of each policy's difference from EASY."""
    tables = []
    for name, entry in QUANTITIES.items():
        rows = [row for row in group.rows if name in row.terms]
        if not rows:
            continue
        terms = list(rows[0].terms[name])
        kept = [term for term in terms if any(row.terms[name][term] for row in rows)]
        cells = [_term_cells(row, name, kept) for row in rows]
        title = f"Why {entry.label.split(' (')[0]} differs from EASY's ({entry.unit} over all weeks)"
        tables.append((title, [["Policy", *kept, "sum", ""], *cells]))
    return tables


def _term_cells(row: Row, name: str, terms: Sequence[str]) -> list[str]:
    values = row.terms[name]
    note = FIXED if row.fixed else ""
    sums = [values[term] for term in terms] + [sum(values.values())]
    return [row.policy, *(signed(value) for value in sums), note]


def signed(value: float) -> str:
    """Return a difference with its sign."""
    return f"{value:+,.0f}" if abs(value) >= 100 else f"{value:+,.3g}"
