"""What is learned was known at the cut, what is measured came after, and the bundle says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wattq.surrogates
from wattq.errors import SurrogateError
from wattq.surrogates.bundle import bundle_bytes, parse_bundle
from wattq.surrogates.features import FeatureTable, build_features
from wattq.surrogates.jobs import Jobs, Outcomes
from wattq.surrogates.log_file import JobLog
from wattq.surrogates.model import LEVELS, Prediction
from wattq.surrogates.predictions import learned_rows, predict_log
from wattq.surrogates.training import make_model, parse_until, parts_of, predict_table, train_runtime

Floats = np.ndarray[Any, np.dtype[np.float64]]


class Column:
    """A model that says a feature times a number; unknown where the feature is."""

    name = "requested"
    needs: tuple[str, ...] = ("request_s",)

    def __init__(self, seed: int = 0) -> None:
        self.seed, self.factor, self.rows = seed, 1.0, 0

    def fit(self, table: FeatureTable, run_s: Floats, rows: np.ndarray[Any, np.dtype[np.int64]]) -> None:
        self.rows = len(rows)

    def predict(self, x: np.ndarray[Any, np.dtype[np.float32]]) -> Prediction:
        point = np.nan_to_num(x[:, 0].astype(np.float64), nan=60.0) * self.factor
        return Prediction(point, point[:, None] * np.array(LEVELS))

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"factor": np.array([self.factor])}, {"seed": self.seed, "rows": self.rows}

    @classmethod
    def restore(cls, arrays: Mapping[str, Any], meta: Mapping[str, Any]) -> Column:
        model = cls(meta["seed"])
        model.factor, model.rows = float(arrays["factor"][0]), meta["rows"]
        return model


class LastTwo(Column):
    name = "last-two"
    needs = ("user_last2_mean_s",)


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wattq.surrogates, "MODELS", {"requested": Column, "last-two": LastTwo}, raising=False)


def some_log(seed: int = 0, n_jobs: int = 200) -> JobLog:
    draw = np.random.default_rng(seed)
    submit = np.sort(draw.integers(0, 10_000, n_jobs)) * 60.0
    request = draw.choice([600.0, 3600.0, 7200.0], n_jobs)
    run = np.ceil(request * draw.random(n_jobs))
    numbers = (draw.integers(-1, 4, n_jobs) for _ in range(4))
    names = {"source": "a/b/log.swf", "sha256": "ab" * 32}
    jobs = Jobs(submit, draw.choice([1, 2, 8], n_jobs), request, *numbers, unix_start_s=8e8, utc_offset_s=0.0, **names)
    outcomes = Outcomes(submit + draw.integers(0, 100, n_jobs) * 60.0, run)
    return JobLog(jobs, outcomes, tuple(f"{n:03d}" for n in range(n_jobs)), 64)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000), st.floats(0.3, 0.8))
def test_nothing_of_what_is_measured_was_learned(seed: int, share: float) -> None:
    log = some_log(seed)
    until_s = parse_until(str(share), log.jobs)
    assert until_s is not None
    parts = parts_of(log.jobs, log.outcomes, until_s)
    assert log.outcomes.end_s[parts.learn].max() < until_s <= log.jobs.submit_s[parts.held_out].min()
    assert np.count_nonzero(log.jobs.submit_s >= until_s) == len(parts.held_out)


def test_dates_and_shares() -> None:
    jobs = some_log().jobs
    assert parse_until("1", jobs) is None
    assert parse_until("0.5", jobs) == jobs.submit_s[100]
    assert parse_until("1995-05-09T06:13:20", jobs) == 0.0
    assert parse_until("1995-05-09T08:13:20+02:00", jobs) == 0.0
    for text in ("0", "1.5", "nan", "-1"):
        with pytest.raises(SurrogateError, match="give a share of the jobs above 0 and at most 1"):
            parse_until(text, jobs)
    with pytest.raises(SurrogateError, match="neither a share"):
        parse_until("yesterday", jobs)
    with pytest.raises(SurrogateError, match="has no calendar dates"):
        parse_until("1997-03-01", Jobs(*(getattr(jobs, name) for name in _COLUMNS)))


_COLUMNS = ("submit_s", "hosts", "request_s", "user", "group", "queue", "application")


def test_too_few_jobs() -> None:
    log = some_log()
    for until_s, words in ((10.0, "that ended before the cut"), (float(log.jobs.submit_s[-3]), "submitted after it")):
        with pytest.raises(SurrogateError, match=words):
            parts_of(log.jobs, log.outcomes, until_s)
    few = some_log(n_jobs=19)
    with pytest.raises(SurrogateError, match="19 jobs with known run time"):
        parts_of(few.jobs, few.outcomes, None)


def test_a_trained_model_says_what_it_learned_from() -> None:
    log = some_log()
    until_s = parse_until("0.6", log.jobs)
    trained = train_runtime("last-two", log.jobs, log.outcomes, until_s=until_s, seed=3)
    parts = parts_of(log.jobs, log.outcomes, until_s)
    data = trained.meta.data
    assert (data.source, data.sha256, data.jobs, data.until_s) == ("log.swf", "ab" * 32, len(parts.learn), until_s)
    assert (data.first_submit_s, data.last_submit_s) == tuple(log.jobs.submit_s[parts.learn[[0, -1]]])
    assert trained.model.state()[1] == {"seed": 3, "rows": len(parts.learn)}
    held_out = trained.meta.metrics["held_out"]
    assert list(held_out) == ["last-two", "requested"]
    rows = parts.held_out
    real, asked = log.outcomes.run_s[rows], log.jobs.request_s[rows]
    assert held_out["requested"]["mae_s"] == pytest.approx(np.abs(asked - real).mean())
    bundle = parse_bundle(bundle_bytes(trained.model, trained.meta), "b")
    np.testing.assert_array_equal(np.flatnonzero(learned_rows(bundle, log)), parts.learn)
    predicted = predict_log(bundle, log)
    table = build_features(log.jobs, log.outcomes)
    np.testing.assert_array_equal(predicted.columns["point_s"], predict_table(trained.model, table).point_s)
    assert (predicted.columns["point_s"] <= log.jobs.request_s).all()
    assert predicted.n_learned == len(parts.learn)


def test_all_jobs_may_be_learned_from() -> None:
    log = some_log()
    trained = train_runtime("requested", log.jobs, log.outcomes)
    assert trained.meta.metrics == {"held_out_jobs": 0, "held_out": {}}
    assert trained.meta.data.jobs == 200
    bundle = parse_bundle(bundle_bytes(trained.model, trained.meta), "b")
    assert learned_rows(bundle, log).all()
    assert not learned_rows(bundle, some_log_of_another_file()).any()


def test_jobs_that_were_learned_from_are_known_by_their_dates() -> None:
    log = some_log()
    trained = train_runtime("requested", log.jobs, log.outcomes, until_s=parse_until("0.5", log.jobs))
    bundle = parse_bundle(bundle_bytes(trained.model, trained.meta), "b")
    begin = float(log.jobs.submit_s[40])
    moved = replace(log.jobs, submit_s=log.jobs.submit_s - begin, unix_start_s=8e8 + begin).take(slice(40, None))
    outcomes = Outcomes(log.outcomes.start_s - begin, log.outcomes.run_s).take(slice(40, None))
    later = JobLog(moved, outcomes, log.job_id[40:], 64)
    np.testing.assert_array_equal(learned_rows(bundle, later), learned_rows(bundle, log)[40:])


def some_log_of_another_file() -> JobLog:
    log = some_log()
    jobs = Jobs(*(getattr(log.jobs, name) for name in _COLUMNS), sha256="cd" * 32)
    return JobLog(jobs, log.outcomes, log.job_id, log.nb_res)


def test_unknown_models_name_the_nearest() -> None:
    with pytest.raises(SurrogateError, match="did you mean 'last-two'"):
        make_model("lasttwo", 0)
    with pytest.raises(SurrogateError, match="there are requested, last-two"):
        make_model("zzz", 0)


def test_jobs_are_found_by_name() -> None:
    log = some_log()
    assert [log.row_of(name) for name in ("007", "7", "w0!007", "w0!7", "000")] == [7, 7, 7, 7, 0]
    with pytest.raises(SurrogateError, match=r"no job 'x' among 200 \(000 to 199\)"):
        log.row_of("x")
