"""Features for requests that were not made: the past is the same, and the request made gives the row of the table."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import SurrogateError
from wattq.surrogates.explain.requests import Moment, Request
from wattq.surrogates.features import build_features
from wattq.surrogates.jobs import Jobs, Outcomes


def some_log(seed: int, n_jobs: int = 60) -> tuple[Jobs, Outcomes]:
    draw = np.random.default_rng(seed)
    submit = np.sort(draw.integers(0, 40, n_jobs)) * 600.0
    request = draw.choice([np.nan, 600.0, 3600.0, 7200.0], n_jobs)
    run = np.fmin(draw.integers(0, 6, n_jobs) * 600.0, request)
    numbers = (draw.integers(-1, 4, n_jobs) for _ in range(4))
    jobs = Jobs(submit, draw.choice([1, 2, 8], n_jobs), request, *numbers, unix_start_s=8e8, utc_offset_s=3600.0)
    run[draw.random(n_jobs) < 0.1] = np.nan
    return jobs, Outcomes(submit + draw.integers(0, 3, n_jobs) * 300.0, run)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.integers(0, 59))
def test_the_request_that_was_made_gives_the_row_of_the_table(seed: int, row: int) -> None:
    jobs, outcomes = some_log(seed)
    moment = Moment(jobs, outcomes, row)
    other = Request(moment.asked.hosts + 1, 1234.0)
    x = moment.features([moment.asked, other, moment.asked])
    np.testing.assert_array_equal(x[0], build_features(jobs, outcomes).x[row])
    np.testing.assert_array_equal(x[2], x[0])


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.integers(0, 59), st.sampled_from([1, 2, 5, 8]), st.sampled_from([600.0, 7200.0, 5.0]))
def test_another_request_gives_the_row_of_a_log_with_it(seed: int, row: int, hosts: int, request_s: float) -> None:
    jobs, outcomes = some_log(seed)
    found = Moment(jobs, outcomes, row).features([Request(hosts, request_s)])[0]
    jobs.hosts[row], jobs.request_s[row] = hosts, request_s
    np.testing.assert_array_equal(found, build_features(jobs, outcomes).x[row])


def test_rows_that_are_not_there() -> None:
    jobs, outcomes = some_log(1)
    with pytest.raises(SurrogateError, match="row 60: the log has rows 0 to 59"):
        Moment(jobs, outcomes, 60)
