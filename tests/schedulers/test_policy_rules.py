"""Invariants of the policies on random worlds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.schedulers import POLICIES, make_policy, policy_spec
from wattq.simulator import layout as c

# The others switch hosts, which takes energy and hosts that can sleep: tests/schedulers/test_energy_bf.py.
PLAIN = [name for name in POLICIES if not (policy_spec(name)[1].needs_energy or policy_spec(name)[1].needs)]

N_HOSTS = 70  # more than one word of bits


@st.composite
def worlds(draw, *, exact: bool = False):  # type: ignore[no-untyped-def]
    """Rows of (submit date, hosts, run time, walltime) in order of submission; walltimes are exact or longer."""
    n = draw(st.integers(1, 25))
    rows = []
    date = 0
    for _ in range(n):
        date += draw(st.sampled_from([0, 0, 1, 3, 10]))
        hosts = draw(st.one_of(st.integers(1, 8), st.integers(1, N_HOSTS)))
        run = draw(st.integers(1, 30))
        rows.append((date, hosts, run, run if exact else run + draw(st.integers(1, 20))))
    return rows


def play(machine, job_type, name, rows, grouped, check=None):  # type: ignore[no-untyped-def]
    player = machine(make_policy(name), [job_type(*row) for row in rows], N_HOSTS, grouped=grouped)
    player.check = check
    return player.play()


@pytest.mark.parametrize("name", sorted(PLAIN))
@settings(deadline=None, max_examples=25)
@given(rows=worlds(), grouped=st.booleans())
def test_every_job_that_fits_runs_and_no_host_runs_two(machine, job_type, name, rows, grouped) -> None:
    # The machine itself refuses a host for a second job and a number of hosts other than the request.
    out = play(machine, job_type, name, rows, grouped)
    assert not np.isnan(out.start_s).any()
    assert all(start >= row[0] for start, row in zip(out.start_s, rows, strict=True))


@settings(deadline=None, max_examples=60)
@given(rows=worlds(), grouped=st.booleans())
def test_fcfs_starts_in_order_of_submission(machine, job_type, rows, grouped) -> None:
    out = play(machine, job_type, "fcfs", rows, grouped)
    assert out.start_s == sorted(out.start_s)


def shadow_of(player, job: int) -> float:  # type: ignore[no-untyped-def]
    """Return when enough hosts are free for a waiting job, by the expected ends of the running jobs."""
    free = player.v.head["n_free"][0]
    for k in player.v.running[: player.v.head["n_running"][0]]:
        if free >= player.jobs[job].hosts:
            break
        free += player.jobs[k].hosts
        date = float(player.v.jobs["end_s"][k])
    return max(date, float(player.v.head["now_s"][0]))


@pytest.mark.parametrize("name", ["easy", "easy-sjbf"])
@settings(deadline=None, max_examples=60)
@given(rows=worlds(exact=True), grouped=st.booleans())
def test_easy_with_exact_run_times_never_delays_the_head(machine, job_type, name, rows, grouped) -> None:
    promised: dict[int, float] = {}

    def check(player) -> None:  # type: ignore[no-untyped-def]
        head = player.v.head[0]
        waiting = [k for k in player.v.queue[head["q_head"] : head["q_tail"]] if k >= 0]
        if waiting:
            date = shadow_of(player, waiting[0])
            assert date <= promised.get(waiting[0], math.inf)
            promised[waiting[0]] = date

    out = play(machine, job_type, name, rows, grouped, check)
    assert all(out.start_s[job] <= date for job, date in promised.items())


@settings(deadline=None, max_examples=60)
@given(rows=worlds(), grouped=st.booleans())
def test_easy_keeps_no_host_idle_that_a_job_could_use_at_once(machine, job_type, rows, grouped) -> None:
    def check(player) -> None:  # type: ignore[no-untyped-def]
        head = player.v.head[0]
        waiting = [int(k) for k in player.v.queue[head["q_head"] : head["q_tail"]] if k >= 0]
        if not waiting:
            return
        assert player.jobs[waiting[0]].hosts > head["n_free"]
        shadow = shadow_of(player, waiting[0])
        for k in waiting[1:]:
            fits = player.jobs[k].hosts <= head["n_free"]
            assert not (fits and head["now_s"] + player.jobs[k].walltime_s <= shadow)

    play(machine, job_type, "easy", rows, grouped, check)


@pytest.mark.parametrize("name", ["conservative", "conservative-bf"])
@settings(deadline=None, max_examples=60)
@given(rows=worlds(), grouped=st.booleans())
def test_conservative_never_delays_a_reservation(machine, job_type, name, rows, grouped) -> None:
    promised: dict[int, float] = {}

    def check(player) -> None:  # type: ignore[no-untyped-def]
        for k in range(len(rows)):
            if player.v.jobs["state"][k] == c.SUBMITTED:
                date = reservation_of(player, k)
                assert date <= promised.get(k, math.inf)
                promised[k] = date

    out = play(machine, job_type, name, rows, grouped, check)
    assert all(out.start_s[job] <= date for job, date in promised.items())


def reservation_of(player, job: int) -> float:  # type: ignore[no-untyped-def]
    """Return the begin of a waiting job's reservation in the policy's memory."""
    n = len(player.jobs)
    _, mf, mw = player.memory
    return float(mf[2 * n + mw.shape[0] + job])


@pytest.mark.parametrize("name", sorted(PLAIN))
@settings(deadline=None, max_examples=8)
@given(rows=worlds())
def test_the_same_world_gives_the_same_schedule(machine, job_type, name, rows) -> None:
    first = play(machine, job_type, name, rows, True)
    second = play(machine, job_type, name, rows, True)
    assert (first.start_s, first.hosts) == (second.start_s, second.hosts)
