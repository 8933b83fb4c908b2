"""The comparison as text for a terminal and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence

from wattq.experiments.catalogue import METRICS
from wattq.experiments.comparison import Case, Measured
from wattq.experiments.plots.style import number_text

__all__ = ["COLUMNS", "aligned", "case_rows", "comparison_csv", "headings", "text_table"]

Column = Callable[[Sequence[Measured]], list[str]]
"""Cells of one column, made together so that they share a unit."""

_TIMES = ((30 * 86400.0, 86400.0, "d"), (2 * 3600.0, 3600.0, "h"), (120.0, 60.0, "min"), (0.0, 1.0, "s"))


def _metric(name: str, form: Callable[[float], str]) -> Column:
    return lambda runs: [form(run.metrics[name]) if name in run.metrics else "n/a" for run in runs]


def _time(name: str) -> Column:
    """Return the cells of a duration in one unit, chosen by the longest."""

    def cells(runs: Sequence[Measured]) -> list[str]:
        longest = max((run.metrics[name] for run in runs if name in run.metrics), default=0.0)
        size, unit = next((size, unit) for least, size, unit in _TIMES if longest >= least or not least)
        return _metric(name, lambda value: f"{number_text(value / size)} {unit}")(runs)

    return cells


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _energy(joules: float) -> str:
    kwh = joules / 3.6e6
    return f"{kwh / 1e3:,.2f} MWh" if kwh >= 1e4 else f"{kwh:,.2f} kWh"


def _finished(runs: Sequence[Measured]) -> list[str]:
    return [f"{run.metrics['jobs_finished']:,.0f} of {run.metrics['jobs_submitted']:,.0f}" for run in runs]


COLUMNS: tuple[tuple[str, Column], ...] = (
    ("Policy", lambda runs: [run.policy for run in runs]),
    ("Finished", _finished),
    ("Rejected", _metric("jobs_rejected", _count)),
    ("Never started", _metric("jobs_never_started", _count)),
    ("Wait mean", _time("wait_mean_s")),
    ("Wait p95", _time("wait_p95_s")),
    ("Bsld mean", _metric("bounded_slowdown_mean", number_text)),
    ("Bsld p95", _metric("bounded_slowdown_p95", number_text)),
    ("Utilisation", _metric("utilisation", lambda value: f"{100 * value:.1f} %")),
    ("Makespan", _time("makespan_s")),
    ("Energy", _metric("energy_j", _energy)),
    ("Energy vs easy", lambda runs: [run.saving.text for run in runs]),
)
"""Headings and cells of the comparison; energy stands beside finished work, waits and jobs that never started."""


def case_rows(case: Case) -> list[list[str]]:
    """Return one row of cells per run; energy columns are left out when no run counted energy."""
    columns = [cells(case.runs) for _, cells in _columns(case)]
    return [list(row) for row in zip(*columns, strict=True)]


def headings(case: Case) -> list[str]:
    """Return the headings that go with `case_rows`."""
    return [heading for heading, _ in _columns(case)]


def _columns(case: Case) -> Sequence[tuple[str, Column]]:
    if any("energy_j" in measured.metrics for measured in case.runs):
        return COLUMNS
    return [column for column in COLUMNS if not column[0].startswith("Energy")]


def text_table(cases: Sequence[Case]) -> str:
    """Return the comparison as aligned text, one block per case; numbers right, policies left."""
    return "\n\n".join(f"{case.title}\n{aligned([headings(case), *case_rows(case)])}" for case in cases)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows, the first one headings, in columns; the first column is left-aligned, the others right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def comparison_csv(cases: Sequence[Case]) -> str:
    """Return every metric of every run as CSV; an unknown metric is an empty cell.

    Columns: workload, synthetic, part, policy, the names in `METRICS` (the names end in the units),
    energy_saving_vs_easy (a share) and energy_saving_void (why there is none).
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    extra = ["energy_saving_vs_easy", "energy_saving_void"]
    writer.writerow(["workload", "synthetic", "part", "policy", *METRICS, *extra])
    for case in cases:
        for measured in case.runs:
            cells = [repr(measured.metrics[name]) if name in measured.metrics else "" for name in METRICS]
            share = "" if measured.saving.share is None else repr(measured.saving.share)
            writer.writerow(
                [case.workload, int(case.synthetic), case.part, measured.policy, *cells, share, measured.saving.reason]
            )
    return stream.getvalue()
