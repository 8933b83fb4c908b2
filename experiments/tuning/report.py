"""The report of a search as one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wattq.experiments.study.method import method, warnings
from wattq.experiments.study.tables import group_table, notes_of
from wattq.experiments.templating import render_template
from wattq.experiments.tuning.figures import front_figure, history_figure, importance_figure, objective_pairs
from wattq.experiments.tuning.findings import verdict
from wattq.experiments.tuning.outcome import Outcome
from wattq.experiments.tuning.samplers import pruner_name, sampler_name
from wattq.experiments.tuning.tables import (
    Cells,
    best_table,
    gap_table,
    importance_table,
    reference_table,
    space_table,
)
from wattq.pages.figures import data_uri

__all__ = ["tuning_html", "tuning_method"]


def tuning_html(outcome: Outcome) -> str:
    """Return the report as HTML that needs no other file and no network."""
    tuning = outcome.arena.tuning
    return render_template(
        "tuning.html",
        title=tuning.title or f"Search for knobs: {tuning.name}",
        description=tuning.description,
        warnings=warnings(outcome.test) if outcome.test is not None else [],
        facts=_facts(outcome),
        verdict=verdict(outcome),
        tests=[_table(group_table(group), group.title, notes_of(group)) for group in _groups(outcome)],
        gap=_table(gap_table(outcome), "") if outcome.gaps else None,
        best=_table(best_table(outcome), ""),
        references=_table(reference_table(outcome), ""),
        figures=list(_figures(outcome)),
        importances=_table(importance_table(outcome.importances), "") if outcome.importances else None,
        space=_table(space_table(outcome), ""),
        method=tuning_method(outcome),
    )


def _groups(outcome: Outcome) -> Any:
    return () if outcome.test is None else outcome.test.groups


def _table(cells: Cells, title: str, notes: list[str] | None = None) -> dict[str, Any]:
    return {"title": title, "headings": cells[0], "rows": cells[1:], "notes": notes or []}


def _facts(outcome: Outcome) -> list[dict[str, str]]:
    test = 0 if outcome.test is None else len({(r.workload, r.week) for r in outcome.test.records})
    facts = [
        (str(len(outcome.trials)), "trials"),
        (str(sum(row.feasible for row in outcome.trials)), "keep every bound"),
        (str(len(outcome.arena.steps)), "tuning weeks"),
        (str(test), "test weeks"),
    ]
    return [{"value": value, "label": label} for value, label in facts]


def _figures(outcome: Outcome) -> Iterator[dict[str, str]]:
    yield _picture(history_figure(outcome), "Objectives of the trials in their order, on the tuning weeks.")
    for pair in objective_pairs(outcome):
        words = "Means over logs and grids, tuning weeks; trials that ended early are of fewer weeks."
        yield _picture(front_figure(outcome, pair), f"{pair[0]} against {pair[1]}. {words}")
    if outcome.importances:
        yield _picture(importance_figure(outcome.importances), "Which knobs mattered for which objective.")


def _picture(figure: Any, caption: str) -> dict[str, str]:
    return {"src": data_uri(figure, "svg"), "alt": caption, "caption": caption}


def tuning_method(outcome: Outcome) -> list[str]:
    """Return the sentences that a reader needs to judge the search."""
    tuning = outcome.arena.tuning
    lines = [
        f"Sampler {sampler_name(tuning)}, seed {tuning.sampler.seed}; pruner {pruner_name(tuning)}. Objectives are "
        "means over logs and grids; a bound holds on each of them.",
        "Bounds: " + "; ".join(bound.words for bound in tuning.all_constraints) + ".",
        "Trials are judged on the tuning weeks alone. Test weeks are other weeks, more than "
        f"{tuning.gap_weeks} weeks apart, and are played once the search is over: by the trials above, by EASY, and by "
        "every policy with what the file fixes and no knob chosen.",
        "The gap is the quotient to EASY on the test weeks less that on the tuning weeks. Being chosen makes a trial "
        "look better on the tuning weeks than it is; the test weeks are what to believe.",
    ]
    if len(tuning.seeds) > 1:
        lines.append(
            f"Trials are judged on the seeds {', '.join(map(str, tuning.seeds))}; on the test weeks, workloads and "
            "forecasts have the first one, and policies that were trained are there once for each."
        )
    return lines + (method(outcome.test) if outcome.test is not None else [])
