"""A small machine that plays messages to the policies, in plain Python over the real ledger arrays."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from wattq.schedulers.compiled import decide
from wattq.simulator import layout as c
from wattq.simulator.interface import Actions, CompiledPolicy, View
from wattq.simulator.ledger import absorb


@dataclass(frozen=True)
class Job:
    """A job of a test: submit date, hosts, run time, walltime (inf: none)."""

    submit_s: float
    hosts: int
    run_s: float
    walltime_s: float


@dataclass
class Played:
    """What happened: per job its start, end and hosts; NaN and no hosts where it never ran."""

    start_s: list[float]
    end_s: list[float]
    hosts: list[list[int]]
    rejected: list[int] = field(default_factory=list)
    rounds: list[tuple[float, list[int]]] = field(default_factory=list)


def empty_ledger(jobs: Sequence[Job], n_hosts: int) -> c.Ledger:
    n = len(jobs)
    n_words = (n_hosts + 63) // 64
    head = np.zeros(1, c.ledger_head_t)
    table = np.zeros(n, c.job_view_t)
    hosts = np.zeros(n_hosts, c.host_view_t)
    pstates = np.zeros((1, 1), c.pstate_t)
    free = np.zeros(n_words, np.uint64)
    hosts["job"] = -1
    hosts["target"] = -1
    for host in range(n_hosts):
        free[host >> 6] |= np.uint64(1) << np.uint64(host & 63)
    head["n_jobs"], head["n_hosts"], head["n_words"], head["n_free"] = n, n_hosts, n_words, n_hosts
    table["submit_s"] = [j.submit_s for j in jobs]
    table["hosts"] = [j.hosts for j in jobs]
    table["walltime_s"] = [j.walltime_s if np.isfinite(j.walltime_s) else -1 for j in jobs]
    table["estimate_s"] = [j.walltime_s for j in jobs]
    table["id_rank"] = range(n)
    table["q_pos"] = -1
    table["beta"] = 1.0
    return c.Ledger(
        head=head,
        jobs=table,
        hosts=hosts,
        pstates=pstates,
        queue=np.zeros(n + 1, np.int32),
        running=np.zeros(n + 1, np.int32),
        free=free,
        events=np.zeros(2 * n + 8, c.event_t),
        event_iv=np.zeros((n_hosts + 8, 2), np.int32),
        decisions=np.zeros(2 * n + 64, c.decision_t),
        iv=np.zeros((n * n_hosts + 3 * n_hosts + 9, 2), np.int32),
        kill_list=np.zeros(n + 1, np.int32),
        news=np.zeros(1, c.news_t),
    )


class Machine:
    """Plays a workload to a policy; messages cost nothing, decisions are applied at once.

    `grouped`: ends of the same date (and the submissions of that date) come in one message, else one by one after the
    submissions.
    """

    def __init__(self, policy, jobs: Sequence[Job], n_hosts: int, *, grouped: bool = True) -> None:  # type: ignore[no-untyped-def]
        self.policy = policy
        self.jobs = list(jobs)
        self.v = empty_ledger(jobs, n_hosts)
        self.decide = self.decider(n_hosts)
        self.grouped = grouped
        self.ends: list[tuple[float, int, int]] = []
        nan = float("nan")
        n = len(jobs)
        self.out = Played([nan] * n, [nan] * n, [[] for _ in range(n)])
        self.busy: dict[int, int] = {}
        self.check: Callable[[Machine], None] | None = None

    def decider(self, n_hosts: int) -> Callable[[], None]:
        """Return what takes one round of decisions."""
        policy, v = self.policy, self.v
        if not isinstance(policy, CompiledPolicy):
            view, actions = View(v), Actions(v)
            return lambda: policy.decide(view, actions)
        len_i, len_f, shape = policy.memory(len(self.jobs), n_hosts, len(v.free))
        self.memory = np.zeros(len_i, np.int64), np.zeros(len_f), np.zeros(shape, np.uint64)
        return lambda: decide(policy.kind, v, policy.par, *self.memory)

    def message(self, now_s: float, events: list[tuple[int, int]]) -> None:
        head = self.v.head
        head["now_s"] = now_s
        head["first_event"], head["n_events"] = 0, len(events)
        for k, (kind, job) in enumerate(events):
            self.v.events[k] = np.zeros((), c.event_t)
            self.v.events[k]["time_s"], self.v.events[k]["kind"], self.v.events[k]["job"] = now_s, kind, job
        for kind, job in events:
            if kind == c.EV_COMPLETED:
                for host in self.out.hosts[job]:
                    assert self.busy.pop(host) == job
        absorb(self.v)
        self.decide()
        assert head["error"][0] == 0
        self.apply(now_s)
        if self.check:
            self.check(self)

    def apply(self, now_s: float) -> None:
        started = []
        for d in self.v.decisions[: self.v.head["n_decisions"][0]]:
            job = int(d["job"])
            if d["kind"] == c.DO_REJECT:
                self.out.rejected.append(job)
                continue
            assert d["kind"] == c.DO_EXECUTE
            assert np.isnan(self.out.start_s[job])
            hosts = [
                h for k in range(d["iv"], d["iv"] + d["n_iv"]) for h in range(self.v.iv[k, 0], self.v.iv[k, 1] + 1)
            ]
            assert len(hosts) == self.jobs[job].hosts
            for host in hosts:
                assert host not in self.busy
                self.busy[host] = job
            self.out.start_s[job], self.out.hosts[job] = now_s, hosts
            self.out.end_s[job] = now_s + self.jobs[job].run_s
            heapq.heappush(self.ends, (self.out.end_s[job], len(self.out.rounds) * 100000 + len(started), job))
            started.append(job)
        self.out.rounds.append((now_s, started))

    def play(self) -> Played:
        order = sorted(range(len(self.jobs)), key=lambda k: (self.jobs[k].submit_s, k))
        pos = 0
        while pos < len(order) or self.ends:
            now_s = min(
                self.jobs[order[pos]].submit_s if pos < len(order) else np.inf, self.ends[0][0] if self.ends else np.inf
            )
            events = []
            while pos < len(order) and self.jobs[order[pos]].submit_s == now_s:
                events.append((c.EV_SUBMITTED, order[pos]))
                pos += 1
            ended = []
            while self.ends and self.ends[0][0] == now_s:
                ended.append((c.EV_COMPLETED, heapq.heappop(self.ends)[2]))
            if self.grouped:
                self.message(now_s, events + ended)
                continue
            if events:
                self.message(now_s, events)
            for one in ended:
                self.message(now_s, [one])
        return self.out


@pytest.fixture(scope="session")
def machine() -> type[Machine]:
    return Machine


@pytest.fixture(scope="session")
def job_type() -> type[Job]:
    return Job
