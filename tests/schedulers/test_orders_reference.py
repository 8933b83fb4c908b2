"""Orders and fair share against plain-Python statements of their rules, in process and over the protocol."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.schedulers import ORDERS, make_policy
from wattq.schedulers.check_worlds import JobRow, World
from wattq.schedulers.plugin import Bridge, Options
from wattq.simulator import Run, simulate
from wattq.simulator.conversation import converse

Key = Callable[[Any, int], float]
N_HOSTS = 6


def _wait(view: Any, job: int) -> float:
    return max(view.now - view.submit_of(job), 0.0) / max(view.estimate_of(job), 1e-6)


def _run(view: Any, job: int) -> float:
    return max(view.estimate_of(job), 1.0)


def _age(view: Any, job: int) -> float:
    return float(np.log10(max(view.submit_of(job), 1.0)))


KEYS: dict[str, Key] = {
    "fcfs": lambda view, job: 0.0,
    "lcfs": lambda view, job: -float(view.jobs["seen_s"][job]),
    "sjf": lambda view, job: view.estimate_of(job),
    "ljf": lambda view, job: -view.estimate_of(job),
    "smallest": lambda view, job: view.hosts_of(job),
    "largest": lambda view, job: -view.hosts_of(job),
    "saf": lambda view, job: view.estimate_of(job) * view.hosts_of(job),
    "laf": lambda view, job: -view.estimate_of(job) * view.hosts_of(job),
    "f1": lambda view, job: float(np.log10(_run(view, job))) * view.hosts_of(job) + 8.70e2 * _age(view, job),
    "f2": lambda view, job: math.sqrt(_run(view, job)) * view.hosts_of(job) + 2.56e4 * _age(view, job),
    "f3": lambda view, job: _run(view, job) * view.hosts_of(job) + 6.86e6 * _age(view, job),
    "f4": lambda view, job: _run(view, job) * math.sqrt(view.hosts_of(job)) + 5.30e5 * _age(view, job),
    "lxf": lambda view, job: -_wait(view, job),
    "wfp3": lambda view, job: -(_wait(view, job) ** 3) * view.hosts_of(job),
    "unicef": lambda view, job: -_wait(view, job) / math.log2(view.hosts_of(job) + 1),
}


class InOrder:
    """A queue without backfilling."""

    def __init__(self, key: Key) -> None:
        self.key = key

    def decide(self, view: Any, actions: Any) -> None:
        queue = self.accepted(view, actions)
        for job in sorted(queue, key=lambda job: self.key(view, job)):
            if view.hosts_of(job) > view.n_free:
                return
            actions.start(job)

    def accepted(self, view: Any, actions: Any) -> list[int]:
        return [job for job in view.queue if 0 < view.hosts_of(job) <= view.n_hosts or actions.reject(job)]


class Easy(InOrder):
    """EASY whose head and whose candidates come in two orders."""

    def __init__(self, key: Key, backfill: Key | None = None) -> None:
        super().__init__(key)
        self.backfill = backfill or key

    def decide(self, view: Any, actions: Any) -> None:
        queue = sorted(self.accepted(view, actions), key=lambda job: self.key(view, job))
        while queue and view.hosts_of(queue[0]) <= view.n_free:
            actions.start(queue.pop(0))
        if not queue:
            return
        head = queue[0]
        shadow, extra = 0.0, view.n_free - view.hosts_of(head)
        for job in view.running:
            end = max(view.now, view.expected_end_of(job))
            if extra >= 0 and end > shadow:
                break
            shadow, extra = end, extra + view.hosts_of(job)
        rest = sorted(queue[1:])  # by number, which is the order of submission in one workload
        for job in sorted(rest, key=lambda job: self.backfill(view, job)):
            in_time = math.isfinite(view.estimate_of(job)) and view.now + view.estimate_of(job) <= shadow
            if view.hosts_of(job) <= view.n_free and (in_time or view.hosts_of(job) <= extra):
                actions.start(job)
                extra -= 0 if in_time else view.hosts_of(job)


class FairShare(Easy):
    """EASY in the order of decayed use per share."""

    def __init__(self, half_life_s: float = 604800.0, shares: dict[int, float] | None = None) -> None:
        super().__init__(lambda view, job: self.used[self.user(view, job)] / self.shares[self.user(view, job)])
        self.half_life_s = half_life_s
        self.shares = defaultdict(lambda: 1.0, shares or {})
        self.used: dict[int, float] = defaultdict(float)
        self.held: dict[int, int] = defaultdict(int)
        self.before_s = 0.0

    def user(self, view: Any, job: int) -> int:
        return int(view.jobs["user"][job])

    def decide(self, view: Any, actions: Any) -> None:
        gone_s, self.before_s = view.now - self.before_s, view.now
        keep, gain_s = 1.0, gone_s
        if self.half_life_s:
            rate = math.log(2.0) / self.half_life_s
            keep, gain_s = math.exp(-rate * gone_s), -math.expm1(-rate * gone_s) / rate
        for user in self.held:
            self.used[user] = self.used[user] * keep + self.held[user] * gain_s
        for job in view.ended:
            self.held[self.user(view, job)] -= view.hosts_of(job)
        before = set(view.running.tolist())
        super().decide(view, actions)
        for job in set(view.running.tolist()) - before:
            self.held[self.user(view, job)] += view.hosts_of(job)


@st.composite
def rows(draw: st.DrawFn) -> list[JobRow]:
    """Draw jobs in order of submission, some without walltime, some too large."""
    found: list[JobRow] = []
    submit_s = 0
    for _ in range(draw(st.integers(1, 30))):
        submit_s += draw(st.sampled_from([0, 0, 1, 2, 7, 30]))
        run_s = draw(st.integers(1, 30))
        walltime_s = draw(st.sampled_from([None, run_s + 1, run_s + 9, 40, max(run_s / 2, 0.5)]))
        hosts = draw(st.sampled_from([1, 1, 2, 3, 5, N_HOSTS, N_HOSTS + 1, 0]))
        found.append(JobRow(submit_s, hosts, run_s, walltime_s, draw(st.integers(-1, 2))))
    return found


def play(jobs: list[JobRow], policy: Any) -> Run:
    world = World("", N_HOSTS, (tuple(jobs),))
    return simulate(world.machine(), world.workloads(), policy)


def talk(jobs: list[JobRow], name: str, params: dict[str, object]) -> Run:
    world = World("", N_HOSTS, (tuple(jobs),))
    return converse(world.machine(), world.workloads(), Bridge(Options(name, params), capacity=1).reply)


def dates(run: Run) -> str:
    return run.files()["jobs.csv"]


def test_every_order_is_stated_here() -> None:
    assert list(KEYS) == list(ORDERS)


@pytest.mark.parametrize("name", ORDERS)
@settings(deadline=None, max_examples=20)
@given(jobs=rows())
def test_queues_without_backfilling(name: str, jobs: list[JobRow]) -> None:
    ours = dates(play(jobs, make_policy(name)))
    assert ours == dates(play(jobs, InOrder(KEYS[name])))
    assert ours == dates(talk(jobs, name, {}))


@settings(deadline=None, max_examples=150)
@given(jobs=rows(), order=st.sampled_from(list(ORDERS)), backfill=st.sampled_from(list(ORDERS)))
def test_easy_in_two_orders(jobs: list[JobRow], order: str, backfill: str) -> None:
    params: dict[str, object] = {"order": order, "backfill": backfill}
    ours = dates(play(jobs, make_policy("easy", params)))
    assert ours == dates(play(jobs, Easy(KEYS[order], KEYS[backfill])))
    assert ours == dates(talk(jobs, "easy", params))


@settings(deadline=None, max_examples=100)
@given(
    jobs=rows(),
    half_life=st.sampled_from([0, 5, 60, 604800]),
    shares=st.dictionaries(st.integers(-1, 2), st.sampled_from([0.5, 2.0, 7.0])),
)
def test_fair_share(jobs: list[JobRow], half_life: float, shares: dict[int, float]) -> None:
    text = ",".join(f"{user}:{share}" for user, share in shares.items())
    params: dict[str, object] = {"half_life": half_life, "shares": text}
    ours = dates(play(jobs, make_policy("fair-share", params)))
    assert ours == dates(play(jobs, make_policy("fair-share", params | {"shares": shares})))
    assert ours == dates(play(jobs, FairShare(half_life, shares)))
    assert ours == dates(talk(jobs, "fair-share", params))


def starts(jobs: list[JobRow], policy: Any) -> list[float]:
    return [round(float(date), 3) for date in play(jobs, policy).kernel.jobs["start_s"][: len(jobs)]]


# User 1 holds the machine for 10 s; then jobs of users 1, 2 and of nobody wait, each for the whole machine.
QUEUE = [JobRow(0, 6, 10, 20, 1), JobRow(1, 6, 10, 20, 1), JobRow(2, 6, 10, 20, 2), JobRow(3, 6, 10, 20)]


def test_who_used_least_comes_first() -> None:
    assert starts(QUEUE, make_policy("easy")) == [0, 10, 20, 30]
    assert starts(QUEUE, make_policy("fair-share")) == [0, 30, 10, 20]


def test_shares_weigh_use() -> None:
    # At 10 user 1 used 60 host-seconds and user 2 none; at 20 both used 60.
    jobs = [*QUEUE[:3], JobRow(3, 6, 10, 20, 2)]
    assert starts(jobs, make_policy("fair-share", {"half_life": 0})) == [0, 20, 10, 30]
    assert starts(jobs, make_policy("fair-share", {"half_life": 0, "shares": {2: 10}})) == [0, 30, 10, 20]
    assert starts(jobs, make_policy("fair-share", {"half_life": 0, "shares": "1:10"})) == [0, 20, 10, 30]


def test_old_use_fades() -> None:
    # User 1 used 40 host-seconds at 0, user 2 10 at 100; user 3 then blocks the machine for 10 s.
    jobs = [
        JobRow(0, 4, 10, 20, 1), JobRow(100, 6, 5, 9, 2), JobRow(105, 6, 10, 20, 3),
        JobRow(106, 6, 10, 20, 2), JobRow(107, 6, 10, 20, 1),
    ]  # fmt: skip
    assert starts(jobs, make_policy("fair-share", {"half_life": 0}))[3:] == [115, 125]
    assert starts(jobs, make_policy("fair-share", {"half_life": 10}))[3:] == [125, 115]


def test_small_jobs_pass_the_head_of_the_fair_queue() -> None:
    # User 2 heads the queue from 1 on and waits for all hosts; user 1's short job fits before.
    jobs = [JobRow(0, 4, 10, 10.5, 1), JobRow(1, 6, 5, 9, 2), JobRow(2, 2, 5, 6, 1), JobRow(2, 2, 50, 60, 1)]
    assert starts(jobs, make_policy("fair-share")) == [0, 10, 2, 15]


def test_the_fitted_functions() -> None:
    """One job blocks; then the order of (run, hosts, submit) by hand: 100 s on 1 host at 10, 10 s on 6 hosts at 2."""
    jobs = [JobRow(0, 6, 50, 60), JobRow(2, 6, 9, 10), JobRow(10, 1, 99, 100)]
    # f1: 1 x 6 + 870 x 0.301 = 268 against 2 x 1 + 870 = 872; the others weigh the date even more.
    for name in ("f1", "f2", "f3", "f4"):
        assert starts(jobs, make_policy(name)) == [0, 50, 59], name
    # Submitted together only the first term counts: 5 hosts x log10(10) against 2 hosts x log10(1000): 5 < 6;
    # sqrt: 15.8 < 63; area: 50 < 2000; 10 x sqrt(5) = 22 < 1414.
    same = [JobRow(0, 6, 50, 60), JobRow(2, 2, 900, 1000), JobRow(2, 5, 9, 10)]
    for name in ("f1", "f2", "f3", "f4"):
        assert starts(same, make_policy(name)) == [0, 59, 50], name
    # log10(10) x 6 = 6 against log10(900) x 2 = 5.9 (f1); areas 60 against 1800 (f3).
    swap = [JobRow(0, 6, 50, 60), JobRow(2, 6, 9, 10), JobRow(2, 2, 800, 900)]
    assert starts(swap, make_policy("f1")) == [0, 850, 50]
    assert starts(swap, make_policy("f3")) == [0, 50, 59]


@pytest.mark.parametrize("alias", ["spt", "lpt", "sqf", "lqf", "unicep", "wfp", "fifo", "lifo", "expansion"])
def test_other_names_are_policies_and_orders(alias: str) -> None:
    policy = make_policy(alias)
    assert make_policy("easy", {"order": alias}).par[0] == policy.par[0]


@pytest.mark.parametrize(
    "params",
    [{"half_life": -1}, {"shares": "1"}, {"shares": "1:0"}, {"shares": "1:2,1:3"}, {"shares": "x:1"}, {"shares": 3},
     {"shares": {"1": math.inf}}, {"shares": "-2:1"}, {"half_life": True}],
)  # fmt: skip
def test_bad_parameters_of_fair_share(params: dict[str, object]) -> None:
    from wattq.schedulers import PolicyError

    with pytest.raises(PolicyError, match="is not valid; give"):
        make_policy("fair-share", params)


def test_an_unknown_shadow_time_settles_nothing() -> None:
    short = [JobRow(0, 1, 1, None, 0)]
    first = [
        *short * 3,
        JobRow(0, 1, 8, None, 0),
        JobRow(0, 1, 2, None, 0),
        *short * 5,
        JobRow(0, 1, 6, None, 0),
        *short,
    ]
    jobs = [*first, JobRow(7, 1, 1, None, 0), JobRow(7, 1, 1, None, 0), JobRow(7, 5, 1, 2, 0)]
    ours = dates(play(jobs, make_policy("easy", {"order": "sjf", "backfill": "fcfs"})))
    assert ours == dates(play(jobs, Easy(KEYS["sjf"], KEYS["fcfs"])))
