"""One self-contained HTML file: table, pictures, provenance and definitions of a set of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wattq.errors import InvalidInputError
from wattq.experiments.catalogue import DEFAULT_TAU_S, METRICS
from wattq.experiments.comparison import Case
from wattq.experiments.plots.style import policy_colors
from wattq.experiments.report_figures import bars_source, case_figures
from wattq.experiments.report_provenance import provenance_tables, warnings
from wattq.experiments.table import case_rows, headings
from wattq.experiments.templating import render_template

__all__ = ["MAX_CASES", "report_html"]

MAX_CASES = 12
"""Cases whose tables a report shows; the rest is in ``comparison.csv``."""

_PICTURED_CASES = 3
"""Cases whose comparison is drawn; runs are drawn one by one for the first case only."""


def report_html(cases: Sequence[Case], title: str, description: str = "", tau_s: float = DEFAULT_TAU_S) -> str:
    """Return the report as HTML that needs no other file and no network.

    Args:
        cases: runs grouped by `wattq.experiments.comparison.group_runs`.
        title: heading.
        description: a sentence or two below it.
        tau_s: the bound of the bounded slowdown that the cases were measured with, s.

    Raises:
        InvalidInputError: there is no run.
    """
    if not cases:
        raise InvalidInputError("a report needs at least one run; give a run directory")
    policies = list(dict.fromkeys(measured.policy for case in cases for measured in case.runs))
    bars, caption = bars_source(cases)
    return render_template(
        "report.html",
        title=title,
        description=description,
        tau=f"{tau_s:g}",
        warnings=warnings(cases),
        facts=_facts(cases, policies),
        cases=[_case_table(case, policy_colors(policies)) for case in cases[:MAX_CASES]],
        hidden_cases=max(0, len(cases) - MAX_CASES),
        undrawn_cases=max(0, len(cases) - _PICTURED_CASES),
        bars=bars,
        bars_caption=caption,
        plots_of_cases=[case_figures(case, tau_s, each_run=case is cases[0]) for case in cases[:_PICTURED_CASES]],
        metric_tables=[_metric_table(case) for case in cases[:MAX_CASES]],
        provenance=provenance_tables(cases),
        definitions=list(METRICS.values()),
    )


def _facts(cases: Sequence[Case], policies: Sequence[str]) -> list[dict[str, str]]:
    first = cases[0].runs[0]
    machine = first.run.provenance.get("platform") or {}
    hosts = f"{first.run.n_hosts:,} hosts" if first.run.n_hosts else "unknown"
    facts = [
        (cases[0].title if len(cases) == 1 else f"{len(cases)} cases", "workload"),
        (f"{first.metrics['jobs_submitted']:,.0f}", "jobs submitted" if len(cases) == 1 else "jobs in the first case"),
        (hosts, f"machine {machine['name']}" if machine.get("name") else "machine"),
        (str(len(policies)), "policies"),
    ]
    return [{"value": value, "label": label} for value, label in facts]


def _case_table(case: Case, colors: dict[str, str]) -> dict[str, Any]:
    rows = [
        {"cells": cells, "color": colors[measured.policy], "base": measured.is_baseline}
        for cells, measured in zip(case_rows(case), case.runs, strict=True)
    ]
    return {"title": case.title, "headings": headings(case), "rows": rows}


def _metric_table(case: Case) -> dict[str, Any]:
    rows = []
    for metric in METRICS.values():
        values = [measured.metrics.get(metric.name) for measured in case.runs]
        if any(value is not None for value in values):
            label = f"{metric.label} ({metric.unit})" if metric.unit else metric.label
            rows.append({"label": label, "cells": [_exact(value) for value in values]})
    return {"title": case.title, "policies": [measured.policy for measured in case.runs], "rows": rows}


def _exact(value: float | None) -> str:
    if value is None:
        return "n/a"
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}"
