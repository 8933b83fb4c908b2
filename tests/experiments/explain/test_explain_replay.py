"""The replay: copies play on like the original, jobs of later change nothing, memories are read right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.experiments.explain.causes import look, order_of, shadow
from wattq.experiments.explain.game import Game, Played, play
from wattq.experiments.explain.memories import planned_start_s, reservation
from wattq.experiments.explain.world import World, rows_of, submitted_until, with_more_hosts
from wattq.platforms import ComputeState, SleepState, make_platform
from wattq.schedulers import kinds, make_policy
from wattq.simulator import layout as c
from wattq.simulator import simulate
from wattq.simulator.interface import CompiledPolicy
from wattq.workloads import generate_saturated

HOSTS = 8
ASLEEP = SleepState(10.0, 5.0, 125.0, 64.0, 115.0)
MACHINE = make_platform(HOSTS, (ComputeState(1e9, 100.0, 200.0), ComputeState(0.8e9, 100.0, 130.0)), (ASLEEP,))
POLICIES = [
    ("easy", {}),
    ("easy", {"order": "saf", "backfill": "sjf"}),
    ("easy", {"order": "wfp3"}),
    ("fcfs", {}),
    ("filler", {}),
    ("conservative", {}),
    ("easy-bf", {}),
    ("easy-bf-fast", {}),
    ("fair-share", {}),
    ("sleep", {"timeout": 600}),
    ("dvfs", {}),
    ("power-cap", {"cap": 1200}),
    ("eco", {"cap": "0:1300,100000:1150"}),
]
policies = st.sampled_from(POLICIES)
seeds = st.integers(0, 10_000)


def world(seed: int, jobs: int = 40) -> World:
    return World(MACHINE, (generate_saturated(jobs, HOSTS, seed),), energy=True)


def same(a: Played, b: Played) -> None:
    for name in ("start_s", "end_s", "state"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def at_submission(game: Game, job: int) -> Game:
    """Play a simulation up to the message that submits a job."""
    while game.message():
        if game.ledger.jobs[job]["state"] != c.NOT_SUBMITTED:
            return game
        game.answer()
    raise AssertionError(job)


@given(policy=policies, seed=seeds)
@settings(deadline=None, max_examples=15)
def test_a_game_is_the_simulation(policy: tuple[str, dict[str, object]], seed: int) -> None:
    start = world(seed)
    run = simulate(MACHINE, start.workloads, make_policy(*policy), energy=True)
    played = play(start, make_policy(*policy), 0)
    np.testing.assert_array_equal(played.start_s, run.kernel.jobs["start_s"])
    np.testing.assert_array_equal(played.state, run.kernel.jobs["state"])


@given(policy=policies, seed=seeds, job=st.integers(0, 39))
@settings(deadline=None, max_examples=40)
def test_a_copy_plays_on_like_the_original(policy: tuple[str, dict[str, object]], seed: int, job: int) -> None:
    whole = play(world(seed), make_policy(*policy), 0)
    game = at_submission(Game(world(seed), make_policy(*policy)), job)
    twins = [game.copy(), game.copy()]
    for one in (twins[0], game, twins[1]):
        one.answer()
        same(one.finish(), whole)


@given(policy=policies, seed=seeds, job=st.integers(0, 39))
@settings(deadline=None, max_examples=60)
def test_jobs_of_later_do_not_matter(policy: tuple[str, dict[str, object]], seed: int, job: int) -> None:
    """Whatever is submitted after a job's start has no part in it, nor in anything before it."""
    full = world(seed)
    whole = play(full, make_policy(*policy), 0)
    start_s = float(whole.start_s[job])
    if np.isnan(start_s):
        return
    cut = World(MACHINE, submitted_until(full.workloads, start_s), energy=True)
    part = play(cut, make_policy(*policy), 0)
    before = np.flatnonzero(whole.start_s[: cut.n_jobs] <= start_s)
    assert job in before
    np.testing.assert_array_equal(part.start_s[before], whole.start_s[before])


@given(policy=policies, seed=seeds, job=st.integers(0, 39))
@settings(deadline=None, max_examples=25)
def test_looking_changes_nothing(policy: tuple[str, dict[str, object]], seed: int, job: int) -> None:
    whole = play(world(seed), make_policy(*policy), 0)
    game = at_submission(Game(world(seed), make_policy(*policy)), job)
    while True:
        game.answer()
        if game.ledger.jobs[job]["state"] in (c.SUBMITTED, c.REJECTED):
            look(game, job)
        if not game.message():
            break
    same(game.finish(), whole)


@given(policy=policies, seed=seeds)
@settings(deadline=None, max_examples=40)
def test_memories(policy: tuple[str, dict[str, object]], seed: int) -> None:
    """The queue that is read from a policy's memory holds the waiting jobs; EASY's reservation is the textbook's."""
    made = make_policy(*policy)
    assert isinstance(made, CompiledPolicy)
    game = Game(world(seed), made)
    while game.message():
        game.answer()
        waiting = order_of(game)
        head = game.ledger.head[0]
        queue = game.ledger.queue[head["q_head"] : head["q_tail"]]
        if made.kind != kinds.GREEN:  # whose claims and held jobs are not in the queue
            assert sorted(waiting.tolist()) == sorted(queue[queue >= 0].tolist())
        if made.kind == kinds.CONSERVATIVE:
            begin_s, end_s = planned_start_s(game.memory)
            assert (begin_s[waiting] >= game.now_s).all()
            np.testing.assert_allclose(end_s[waiting] - begin_s[waiting], game.ledger.jobs["estimate_s"][waiting])
        known = reservation(made.kind, game.memory) if made.kind == kinds.EASY else None
        if known is not None and head["n_decisions"] == 0:
            assert known[0] == waiting[0]
            if known[1] < np.inf:
                assert known[1] == shadow(game, known[0])[0]


def test_every_wait_has_its_reason() -> None:
    """At each decision point each waiting job gets a reason, and only jobs that lack hosts get "hosts"."""
    for name, params in POLICIES:
        game = Game(world(3), make_policy(name, params))
        seen = set()
        while game.message():
            game.answer()
            for job in order_of(game):
                cause = look(game, int(job))
                seen.add(cause.reason)
                enough = cause.facts["hosts"] <= cause.facts.get("available", cause.facts["free"])
                assert (cause.reason == "hosts") != enough or cause.reason == "waking"
        assert "hosts" in seen
        assert "policy" not in seen - ({"policy"} if name == "easy-bf" else set()), name


def test_more_hosts_from_a_date_on() -> None:
    old = world(1)
    new = with_more_hosts(old, 3, 500.0)
    assert new.platform.n_compute == HOSTS + 3
    assert len(set(new.platform.host_names)) == HOSTS + 3
    a, b = (play(one, make_policy("easy"), 0) for one in (old, new))
    before = a.start_s < 500.0
    assert before.any()
    np.testing.assert_allclose(a.start_s[before], b.start_s[before], atol=1e-6)
    assert b.start_s.sum() < a.start_s.sum()


def test_rows_keep_every_column() -> None:
    jobs = generate_saturated(10, HOSTS, 1)
    part = rows_of(jobs, np.array([1, 4]))
    assert part.job_id == (jobs.job_id[1], jobs.job_id[4])
    assert part.n_jobs == len(part.submit_s) == len(part.beta) == len(part.user) == 2


def test_a_change_is_made_once() -> None:
    calls: list[float] = []
    play(world(2), make_policy("easy"), 5, lambda game: calls.append(game.now_s))
    assert calls == [pytest.approx(float(generate_saturated(40, HOSTS, 2).submit_s[5]))]
