"""Sequences of picks: tiny ones by hand, random ones against a plain reading of the rules."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.schedulers.rl.sc20 import picks, scores

Job = tuple[int, int, int, int]
"""Submission, run time, requested time, processors."""


def starts(
    jobs: Sequence[Job],
    total: int,
    score: str = "fcfs",
    waits: str = "since_submission",
    backfill: str = "none",
    per_node: int = 1,
) -> list[float]:
    columns = [np.array(column, dtype=np.float64) for column in zip(*jobs, strict=True)]
    processors = columns[3].astype(np.int64)
    nodes = np.ceil(processors / per_node).astype(np.int64)
    sequence = picks.new_sequence(columns[0], columns[1], columns[2], processors, nodes, total)
    picks.play(sequence, scores.SCORES[score], scores.WAITS[waits], picks.BACKFILLS[backfill], float(per_node))
    return [float(date) for date in sequence.start_s]


def test_picked_job_blocks_the_machine() -> None:
    assert starts([(0, 10, 10, 3), (1, 5, 5, 4), (2, 3, 3, 1)], 4) == [0, 10, 15]


def test_backfilling_starts_what_ends_before_the_shadow_time() -> None:
    assert starts([(0, 10, 10, 3), (1, 5, 5, 4), (2, 3, 3, 1)], 4, backfill="head_once") == [0, 10, 2]


def test_a_job_that_ends_at_the_shadow_time_is_not_backfilled() -> None:
    assert starts([(0, 10, 10, 3), (1, 5, 5, 4), (2, 7, 7, 1)], 4, backfill="head_once") == [0, 10, 2]
    assert starts([(0, 10, 10, 3), (1, 5, 5, 4), (2, 8, 8, 1)], 4, backfill="head_once") == [0, 10, 15]


def test_there_are_no_extra_nodes() -> None:
    # at 10, one node is left beside the second job; the third could have it from 2 on
    assert starts([(0, 10, 10, 3), (1, 5, 5, 3), (2, 20, 20, 1)], 4, backfill="head_once") == [0, 10, 10]


def test_the_shadow_time_is_taken_once() -> None:
    # The shadow time is 100. At 50 the first job ends early; the second could then have the machine at 92, when the
    # third should end. The fourth, to end at 95, starts all the same.
    jobs = [(0, 50, 100, 3), (1, 1, 1, 4), (2, 80, 90, 1), (60, 5, 35, 1)]
    assert starts(jobs, 4, backfill="head_once") == [0, 82, 2, 60]


def test_jobs_that_outlive_their_request_leave_a_shadow_time_in_the_past() -> None:
    assert starts([(0, 50, 10, 3), (20, 1, 1, 4), (21, 1, 1, 1)], 4, backfill="head_once") == [0, 50, 51]


def test_arrivals_are_not_seen_while_jobs_start() -> None:
    # all three are there at date 0, but the shortest is seen last
    assert starts([(0, 100, 100, 1), (0, 50, 50, 1), (0, 1, 1, 1)], 2, "sjf") == [0, 0, 50]


def test_an_arrival_comes_before_a_completion_and_the_pick_stands() -> None:
    assert starts([(0, 10, 10, 2), (10, 5, 5, 2), (10, 1, 1, 2)], 2, "sjf") == [0, 10, 15]


@pytest.mark.parametrize("score", ["wfp3", "unicep"])
def test_the_defect_and_its_correction(score: str) -> None:
    # At 110, w/r is 105/4 and 104/2: the last job goes first. With w = -1 - s, (1 + s)/r is 6/4 and 7/2: it goes last.
    jobs = [(0, 10, 10, 2), (1, 100, 100, 2), (5, 4, 4, 2), (6, 2, 2, 2)]
    assert starts(jobs, 2, score, "since_submission") == [0, 10, 112, 110]
    assert starts(jobs, 2, score, "unset_start") == [0, 10, 110, 114]


def test_shortest_request_then_first_submission() -> None:
    jobs = [(0, 10, 10, 1), (1, 5, 5, 1), (2, 9, 9, 1), (3, 4, 4, 1), (4, 4, 4, 1)]
    assert starts(jobs, 1, "sjf") == [0, 10, 23, 15, 19]


def test_processors_take_whole_nodes() -> None:
    assert starts([(0, 10, 10, 3), (1, 10, 10, 1), (2, 10, 10, 1)], 2, per_node=2) == [0, 10, 10]


def test_scores_by_hand() -> None:
    assert scores.score(scores.FCFS, 5.0, 1000.0, 100.0, 2.0) == 1000.0
    assert scores.score(scores.F1, 5.0, 1000.0, 100.0, 2.0) == pytest.approx(2 * 2 + 870 * 3, abs=1e-9)
    assert scores.score(scores.F1, 5.0, 0.0, 0.0, 2.0) == pytest.approx(-2 - 870, abs=1e-9)
    assert scores.score(scores.WFP3, 50.0, 0.0, 100.0, 8.0) == -1.0
    assert scores.score(scores.UNICEP, 100.0, 0.0, 50.0, 4.0) == pytest.approx(-1.0, abs=1e-12)
    assert math.isfinite(scores.score(scores.UNICEP, 100.0, 0.0, 50.0, 1.0))
    assert scores.wait(scores.UNSET_START, 7.0, 3.0) == -4.0
    assert scores.wait(scores.SINCE_SUBMISSION, 7.0, 3.0) == 4.0


def plain(jobs: Sequence[Job], total: int, kind: str, waits: str, backfill: bool) -> list[float]:
    """Return the starts by lists and Python's own stable sort."""
    start, queue, running = [math.nan] * len(jobs), [0], list[int]()
    now, free, arriving = float(jobs[0][0]), total, 1

    def key(job: int) -> tuple[float, ...]:
        submit, _, request, size = jobs[job]
        waited = scores.wait(scores.WAITS[waits], now, float(submit))
        first = scores.score(scores.SCORES[kind], waited, float(submit), float(request), float(size))
        return (first, submit) if kind == "sjf" else (first,)

    def launch(job: int) -> None:
        nonlocal free
        start[job], free = now, free - jobs[job][3]
        queue.remove(job)
        running.append(job)

    def step() -> None:
        nonlocal now, free, arriving
        running.sort(key=lambda job: start[job] + jobs[job][1])
        end = start[running[0]] + jobs[running[0]][1] if running else math.inf
        if arriving < len(jobs) and jobs[arriving][0] <= end:
            now = max(now, jobs[arriving][0])
            queue.append(arriving)
            arriving += 1
        else:
            now = max(now, end)
            free += jobs[running.pop(0)][3]

    while True:
        queue.sort(key=key)
        picked, shadow, sum_free = queue[0], now, free
        if jobs[picked][3] > free and backfill:
            running.sort(key=lambda job: start[job] + jobs[job][2])
            for job in running:
                shadow, sum_free = start[job] + jobs[job][2], sum_free + jobs[job][3]
                if sum_free >= jobs[picked][3]:
                    break
        while jobs[picked][3] > free:
            if backfill:
                queue.sort(key=lambda job: jobs[job][0])
                for job in tuple(queue):
                    if now + jobs[job][2] < shadow and jobs[job][3] <= free:
                        launch(job)
            step()
        launch(picked)
        while not queue:
            if arriving == len(jobs):
                return start
            step()


SOME_JOBS = st.lists(
    st.tuples(st.integers(0, 12), st.integers(1, 15), st.integers(1, 20), st.integers(1, 4)), min_size=1, max_size=30
).map(lambda rows: [(sum(row[0] for row in rows[: i + 1]) // 3, *row[1:]) for i, row in enumerate(rows)])


@settings(deadline=None, max_examples=150)
@given(SOME_JOBS, st.sampled_from([*scores.SCORES]), st.sampled_from([*scores.WAITS]), st.booleans())
def test_as_by_lists(jobs: list[Job], kind: str, waits: str, backfill: bool) -> None:
    found = starts(jobs, 4, kind, waits, "head_once" if backfill else "none")
    assert found == plain(jobs, 4, kind, waits, backfill)
    assert all(begin >= job[0] for begin, job in zip(found, jobs, strict=True))
    events = sorted(
        [(begin, job[3]) for begin, job in zip(found, jobs, strict=True)]
        + [(begin + job[1], -job[3]) for begin, job in zip(found, jobs, strict=True)]
    )
    held = np.cumsum([size for _, size in events])
    assert all(busy <= 4 for busy, (this, after) in zip(held, pairwise(events), strict=False) if after[0] > this[0])
