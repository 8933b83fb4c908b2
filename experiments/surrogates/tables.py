"""The tables that people read, on the terminal and in the report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from wattq.experiments.plots.style import duration_text, number_text
from wattq.experiments.study.bootstrap import Estimate
from wattq.experiments.surrogates.effect import PARTS
from wattq.experiments.surrogates.evaluation import Evaluation, LogResults
from wattq.experiments.surrogates.scores import Scores
from wattq.experiments.surrogates.search import SearchResult
from wattq.surrogates.metrics import MEASURES

__all__ = [
    "Table",
    "ablation_table",
    "decile_table",
    "figure_table",
    "matrix_table",
    "model_table",
    "schedule_table",
    "search_tables",
    "split_table",
    "value_text",
]

NONE = "n/a"

_ENDS = ("accuracy", "mae_s", "upper_under_rate", "coverage")
"""Figures that are shown with their intervals."""

_COMPACT = (
    "accuracy",
    "mae_s",
    "under_rate",
    "upper_under_rate",
    "upper_of_request",
    "reserve_under_rate",
    "reserve_of_request",
    "coverage",
    "width_median_s",
)
_MAIN = (*_COMPACT[:2], "r2", *_COMPACT[2:], "pinball_s")
_PERCENT = {
    *("under_rate", "upper_under_rate", "coverage", "upper_of_request", "upper_share_mean"),
    *("reserve_under_rate", "reserve_of_request", "reserve_share_mean"),
}


@dataclass(frozen=True)
class Table:
    """A table of texts.

    Attributes:
        title: heading.
        headings: of the columns.
        rows: cells.
    """

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def value_text(name: str, value: float) -> str:
    """Return a figure as text in the unit that suits it."""
    if not math.isfinite(value):
        return NONE
    if name in _PERCENT:
        return f"{100 * value:.1f} %"
    if name == "mape":
        return f"{100 * value:,.0f} %"
    if name in ("accuracy", "r2"):
        return f"{value:.3f}"
    if name in ("mae_s", "rmse_s") or name.startswith("pinball"):
        return f"{value:,.0f} s"
    return duration_text(value) if MEASURES[name].unit == "s" else number_text(value)


def _with_ends(name: str, estimate: Estimate) -> str:
    text = value_text(name, estimate.value)
    if estimate.low is None or estimate.high is None:
        return text
    low, high = (value_text(name, end).removesuffix(" %").removesuffix(" s") for end in (estimate.low, estimate.high))
    return f"{text} [{low}, {high}]"


def _cells(scores: Scores, names: Sequence[str], ends: Sequence[str] = ()) -> tuple[str, ...]:
    """Return figures as texts, those in `ends` with their intervals."""
    found = scores.figures
    return tuple(_with_ends(n, found[n]) if n in ends else value_text(n, found[n].value) for n in names)


def _labels(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(MEASURES[name].label for name in names)


def model_table(results: LogResults, *, full: bool = False) -> Table:
    """Return every model of a log by its prequential run; with `full` more figures, some with intervals."""
    names = _MAIN if full else _COMPACT
    rows = tuple((m.model, *_cells(m.rolling, names, _ENDS[:2] if full else ())) for m in results.models)
    jobs = results.models[0].rolling.jobs if results.models else 0
    return Table(f"{results.log.name}: {jobs:,} jobs, prequential", ("model", *_labels(names)), rows)


def figure_table(results: LogResults) -> Table:
    """Return every figure of every model with its interval; one row per figure."""
    rows = tuple(
        (MEASURES[name].label, *(_with_ends(name, entry.rolling.figures[name]) for entry in results.models))
        for name in MEASURES
    )
    return Table(f"{results.log.name}: every figure", ("figure", *(m.model for m in results.models)), rows)


def split_table(results: LogResults, split: float) -> Table:
    """Return, on the jobs after the split, what was learned once beside the prequential run."""
    names = ("accuracy", "mae_s", "coverage", "upper_under_rate")
    rows = []
    for model in results.models:
        for how, scores in (("learned once", model.split.frozen), ("prequential", model.split.rolling)):
            rows.append((model.model, how, *_cells(scores, names, _ENDS)))
    jobs = results.models[0].split.frozen.jobs if results.models else 0
    title = f"{results.log.name}: the last {jobs:,} jobs, cut at {100 * split:g} % of the log"
    return Table(title, ("model", "learned", *_labels(names)), tuple(rows))


def decile_table(results: LogResults, model: str) -> Table:
    """Return the figures of a model by tenths of the users."""
    names = ("accuracy", "mae_s", "under_rate", "upper_under_rate", "coverage")
    found = next(entry for entry in results.models if entry.model == model)
    rows = tuple(
        (
            str(row.number),
            f"{row.users:,}",
            f"{row.least:,}" if row.least == row.most else f"{row.least:,} to {row.most:,}",
            f"{row.jobs:,}",
            *(value_text(name, row.figures[name]) for name in names),
        )
        for row in found.rolling.deciles
    )
    headings = ("tenth of the users", "users", "jobs of a user", "jobs", *_labels(names))
    return Table(f"{results.log.name}: {model} by users, those with the fewest jobs first", headings, rows)


def matrix_table(evaluation: Evaluation, models: Sequence[str], name: str) -> Table:
    """Return one figure of models, learned on the log of the row and measured on the log of the column."""
    logs = [results.log.name for results in evaluation.logs]
    values = {(c.model, c.train, c.test): value_text(name, c.figures[name]) for c in evaluation.matrix}
    rows = tuple((model, train, *(values[model, train, test] for test in logs)) for model in models for train in logs)
    headings = ("model", "learned on", *(f"measured on {test}" for test in logs))
    return Table(f"{MEASURES[name].label}: learned on one log, measured on another", headings, rows)


def ablation_table(results: LogResults, model: str) -> Table:
    """Return the figures of a model without each group of features."""
    names = ("accuracy", "mae_s", "pinball_s", "coverage")
    rows = tuple((row.label, *_cells(row.scores, names, _ENDS)) for row in results.ablation)
    return Table(f"{results.log.name}: {model}", ("features", *_labels(names)), rows)


def search_tables(found: SearchResult) -> list[Table]:
    """Return the trials of a search, and the figures of the default and the best settings on the test period."""
    settings = list(dict.fromkeys(name for trial in found.trials for name in trial.settings))
    label = MEASURES[found.objective].label
    trials = tuple(
        (
            str(trial.number) + " (default)" * (trial.number == 0) + " (best)" * (trial.number == found.best),
            value_text(found.objective, trial.value),
            *(number_text(trial.settings[name]) for name in settings),
        )
        for trial in found.trials
    )
    learn, validate, test = found.jobs
    names = ("accuracy", "mae_s", "pinball_s", "coverage", "upper_under_rate")
    tested = tuple(
        (which, *(value_text(name, figures[name]) for name in names)) for which, figures in found.test.items()
    )
    title = f"{found.log}: {found.model}, {learn:,} jobs learned from, {validate:,} of the validation period"
    return [
        Table(title, ("trial", f"{label} on validation", *settings), trials),
        Table(f"{found.log}: {found.model}, {test:,} jobs of the test period", ("settings", *_labels(names)), tested),
    ]


def schedule_table(results: LogResults) -> Table | None:
    """Return the effect on the schedule, None where it was not computed."""
    if results.schedule is None:
        return None
    rows = tuple(
        (
            row.policy,
            row.estimate + " (chosen)" * row.chosen,
            *(f"{row.slowdown[part]:.2f}" for part in PARTS),
            value_text("under_rate", row.under_share),
            f"{row.corrections:.2f}",
        )
        for row in results.schedule.rows()
    )
    headings = ("policy", "estimates", *PARTS, "under", "corrections")
    return Table(f"{results.log.name}: mean bounded slowdown", headings, rows)
