"""The search for settings: periods apart, the default among the trials, and no difference when it is interrupted."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np
import pytest
from numpy.typing import NDArray

import wattq.surrogates.models as registry
from wattq.errors import MissingDependencyError, SurrogateError
from wattq.experiments.surrogates import Search, Settings, evaluate, find_logs, read_log, search_model
from wattq.experiments.surrogates import spaces as spaces_module
from wattq.experiments.surrogates.logs import split_rows
from wattq.experiments.surrogates.spaces import Range
from wattq.surrogates.features import FeatureTable
from wattq.surrogates.model import LEVELS, Prediction

pytest.importorskip("optuna", reason="optuna (extra tune) is not installed")


class Scaled:
    """The last run of the user times a factor, plus a number of seconds."""

    name = "scaled"
    needs = ("user_last1_s", "request_s")
    seen: ClassVar[list[NDArray[np.int64]]] = []

    def __init__(self, factor: float = 3.0, more_s: int = 600, seed: int = 0) -> None:
        self.factor, self.more_s, self.seed = factor, more_s, seed

    def fit(self, table: FeatureTable, run_s: NDArray[np.float64], rows: NDArray[np.int64]) -> None:
        self.seen.append(rows)

    def predict(self, x: NDArray[np.float32]) -> Prediction:
        last = np.where(np.isnan(x[:, 0]), x[:, 1], x[:, 0]).astype(np.float64)
        point = last * self.factor + self.more_s
        return Prediction(point, point[:, None] * np.linspace(0.5, 1.5, len(LEVELS)))

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        return {}, {}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> Self:
        return cls()


@pytest.fixture(autouse=True)
def scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    models = {**registry.MODELS, "scaled": Scaled}
    space = (Range("factor", 0.2, 5.0, log=True), Range("more_s", 0, 1000))
    monkeypatch.setattr(registry, "MODELS", models)
    monkeypatch.setattr(spaces_module, "SPACES", MappingProxyType({"scaled": space}))
    Scaled.seen.clear()


def asked(small_log: Path, trials: int, journal: Path | None = None, **change: Any) -> Search:
    return Search(("small", small_log), "scaled", trials, 1, journal=journal, **change)


def test_the_default_is_the_first_trial_and_the_best_is_no_worse(small_log: Path) -> None:
    found = search_model(asked(small_log, 8))
    assert found.trials[0].settings == {"factor": 3.0, "more_s": 600}
    assert len(found.trials) == 8
    assert found.best_trial.value == max(trial.value for trial in found.trials) >= found.default_trial.value
    assert set(found.test) == {"default", "best"}
    assert found.test["best"]["accuracy"] > found.test["default"]["accuracy"]
    assert all(0.2 <= t.settings["factor"] <= 5.0 and isinstance(t.settings["more_s"], int) for t in found.trials)


def test_a_figure_of_which_less_is_better(small_log: Path) -> None:
    found = search_model(asked(small_log, 6, objective="mae_s"))
    assert found.best_trial.value == min(trial.value for trial in found.trials)


def test_nothing_is_learned_from_the_validation_or_the_test_period_too_early(small_log: Path) -> None:
    search_model(asked(small_log, 3))
    log = read_log("small", small_log)
    learn, validate = split_rows(log, 0.0, 0.5, 0.7)
    before_test, test = split_rows(log, 0.0, 0.7, 1.0)
    assert len(Scaled.seen) == 3 + 2
    assert all(np.array_equal(rows, learn) for rows in Scaled.seen[:3])
    assert all(np.array_equal(rows, before_test) for rows in Scaled.seen[3:])
    assert learn.max() < validate.min() <= validate.max() < test.min()
    assert before_test.max() < test.min()


def test_a_search_goes_on_where_it_was_stopped(
    small_log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = search_model(asked(small_log, 7))
    journal = tmp_path / "a.journal"
    fit, fits = Scaled.fit, 0

    def stopped(self: Scaled, table: FeatureTable, run_s: NDArray[np.float64], rows: NDArray[np.int64]) -> None:
        nonlocal fits
        fits += 1
        if fits == 5:
            raise KeyboardInterrupt
        fit(self, table, run_s, rows)

    monkeypatch.setattr(Scaled, "fit", stopped)
    with pytest.raises(KeyboardInterrupt):
        search_model(asked(small_log, 7, journal))
    again = search_model(asked(small_log, 7, journal))
    assert again == whole
    assert fits == 5 + 3 + 2  # the four finished trials are not tried again
    more = search_model(asked(small_log, 9, journal))
    assert more.trials[:7] == whole.trials


def test_what_cannot_be_searched_is_refused(small_log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SurrogateError, match="no settings to search"):
        search_model(Search(("small", small_log), "requested", 3, 0))
    with pytest.raises(SurrogateError, match="--objective coverage"):
        search_model(asked(small_log, 3, objective="coverage"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingDependencyError, match="extra tune"):
        search_model(asked(small_log, 3))


def test_the_evaluation_holds_the_search(small_log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(
        find_logs([str(small_log)]), ("scaled",), parts=("search",), trials=4, seed=1, study_model="scaled"
    )
    found = evaluate(settings)
    assert found.logs[0].search == search_model(asked(small_log, 4))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    without = evaluate(settings)
    assert without.logs[0].search is None
    assert "extra tune" in without.not_run["search"]
