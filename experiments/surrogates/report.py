"""The report of an evaluation as one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from matplotlib.figure import Figure

from wattq.experiments.plots.style import policy_colors
from wattq.experiments.study.bootstrap import RESAMPLES
from wattq.experiments.surrogates.effect import SCALED, SCALED_RULE
from wattq.experiments.surrogates.evaluation import Evaluation, LogResults
from wattq.experiments.surrogates.figures import (
    ablation_figure,
    calibration_figure,
    decile_figure,
    models_figure,
    periods_figure,
    schedule_figure,
    search_figure,
)
from wattq.experiments.surrogates.search import LEARN, VALIDATE
from wattq.experiments.surrogates.settings import PARTS
from wattq.experiments.surrogates.tables import (
    Table,
    ablation_table,
    decile_table,
    figure_table,
    matrix_table,
    model_table,
    schedule_table,
    search_tables,
    split_table,
)
from wattq.experiments.templating import render_template
from wattq.pages.figures import data_uri
from wattq.surrogates.metrics import MEASURES

__all__ = ["evaluation_html"]

Json = dict[str, Any]

_SLOWDOWNS = (
    "Mean bounded slowdown by estimates",
    "Mean bounded slowdown (bound 10 s) of the second half of the log, which no choice has seen, and of the whole; "
    "lower is better. The model with the lowest slowdown of the first half is marked.",
)


def evaluation_html(evaluation: Evaluation) -> str:
    """Return the report as HTML that needs no other file and no network."""
    return render_template(
        "surrogates.html",
        title="Predictions of run times",
        description="How well models predict how long jobs run, from what is known when they are submitted.",
        warnings=_warnings(evaluation),
        facts=_facts(evaluation),
        logs=[_log(evaluation, results) for results in evaluation.logs],
        schedules=[_schedule(results) for results in evaluation.logs if results.schedule is not None],
        matrices=[_shown(table) for table in _matrices(evaluation)],
        ablation=_ablation(evaluation),
        searches=[_search(results) for results in evaluation.logs if results.search is not None],
        method=_method(evaluation),
        sources=[_source(results) for results in evaluation.logs],
        definitions=list(MEASURES.values()),
    )


def _warnings(evaluation: Evaluation) -> list[str]:
    found = [f"{name}: not run: {reason}." for name, reason in evaluation.not_run.items()]
    found += [f"{r.log.name}: generated jobs, no real log." for r in evaluation.logs if r.log.jobs.synthetic]
    return found


def _facts(evaluation: Evaluation) -> list[dict[str, str]]:
    logs = evaluation.logs
    facts = [
        (str(len(logs)), "logs" if len(logs) > 1 else "log"),
        (f"{sum(results.log.jobs.n_jobs for results in logs):,}", "jobs"),
        (str(len(evaluation.models)), "models"),
        (str(evaluation.settings.seed), "seed"),
    ]
    return [{"value": value, "label": label} for value, label in facts]


def _shown(table: Table, first: str = "") -> Json:
    """Return a table for the template; rows that begin with `first` are set off."""
    rows = [{"cells": cells, "base": bool(first) and cells[0] == first} for cells in table.rows]
    return {"title": table.title, "headings": table.headings, "rows": rows}


def _picture(figure: Figure, alt: str, caption: str) -> dict[str, str]:
    return {"src": data_uri(figure, "svg"), "alt": alt, "caption": caption}


def _log(evaluation: Evaluation, results: LogResults) -> Json:
    if not results.models:
        return {"title": results.log.name, "tables": [], "figures": [], "details": []}
    colors = policy_colors([entry.model for entry in results.models])
    details = [_shown(decile_table(results, model)) for model in colors]
    return {
        "title": results.log.name,
        "tables": [_shown(model_table(results, full=True))],
        "figures": list(_log_figures(results)),
        "details": [
            _shown(split_table(results, evaluation.settings.split)),
            _shown(figure_table(results)),
            *details,
        ],
    }


def _log_figures(results: LogResults) -> Iterator[dict[str, str]]:
    name = results.log.name
    yield _picture(
        models_figure(results),
        f"Accuracy, error and coverage of each model on {name}",
        "Every model by its prequential run. Accuracy to the right is better, error to the left; the dashed line is "
        "the coverage that the interval promises. What is beyond three times the median of the models is cut off.",
    )
    yield _picture(
        calibration_figure(results),
        f"Calibration and pinball loss of each model on {name}",
        "Left: share of the jobs that ran at most as long as each quantile says. Above the dashed line quantiles are "
        "too long, below too short; quantiles and run times end at the requested time, which lifts the upper end. "
        "Right: the loss of each quantile, which weighs too short by its level and too long by the rest.",
    )
    yield _picture(
        periods_figure(results),
        f"Accuracy and coverage of each model over time on {name}",
        "Accuracy and coverage in periods of four weeks, at their begin.",
    )
    yield _picture(
        decile_figure(results),
        f"Accuracy and coverage by users on {name}",
        "Users by their number of jobs, in ten groups of as many users; the users of the first have the fewest jobs.",
    )


def _schedule(results: LogResults) -> Json:
    table = schedule_table(results)
    assert table is not None
    return {"table": _shown(table), "figures": [_picture(schedule_figure(results), *_SLOWDOWNS)]}


def _matrices(evaluation: Evaluation) -> list[Table]:
    if not evaluation.matrix:
        return []
    return [matrix_table(evaluation, evaluation.models, name) for name in ("accuracy", "mae_s")]


def _ablation(evaluation: Evaluation) -> Json:
    logs = [results for results in evaluation.logs if results.ablation]
    if not logs:
        return {"tables": [], "figures": []}
    model = evaluation.study_model
    caption = (
        "The model learns again without one group of features. The thin line is the model with all of them; without "
        "telemetry nothing is known but the request and the date."
    )
    return {
        "tables": [_shown(ablation_table(results, model), "all features") for results in logs],
        "figures": [_picture(ablation_figure(logs, model), "Accuracy without groups of features", caption)],
    }


def _search(results: LogResults) -> Json:
    found = results.search
    assert found is not None
    label = f"{MEASURES[found.objective].label} on validation"
    figures = [_picture(search_figure(found, label), f"Trials on {found.log}", "Trials in their order.")]
    return {"tables": [_shown(table) for table in search_tables(found)], "figures": figures}


def _source(results: LogResults) -> tuple[str, str, str, str]:
    jobs = results.log.jobs
    days = float(jobs.submit_s[-1] - jobs.submit_s[0]) / 86400.0 if jobs.n_jobs else 0.0
    return results.log.name, f"{jobs.source}, {jobs.n_jobs:,} jobs in {days:,.0f} days", jobs.sha256, ""


def _method(evaluation: Evaluation) -> list[str]:
    settings = evaluation.settings
    lines = [
        "Prequential: every job is predicted from jobs that had ended before it was submitted; models learn again as "
        f"the log goes on. The first {settings.first:,} jobs of a log are learned from and not measured.",
        "Predictions end at the requested time, at which a job is killed; run times beyond it count as that time.",
        f"Plain split: the first {100 * settings.split:g} % of the jobs, as far as they had ended by then, are learned "
        "from once; the rest is measured. Features go on following the log: only the model stands still.",
        f"Intervals are 95 % percentile bootstrap intervals over weeks of submissions: {RESAMPLES:,} resamples, seed "
        f"{settings.seed}, the same for every model. They speak of these weeks of these logs, not of other machines.",
    ]
    notes = {
        "schedule": "Schedule: the protocol of Gaussier et al. (SC'15), as of wattq reproduce sc15-easy. Predictions "
        "are made in the simulated world, of jobs that ended in it before; a job that outlives its estimate is "
        f"corrected; the requested time stays the limit. Estimate {SCALED} is {SCALED_RULE.factor:g} of the requested "
        "time, no prediction at all.",
        "matrix": "Matrix: learned from the first part of the log of the row, measured on the second part of the log "
        "of the column, where features follow that log. No feature holds the number of a user, a group or an "
        "application, so that all of them carry over but the number of the queue.",
        "ablation": "Ablation: on the plain split; what is left out is unknown to the model when it learns and when it "
        "predicts. Predictions still end at the requested time.",
        "search": f"Search: learned from the first {100 * LEARN:g} % of the jobs, chosen on those up to "
        f"{100 * VALIDATE:g} %. Best and default settings then learn from all these, and are measured on the rest, "
        "which no choice has seen.",
    }
    asked = [name for name in PARTS if name in settings.parts and name not in evaluation.not_run]
    return lines + [notes[name] for name in asked if name in notes]
