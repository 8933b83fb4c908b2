"""Upper estimates that reserve the least time."""

from __future__ import annotations

import numpy as np
import pytest

from wattq.errors import SurrogateError
from wattq.surrogates.jobs import Jobs, Outcomes
from wattq.surrogates.model import LEVELS, Prediction
from wattq.surrogates.reserve import reservations


def log(submit_s: list[float], request_s: list[float], run_s: list[float]) -> tuple[Jobs, Outcomes]:
    n = len(submit_s)
    numbers = np.zeros(n, dtype=np.int64)
    jobs = Jobs(
        submit_s=np.array(submit_s),
        hosts=np.ones(n, dtype=np.int64),
        request_s=np.array(request_s),
        user=numbers,
        group=numbers,
        queue=numbers,
        application=numbers,
        unix_start_s=None,
        utc_offset_s=None,
        source="by hand",
        sha256="",
        synthetic=True,
    )
    return jobs, Outcomes(start_s=np.array(submit_s), run_s=np.array(run_s))


def sure(*values: float) -> Prediction:
    """Return predictions of which the model is sure: all quantiles alike."""
    return Prediction(np.array(values), np.repeat(np.array(values)[:, None], len(LEVELS), axis=1))


def test_a_sure_prediction_is_taken_when_the_request_costs_more() -> None:
    # price 3 x 1000 s: 100 + 3000 x 0.05 = 250 s for the prediction against 1000 s for the request
    jobs, outcomes = log([0.0], [1000.0], [90.0])
    assert reservations(sure(100.0), jobs, outcomes).tolist() == [100.0]


def test_the_request_is_taken_when_it_costs_less() -> None:
    # price 3 x 120 s: 110 + 360 x 0.05 = 128 s for the prediction against 120 s for the request
    jobs, outcomes = log([0.0], [120.0], [90.0])
    assert reservations(sure(110.0), jobs, outcomes).tolist() == [120.0]


def test_long_run_times_that_are_unlikely_are_not_reserved() -> None:
    quantile_s = np.array([[60.0] * 9 + [90_000.0, 99_000.0]])
    jobs, outcomes = log([0.0], [100_000.0], [90.0])
    # price 300,000 s; half way from 60 s (level 0.8) to 90,000 s (0.9) on a log scale: 2,324 + 300,000 x 0.15 s, which
    # is less than a quarter (373 + 52,500 s) or three quarters of it (14,460 + 37,500 s), and than 100,000 s
    found = reservations(Prediction(np.array([60.0]), quantile_s), jobs, outcomes)
    assert found.tolist() == pytest.approx([60.0 * 1500.0**0.5], rel=1e-12)


def test_a_job_depends_on_earlier_ends_only() -> None:
    rng = np.random.default_rng(1)
    n = 400
    submit_s = np.sort(rng.uniform(0, 1e6, n))
    run_s = rng.lognormal(6.0, 1.0, n)
    quantile_s = np.sort(rng.lognormal(6.0, 1.0, (n, len(LEVELS))), axis=1)
    jobs, outcomes = log(submit_s.tolist(), [50_000.0] * n, run_s.tolist())
    made = Prediction(quantile_s[:, 5], quantile_s)
    found = reservations(made, jobs, outcomes)
    changed = run_s.copy()
    changed[200] = 49_999.0
    other = reservations(made, *log(submit_s.tolist(), [50_000.0] * n, changed.tolist()))
    known = submit_s <= submit_s[200] + min(run_s[200], changed[200])
    assert (found[known] == other[known]).all()


def test_the_share_is_kept() -> None:
    rng = np.random.default_rng(2)
    n = 20_000
    submit_s = np.arange(n) * 600.0
    scale = rng.lognormal(7.0, 1.0, n)
    run_s = np.minimum(scale * rng.lognormal(0.0, 1.0, n), 1e5)
    # quantiles that promise far too much: the price makes up for it
    quantile_s = scale[:, None] * np.exp(np.linspace(-1.0, 1.0, len(LEVELS)))
    jobs, outcomes = log(submit_s.tolist(), [1e5] * n, run_s.tolist())
    found = reservations(Prediction(quantile_s[:, 5], quantile_s), jobs, outcomes, share=0.11)
    assert np.mean(run_s > found) == pytest.approx(0.11, abs=0.01)


def test_nothing_predicted_stays_unknown_and_a_share_of_one_is_refused() -> None:
    jobs, outcomes = log([0.0], [100.0], [90.0])
    unknown = Prediction(np.array([np.nan]), np.full((1, len(LEVELS)), np.nan))
    assert np.isnan(reservations(unknown, jobs, outcomes)).all()
    with pytest.raises(SurrogateError, match="between 0 and 1"):
        reservations(unknown, jobs, outcomes, share=1.0)
