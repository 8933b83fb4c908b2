"""Placement over sites on worlds small enough to plan by hand, and EASY's promises at each site on random ones."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import PolicyError, WattqError
from wattq.platforms import make_platform
from wattq.schedulers import check_policy, make_policy
from wattq.schedulers.plugin import Bridge, Options
from wattq.schedulers.sites import Site, Sites
from wattq.simulator import Run, simulate
from wattq.simulator.conversation import converse
from wattq.simulator.interface import Actions, View
from wattq.workloads.batsim_json import parse_batsim_json
from wattq.workloads.model import Workload

# Job: submit date, hosts, run time, queue; its walltime is a second longer than it runs.
Row = tuple[float, int, float, int]


def work(rows: list[Row], *, slack_s: float | None = 1.0) -> Workload:
    jobs = []
    for k, (submit_s, hosts, run_s, queue) in enumerate(rows):
        job: dict[str, Any] = {"id": str(k), "subtime": submit_s, "res": hosts, "profile": f"d{run_s}", "queue": queue}
        jobs.append(job | ({} if slack_s is None else {"walltime": run_s + slack_s}))
    profiles = {f"d{row[2]}": {"type": "delay", "delay": row[2]} for row in rows}
    document = {"nb_res": 4, "jobs": jobs, "profiles": profiles}
    return parse_batsim_json(json.dumps(document).encode(), "w0.json", name="w0")


def outcome(run: Run) -> dict[int, tuple[float | None, str]]:
    """Return start and hosts of each job."""
    rows = csv.DictReader(io.StringIO(run.files()["jobs.csv"]))
    return {
        int(row["job_id"]): (float(row["starting_time"]) if row["starting_time"] else None, row["allocated_resources"])
        for row in rows
    }


def play(rows: list[Row], n_hosts: int = 8, **params: object) -> dict[int, tuple[float | None, str]]:
    return outcome(simulate(make_platform(n_hosts), [work(rows)], make_policy("sites", params)))


TWO = "0-3=300;4-7=100"


def test_work_goes_to_the_lower_intensity_when_capacity_allows() -> None:
    rows: list[Row] = [(0, 3, 100, 0), (1, 2, 50, 0), (2, 1, 10, 0), (60, 1, 10, 0)]
    # The cleaner site takes 3 hosts, then 1; what it has no room for goes to the other one.
    assert play(rows, sites=TWO) == {0: (0.0, "4-6"), 1: (1.0, "0-1"), 2: (2.0, "7"), 3: (60.0, "7")}
    assert play(rows, sites="0-3=100;4-7=300") == {0: (0.0, "0-2"), 1: (1.0, "4-5"), 2: (2.0, "3"), 3: (60.0, "3")}


@pytest.mark.parametrize("sites", ["0-3=100;4-7=100", "4-7=100;0-3=100.0", "0-3;4-7", "4-7=;0-3="])
def test_equal_sites_are_taken_by_number(sites: str) -> None:
    rows: list[Row] = [(0, 2, 100, 0), (0, 2, 100, 0), (0, 2, 100, 0), (1, 1, 5, 0)]
    assert play(rows, sites=sites) == {0: (0.0, "0-1"), 1: (0.0, "2-3"), 2: (0.0, "4-5"), 3: (1.0, "6")}


def test_no_job_spans_sites() -> None:
    # Three hosts are free at each site, and none takes five; what no site can take is rejected.
    rows: list[Row] = [(0, 1, 100, 0), (0, 4, 30, 0), (1, 4, 10, 0), (1, 5, 10, 0), (1, 3, 10, 0)]
    assert play(rows, sites="0-3;4-7") == {
        0: (0.0, "0"),
        1: (0.0, "4-7"),
        2: (30.0, "4-7"),
        3: (None, ""),
        4: (1.0, "1-3"),
    }


def test_sites_of_any_shape() -> None:
    rows: list[Row] = [(0, 3, 10, 0), (0, 2, 10, 0)]
    assert play(rows, sites="0,2,4-6=300;1,3,7=100") == {0: (0.0, "1 3 7"), 1: (0.0, "0 2")}


def test_each_site_protects_one_job() -> None:
    # Site 0 keeps its hosts for job 2 (from 51 on), site 1 for job 3 (from 101 on). Job 4 ends in time for the one,
    # job 6 for the other; job 5 would delay either, and has to wait until job 3 has found its place at site 0.
    rows: list[Row] = [
        *((0, 3, 50, 0), (0, 3, 100, 0), (1, 4, 10, 0), (1, 4, 10, 0)),
        *((2, 1, 60, 0), (2, 1, 120, 0), (3, 1, 20, 0)),
    ]
    got = play(rows, sites="0-3;4-7")
    assert got[2] == (50.0, "0-3")
    assert got[3] == (60.0, "0-3")
    assert got[4] == (2.0, "7")
    assert got[6] == (3.0, "3")
    assert got[5] == (62.0, "7")


def test_one_site_is_easy() -> None:
    rows: list[Row] = [((k * 7919 % 97) * 1.0, 1 + k * k % 8, 1 + k * 31 % 60, 0) for k in range(120)]
    ours = simulate(make_platform(8), [work(rows)], make_policy("sites"))
    theirs = simulate(make_platform(8), [work(rows)], make_policy("easy"))
    assert ours.files()["jobs.csv"] == theirs.files()["jobs.csv"]
    named = simulate(make_platform(8), [work(rows)], make_policy("sites", {"sites": "0-7=42", "max_wait": 3600}))
    assert named.files()["jobs.csv"] == theirs.files()["jobs.csv"]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9), st.integers(1, 40)), min_size=1, max_size=40))
def test_one_site_is_easy_on_any_work(drawn: list[tuple[int, int, int]]) -> None:
    rows: list[Row] = [(float(submit), hosts, float(run), 0) for submit, hosts, run in drawn]
    ours, theirs = (
        simulate(make_platform(8), [work(rows, slack_s=7.0)], make_policy(name)).files()["jobs.csv"]
        for name in ("sites", "easy")
    )
    assert ours == theirs


class Promises:
    """Plays `sites` and holds it to what each round promises."""

    def __init__(self, policy: Sites) -> None:
        self.policy = policy
        self.promised_s: dict[int, float] = {}

    def decide(self, view: View, actions: Actions) -> None:
        self.policy.decide(view, actions)
        site_of = self.policy._site_of
        assert site_of is not None
        for job in view.running.tolist():
            row = view.jobs[job]
            assert self.policy.site_of_job[job] in range(len(self.policy.sites)), row
        # The first job that waits: when it can start at some site, by expected ends.
        if not self.policy._waiting:
            return
        first = self.policy._waiting[0]
        start_s = min(
            self.earliest(view, k, first.hosts) for k, size in enumerate(self.policy._sizes) if size >= first.hosts
        )
        assert start_s <= self.promised_s.get(first.number, math.inf) + 1e-5
        self.promised_s[first.number] = min(start_s, self.promised_s.get(first.number, math.inf))

    def earliest(self, view: View, site: int, hosts: int) -> float:
        site_of = self.policy._site_of
        assert site_of is not None
        n_free = int((site_of[view.free_hosts] == site).sum())
        ends = sorted(
            (max(view.expected_end_of(job), view.now), view.hosts_of(job))
            for job in view.running.tolist()
            if self.policy.site_of_job[job] == site
        )
        date = view.now
        for end_s, n in ends:
            if n_free >= hosts:
                break
            date, n_free = end_s, n_free + n
        return date if n_free >= hosts else math.inf


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.integers(1, 4), st.integers(1, 40), st.integers(0, 1)),
        min_size=1,
        max_size=40,
    ),
    st.floats(0, 30),
    st.sampled_from([0.0, 25.0]),
)
def test_the_first_job_is_never_delayed(
    drawn: list[tuple[int, int, int, int]], slack_s: float, max_wait: float
) -> None:
    rows: list[Row] = [(float(submit), hosts, float(run), queue) for submit, hosts, run, queue in drawn]
    platform = make_platform(9)
    policy = make_policy("sites", {"sites": "0-3=200;4-6=100;7-8=300", "max_wait": f"0,1:{max_wait}"})
    assert isinstance(policy, Sites)
    watch = Promises(policy)
    if max_wait:
        # A job that passes up its start waits by its own will, which is bounded elsewhere.
        run = simulate(platform, [work(rows, slack_s=slack_s)], policy)
    else:
        run = simulate(platform, [work(rows, slack_s=slack_s)], watch)
    for _, hosts in outcome(run).values():
        numbers = [number for part in hosts.split() for number in expand(part)]
        assert len({0 if n < 4 else 1 if n < 7 else 2 for n in numbers}) == (1 if numbers else 0)


def expand(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def test_waiting_for_a_better_site() -> None:
    # The clean site is full until 51 (a walltime); job 1 could start at the other one at 1.
    rows: list[Row] = [(0, 4, 50, 0), (1, 2, 10, 1)]
    assert play(rows, sites=TWO)[1] == (1.0, "0-1")
    assert play(rows, sites=TWO, max_wait=50)[1] == (50.0, "4-5")
    assert play(rows, sites=TWO, max_wait=49)[1] == (1.0, "0-1")
    # By queue; only where it is worth it.
    assert play(rows, sites=TWO, max_wait="50,1:0")[1] == (1.0, "0-1")
    assert play(rows, sites=TWO, max_wait="0,1:50")[1] == (50.0, "4-5")
    assert play(rows, sites=TWO, max_wait={1: 50})[1] == (50.0, "4-5")
    assert play(rows, sites=TWO, max_wait=50, min_gain=0.66)[1] == (50.0, "4-5")
    assert play(rows, sites=TWO, max_wait=50, min_gain=0.67)[1] == (1.0, "0-1")
    assert play(rows, sites="0-3=-90;4-7=-100", max_wait=50)[1] == (50.0, "4-5")
    assert play(rows, sites="0-3=-90;4-7=-100", max_wait=50, min_gain=0.2)[1] == (1.0, "0-1")


def test_the_better_site_keeps_hosts_for_who_waits() -> None:
    # Job 1 waits for the clean site; job 2 would hold it up there, so it goes elsewhere.
    rows: list[Row] = [(0, 3, 50, 0), (1, 4, 10, 1), (2, 1, 100, 0), (3, 1, 40, 0)]
    got = play(rows, sites=TWO, max_wait="0,1:60")
    assert got == {0: (0.0, "4-6"), 1: (50.0, "4-7"), 2: (2.0, "0"), 3: (3.0, "7")}


def test_a_wait_ends_on_time_when_jobs_outlive_what_was_expected() -> None:
    """A predictor expects 20 s of a job that runs for 500; nothing else happens by the end of the wait."""
    policy = make_policy("sites", {"sites": TWO, "max_wait": 30})

    class Predicted:
        def decide(self, view: View, actions: Actions) -> None:
            for job in view.submitted:
                view._v.jobs[job]["estimate_s"] = 20.0
            policy.decide(view, actions)

    run = simulate(make_platform(8), [work([(0, 4, 500, 0), (1, 2, 10, 0)])], Predicted())
    assert outcome(run)[1] == (31.0, "0-1")


def test_jobs_without_walltime_are_not_waited_for() -> None:
    rows: list[Row] = [(0, 4, 50, 0), (1, 2, 10, 1)]
    run = simulate(
        make_platform(8), [work(rows, slack_s=None)], make_policy("sites", {"sites": TWO, "max_wait": 86400})
    )
    assert outcome(run)[1] == (1.0, "0-1")


class Halves:
    """`sites` with the machine in two halves, whatever its size."""

    def __init__(self, **params: object) -> None:
        self.params = params
        self.policy: Any = None

    def decide(self, view: View, actions: Actions) -> None:
        if self.policy is None:
            n = view.n_hosts
            first = f"0-{n // 2 - 1}=300;" if n > 1 else ""
            self.policy = make_policy("sites", {"sites": f"{first}{n // 2}-{n - 1}=100", **self.params})
        self.policy.decide(view, actions)


def test_keeps_the_contract() -> None:
    assert check_policy("sites").n_simulations > 30
    assert check_policy(Halves).n_simulations > 30
    assert check_policy(lambda: Halves(max_wait="20,1:60"), energy=True).n_simulations > 20


def by_messages(rows: list[Row], params: Mapping[str, object]) -> Run:
    bridge = Bridge(Options(policy="sites", params=params))
    return converse(make_platform(8), [work(rows)], bridge.reply)


def test_over_the_protocol() -> None:
    rows: list[Row] = [((k * 37 % 61) * 1.0, 1 + k % 4, 5 + k * 11 % 50, k % 2) for k in range(80)]
    params = {"sites": TWO, "max_wait": "0,1:40"}
    ours = simulate(make_platform(8), [work(rows)], make_policy("sites", params))
    assert by_messages(rows, params).files()["jobs.csv"] == ours.files()["jobs.csv"]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"sites": "0-3=1;3-7=2"}, ["host 3", "'0-3'", "one site"]),
        ({"sites": "0-3=1;4-8=2"}, ["host 8", "8 hosts", "0 to 7"]),
        ({"sites": "0-3=1;5-7=2"}, ["host 4 belongs to no site"]),
        ({"sites": "0-3=1;4-7"}, ["'4-7'", "no signal"]),
        ({"sites": "3-0=1;4-7=2"}, ["3-0", "reversed"]),
        ({"sites": "0-3,2=1;4-7=2"}, ["host 2", "twice"]),
        ({"sites": "0-3=1;0-3=2"}, ["'sites'", "each once"]),
        ({"sites": "=1"}, ["'sites'"]),
        ({"sites": 7}, ["'sites'"]),
        ({"sites": "gb=1;de=2"}, ["'gb'", "'machine'"]),
        ({"sites": "gb=1;de=2", "machine": "kth-sp2"}, ["'gb'", "property site"]),
        ({"sites": "0-7", "machine": "kth-sp2"}, ["'machine'", "leave it out"]),
        ({"sites": "0-7=nan"}, ["nan", "finite"]),
        ({"sites": "0-7=nowhere.csv", "origin": 0}, ["nowhere.csv"]),
        ({"sites": "0-7=nowhere.csv"}, ["'origin'", "missing"]),
        ({"origin": "2021-01-01"}, ["'origin'", "zone"]),
        ({"forecast": "noisy"}, ["'forecast'", "noisy:ERROR"]),
        ({"seed": 0.5}, ["'seed'"]),
        ({"seed": 10**400}, ["'seed'"]),
        ({"max_wait": "1:2:3"}, ["'max_wait'"]),
        ({"max_wait": "5,6"}, ["'max_wait'"]),
        ({"max_wait": -1}, ["'max_wait'"]),
        ({"min_gain": 1}, ["'min_gain'"]),
    ],
)
def test_errors(params: dict[str, object], words: list[str]) -> None:
    with pytest.raises(WattqError) as caught:
        simulate(make_platform(8), [work([(0, 1, 5, 0)])], make_policy("sites", params))
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_site_needs_hosts_of_the_machine() -> None:
    policy = Sites([Site("a", np.arange(4)), Site("b", np.arange(4, 9))], {})
    with pytest.raises(PolicyError, match="host 8, but the machine has 8 hosts"):
        simulate(make_platform(8), [work([(0, 1, 5, 0)])], policy)
