from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.experiments.study.bootstrap import (
    RESAMPLES,
    Estimate,
    counts,
    mean_of_jobs,
    percentile_of_jobs,
    ratio,
    total,
)

WEEKS = [np.array([1.0, 5.0, 9.0]), np.array([2.0]), np.array([3.0, 3.0, 7.0, 100.0])]


def picks(n_weeks: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, n_weeks, size=(RESAMPLES, n_weeks))


@given(
    st.lists(st.lists(st.floats(0, 1e6), min_size=0, max_size=8), min_size=3, max_size=6),
    st.sampled_from([0.0, 50.0, 95.0, 99.0, 100.0]),
)
@settings(max_examples=30, deadline=None)
def test_percentiles_are_those_of_built_resamples(weeks: list[list[float]], percent: float) -> None:
    arrays = [np.array(week, dtype=np.float64) for week in weeks]
    found = percentile_of_jobs(arrays, percent)
    whole = np.concatenate(arrays)
    if len(whole) == 0:
        assert np.isnan(found.value)
        return
    assert found.value == pytest.approx(np.percentile(whole, percent))
    for row, chosen in enumerate(picks(len(weeks))[:25]):
        jobs = np.concatenate([arrays[week] for week in chosen])
        if len(jobs):
            assert found.draws[row] == pytest.approx(np.percentile(jobs, percent))
        else:
            assert np.isnan(found.draws[row])


def test_means_are_over_jobs_not_over_weeks() -> None:
    found = mean_of_jobs(WEEKS)
    assert found.value == pytest.approx(np.concatenate(WEEKS).mean())
    for row, chosen in enumerate(picks(3)[:25]):
        assert found.draws[row] == pytest.approx(np.concatenate([WEEKS[week] for week in chosen]).mean())


def test_counts_draw_as_many_weeks_as_there_are() -> None:
    drawn = counts(5)
    assert drawn.shape == (RESAMPLES, 5)
    assert (drawn.sum(axis=1) == 5).all()
    assert len(counts(2)) == 0


def test_quotients_are_paired() -> None:
    easy = total([100.0, 1000.0, 10.0, 1.0])
    found = ratio(total([90.0, 900.0, 9.0, 0.9]), easy)
    assert found is not None
    # every week saves a tenth: the weeks differ a thousandfold, the quotient not at all
    assert found.estimate.value == pytest.approx(0.9)
    assert found.estimate.low == pytest.approx(0.9)
    assert found.estimate.high == pytest.approx(0.9)
    assert found.estimate.excludes == (True, False)


def test_no_interval_below_three_weeks_and_no_quotient_to_nothing() -> None:
    assert total([1.0, 2.0]).estimate == Estimate(3.0)
    assert ratio(total([1.0, 1.0, 1.0]), total([0.0, 0.0, 0.0])) is None
    some = ratio(total([1.0, 1.0, 1.0]), total([0.0, 1.0, 1.0]))
    assert some is not None
    # a resample of the first week alone has no quotient
    assert some.estimate == Estimate(1.5)


@pytest.mark.parametrize(
    ("ends", "excludes"),
    [((0.9, 0.99), (True, False)), ((0.9, 1.01), (False, False)), ((1.01, 1.2), (False, True)),
     ((None, None), (False, False)), ((0.99, 0.9999999), (False, False)), ((1.0000001, 1.1), (False, False))],
)  # fmt: skip
def test_a_change_is_shown_by_the_whole_interval(
    ends: tuple[float | None, float | None], excludes: tuple[bool, bool]
) -> None:
    assert Estimate(1.0, *ends).excludes == excludes
