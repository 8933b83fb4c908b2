"""A learned policy in the protocol of SC'20: what it reads, what it must not read, and what it picks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from wattq.schedulers.rl.sc20 import JobTable, evaluation, facts_of, picks, play_learned, scores
from wattq.schedulers.rl.sc20.features import FEATURES, N_FEATURES, describe, new_notes, take_note
from wattq.schedulers.rl.sc20.learned import Policy, slowdown
from wattq.schedulers.rl.sc20.model import first_numbers, policy_of
from wattq.simulator.jit import jitted

NAMES = [name for name, _ in FEATURES]


def table(rows: list[tuple[float, float, float, int]], total: int, user: int = 7) -> JobTable:
    """Rows are submission, run time, requested time, processors."""
    columns = [np.array(column, dtype=np.float64) for column in zip(*rows, strict=True)]
    same = np.full(len(rows), user, dtype=np.int64)
    number = np.arange(len(rows), dtype=np.float64)
    return JobTable("hand", total, total, number, *columns[:3], columns[3].astype(np.int64), same, same, same, same)


def linear(**weights: float) -> Policy:
    numbers = first_numbers(1, np.random.default_rng(0))
    numbers[:N_FEATURES] = [weights.get(name, 0.0) for name in NAMES]
    return policy_of(numbers)


@jitted
def _features(v: object, f: object, m: object) -> None:
    take_note(v, f, m)
    describe(v, f, m)


def described(jobs: JobTable, *, waiting: list[int], started: dict[int, float], now_s: float) -> NDArray[np.float32]:
    """Return the features of jobs that wait at a date, when others have started at given dates."""
    facts = facts_of(jobs)
    columns = (jobs.submit_s, jobs.run_s, jobs.request_s, jobs.processors, jobs.nodes)
    state = picks.new_sequence(*columns, jobs.nodes_total)
    running = [job for job, date in started.items() if date + jobs.run_s[job] > now_s]
    for job, date in started.items():
        state.start_s[job] = date
    state.queue[: len(waiting)], state.running[: len(running)] = waiting, running
    free = jobs.nodes_total - int(jobs.nodes[running].sum())
    state.counts[:] = [free, len(waiting), len(running), len(jobs.submit_s)]
    state.clock[0] = now_s
    notes = new_notes(jobs.n_jobs, facts.n_keys)
    _features(state, facts, notes)
    return notes.x[: len(waiting)]


def test_features_of_a_small_queue() -> None:
    jobs = table([(0, 16, 100, 1), (0, 500, 400, 6), (10, 5, 100, 1), (20, 9, 1000, 4)], 8)
    x = described(jobs, waiting=[2, 3], started={0: 0.0, 1: 0.0}, now_s=110.0)
    of = {name: x[:, place] for place, name in enumerate(NAMES)}
    close = {"rel": 1e-3, "abs": 1e-4}
    assert of["waited"] == pytest.approx([math.log2(101) / 16, math.log2(91) / 16], **close)
    assert of["slowdown"] == pytest.approx([math.log2(2) / 16, math.log2(1.09) / 16], **close)
    # two nodes are free; the running job holds six until 400 by its request, although it runs until 500
    assert of["fits"].tolist() == [1.0, 0.0]
    assert of["until_fits"] == pytest.approx([0.0, math.log2(291) / 16], **close)
    assert of["free"] == pytest.approx([0.25, 0.25])
    assert of["idle"] == pytest.approx([0.0, math.log2(1 + 290 / 4) / 16], **close)
    assert of["harm"] == pytest.approx([0.0, math.log2(1 + 290 * (1 / 100 + 1 / 1000)) / 16], **close)
    assert of["size"] == pytest.approx([0.0, 2 / 3])
    assert of["fitting"].tolist() == [0.5, 0.5]
    assert of["weight"] == pytest.approx([10 / 11, 1 / 11])
    # the user's only ended job ran 16 s; it had the request and size of the first waiting one
    assert of["known"].tolist() == [1.0, 0.5]
    assert of["alike"] == pytest.approx([4 / 16, 4 / 16])
    assert of["slowdown_expected"] == pytest.approx(
        [math.log2(1 + 100 / 16) / 16, math.log2(1 + 90 / 16) / 16], **close
    )


def test_jobs_alike_in_the_queue() -> None:
    jobs = table([(0, 16, 100, 1), (0, 500, 400, 6), (10, 5, 100, 1), (20, 9, 1000, 4), (20, 9, 1000, 4)], 8)
    x = described(jobs, waiting=[2, 3, 4], started={0: 0.0, 1: 0.0}, now_s=110.0)
    of = {name: x[:, place] for place, name in enumerate(NAMES)}
    # all of them are expected to run 16 s, as the ended job did
    assert of["weight_expected"] == pytest.approx([1 / 3, 1 / 3, 1 / 3])
    assert of["weight_alike"] == pytest.approx([1 / 3, 2 / 3, 2 / 3])
    assert of["alike_waiting"] == pytest.approx([1 / 16, math.log2(3) / 16, math.log2(3) / 16], rel=1e-3)
    later = math.log2(1 + 290 * 3 / 16) / 16
    assert of["harm_expected"] == pytest.approx([0.0, later, later], rel=1e-3)


def test_without_users_nothing_is_remembered() -> None:
    jobs = table([(0, 16, 100, 1), (0, 500, 400, 6), (10, 5, 100, 1), (20, 9, 1000, 4)], 8, user=-1)
    x = described(jobs, waiting=[2, 3], started={0: 0.0, 1: 0.0}, now_s=110.0)
    assert x[:, NAMES.index("known")].tolist() == [0.0, 0.0]
    assert x[:, NAMES.index("alike")] == pytest.approx([math.log2(100) / 16, math.log2(1000) / 16])


def test_run_times_of_jobs_that_wait_or_run_are_not_read() -> None:
    rows = [(0, 16, 100, 1), (0, 500, 400, 6), (10, 5, 100, 1), (20, 9, 1000, 4)]
    other = [(0, 16, 100, 1), (0, 333, 400, 6), (10, 77, 100, 1), (20, 1, 1000, 4)]
    first, second = (
        described(table(each, 8), waiting=[2, 3], started={0: 0.0, 1: 0.0}, now_s=110.0) for each in (rows, other)
    )
    assert first.tolist() == second.tolist()


def rows_of(n: int, seed: int, total: int) -> list[tuple[float, float, float, int]]:
    random = np.random.default_rng(seed)
    submit = np.cumsum(random.integers(0, 300, n))
    run = random.integers(1, 3000, n)
    request = run + random.permutation(n) * 7919.0
    return [
        (float(s), float(r), float(q), int(k))
        for s, r, q, k in zip(submit, run, request, random.integers(1, total + 1, n), strict=True)
    ]


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**20), backfill=st.sampled_from(list(picks.BACKFILLS.values())))
def test_shortest_request_first_is_a_policy_of_the_network(seed: int, backfill: int) -> None:
    jobs = table(rows_of(60, seed, 16), 16)
    shortest = slowdown(facts_of(jobs), linear(requested=-1000.0), backfill)
    assert shortest == pytest.approx(evaluation.heuristic(jobs, scores.SJF, backfill))


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**20), shift=st.integers(1, 10**6))
def test_dates_count_from_nowhere(seed: int, shift: int) -> None:
    rows = rows_of(40, seed, 16)
    policy = policy_of(first_numbers(3, np.random.default_rng(seed)))
    later = [(submit + shift, *rest) for submit, *rest in rows]
    first, second = (play_learned(facts_of(table(each, 16)), policy, picks.HEAD_ONCE).start_s for each in (rows, later))
    assert (second - first).tolist() == [float(shift)] * len(rows)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**20), backfill=st.sampled_from(list(picks.BACKFILLS.values())))
def test_all_jobs_start_and_the_machine_is_never_overfull(seed: int, backfill: int) -> None:
    jobs = table(rows_of(50, seed, 16), 16)
    random = np.random.default_rng(seed)
    policy = policy_of(first_numbers(4, random) + random.standard_normal(len(first_numbers(4, random))))
    start_s = play_learned(facts_of(jobs), policy, backfill).start_s
    assert (start_s >= jobs.submit_s).all()
    for date in start_s:
        held = (start_s <= date) & (start_s + jobs.run_s > date)
        assert jobs.nodes[held].sum() <= 16
