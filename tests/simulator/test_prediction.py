"""What a predictor is told, when, and what becomes of its answers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from wattq.errors import PolicyError, SurrogateError
from wattq.schedulers import make_policy
from wattq.simulator import Actions, View, simulate
from wattq.simulator.prediction import LEAST_S, Predictor


class Told:
    """Notes what it is told; answers from tables, by default a day for every question."""

    def __init__(self, first: Mapping[int, float] | None = None, later: Mapping[int, float] | None = None) -> None:
        self.news: list[tuple[Any, ...]] = []
        self.facts: list[np.void] = []
        self._first = first or {}
        self._later = later or {}

    def submitted(self, job: int, facts: np.void, now_s: float) -> float:
        self.news.append(("submitted", job, now_s))
        self.facts.append(facts)
        return self._first.get(job, 86400.0)

    def started(self, job: int, now_s: float) -> None:
        self.news.append(("started", job, now_s))

    def rejected(self, job: int, now_s: float) -> None:
        self.news.append(("rejected", job, now_s))

    def ended(self, job: int, now_s: float, run_s: float) -> None:
        self.news.append(("ended", job, now_s, run_s))

    def outlived(self, job: int, elapsed_s: float) -> float:
        self.news.append(("outlived", job, elapsed_s))
        return self._later.get(job, 86400.0)


def build(kit: SimpleNamespace, jobs: list[Any], n_hosts: int = 2) -> tuple[Any, Any]:
    seconds = {job["profile"] for job in jobs}
    profiles = {name: kit.delay(float(name)) for name in seconds}
    machine = kit.machine(*(kit.host(f"h{k}") for k in range(n_hosts)))
    return machine, kit.workload(jobs, profiles, nb_res=n_hosts)


class Starts:
    """First come, first served; notes what it sees of the expected ends."""

    def __init__(self, told: Predictor) -> None:
        self.predictor = lambda: told
        self.seen: list[tuple[float, dict[int, float], bool]] = []

    def decide(self, view: View, actions: Actions) -> None:
        ends = {int(job): view.expected_end_of(job) for job in view.running}
        self.seen.append((view.now, ends, view.ends_moved))
        for job in view.submitted:
            if view.hosts_of(job) > view.n_hosts:
                actions.reject(job)
        for job in view.queue:
            if view.hosts_of(job) > view.n_free:
                return
            actions.start(job)


NEWS = [
    ("submitted", 0, 0.0),
    ("started", 0, 0.0),
    ("submitted", 1, 5.0),
    ("submitted", 2, 5.0),
    ("rejected", 2, 5.0),
    ("submitted", 3, 10.0),
    ("ended", 0, 10.0, 10.0),
    ("started", 1, 10.0),
    ("ended", 1, 30.0, 20.0),
    ("started", 3, 30.0),
    ("ended", 3, 31.0, 1.0),
]
"""Two hosts; job 0 ends when job 3 is submitted, job 2 asks for too many hosts."""


def four(kit: SimpleNamespace) -> list[Any]:
    return [kit.job(1, 0, 2, "10", 60), kit.job(2, 5, 2, "20", 60), kit.job(3, 5, 3, "1", 60), kit.job(4, 10, 1, "1")]


@pytest.mark.parametrize("compiled", [True, False])
def test_news_come_in_order_with_submissions_before_ends(kit: SimpleNamespace, compiled: bool) -> None:
    told = Told()
    machine, work = build(kit, four(kit))
    policy = replace(make_policy("fcfs"), predictor=lambda: told) if compiled else Starts(told)
    simulate(machine, [work], policy)
    assert [news for news in told.news if news[0] != "outlived"] == NEWS


def test_what_is_told_of_a_job_is_what_the_ledger_knows(kit: SimpleNamespace) -> None:
    told = Told()
    machine, work = build(kit, [kit.job(1, 3, 2, "10", 60) | {"user": 7, "group": 8, "queue": 9, "application": 10}])
    simulate(machine, [work], Starts(told))
    (facts,) = told.facts
    names = ("submit_s", "hosts", "walltime_s", "user", "group", "queue", "application", "estimate_s")
    assert [facts[name] for name in names] == [3.0, 2, 60.0, 7, 8, 9, 10, 60.0]


@pytest.mark.parametrize(
    ("said", "walltime", "expected"),
    [
        (30.0, 60.0, 30.0),
        (90.0, 60.0, 60.0),
        (-5.0, 60.0, LEAST_S),
        (0.25, 0.5, 0.5),
        (math.nan, 60.0, 60.0),
        (math.inf, 60.0, 60.0),
        (30.0, None, 30.0),
        (math.nan, None, math.inf),
    ],
)
def test_no_estimate_exceeds_the_walltime(
    kit: SimpleNamespace, said: float, walltime: float | None, expected: float
) -> None:
    policy = Starts(Told({0: said}))
    machine, work = build(kit, [kit.job(1, 0, 1, "0.25", walltime)])
    run = simulate(machine, [work], policy)
    assert run.ledger.jobs["estimate_s"][0] == expected


def test_a_job_that_outlives_its_expected_end_gets_another_one(kit: SimpleNamespace) -> None:
    told = Told({0: 10.0, 1: 25.0, 2: 5.0}, {0: 50.0, 1: 1.0})
    policy = Starts(told)
    jobs = [kit.job(1, 0, 1, "70", 60), kit.job(2, 0, 1, "35"), *(kit.job(k, 10 * k - 20, 2, "1", 9) for k in (3, 5))]
    machine, work = build(kit, jobs)
    simulate(machine, [work], policy)
    # Job 0 is not asked about at 10 s, when it may just end, but at 30 s; job 1 is given a second after 30 s. Job 0 is
    # killed at its walltime, whatever was expected.
    assert [seen for seen in policy.seen if 0.0 < seen[0] < 60.0] == [
        (10.0, {0: 10.0, 1: 25.0}, False),
        (30.0, {1: 31.0, 0: 50.0}, True),
        (30.0, {1: 31.0, 0: 50.0}, False),  # told that no more jobs will come
        (35.0, {0: 50.0}, True),  # job 1 ended 4 s after its expected end
    ]
    assert [news for news in told.news if news[0] == "outlived"] == [("outlived", 0, 30.0), ("outlived", 1, 30.0)]
    assert [news for news in told.news if news[0] == "ended"][:2] == [
        ("ended", 1, 35.0, 35.0),
        ("ended", 0, 60.0, 60.0),
    ]


def test_nobody_is_asked_about_a_job_that_is_killed_now(kit: SimpleNamespace) -> None:
    told = Told({0: 60.0})
    machine, work = build(kit, [kit.job(1, 0, 1, "70", 60), *(kit.job(k, 60, 1, "1", 9) for k in (2, 3))])
    simulate(machine, [work], Starts(told))
    assert not [news for news in told.news if news[0] == "outlived"]


class Broken(Told):
    """Fails with an error."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def submitted(self, job: int, facts: np.void, now_s: float) -> float:
        raise self._error


def test_a_predictor_that_fails_is_named(kit: SimpleNamespace) -> None:
    machine, work = build(kit, [kit.job(1, 4, 1, "1", 60)])
    with pytest.raises(PolicyError, match=r"predictor Broken: it raised KeyError at 4\.0 s: 'x'; mend it"):
        simulate(machine, [work], Starts(Broken(KeyError("x"))))
    with pytest.raises(SurrogateError, match=r"^as it is$"):
        simulate(machine, [work], Starts(Broken(SurrogateError("as it is"))))


def test_each_simulation_has_a_predictor_of_its_own(kit: SimpleNamespace) -> None:
    made: list[Told] = []

    def source() -> Told:
        made.append(Told())
        return made[-1]

    machine, work = build(kit, four(kit))
    policy = replace(make_policy("easy"), predictor=source)
    runs = [simulate(machine, [work], policy) for _ in range(2)]
    assert len(made) == 2
    assert made[0].news == made[1].news
    assert np.array_equal(runs[0].ledger.jobs, runs[1].ledger.jobs)


def test_without_a_predictor_nothing_is_gathered(kit: SimpleNamespace, tmp_path: Path) -> None:
    machine, work = build(kit, four(kit))
    run = simulate(machine, [work], make_policy("easy"))
    assert run.ledger.head["watched"] == run.ledger.head["n_news"] == 0
    assert len(run.ledger.news) == 1
