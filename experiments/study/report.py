"""The report of a study as one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wattq.experiments.accounting.decompose import TERMS
from wattq.experiments.playbook import findings
from wattq.experiments.plots.style import policy_colors
from wattq.experiments.study.archive import StudyNumbers
from wattq.experiments.study.figures import group_figure, pictured
from wattq.experiments.study.quantities import QUANTITIES
from wattq.experiments.study.summary import Group
from wattq.experiments.study.tables import group_table, notes_of, term_tables
from wattq.experiments.templating import render_template
from wattq.pages.figures import data_uri

__all__ = ["study_html"]


def study_html(numbers: StudyNumbers) -> str:
    """Return the report of a study as HTML that needs no other file and no network."""
    colors = policy_colors(list(numbers.policies))
    return render_template(
        "study.html",
        title=numbers.title,
        description=numbers.description,
        warnings=numbers.warnings,
        facts=_facts(numbers),
        findings=findings(numbers) if numbers.part == "test" else [],
        groups=[_group(group, colors) for group in numbers.groups],
        method=numbers.method,
        policies=[(label, policy["name"], _words(policy["params"])) for label, policy in numbers.policies.items()],
        definitions=list(QUANTITIES.values()),
        terms=TERMS,
    )


def _words(params: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in params.items()) or "defaults"


def _facts(numbers: StudyNumbers) -> list[dict[str, str]]:
    logs = list(dict.fromkeys(group.workload for group in numbers.groups))
    grids = list(dict.fromkeys(group.grid for group in numbers.groups if group.grid))
    weeks = {group.workload: len(group.weeks) for group in numbers.groups}
    facts = [
        (str(len(logs)), "logs" if len(logs) > 1 else "log"),
        (str(sum(weeks.values())), f"{numbers.part} weeks"),
        (str(len(grids)), "grids"),
        (str(len(numbers.policies)), "policies"),
    ]
    return [{"value": value, "label": label} for value, label in facts]


def _group(group: Group, colors: dict[str, str]) -> dict[str, Any]:
    head, *rows = group_table(group)
    base = group.baseline.policy if group.baseline is not None else None
    return {
        "title": f"{group.title} ({len(group.weeks)} weeks)",
        "headings": head,
        "rows": [
            {"cells": cells, "color": colors.get(cells[0], "#888888"), "base": cells[0] == base} for cells in rows
        ],
        "notes": notes_of(group),
        "figures": _figures(group),
        "terms": [{"title": title, "headings": cells[0], "rows": cells[1:]} for title, cells in term_tables(group)],
    }


def _figures(group: Group) -> list[dict[str, str]]:
    def figure(name: str) -> dict[str, str]:
        label = QUANTITIES[name].label.split(" (")[0]
        return {
            "src": data_uri(group_figure(group, name), "svg"),
            "alt": f"{label} against waits and slowdowns on {group.title}",
            "caption": f"{label} against service, in percent of EASY's, with paired 95 % intervals over weeks. Down "
            "and left is better; the grey line joins the policies that no other one beats in both.",
        }

    return [figure(name) for name in _shown(pictured(group))]


def _shown(names: Sequence[str]) -> list[str]:
    """Return energy alone where there is no grid, else CO2e and costs: energy hardly differs from them in shape."""
    return [name for name in names if name != "energy_kwh"] or list(names)
