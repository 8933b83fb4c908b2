"""Settings of a model, searched for with Optuna on a validation period apart from the test period.

A log is cut in three by number of jobs: what is learned from, the validation period, and the test period. Trials learn
from the first part and are compared on the second; the default settings are the first trial, so that the best one is
at least as good there. The best and the default settings then learn from the first two parts, and both are measured on
the third, which no choice has seen.

Every finished trial is in a journal, so that a search goes on where it was stopped. What a trial tries depends on the
seed and on the finished trials alone: a search that was stopped gives what it would have given.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from wattq.errors import SurrogateError
from wattq.experiments.surrogates.cache import Cache
from wattq.experiments.surrogates.logs import Log, Rows, features_of, read_log, split_rows
from wattq.experiments.surrogates.models import columns, fit_model, predict_rows
from wattq.experiments.surrogates.settings import Settings
from wattq.experiments.surrogates.spaces import Space, default_settings, distributions, space_of
from wattq.experiments.surrogates.tasks import Arrays, LogFile, Task
from wattq.experiments.tuning.storage import Storage, finished, needed, open_storage
from wattq.surrogates.metrics import MEASURES, score

if TYPE_CHECKING:
    from optuna import Study

__all__ = ["Search", "SearchResult", "Trial", "needed", "search_model", "search_result", "search_tasks"]

LEARN, VALIDATE = 0.5, 0.7
"""Ends of the parts learned from and validated on, as shares of the jobs."""

Told = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Trial:
    """Settings that were tried.

    Attributes:
        number: 0 for the default settings.
        settings: by name.
        value: the objective on the validation period.
    """

    number: int
    settings: dict[str, float]
    value: float


@dataclass(frozen=True)
class SearchResult:
    """What came of a search.

    Attributes:
        model: its name.
        log: name of the log.
        objective: name in `MEASURES`.
        jobs: jobs learned from, validated on, tested on.
        trials: in the order in which they were tried; the first has the default settings.
        best: number of the best trial.
        test: figures of the default and of the best settings on the test period, by name in `MEASURES`.
    """

    model: str
    log: str
    objective: str
    jobs: tuple[int, int, int]
    trials: tuple[Trial, ...]
    best: int
    test: dict[str, dict[str, float]]

    @property
    def default_trial(self) -> Trial:
        """The trial of the default settings."""
        return self.trials[0]

    @property
    def best_trial(self) -> Trial:
        """The trial that was best on the validation period."""
        return self.trials[self.best]


@dataclass(frozen=True)
class Search:
    """The search for settings of a model on a log, as a task.

    Attributes:
        log: the log.
        model: name in ``MODELS``.
        trials: how many settings are tried, the default ones among them.
        seed: seed of the model and of the search.
        objective: name in `MEASURES`.
        journal: folder or file of the journal; None keeps none.
    """

    log: LogFile
    model: str
    trials: int
    seed: int
    objective: str = "accuracy"
    journal: Path | None = None

    @property
    def label(self) -> str:
        """What it does."""
        return f"{self.log[0]}: search for settings of {self.model}"

    def key(self) -> dict[str, Any]:
        """Return what the result depends on."""
        return {**self.study_key(), "trials": self.trials}

    def study_key(self) -> dict[str, Any]:
        """Return what a trial depends on."""
        digest = read_log(*self.log).digest
        space = [repr(part) for part in space_of(self.model)]
        names = {"model": self.model, "seed": self.seed, "objective": self.objective}
        return {"kind": "search", "log": digest, "space": space, **names}

    def compute(self) -> Arrays:
        """Return the result as JSON in an array of bytes."""
        text = json.dumps(_as_dict(search_model(self)))
        return {"json": np.frombuffer(text.encode(), dtype=np.uint8)}


def search_tasks(settings: Settings, model: str) -> list[Task]:
    """Return one search per log."""
    return [_task(settings, file, model) for file in settings.logs.items()]


def _task(settings: Settings, file: LogFile, model: str) -> Search:
    return Search(file, model, settings.trials, settings.seed, journal=settings.cache)


_CONSTANTS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
"""One NaN for all figures that are not defined, so that equal results compare so."""


def search_result(settings: Settings, file: LogFile, model: str, results: Mapping[Task, Arrays]) -> SearchResult | None:
    """Return the result of the search on a log, None where there was none."""
    arrays = results.get(_task(settings, file, model)) if model else None
    return None if arrays is None else _from_dict(json.loads(arrays["json"].tobytes(), parse_constant=_CONSTANTS.get))


def search_model(search: Search, told: Told | None = None) -> SearchResult:
    """Search for settings; trials in the journal are not tried again.

    Raises:
        MissingDependencyError: Optuna is not here.
        SurrogateError: the model has no settings to search, or the log is too short.
    """
    needed()
    if search.objective not in MEASURES or not MEASURES[search.objective].better:
        raise SurrogateError(f"--objective {search.objective}: give accuracy, mae_s, pinball_s, ...")
    space = space_of(search.model)
    if not space:
        raise SurrogateError(f"--model {search.model}: has no settings to search; take another one")
    log = read_log(*search.log)
    learn, validate = split_rows(log, 0.0, LEARN, VALIDATE)
    study = _study(search)
    _try_all(study, search, space, lambda chosen: _figures(search, log, learn, validate, chosen), told)
    return _result(study, search, log, (learn, validate))


def _figures(search: Search, log: Log, learn: Rows, measure: Rows, chosen: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures on some jobs of a model with these settings that learned from others."""
    table = features_of(*search.log)
    model = fit_model(search.model, table, log.outcomes, learn, search.seed, **chosen)
    request_s = log.jobs.request_s[measure]
    found = predict_rows(model, columns(table, model.needs)[measure]).capped(request_s)
    return score(log.outcomes.run_s[measure], found.point_s, found.quantile_s, request_s)


def _study(search: Search) -> Study:
    import optuna
    from optuna.storages import InMemoryStorage

    path = _journal(search)
    storage = InMemoryStorage() if path is None else open_storage(Storage(path=path))
    direction: Literal["maximize", "minimize"] = (
        "maximize" if MEASURES[search.objective].better == "higher" else "minimize"
    )
    return optuna.create_study(storage=storage, study_name="wattq", direction=direction, load_if_exists=True)


def _journal(search: Search) -> Path | None:
    """Return the file of the journal; in a folder it is named by what trials depend on."""
    place = search.journal
    if place is None:
        return None
    if place.suffix == ".journal":
        place.parent.mkdir(parents=True, exist_ok=True)
        return place
    place.mkdir(parents=True, exist_ok=True)
    return Cache(place).path(search.study_key()).with_suffix(".journal")


def _drop_unfinished(study: Study) -> None:
    """Give up trials that were stopped: the sampler must not see them."""
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING, TrialState.WAITING)):
        study.tell(trial.number, state=TrialState.FAIL)


def _try_all(
    study: Study,
    search: Search,
    space: Space,
    figures: Callable[[Mapping[str, Any]], dict[str, float]],
    told: Told | None,
) -> None:
    from optuna.samplers import TPESampler
    from optuna.trial import create_trial

    _drop_unfinished(study)
    for number in range(len(finished(study)), search.trials):
        if told is not None:
            told(number, search.trials, f"trial {number}")
        if number == 0:
            default = default_settings(search.model)
            value = figures(default)[search.objective]
            study.add_trial(create_trial(params=default, distributions=distributions(space), value=value))
            continue
        # a sampler of its own for each trial: what is tried next does not depend on when the process was begun
        study.sampler = TPESampler(seed=search.seed + number, n_startup_trials=4)
        trial = study.ask(distributions(space))
        study.tell(trial, figures(trial.params)[search.objective])
    if told is not None:
        told(search.trials, search.trials, "test period")


def _result(study: Study, search: Search, log: Log, parts: tuple[Rows, Rows]) -> SearchResult:
    better = MEASURES[search.objective].better
    trials = [
        Trial(number, dict(trial.params), float(trial.values[0]))
        for number, trial in enumerate(finished(study)[: search.trials])
    ]
    pick = max if better == "higher" else min
    best = pick(trials, key=lambda trial: trial.value).number
    value, default = trials[best].value, trials[0].value
    if (value < default) if better == "higher" else (value > default):
        raise SurrogateError(
            f"search on log {search.log[0]}: the best settings are worse than the default on validation"
        )
    learn, test = split_rows(log, 0.0, VALIDATE, 1.0)
    figures = {
        name: _figures(search, log, learn, test, trials[number].settings)
        for name, number in (("default", 0), ("best", best))
    }
    jobs = (len(parts[0]), len(parts[1]), len(test))
    return SearchResult(search.model, search.log[0], search.objective, jobs, tuple(trials), best, figures)


def _as_dict(result: SearchResult) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(result)


def _from_dict(content: dict[str, Any]) -> SearchResult:
    trials = tuple(Trial(**trial) for trial in content["trials"])
    first, second, third = content["jobs"]
    return SearchResult(**{**content, "trials": trials, "jobs": (first, second, third)})
