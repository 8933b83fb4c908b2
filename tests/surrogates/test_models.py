"""Models of run times: exact on small tables, the same for a seed, capped, and whole after a bundle's arrays."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import SurrogateError
from wattq.surrogates.boosting import Boosting
from wattq.surrogates.conformal import times_of
from wattq.surrogates.features import FeatureTable, build_features
from wattq.surrogates.forest import Forest
from wattq.surrogates.jobs import Jobs, Outcomes
from wattq.surrogates.model import LEVELS, Prediction, RuntimeModel
from wattq.surrogates.models import MODELS
from wattq.surrogates.prequential import prequential

Built = tuple[FeatureTable, Outcomes]

SMALL: dict[str, dict[str, Any]] = {
    "forest": {"n_trees": 4, "tries": 20},
    "boosting": {"n_trees": 12},
    "quantile-boosting": {"n_trees": 5},
    "blend": {"n_trees": 4, "tries": 20, "n_boosted": 8},
}
OWN = ("requested", "last-two", "user-quantiles", "similar", "forest", "boosting", "quantile-boosting", "blend")


def made_log(n: int = 400, seed: int = 3) -> tuple[Jobs, Outcomes]:
    """Return jobs of five users, each with a typical run time; every tenth job has no requested time."""
    rng = np.random.default_rng(seed)
    user = rng.integers(0, 5, n)
    run = np.round(60.0 * 4.0**user * rng.lognormal(0.0, 0.3, n))
    request = np.where(np.arange(n) % 10 == 9, np.nan, 3.0 * 60.0 * 4.0**user)
    submit = np.sort(rng.integers(0, 300 * n, n)).astype(np.float64)
    none = np.full(n, -1)
    jobs = Jobs(submit, rng.integers(1, 9, n), request, user, user // 2, none, none)
    return jobs, Outcomes(submit + 10.0, np.fmin(run, request))


@pytest.fixture(scope="module")
def log() -> Built:
    """Return the features and outcomes of the log."""
    jobs, outcomes = made_log()
    return build_features(jobs, outcomes), outcomes


def fitted(name: str, log: Built, n: int = 300) -> RuntimeModel:
    table, outcomes = log
    model = MODELS[name](**SMALL.get(name, {}))
    model.fit(table, outcomes.run_s, np.arange(n))
    return model


def same(a: Prediction, b: Prediction) -> bool:
    return a.point_s.tobytes() == b.point_s.tobytes() and a.quantile_s.tobytes() == b.quantile_s.tobytes()


@pytest.mark.parametrize("name", OWN)
def test_predictions_are_ordered_and_capped(name: str, log: Built) -> None:
    table, _ = log
    model = fitted(name, log)
    found = model.predict(table.columns(model.needs))
    request = table.jobs.request_s
    assert np.isfinite(found.point_s).all()
    assert (found.point_s >= 1.0).all()
    assert (np.diff(found.quantile_s, axis=1) >= 0.0).all()
    capped = np.isfinite(request)
    assert (found.point_s[capped] <= request[capped]).all()
    assert (found.quantile_s[capped] <= request[capped, None]).all()


@pytest.mark.parametrize("name", OWN)
def test_a_row_alone_is_predicted_as_among_others(name: str, log: Built) -> None:
    table, _ = log
    model = fitted(name, log)
    x = table.columns(model.needs)
    found = model.predict(x)
    for row in (0, 7, 399):
        assert same(model.predict(x[row : row + 1]), found.take(np.array([row])))


@pytest.mark.parametrize("name", OWN)
def test_a_model_is_the_same_after_its_state(name: str, log: Built) -> None:
    table, _ = log
    model = fitted(name, log)
    arrays, meta = model.state()
    again = MODELS[name].restore(arrays, json.loads(json.dumps(meta)))
    x = table.columns(model.needs)
    assert again.needs == model.needs
    assert again.name == name
    assert same(again.predict(x), model.predict(x))


@pytest.mark.parametrize("name", sorted(SMALL))
def test_a_seed_gives_the_same_bytes(name: str, log: Built) -> None:
    table, _ = log
    one, two = fitted(name, log), fitted(name, log)
    x = table.columns(one.needs)
    assert same(one.predict(x), two.predict(x))


@pytest.mark.parametrize("name", sorted(SMALL))
def test_nothing_is_predicted_before_anything_is_learned(name: str, log: Built) -> None:
    model = MODELS[name](**SMALL[name])
    with pytest.raises(SurrogateError, match="learned nothing yet"):
        model.predict(log[0].columns(model.needs))


@pytest.mark.parametrize("name", OWN)
def test_later_rows_teach_nothing(name: str, log: Built) -> None:
    table, outcomes = log
    other = Outcomes(outcomes.start_s, np.where(np.arange(400) >= 300, 7.0, outcomes.run_s))
    model, twin = fitted(name, log), fitted(name, (table, other))
    assert same(model.predict(table.columns(model.needs)), twin.predict(table.columns(model.needs)))


def test_learned_models_beat_the_request(log: Built) -> None:
    table, outcomes = log
    late = np.arange(300, 400)
    request = np.where(np.isnan(table.jobs.request_s), 3600.0, table.jobs.request_s)
    plain = np.abs(request - outcomes.run_s)[late].mean()
    for name in ("last-two", "similar", *sorted(SMALL)):
        model = fitted(name, log)
        point = model.predict(table.columns(model.needs)).point_s
        assert np.abs(point - outcomes.run_s)[late].mean() < plain


def test_baselines_are_their_features(log: Built) -> None:
    table, _ = log
    request, last = table.jobs.request_s, table.column("user_last2_mean_s")
    known = np.isfinite(request) & np.isfinite(last)
    for name, column in (("requested", request), ("last-two", last)):
        model = fitted(name, log)
        found = model.predict(table.columns(model.needs)).point_s
        assert np.array_equal(found[known], np.fmin(column, request)[known])


def test_a_forest_of_one_leaf_knows_all_runs() -> None:
    jobs, outcomes = made_log(40)
    table = build_features(jobs, outcomes)
    model = Forest(n_trees=1, least=40, share=1.0)
    model.fit(table, np.full(40, 100.0), np.arange(40))
    found = model.predict(table.columns(model.needs))
    assert np.allclose(found.point_s, np.fmin(100.0, jobs.request_s), rtol=0.015)
    assert found.quantile_s.shape == (40, len(LEVELS))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("forest", {"n_trees": 0}),
        ("forest", {"share": 0.0}),
        ("boosting", {"leaves": 300}),
        ("boosting", {"rate": 0.0}),
        ("boosting", {"under_weight": -1.0}),
        ("blend", {"price": -0.1}),
    ],
)
def test_settings_out_of_range_are_refused(name: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(SurrogateError):
        MODELS[name](**wrong)


def test_dearer_under_predictions_are_rarer(log: Built) -> None:
    table, outcomes = log
    shares = []
    for weight in (0.2, 1.0, 9.0):
        model = Boosting(n_trees=30, under_weight=weight)
        model.fit(table, outcomes.run_s, np.arange(300))
        point = model.predict(table.columns(model.needs)).point_s
        shares.append(float(np.mean(point[:300] < outcomes.run_s[:300])))
    assert shares[0] > shares[1] > shares[2]


def test_prequential_looks_at_no_later_end(log: Built) -> None:
    table, outcomes = log
    changed = outcomes.run_s.copy()
    job = 250
    changed[job] = 2.0 * changed[job] + 5.0
    # The features stay: what is tested here is which rows are learned from and what the intervals follow.
    one = prequential(lambda: Boosting(n_trees=5), table, outcomes, first=60, retrain_jobs=40)
    other = Outcomes(outcomes.start_s, changed)
    two = prequential(lambda: Boosting(n_trees=5), table, other, first=60, retrain_jobs=40)
    before = table.jobs.submit_s <= min(outcomes.end_s[job], other.end_s[job])
    before[:60] = False
    assert before.sum() > 150
    assert np.array_equal(one.point_s[:60], table.jobs.request_s[:60], equal_nan=True)
    assert same(one.take(before), two.take(before))
    assert not same(one.take(~before), two.take(~before)) or not one.take(~before).n_jobs


def test_prequential_reports_progress_and_refuses_nonsense(log: Built) -> None:
    table, outcomes = log
    told: list[tuple[int, int]] = []
    prequential(MODELS["requested"], table, outcomes, first=100, retrain_jobs=150, progress=lambda *p: told.append(p))
    assert told == [(250, 400), (400, 400)]
    with pytest.raises(SurrogateError, match="1 or more"):
        prequential(MODELS["requested"], table, outcomes, first=0)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000), unknown=st.floats(0.0, 1.0))
def test_any_row_of_features_gives_ordered_capped_quantiles(seed: int, unknown: float) -> None:
    model = _shared()
    rng = np.random.default_rng(seed)
    x = rng.lognormal(3.0, 4.0, (20, len(model.needs))).astype(np.float32)
    x[rng.random(x.shape) < unknown] = np.nan
    found = model.predict(x)
    request = x[:, model.needs.index("request_s")].astype(np.float64)
    assert np.isfinite(found.point_s).all()
    assert (np.diff(found.quantile_s, axis=1) >= 0.0).all()
    assert not (found.point_s > request).any()
    assert not (found.quantile_s > request[:, None]).any()


_CACHE: list[RuntimeModel] = []


def _shared() -> RuntimeModel:
    if not _CACHE:
        jobs, outcomes = made_log()
        _CACHE.append(fitted("blend", (build_features(jobs, outcomes), outcomes)))
    return _CACHE[0]


@pytest.mark.parametrize("name", sorted(SMALL))
def test_damaged_arrays_are_refused(name: str, log: Built) -> None:
    arrays, meta = fitted(name, log).state()
    place = next(key for key in arrays if key.endswith("left"))
    damaged = {**arrays, place: np.zeros_like(arrays[place])}
    with pytest.raises(SurrogateError, match="train the model again"):
        MODELS[name].restore(damaged, meta)


def test_times_come_back_from_their_logarithms() -> None:
    times = np.arange(1.0, 200_000.0)
    assert np.array_equal(times_of(np.log(times)), times)
    assert times_of(np.array([-3.0])).tolist() == [1.0]
