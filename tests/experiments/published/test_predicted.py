"""EASY by passes with estimates that are asked for: by hand, and against a plain reading of the rules."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import WorkloadError
from wattq.experiments.published import passes
from wattq.experiments.published.jobs import JobTable
from wattq.experiments.published.predicted import Predicted, simulate_predicted

Job = tuple[float, float, float, int]
"""Submission, run time, first estimate, processors. The requested time is 100 s."""

REQUEST_S = 100.0


class Told:
    """An estimator with given first estimates and corrections; it notes what it is told."""

    def __init__(self, first: Sequence[float], later: Sequence[float] = ()) -> None:
        self.first, self.later = first, list(later)
        self.news: list[tuple[str, int, float]] = []

    def submitted(self, job: int, facts: np.void, now_s: float) -> float:
        self.news.append((f"submitted on {facts['hosts']}", job, now_s))
        return self.first[job]

    def started(self, job: int, now_s: float) -> None:
        self.news.append(("started", job, now_s))

    def ended(self, job: int, now_s: float, run_s: float) -> None:
        self.news.append((f"ended after {run_s:g}", job, now_s))

    def outlived(self, job: int, elapsed_s: float) -> float:
        self.news.append(("outlived", job, elapsed_s))
        return next((value for value in self.later if value > elapsed_s), REQUEST_S)


def table(jobs: Sequence[Job], total: int) -> JobTable:
    submit_s, run_s, _, processors = (np.array(column) for column in zip(*jobs, strict=True))
    none = np.full(len(jobs), -1)
    request_s = np.full(len(jobs), REQUEST_S)
    number = np.arange(1.0, len(jobs) + 1.0)
    sizes = processors.astype(np.int64)
    times = (submit_s.astype(np.float64), run_s.astype(np.float64), request_s)
    return JobTable("tiny.swf", total, total, number, *times, sizes, none, none, none, none)


def simulate(jobs: Sequence[Job], total: int, later: Sequence[float] = (), order: str = "submission") -> Predicted:
    return simulate_predicted(table(jobs, total), order, Told([job[2] for job in jobs], later))


def test_a_late_job_keeps_its_processors() -> None:
    # The first job was to end at 5. The submission at 6 finds it running on, now until 100, and does not fit.
    found = simulate([(0, 10, 5, 2), (6, 1, 1, 2)], 2)
    assert found.start_s.tolist() == [0, 10]
    assert found.outlived.tolist() == [1, 0]
    assert found.estimate_s.tolist() == [5, 1]


def test_a_corrected_job_moves_the_reservation_of_the_head() -> None:
    # The head needs what the first job holds, until 5 by the first estimate, until 100 by the second. The third job,
    # submitted at 6, takes 20 s on the last processor: it passes the head.
    jobs: list[Job] = [(0, 10, 5, 3), (1, 5, 5, 4), (6, 20, 20, 1)]
    assert simulate(jobs, 4).start_s.tolist() == [0, 26, 6]
    # With a correction to 12 s it does not.
    assert simulate(jobs, 4, [12.0]).start_s.tolist() == [0, 10, 15]


def test_corrections_are_asked_for_at_events_only() -> None:
    estimator = Told([5, 1, 1], [7.0, 9.0])
    found = simulate_predicted(table([(0, 10, 5, 1), (8, 1, 1, 1), (30, 1, 1, 1)], 2), "submission", estimator)
    assert found.start_s.tolist() == [0, 8, 30]
    assert [news for news in estimator.news if news[0] == "outlived"] == [("outlived", 0, 8.0), ("outlived", 0, 9.0)]
    assert found.outlived.tolist() == [2, 0, 0]


def test_news_come_in_order_and_an_end_after_the_submissions_of_its_date() -> None:
    estimator = Told([10, 5, 5])
    simulate_predicted(table([(0, 10, 10, 2), (10, 5, 5, 1), (12, 5, 5, 1)], 2), "submission", estimator)
    assert estimator.news == [
        ("submitted on 2", 0, 0.0),
        ("started", 0, 0.0),
        ("submitted on 1", 1, 10.0),
        ("started", 1, 10.0),
        ("ended after 10", 0, 10.0),
        ("submitted on 1", 2, 12.0),
    ]


def test_shortest_estimates_first() -> None:
    # Behind the head, the job that is thought to be short goes first, whatever it is.
    jobs: list[Job] = [(0, 10, 10, 2), (0, 5, 5, 1), (1, 4, 4, 3), (2, 5, 3, 1), (3, 3, 5, 1)]
    assert simulate(jobs, 3, order="estimate").start_s.tolist() == [0, 0, 10, 5, 14]


@pytest.mark.parametrize("first", [0.0, -1.0, 101.0, math.nan, math.inf])
def test_estimates_out_of_range_are_refused(first: float) -> None:
    with pytest.raises(WorkloadError, match=r"tiny.swf: job 1 is estimated to run"):
        simulate([(0, 10, first, 1)], 1)


def test_corrections_not_beyond_the_time_elapsed_are_refused() -> None:
    class Stubborn(Told):
        def outlived(self, job: int, elapsed_s: float) -> float:
            return elapsed_s

    estimator = Stubborn([5, 1])
    with pytest.raises(WorkloadError, match="estimated to run 6 s after 6 s"):
        simulate_predicted(table([(0, 10, 5, 2), (6, 1, 1, 2)], 2), "submission", estimator)


def plain(jobs: Sequence[Job], total: int, by_estimate: bool, later: Sequence[float]) -> list[float]:
    """Return the starts by lists that are sorted and scanned anew at every event."""
    start = [math.nan] * len(jobs)
    length = [job[2] for job in jobs]
    queue, running, ends = list[int](), list[int](), list[tuple[float, int, int]]()
    now, arriving, begun = 0.0, 0, 0

    def holds(job: int) -> bool:
        return start[job] + length[job] > now

    def free() -> int:
        return total - sum(jobs[j][3] for j in running if holds(j))

    def launch(job: int) -> None:
        nonlocal begun
        start[job] = now
        queue.remove(job)
        running.append(job)
        begun += 1
        heapq.heappush(ends, (now + jobs[job][1], begun, job))

    def correct() -> None:
        for j in running:
            while not holds(j) and start[j] + jobs[j][1] > now:
                length[j] = next((value for value in later if value > now - start[j]), REQUEST_S)

    def serve() -> None:
        while queue and jobs[queue[0]][3] <= free():
            launch(queue[0])
        for job in sorted(queue[1:], key=lambda j: jobs[j][2] if by_estimate else 0):
            here = sorted((start[j] + length[j], jobs[j][3]) for j in running if holds(j))
            left = {date: total - sum(size for end, size in here if end > date) for date, _ in here}
            shadow = next(date for date in left if left[date] >= jobs[queue[0]][3])
            passes_by = now + jobs[job][2] <= shadow or jobs[job][3] <= left[shadow] - jobs[queue[0]][3]
            if jobs[job][3] <= free() and passes_by:
                launch(job)

    while arriving < len(jobs) or ends:
        submits = arriving < len(jobs) and (not ends or jobs[arriving][0] <= ends[0][0])
        now = jobs[arriving][0] if submits else ends[0][0]
        correct()
        if submits:
            queue.append(arriving)
            arriving += 1
            if jobs[queue[-1]][3] <= free():
                serve()
        else:
            running.remove(heapq.heappop(ends)[2])
            serve()
    return start


SOME_JOBS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(1, 20), st.integers(1, 20), st.integers(1, 4)), min_size=1, max_size=30
).map(
    lambda rows: [(float(sum(r[0] for r in rows[: i + 1]) // 3), *map(float, r[1:3]), r[3]) for i, r in enumerate(rows)]
)


@settings(deadline=None, max_examples=150)
@given(SOME_JOBS, st.booleans(), st.lists(st.integers(1, 30), max_size=3))
def test_as_by_lists(jobs: list[Job], by_estimate: bool, later: list[int]) -> None:
    steps = [float(value) for value in sorted(later)]
    found = simulate(jobs, 4, steps, "estimate" if by_estimate else "submission")
    assert found.start_s.tolist() == plain(jobs, 4, by_estimate, steps)


@settings(deadline=None, max_examples=100)
@given(SOME_JOBS, st.booleans())
def test_never_more_processors_than_there_are(jobs: list[Job], by_estimate: bool) -> None:
    found = simulate(jobs, 4, order="estimate" if by_estimate else "submission")
    for date in found.start_s:
        used = sum(
            size for start, (_, run, _, size) in zip(found.start_s, jobs, strict=True) if start <= date < start + run
        )
        assert used <= 4


def test_given_estimates_that_are_too_short_are_no_schedule() -> None:
    one = np.array([1.0])
    machine = passes.new_machine(0.0 * one, 10.0 * one, 5.0 * one, np.array([1]), 1)
    passes.serve(machine, passes.BY_SUBMISSION)
    assert machine.start_s.tolist() == [0.0]
    two = np.array([0.0, 6.0])
    machine = passes.new_machine(two, 10.0 + 0.0 * two, 5.0 + 0.0 * two, np.array([1, 1]), 1)
    with pytest.raises(ValueError, match="shorter than its run"):
        passes.serve(machine, passes.BY_SUBMISSION)
