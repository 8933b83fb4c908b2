"""The tables of a search: trials, the best of them with their knobs, the gap between tuning and test weeks."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from wattq.experiments.study.tables import NONE, ratio_text
from wattq.experiments.tuning.findings import points_text
from wattq.experiments.tuning.importance import Importance
from wattq.experiments.tuning.outcome import Outcome, TrialRow
from wattq.experiments.tuning.scoring import name_of

__all__ = ["best_table", "gap_csv", "gap_table", "importance_table", "reference_table", "space_table", "trials_csv"]

Cells = list[list[str]]


def trials_csv(outcome: Outcome) -> str:
    """Return every trial: one line each.

    Columns: trial, state, feasible, policy, weeks, the objectives, ``excess: `` and each constraint, ``knob: `` and
    each knob, every metric on each log and grid, seconds, error. What a trial does not have is an empty cell.
    """
    tuning = outcome.arena.tuning
    objectives = [name_of(objective) for objective in tuning.objectives]
    bounds = [bound.words for bound in tuning.all_constraints]
    knobs = _names(row.chosen for row in outcome.trials)
    places = {place: _names(row.values.get(place, {}) for row in outcome.trials) for place in _names(
        row.values for row in outcome.trials)}  # fmt: skip
    metrics = [(place, name) for place, names in places.items() for name in names]
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    head = ["trial", "state", "feasible", "policy", "weeks", *objectives]
    head += [f"excess: {bound}" for bound in bounds] + [f"knob: {knob}" for knob in knobs]
    writer.writerow([*head, *(f"{place}: {name}" for place, name in metrics), "seconds", "error"])
    for row in outcome.trials:
        values = [*row.objectives, *[""] * (len(objectives) - len(row.objectives))]
        cells = [row.number, row.state, str(row.feasible).lower(), row.policy, row.steps, *values]
        cells += [row.constraints.get(bound, "") for bound in bounds] + [row.chosen.get(knob, "") for knob in knobs]
        cells += [row.values.get(place, {}).get(name, "") for place, name in metrics]
        writer.writerow([*cells, f"{row.seconds:g}", row.error])
    return stream.getvalue()


def _names(rows: Any) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def gap_csv(outcome: Outcome) -> str:
    """Return the quotients to EASY on tuning and on test weeks, and their distance: one line per policy and metric."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    parts = [f"{part}{end}" for part in ("tuning", "test", "gap") for end in ("", "_low", "_high")]
    writer.writerow(["workload", "grid", "policy", "metric", *parts])
    for gap in outcome.gaps:
        numbers = [end for part in (gap.tuning, gap.test, gap.gap) for end in (part.value, part.low, part.high)]
        cells = ["" if number is None else repr(number) for number in numbers]
        writer.writerow([gap.workload, gap.grid, gap.policy, gap.metric, *cells])
    return stream.getvalue()


def gap_table(outcome: Outcome) -> Cells:
    """Return the gap between tuning and test weeks, headings first."""
    head = ["Log and grid", "Policy", "Metric", "Tuning weeks, of EASY's", "Test weeks, of EASY's", "Gap"]
    rows = [
        [
            f"{gap.workload}, {gap.grid}" if gap.grid else gap.workload,
            gap.policy,
            gap.metric,
            ratio_text(gap.tuning),
            ratio_text(gap.test),
            points_text(gap.gap),
        ]
        for gap in outcome.gaps
    ]
    return [head, *rows]


def best_table(outcome: Outcome) -> Cells:
    """Return the best trials with their objectives on the tuning weeks and their knobs, headings first."""
    objectives = [name_of(objective) for objective in outcome.arena.tuning.objectives]
    head = ["Trial", "Policy", *objectives, "Knobs"]
    return [head, *(_best(row) for row in outcome.best)]


def _best(row: TrialRow) -> list[str]:
    values = [f"{value:.4g}" for value in row.objectives]
    return [str(row.number), row.policy, *values, knob_words({**row.params, **row.training})]


def knob_words(params: Mapping[str, Any]) -> str:
    """Return parameters in words: ``timeout = 12.3, order = aged``."""
    shown = {name: f"{value:.6g}" if isinstance(value, float) else str(value) for name, value in params.items()}
    return ", ".join(f"{name} = {value or chr(34) * 2}" for name, value in shown.items()) or "defaults"


def reference_table(outcome: Outcome) -> Cells:
    """Return what EASY and the untuned policies reach on the tuning weeks, headings first."""
    objectives = [name_of(objective) for objective in outcome.arena.tuning.objectives]
    bounds = [bound.words for bound in outcome.arena.tuning.all_constraints]
    rows = [
        [name, *(f"{value:.4g}" for value in score.objectives), *(_side(score.constraints[bound]) for bound in bounds)]
        for name, score in outcome.references.items()
    ]
    return [["Policy", *objectives, *bounds], *rows]


def _side(excess: float) -> str:
    return "kept" if excess <= 0 else f"broken by {100 * excess:.3g} %"


def importance_table(importances: Sequence[Importance]) -> Cells:
    """Return the shares of the knobs, headings first."""
    rows = [
        [found.policy or "choice of the policy", found.objective, knob, f"{100 * share:.0f} %", found.method]
        for found in importances
        for knob, share in found.shares.items()
    ]
    return [["Policy", "Objective", "Knob", "Share", "Method"], *rows]


def space_table(outcome: Outcome) -> Cells:
    """Return the search space, headings first."""
    rows = []
    for policy in outcome.arena.tuning.policies:
        rows += [[policy.title, name, str(value) or NONE, "fixed"] for name, value in policy.params.items()]
        for name, knob in policy.knobs.items():
            when = ", ".join(f"{other} = {' or '.join(map(str, v))}" for other, v in knob.conditions.items())
            rows.append([policy.title, name, knob.words, when or "always"])
        if policy.train is not None:
            rows += [[policy.title, f"training: {n}", str(v), "fixed"] for n, v in policy.train.options.items()]
            rows += [[policy.title, f"training: {n}", knob.words, "always"] for n, knob in policy.train.knobs.items()]
    return [["Policy", "Knob", "Values", "When"], *rows]
