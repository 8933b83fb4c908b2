"""The files of an evaluation; the same evaluation gives the same bytes."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from wattq.experiments.folders import json_text, whole_directory, write_text
from wattq.experiments.study.bootstrap import Estimate
from wattq.experiments.surrogates.evaluation import Evaluation, LogResults, ModelResults
from wattq.experiments.surrogates.scores import Scores
from wattq.experiments.surrogates.search import SearchResult
from wattq.surrogates.metrics import MEASURES
from wattq.surrogates.model import LEVELS

__all__ = ["FORMAT", "evaluation_json", "is_evaluation", "write_evaluation"]

FORMAT = "wattq-surrogate-evaluation-1"
"""Value of the key ``format`` in ``metrics.json``."""

Row = dict[str, Any]


def is_evaluation(directory: Path) -> bool:
    """Return whether a directory holds the files of an evaluation."""
    path = directory / "metrics.json"
    return path.is_file() and FORMAT in path.read_text(encoding="utf-8", errors="replace")[:200]


def write_evaluation(evaluation: Evaluation, output: Path) -> list[Path]:
    """Write all files of an evaluation and return their paths; the folder appears whole or not at all.

    Raises:
        InvalidInputError: the folder holds something else, or cannot be written.
    """
    from wattq.experiments.surrogates.report import evaluation_html

    with whole_directory(output, replaceable=is_evaluation) as folder:
        texts = {
            "metrics.json": json_text(evaluation_json(evaluation)),
            **{name: _csv(rows) for name, rows in _tables(evaluation).items() if rows},
            "report.html": evaluation_html(evaluation),
        }
        for name, text in texts.items():
            write_text(folder / name, text)
    return [output / name for name in texts]


def evaluation_json(evaluation: Evaluation) -> Row:
    """Return the content of ``metrics.json``; what is not defined is null."""
    settings = evaluation.settings
    asked = {
        "first": settings.first,
        "split": settings.split,
        "seed": settings.seed,
        "parts": list(settings.parts),
        "trials": settings.trials,
        "simulated": settings.simulated,
    }
    return {
        "format": FORMAT,
        "settings": asked,
        "models": list(evaluation.models),
        "study_model": evaluation.study_model,
        "not_run": dict(evaluation.not_run),
        "levels": list(LEVELS),
        "logs": {log.log.name: _log(log) for log in evaluation.logs},
        "matrix": [
            {
                "model": cell.model,
                "train": cell.train,
                "test": cell.test,
                "learned": cell.learned,
                "jobs": cell.jobs,
                "figures": _numbers(cell.figures),
            }
            for cell in evaluation.matrix
        ],
    }


def _log(results: LogResults) -> Row:
    jobs = results.log.jobs
    return {
        "source": jobs.source,
        "sha256": jobs.sha256,
        "synthetic": jobs.synthetic,
        "jobs": jobs.n_jobs,
        "models": {model.model: _model(model) for model in results.models},
        "schedule": None if results.schedule is None else [_entry(row) for row in results.schedule.entries],
        "ablation": [
            {"left_out": list(row.dropped), "label": row.label, **_brief(row.scores)} for row in results.ablation
        ],
        "search": None if results.search is None else _search(results.search),
    }


def _model(model: ModelResults) -> Row:
    scores = model.rolling
    return {
        "prequential": {
            **_brief(scores),
            "calibration": list(scores.calibration),
            "deciles": [
                {
                    "decile": row.number,
                    "users": row.users,
                    "least_jobs": row.least,
                    "most_jobs": row.most,
                    "jobs": row.jobs,
                    "figures": _numbers(row.figures),
                }
                for row in scores.deciles
            ],
            "periods": [
                {"begin_s": row.begin_s, "jobs": row.jobs, "figures": _numbers(row.figures)} for row in scores.periods
            ],
        },
        "split": {"learned_once": _brief(model.split.frozen), "prequential": _brief(model.split.rolling)},
    }


def _brief(scores: Scores) -> Row:
    return {"jobs": scores.jobs, "weeks": scores.weeks, "figures": _estimates(scores.figures)}


def _estimates(figures: Mapping[str, Estimate]) -> Row:
    found = {}
    for name, estimate in figures.items():
        found[name] = {"value": _number(estimate.value)}
        if estimate.low is not None and estimate.high is not None:
            found[name] |= {"low": _number(estimate.low), "high": _number(estimate.high)}
    return found


def _entry(row: Row) -> Row:
    return {name: _number(value) if isinstance(value, float) else value for name, value in row.items()}


def _schedule_rows(results: LogResults) -> Iterator[Row]:
    if results.schedule is not None:
        yield from ({"log": results.log.name, **entry} for entry in results.schedule.entries)


def _numbers(figures: Mapping[str, float]) -> Row:
    return {name: _number(value) for name, value in figures.items()}


def _number(value: float) -> float | None:
    """Return a number with nine significant digits; the last ones of a sum differ between machines."""
    return float(f"{value:.9g}") if math.isfinite(value) else None


def _search(result: SearchResult) -> Row:
    return {
        "model": result.model,
        "objective": result.objective,
        "jobs": dict(zip(("learn", "validation", "test"), result.jobs, strict=True)),
        "trials": [
            {"trial": trial.number, "settings": trial.settings, "validation": _number(trial.value)}
            for trial in result.trials
        ],
        "best": result.best,
        "test": {name: _numbers(figures) for name, figures in result.test.items()},
    }


def _tables(evaluation: Evaluation) -> dict[str, list[Row]]:
    """Return the rows of each CSV file."""
    logs = evaluation.logs
    return {
        "models.csv": [row for log in logs for row in _figure_rows(log)],
        "calibration.csv": [row for log in logs for row in _calibration_rows(log)],
        "deciles.csv": [row for log in logs for row in _decile_rows(log)],
        "periods.csv": [row for log in logs for row in _period_rows(log)],
        "schedule.csv": [row for log in logs for row in _schedule_rows(log)],
        "matrix.csv": [
            {"model": c.model, "train": c.train, "test": c.test, "learned": c.learned, "jobs": c.jobs, **c.figures}
            for c in evaluation.matrix
        ],
        "ablation.csv": [
            {"log": log.log.name, "model": evaluation.study_model, "left_out": row.label, **found}
            for log in logs
            for row in log.ablation
            for found in _long(row.scores)
        ],
        "search.csv": [row for log in logs if log.search is not None for row in _search_rows(log.search)],
    }


def _long(scores: Scores) -> Iterator[Row]:
    """Yield one row per figure, with the ends of its interval where there is one."""
    for name, estimate in scores.figures.items():
        yield {
            "figure": name,
            "unit": MEASURES[name].unit,
            "value": estimate.value,
            "low": estimate.low,
            "high": estimate.high,
            "jobs": scores.jobs,
        }


def _figure_rows(results: LogResults) -> Iterator[Row]:
    for model in results.models:
        kinds = {
            "prequential": model.rolling,
            "prequential, after the split": model.split.rolling,
            "learned once, after the split": model.split.frozen,
        }
        for protocol, scores in kinds.items():
            for row in _long(scores):
                yield {"log": results.log.name, "model": model.model, "protocol": protocol, **row}


def _calibration_rows(results: LogResults) -> Iterator[Row]:
    for model in results.models:
        for level, share in zip(LEVELS, model.rolling.calibration, strict=True):
            yield {"log": results.log.name, "model": model.model, "level": level, "share": share}


def _decile_rows(results: LogResults) -> Iterator[Row]:
    for model in results.models:
        for row in model.rolling.deciles:
            place = {"log": results.log.name, "model": model.model, "decile": row.number, "users": row.users}
            yield {**place, "least_jobs": row.least, "most_jobs": row.most, "jobs": row.jobs, **row.figures}


def _period_rows(results: LogResults) -> Iterator[Row]:
    for model in results.models:
        for row in model.rolling.periods:
            place = {"log": results.log.name, "model": model.model, "begin_s": row.begin_s, "jobs": row.jobs}
            yield {**place, **row.figures}


def _search_rows(result: SearchResult) -> Iterator[Row]:
    for trial in result.trials:
        place = {"log": result.log, "model": result.model, "trial": trial.number, "objective": result.objective}
        yield {**place, "validation": trial.value, "best": int(trial.number == result.best), **trial.settings}


def _csv(rows: Sequence[Row]) -> str:
    """Return rows as comma-separated text; columns in the order in which they first appear."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(_cells(row, names) for row in rows)
    return buffer.getvalue()


def _cells(row: Row, names: Iterable[str]) -> list[str]:
    return [_cell(row.get(name)) for name in names]


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return f"{value:.9g}" if isinstance(value, float) else str(value)
