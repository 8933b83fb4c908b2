"""No feature knows what became of its job, nor what happened after the submission; two ways to build them agree."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.surrogates.features import FEATURES, FORBIDDEN, Feature, FeatureTable, build_features, clock_of
from wattq.surrogates.history.live import LiveHistory
from wattq.surrogates.jobs import Jobs, Outcomes

FLOATS = st.sampled_from([0.0, 1.0, 7.0, 60.0, 3600.0])


@dataclass(frozen=True)
class Log:
    jobs: Jobs
    outcomes: Outcomes


@st.composite
def logs(draw: st.DrawFn) -> Log:
    n = draw(st.integers(2, 24))

    def column(values: st.SearchStrategy[float]) -> NDArray[np.float64]:
        return np.array(draw(st.lists(values, min_size=n, max_size=n)), dtype=np.float64)

    def numbers(low: int, high: int) -> NDArray[np.int64]:
        return column(st.integers(low, high).map(float)).astype(np.int64)

    submit = np.cumsum(column(FLOATS))
    request = column(st.sampled_from([np.nan, 60.0, 3600.0, 7200.0]))
    start = submit + column(FLOATS)
    run = column(st.one_of(FLOATS, st.just(np.nan), st.integers(0, 5000).map(float)))
    people = (numbers(-1, 2), numbers(-1, 1), numbers(-1, 2), numbers(-1, 2))
    return Log(Jobs(submit, numbers(1, 3), request, *people), Outcomes(start, run))


@settings(deadline=None, max_examples=150)
@given(log=logs(), data=st.data())
def test_changed_outcome_changes_nothing_before_it_is_known(log: Log, data: st.DataObject) -> None:
    jobs, before = log.jobs, log.outcomes
    job = data.draw(st.integers(0, jobs.n_jobs - 1))
    before.run_s[job] = np.nan_to_num(before.run_s[job], nan=5.0)
    after = Outcomes(before.start_s.copy(), before.run_s.copy())
    after.run_s[job] = data.draw(FLOATS)
    known_s = min(before.end_s[job], after.end_s[job])
    if data.draw(st.booleans()):
        after.start_s[job] = jobs.submit_s[job] + data.draw(FLOATS)
        known_s = min(before.start_s[job], after.start_s[job])
    x, y = build_features(jobs, before).x, build_features(jobs, after).x
    same = jobs.submit_s <= known_s
    assert same[job]
    np.testing.assert_array_equal(x[same], y[same])


@settings(deadline=None, max_examples=60)
@given(log=logs())
def test_features_do_not_depend_on_later_jobs(log: Log) -> None:
    whole = build_features(log.jobs, log.outcomes).x
    half = slice(0, log.jobs.n_jobs // 2)
    np.testing.assert_array_equal(build_features(log.jobs.take(half), log.outcomes.take(half)).x, whole[half])


def told_live(log: Log) -> NDArray[np.float32]:
    """Tell a log event by event as a simulator would, jobs and people unknown beforehand and arrays too short."""
    jobs, start, run = log.jobs, log.outcomes.start_s, log.outcomes.run_s
    live = LiveHistory(clock_of(jobs), room=1)
    events = [(date, 0, job) for job, date in enumerate(jobs.submit_s)]
    events += [(start[job], 2, job) for job in range(jobs.n_jobs) if run[job] == run[job]]
    events += [(start[job] + run[job], 1, job) for job in range(jobs.n_jobs) if run[job] == run[job]]
    rows = []
    # By date alone: of one date, a simulator tells ends, submissions and starts in an order of its own.
    for date, what, job in sorted(events, key=lambda event: (event[0], (event[1] + 1) % 3)):
        if what == 0:
            people = {key: int(getattr(jobs, key)[job]) for key in ("user", "group", "queue", "application")}
            number, row = live.submitted(date, int(jobs.hosts[job]), float(jobs.request_s[job]), **people)
            assert number == job
            rows.append(row)
            if run[job] != run[job]:
                live.withdrawn(job, -np.inf)
        elif what == 1:
            live.ended(job, date, run[job])
        else:
            live.started(job, date)
    return np.array(rows)


@settings(deadline=None, max_examples=100)
@given(log=logs())
def test_told_event_by_event_equals_replay_bit_for_bit(log: Log) -> None:
    np.testing.assert_array_equal(told_live(log), build_features(log.jobs, log.outcomes).x)


def many() -> Log:
    """Return enough jobs for users with more runs than features look at, and for arrays that grow often."""
    draw = np.random.default_rng(5)
    n = 1500
    submit = np.cumsum(draw.integers(0, 120, n)).astype(np.float64)
    run = draw.choice([30.0, 600.0, 601.0, 5000.0], n)
    request = draw.choice([3600.0, 7200.0, np.nan], n)
    people = [draw.integers(-1, top, n) for top in (4, 40, 3, 400)]
    jobs = Jobs(submit, draw.integers(1, 30, n), request, *people)
    return Log(jobs, Outcomes(submit + draw.integers(0, 900, n), run))


def test_long_log_told_event_by_event_equals_replay() -> None:
    log = many()
    np.testing.assert_array_equal(told_live(log), build_features(log.jobs, log.outcomes).x)


def test_outcomes_cannot_be_features() -> None:
    with pytest.raises(SurrogateError, match="feature 'run_s': an outcome of the job"):
        Feature("run_s", "s", "user", "")
    assert not FORBIDDEN & {feature.name for feature in FEATURES}
    log = many()
    table = build_features(log.jobs, log.outcomes)
    with pytest.raises(SurrogateError, match="feature 'end_s': an outcome of the job"):
        replace(table, names=("end_s", *table.names[1:]))
    with pytest.raises(SurrogateError, match="give one row per job and one column per name"):
        FeatureTable(table.x[:-1], table.names, table.jobs)


def test_live_submissions_come_by_date() -> None:
    live = LiveHistory()
    live.submitted(5.0, 1, 60.0)
    with pytest.raises(SurrogateError, match="submission at 4 s after one at 5 s"):
        live.submitted(4.0, 1, 60.0)
