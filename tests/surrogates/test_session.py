"""Sessions: what a scheduler is told about jobs, by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
import pytest
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.surrogates.features import FeatureTable
from wattq.surrogates.model import LEVELS, Prediction
from wattq.surrogates.rolling import Rolling
from wattq.surrogates.session import EstimateRule, Session


class OneFeature:
    """Predicts the value of one feature; quantiles are tenths of it."""

    def __init__(self, name: str = "user_last2_mean_s") -> None:
        self.name = name
        self.needs: tuple[str, ...] = (name,)

    def fit(self, table: FeatureTable, run_s: NDArray[np.float64], rows: NDArray[np.int64]) -> None:
        raise AssertionError("there is nothing to learn")

    def predict(self, x: NDArray[np.float32]) -> Prediction:
        value = x[:, 0].astype(np.float64)
        return Prediction(value, value[:, None] * np.arange(1, len(LEVELS) + 1) / 10.0)

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        return {}, {}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> Self:
        return cls()


class Mean(OneFeature):
    """Predicts the mean run time that it was trained on."""

    def fit(self, table: FeatureTable, run_s: NDArray[np.float64], rows: NDArray[np.int64]) -> None:
        self.rows = rows.tolist()
        self.jobs = table.n_jobs
        self.value = float(run_s[rows].mean())

    def predict(self, x: NDArray[np.float32]) -> Prediction:
        return Prediction(np.full(len(x), self.value), np.full((len(x), len(LEVELS)), self.value))


def facts(user: int = 1, walltime_s: float = 100.0) -> dict[str, float]:
    return {"hosts": 2, "walltime_s": walltime_s, "user": user, "group": -1, "queue": -1, "application": -1}


def run(session: Session, job: object, submit_s: float, run_s: float, user: int = 1) -> float:
    """Submit a job that starts at once and ends; return its estimate."""
    estimate_s = session.submitted(job, facts(user), submit_s)
    session.started(job, submit_s)
    session.ended(job, submit_s + run_s, run_s)
    return estimate_s


def test_users_without_past_run_for_their_requested_times() -> None:
    session = Session(OneFeature())
    assert run(session, "a", 0.0, 10.0) == 100.0
    assert run(session, "b", 20.0, 30.0, user=7) == 100.0
    assert math.isnan(session.submitted("c", facts(user=8, walltime_s=-1.0), 60.0))


def test_an_end_is_known_to_later_dates_only() -> None:
    session = Session(OneFeature())
    run(session, "a", 0.0, 10.0)
    assert session.submitted("b", facts(), 10.0) == 100.0
    assert session.submitted("c", facts(), 10.5) == 10.0


def test_jobs_that_only_were_submitted_or_started_teach_nothing() -> None:
    session = Session(OneFeature())
    session.submitted("a", facts(), 0.0)
    session.started("a", 0.0)
    assert session.submitted("b", facts(), 50.0) == 100.0


def test_estimates_by_value_and_factor() -> None:
    for value, factor, expected in (("point", 1.0, 40.0), ("point", 0.5, 20.0), (0.05, 1.0, 4.0), (0.95, 1.0, 44.0)):
        session = Session(OneFeature(), EstimateRule(value, factor))
        run(session, 1, 0.0, 40.0)
        assert session.submitted(2, facts(), 50.0) == pytest.approx(expected, abs=1e-9)


def test_estimates_reach_from_a_second_to_the_requested_time() -> None:
    session = Session(OneFeature(), EstimateRule(factor=5.0))
    run(session, 1, 0.0, 40.0)
    assert session.submitted(2, facts(), 50.0) == 100.0
    session = Session(OneFeature(), EstimateRule(factor=0.001))
    run(session, 1, 0.0, 40.0)
    assert session.submitted(2, facts(), 50.0) == 1.0


def test_corrections_remember_what_was_said_before() -> None:
    session = Session(OneFeature(), EstimateRule(correction="steps"))
    run(session, 1, 0.0, 10.0)
    assert session.submitted(2, facts(walltime_s=1000.0), 50.0) == 10.0
    session.started(2, 60.0)
    assert session.outlived(2, 10.0) == 70.0
    assert session.outlived(2, 70.0) == 370.0
    assert session.outlived(2, 370.0) == 1000.0


def test_quantiles_of_the_job_itself_correct_it() -> None:
    session = Session(OneFeature(), EstimateRule(correction="quantile"))
    run(session, 1, 0.0, 50.0)
    assert session.submitted(2, facts(), 60.0) == 50.0
    assert session.outlived(2, 50.0) == pytest.approx(55.0, abs=1e-9)
    assert session.outlived(2, 55.5) == 100.0


def test_a_withdrawn_job_is_forgotten() -> None:
    session = Session(OneFeature())
    session.submitted("a", facts(), 0.0)
    session.withdrawn("a", 1.0)
    with pytest.raises(SurrogateError, match="job a: its submission was not told"):
        session.started("a", 2.0)


@pytest.mark.parametrize(
    ("tell", "message"),
    [
        (lambda s: s.started("x", 0.0), "job x: its submission was not told"),
        (lambda s: s.submitted("a", facts(), 5.0), "job a was submitted before"),
        (lambda s: s.submitted("b", facts(), -5.0), "submission at -5 s after one at 0 s"),
    ],
)
def test_what_cannot_be_is_refused(tell: Callable[[Session], object], message: str) -> None:
    session = Session(OneFeature())
    session.submitted("a", facts(), 0.0)
    with pytest.raises(SurrogateError, match=message):
        tell(session)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"value": 0.55}, "estimate 0.55: take 'point' or one of the quantile levels"),
        ({"value": "upper"}, "estimate 'upper'"),
        ({"factor": 0.0}, "factor of the estimate 0"),
        ({"factor": math.nan}, "factor of the estimate nan"),
        ({"correction": "none"}, "correction 'none'"),
    ],
)
def test_rules_are_checked(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SurrogateError, match=message):
        EstimateRule(**settings)


def test_models_are_trained_on_the_jobs_that_ended() -> None:
    made: list[Mean] = []

    def make() -> Mean:
        made.append(Mean())
        return made[-1]

    learner = Rolling(make, every_s=100.0, least=2, growth=1.5)
    session = Session(OneFeature(), learner=learner)
    estimates = [run(session, job, 10.0 * job, 4.0 + job, user=job) for job in range(12)]
    # Two jobs have ended before the submission of job 2: 4 and 5 s. The next training is due at 120.
    assert estimates == [100.0, 100.0, *[4.5] * 10]
    assert made[0].rows == [0, 1]
    assert made[0].jobs == 2
    # Job 11, which runs 15 s from 110 on, ends at 125: at that date it is not known.
    assert session.submitted(12, facts(), 125.0) == np.mean([4.0 + job for job in range(11)])
    assert made[1].rows == list(range(11))
    assert learner.trainings == 2


def test_training_waits_for_more_jobs() -> None:
    learner = Rolling(Mean, every_s=1.0, least=4, growth=2.0)
    session = Session(OneFeature(), learner=learner)
    trainings = []
    for job in range(20):
        run(session, job, 10.0 * job, 4.0)
        trainings.append(learner.trainings)
    assert trainings == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3]


def test_only_the_latest_jobs_are_learned_from() -> None:
    made: list[Mean] = []

    def make() -> Mean:
        made.append(Mean())
        return made[-1]

    session = Session(OneFeature(), learner=Rolling(make, every_s=1e6, least=3, most=3))
    for job in range(3):
        run(session, job, 0.0, 10.0 - job)
    run(session, 3, 0.0, 20.0)
    session.submitted(4, facts(), 50.0)
    assert made[0].rows == [0, 1, 3]


@pytest.mark.parametrize("wrong", [{"every_s": 0.0}, {"least": 1}, {"growth": 0.5}, {"most": 10}])
def test_trainings_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SurrogateError, match="the time must be above 0"):
        Rolling(Mean, **wrong)
