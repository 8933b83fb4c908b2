"""EASY by passes: tiny logs by hand, random ones against a plain reading of the rules."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.experiments.published import passes

Job = tuple[int, int, int, int]
"""Submission, run time, estimate (not below it), processors."""


def starts(jobs: Sequence[Job], total: int, order: str = "submission") -> list[float]:
    columns = [np.array(column, dtype=np.float64) for column in zip(*jobs, strict=True)]
    machine = passes.new_machine(*columns[:3], columns[3].astype(np.int64), total)
    passes.serve(machine, passes.ORDERS[order])
    return [float(date) for date in machine.start_s]


def test_the_head_waits_and_short_jobs_pass() -> None:
    assert starts([(0, 10, 10, 3), (1, 5, 5, 4), (2, 3, 3, 1)], 4) == [0, 10, 2]


def test_a_job_that_ends_at_the_shadow_time_passes() -> None:
    assert starts([(0, 10, 10, 3), (1, 5, 5, 4), (2, 8, 8, 1)], 4) == [0, 10, 2]
    assert starts([(0, 10, 10, 3), (1, 5, 5, 4), (2, 9, 9, 1)], 4) == [0, 10, 15]


def test_long_jobs_pass_on_extra_nodes_only() -> None:
    assert starts([(0, 10, 10, 3), (1, 5, 5, 3), (2, 20, 20, 1)], 4) == [0, 10, 2]
    # two processors are free from 0 on, but only one of them is extra at 10
    assert starts([(0, 10, 10, 3), (1, 5, 5, 4), (2, 20, 20, 1), (3, 20, 20, 1)], 5) == [0, 10, 2, 15]


def test_the_shadow_time_follows_early_ends() -> None:
    # The first job, expected until 100, ends at 4. From then on the head waits for the third job, expected until 52,
    # and the fourth, expected until 65, may not pass; with the old date it might.
    assert starts([(0, 4, 100, 2), (1, 5, 5, 4), (2, 10, 50, 2), (5, 1, 60, 2)], 4) == [0, 12, 2, 17]


def test_each_completion_has_its_own_pass() -> None:
    # Two jobs end at 10. At the first, the head needs two processors and one is free: the last job takes it.
    assert starts([(0, 10, 30, 1), (0, 10, 30, 1), (1, 7, 7, 2), (2, 5, 5, 1)], 2) == [0, 0, 15, 10]


def test_estimated_ends_free_processors_for_submissions_of_that_date() -> None:
    # The submission at 10 comes before the completion at 10, and finds the processor free.
    assert starts([(0, 10, 10, 2), (10, 5, 5, 2), (10, 1, 1, 2)], 2) == [0, 10, 15]


def test_order_behind_the_head() -> None:
    jobs = [(0, 10, 10, 2), (0, 5, 5, 1), (1, 4, 4, 3), (2, 5, 5, 1), (3, 3, 3, 1)]
    assert starts(jobs, 3) == [0, 0, 10, 5, 14]
    assert starts(jobs, 3, "estimate") == [0, 0, 10, 14, 5]


def plain(jobs: Sequence[Job], total: int, by_estimate: bool) -> list[float]:
    """Return the starts by lists that are sorted and scanned anew at every event."""
    start = [math.nan] * len(jobs)
    queue, running, ended, ends = list[int](), list[int](), set[int](), list[tuple[float, int, int]]()
    now, arriving = 0.0, 0

    def free() -> int:
        return total - sum(jobs[j][3] for j in running if j not in ended and start[j] + jobs[j][2] > now)

    def launch(job: int) -> None:
        start[job] = now
        queue.remove(job)
        running.append(job)
        heapq.heappush(ends, (now + jobs[job][1], len(running), job))

    def serve() -> None:
        while queue and jobs[queue[0]][3] <= free():
            launch(queue[0])
        if len(queue) < 2:
            return
        head = queue[0]
        for job in sorted(queue[1:], key=lambda j: jobs[j][2] if by_estimate else 0):
            here = [(start[j] + jobs[j][2], jobs[j][3]) for j in running if j not in ended]
            holds = [(end, size) for end, size in here if end > now]
            dates = sorted(end for end, _ in holds)
            left = {date: total - sum(size for end, size in holds if end > date) for date in dates}
            shadow = next(date for date in dates if left[date] >= jobs[head][3])
            passes_by = now + jobs[job][2] <= shadow or jobs[job][3] <= left[shadow] - jobs[head][3]
            if jobs[job][3] <= free() and passes_by:
                launch(job)

    while arriving < len(jobs) or ends:
        if arriving < len(jobs) and (not ends or jobs[arriving][0] <= ends[0][0]):
            now = jobs[arriving][0]
            queue.append(arriving)
            arriving += 1
            if jobs[queue[-1]][3] <= free():
                serve()
        else:
            now, _, job = heapq.heappop(ends)
            ended.add(job)
            serve()
    return start


SOME_JOBS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(1, 12), st.integers(0, 8), st.integers(1, 4)), min_size=1, max_size=30
).map(lambda rows: [(sum(r[0] for r in rows[: i + 1]) // 3, r[1], r[1] + r[2], r[3]) for i, r in enumerate(rows)])


@settings(deadline=None, max_examples=150)
@given(SOME_JOBS, st.booleans())
def test_as_by_lists(jobs: list[Job], by_estimate: bool) -> None:
    assert starts(jobs, 4, "estimate" if by_estimate else "submission") == plain(jobs, 4, by_estimate)
