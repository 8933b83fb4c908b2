"""What a plain-Python policy sees, and what it is refused."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from wattq.errors import PolicyError, SimulationAbortError
from wattq.platforms.model import Platform
from wattq.simulator import Actions, Policy, Run, View, simulate
from wattq.simulator import layout as c
from wattq.workloads.model import Workload

Act = Callable[[View, Actions], Any]
SPEEDS, WATTS = "100Mf,50Mf,1f,0.2f,0.1f", "100:200,90:150,10:10,120:125,110:115"


@pytest.fixture(scope="module")
def machine(kit: SimpleNamespace) -> Platform:
    """Three hosts: states 0 and 1 compute, 2 sleeps (5 s to get there, 10 s back)."""
    made: Platform = kit.machine(*[kit.host(f"h{k}", SPEEDS, WATTS, sleep="2:3:4") for k in range(3)])
    return made


@pytest.fixture(scope="module")
def work(kit: SimpleNamespace) -> Workload:
    """Jobs 0 to 3 are known at once, job 4 comes at 100 s."""
    jobs = [
        kit.job("a", 0, 1, "d", 20),
        kit.job("b", 0, 2, "d"),
        kit.job("c", 0, 4, "d"),
        kit.job("d", 0, 0, "d"),
        kit.job("e", 100, 1, "d", 15),
    ]
    made: Workload = kit.workload(jobs, {"d": kit.delay(10)})
    return made


@pytest.fixture
def first(kit: SimpleNamespace, machine: Platform, work: Workload) -> Callable[..., Run]:
    """Return a function that plays acts at the messages that follow the submission of the first four jobs."""

    def play(*acts: Act | None, energy: bool = True) -> Run:
        return simulate(machine, [work], kit.Scripted(None, *acts), energy=energy)

    return play


def test_the_view_of_a_submission(first: Callable[..., Run]) -> None:
    seen: list[Any] = []

    def look(view: View, actions: Actions) -> None:
        seen.append(
            {
                "now": view.now,
                "hosts": (view.n_hosts, view.n_free, view.free_hosts.tolist()),
                "queue": view.queue.tolist(),
                "running": view.running.tolist(),
                "submitted": view.submitted,
                "ended": view.ended,
                "flags": (view.called, view.no_more_jobs),
                "power": view.power_w,
                "a": (view.hosts_of(0), view.walltime_of(0), view.estimate_of(0), view.submit_of(0)),
                "b": (view.hosts_of(1), view.walltime_of(1), view.estimate_of(1), view.submit_of(1)),
            }
        )

    first(look)
    assert seen == [
        {
            "now": 0.0,
            "hosts": (3, 3, [0, 1, 2]),
            "queue": [0, 1, 2, 3],
            "running": [],
            "submitted": [0, 1, 2, 3],
            "ended": [],
            "flags": (False, False),
            "power": 300.0,
            "a": (1, 20.0, 20.0, 0.0),
            "b": (2, -1.0, float("inf"), 0.0),
        }
    ]


def test_a_decision_shows_at_once(first: Callable[..., Run]) -> None:
    def act(view: View, actions: Actions) -> None:
        actions.start(0, [1])
        assert view.queue.tolist() == [1, 2, 3]
        assert view.free_hosts.tolist() == [0, 2]
        assert view.n_free == 2
        assert view.running.tolist() == [0]
        assert view.expected_end_of(0) == 20.0
        assert view.jobs["state"][0] == c.RUNNING
        assert view.hosts["job"].tolist() == [-1, 0, -1]
        actions.start(1)
        assert view.queue.tolist() == [2, 3]
        assert view.n_free == 0
        assert view.running.tolist() == [0, 1]  # a job without walltime is expected to end last
        actions.reject(2)
        actions.reject(3)
        assert view.queue.tolist() == []
        assert view.jobs["state"][2] == c.REJECTED

    run = first(act)
    assert run.summary["jobs"]["rejected"] == 2


def test_calls_ends_and_power_are_seen(kit: SimpleNamespace, machine: Platform, work: Workload) -> None:
    seen: list[tuple[float, bool, list[int], bool, float]] = []

    class Watcher:
        def decide(self, view: View, actions: Actions) -> None:
            seen.append((view.now, view.called, view.ended, view.no_more_jobs, view.power_w))
            if 0 in view.queue:
                actions.start(0)
                actions.wake_me_at(4.5)
                for job in view.queue:
                    actions.reject(job)
            elif len(view.queue):
                actions.reject(4)

    simulate(machine, [work], Watcher(), energy=True)
    assert seen == [
        (0.0, False, [], False, 300.0),
        (0.0, False, [], False, 300.0),
        (4.5, True, [], False, 300.0),
        (10.0, False, [0], False, 300.0),
        (100.0, False, [], False, 300.0),
        (100.0, False, [], True, 300.0),
        (100.0, False, [], True, 300.0),
    ]


@pytest.mark.parametrize("name", ["jobs", "hosts", "power_states"])
def test_tables_cannot_be_written(first: Callable[..., Run], name: str) -> None:
    def act(view: View, actions: Actions) -> None:
        with pytest.raises(ValueError, match="read-only"):
            getattr(view, name)[0] = getattr(view, name)[0]
        with pytest.raises(ValueError, match="read-only"):
            getattr(view, name)[getattr(view, name).dtype.names[0]][0] = 1

    first(act)


def test_queue_and_running_are_copies(first: Callable[..., Run]) -> None:
    def act(view: View, actions: Actions) -> None:
        actions.start(0)
        view.queue[:] = -5
        view.running[:] = -5
        assert view.queue.tolist() == [1, 2, 3]
        assert view.running.tolist() == [0]

    first(act)


def test_nothing_about_the_true_run_time_is_told(first: Callable[..., Run]) -> None:
    def act(view: View, actions: Actions) -> None:
        assert not {"runtime_s", "node", "profile", "outcome"} & set(view.jobs.dtype.names or ())
        # A job that was not submitted yet is not in the queue, and is marked as unknown.
        assert view.jobs["state"][4] == c.NOT_SUBMITTED
        assert 4 not in view.queue

    first(act)


# What is asked for at date 0, and the rule that forbids it.
REFUSED: dict[str, tuple[Any, str]] = {
    "start a running job": (
        lambda v, a: (a.start(0), a.start(0)),
        r"job 0 is not waiting at 0.0 s; it may have been started already",
    ),
    "start a rejected job": (lambda v, a: (a.reject(0), a.start(0)), "job 0 is not waiting at 0.0 s"),
    "start a future job": (lambda v, a: a.start(4), "job 4 is not known at 0.0 s; only submitted jobs"),
    "start a job that never was": (lambda v, a: a.start(99), "job 99 is not known"),
    "start a negative job": (lambda v, a: a.start(-1), "job -1 is not known"),
    "start more than is free": (lambda v, a: a.start(2), "job 2 asks for 4 hosts, 3 are free at 0.0 s; leave it in"),
    "start on no host": (lambda v, a: a.start(3), "job 3 asks for no host, so it cannot start; reject it"),
    "start on too few hosts": (lambda v, a: a.start(1, [0]), "job 1 asks for 2 hosts, 1 were given"),
    "start on one host twice": (lambda v, a: a.start(1, [0, 0]), "job 1 asks for 2 hosts, 1 were given"),
    "start on an empty list": (lambda v, a: a.start(1, []), "no hosts given"),
    "start on an unknown host": (lambda v, a: a.start(0, [3]), "there is no host 3; hosts are 0 to 2"),
    "start on a negative host": (lambda v, a: a.start(0, [-1]), "there is no host -1"),
    "start on a busy host": (
        lambda v, a: (a.start(0, [1]), a.start(1, [1, 2])),
        r"hosts \[1, 2\] for job 1 are not all free at 0.0 s",
    ),
    "start on a host falling asleep": (
        lambda v, a: (a.sleep([1], 2), a.start(0, [1])),
        r"hosts \[1\] for job 0 are not all free",
    ),
    "start in a sleep state": (
        lambda v, a: a.start(0, None, 2),
        r"power state 2 of host 0 cannot be asked for in this way at 0.0 s; states \[0, 1\] can",
    ),
    "start in an unknown state": (
        lambda v, a: a.start(0, [0], 9),
        r"power state 9 of host 0 cannot be asked for in this way at 0.0 s; states \[0, 1\] can",
    ),
    "reject a running job": (lambda v, a: (a.start(0), a.reject(0)), "job 0 is not waiting"),
    "reject a future job": (lambda v, a: a.reject(4), "job 4 is not known"),
    "kill a waiting job": (lambda v, a: a.kill(0), "job 0 is not running at 0.0 s, so it cannot be killed"),
    "kill a future job": (lambda v, a: a.kill(4), "job 4 is not known"),
    "call now": (lambda v, a: a.wake_me_at(v.now), "a call at 0.0 s was asked for at 0.0 s; ask for a later date"),
    "call in the past": (lambda v, a: a.wake_me_at(-3), "a call at -3 s was asked for at 0.0 s"),
    "call at no date": (lambda v, a: a.wake_me_at(float("nan")), "a call at nan s was asked for"),
    "sleep into a computing state": (
        lambda v, a: a.sleep([0], 1),
        r"power state 1 of host 0 cannot be asked for in this way at 0.0 s; states \[2\] can",
    ),
    "sleep into a virtual state": (
        lambda v, a: a.sleep([0], 3),
        r"power state 3 of host 0 cannot be asked for in this way at 0.0 s; states \[2\] can",
    ),
    "sleep of a busy host": (
        lambda v, a: (a.start(0), a.sleep([0], 2)),
        "host 0 is not free at 0.0 s, so it cannot be put to sleep",
    ),
    "sleep of no host": (lambda v, a: a.sleep([], 2), "no hosts given"),
    "sleep twice": (lambda v, a: (a.sleep([0], 2), a.sleep([0], 2)), "host 0 is not free"),
    "sleep of an unknown host": (lambda v, a: a.sleep([7], 2), "there is no host 7"),
    "wake of a host that is awake": (lambda v, a: a.wake([0]), "host 0 is not asleep at 0.0 s, so it cannot be woken"),
    "wake into a sleep state": (
        lambda v, a: a.wake([0], 2),
        r"power state 2 of host 0 cannot be asked for in this way at 0.0 s; states \[0, 1\] can",
    ),
    "set a sleep state": (
        lambda v, a: a.set_power_state([0], 2),
        r"power state 2 of host 0 cannot be asked for in this way at 0.0 s; states \[0, 1\] can",
    ),
    "set a virtual state": (lambda v, a: a.set_power_state([0], 4), r"power state 4 of host 0 cannot be asked for"),
    "set a negative state": (lambda v, a: a.set_power_state([0], -1), r"power state -1 of host 0 cannot be asked for"),
    "call for ever": (
        lambda v, a: [a.wake_me_at(v.now + 1) for _ in range(10_000)],
        r"more than \d+ decisions at 0.0 s; the policy may be looping",
    ),
    "set states for ever": (
        lambda v, a: [a.set_power_state([0, 2], 1) for _ in range(10_000)],
        "too many host sets were named at 0.0 s; the policy may be looping",
    ),
    "kill for ever": (
        lambda v, a: (a.start(0), [a.kill(0) for _ in range(10_000)]),
        "too many kills at 0.0 s; the policy may be looping",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_scheduler_may_do_is_refused(first: Callable[..., Run], case: str) -> None:
    act, rule = REFUSED[case]
    with pytest.raises(PolicyError, match=rule):
        first(act)


def test_a_host_falling_asleep_cannot_be_woken_yet(first: Callable[..., Run]) -> None:
    def act(view: View, actions: Actions) -> None:
        actions.sleep([2], 2)
        actions.wake([2])

    with pytest.raises(PolicyError, match=r"host 2 is not asleep at 0\.0 s"):
        first(act)


@pytest.mark.parametrize("case", ["start on too few hosts", "start on an unknown host", "start in an unknown state"])
def test_a_refused_start_changes_nothing(first: Callable[..., Run], case: str) -> None:
    def act(view: View, actions: Actions) -> None:
        with pytest.raises(PolicyError):
            REFUSED[case][0](view, actions)
        assert view.queue.tolist() == [0, 1, 2, 3]
        assert view.n_free == 3
        actions.start(0)

    assert first(act).summary["jobs"]["ended"] == 1


def test_power_states_without_energy_abort(first: Callable[..., Run]) -> None:
    for act in (
        lambda v, a: a.set_power_state([0], 1),
        lambda v, a: a.start(0, None, 1),
        lambda v, a: a.sleep([0], 2),
    ):
        with pytest.raises(SimulationAbortError, match="a power state or an energy was asked for in a simulation with"):
            first(act, energy=False)


def test_sleep_and_wake_as_a_policy_sees_them(kit: SimpleNamespace, machine: Platform, work: Workload) -> None:
    """Asleep 5 s after the request, awake again 10 s after the next one."""
    seen: list[tuple[float, int, list[int]]] = []

    acts = {0.0: lambda v, a: a.sleep([1, 2], 2), 20.0: lambda v, a: a.wake([2])}
    inner = kit.AtDates(acts, start=False)

    class Watched:
        def decide(self, view: View, actions: Actions) -> None:
            inner.decide(view, actions)
            seen.append((view.now, view.n_free, view.hosts["state"].tolist()))

    simulate(machine, [work], Watched(), energy=True)
    idle, asleep, off, on = c.IDLE, c.SLEEPING, c.SWITCHING_OFF, c.SWITCHING_ON
    assert seen[0] == (0.0, 1, [idle, off, off])
    assert (5.0, 1, [idle, asleep, asleep]) in seen
    assert (20.0, 1, [idle, asleep, on]) in seen
    assert (30.0, 2, [idle, asleep, idle]) in seen


def test_hosts_that_leave_are_not_free(kit: SimpleNamespace, machine: Platform, work: Workload, tmp_path: Any) -> None:
    path = tmp_path / "events.txt"
    path.write_text(
        '{"timestamp": 2, "type": "machine_unavailable", "resources": "0-1"}\n'
        '{"timestamp": 7, "type": "machine_available", "resources": "0"}\n',
        encoding="utf-8",
    )
    seen: list[tuple[float, list[int]]] = []

    class Watcher:
        def decide(self, view: View, actions: Actions) -> None:
            seen.append((view.now, view.free_hosts.tolist()))
            if view.now == 2.0:
                with pytest.raises(PolicyError, match="not all free"):
                    actions.start(0, [1])
            for job in view.queue[:4] if view.now < 100 and len(view.queue) else []:
                if view.now >= 7:
                    actions.reject(job)
            if view.now >= 100 and len(view.queue):
                actions.start(4, [2])

    simulate(machine, [work], Watcher(), events=path)
    by_date = dict(seen)
    assert by_date[0.0] == [0, 1, 2]
    assert by_date[2.0] == [2]
    assert by_date[7.0] == [0, 2]
    assert by_date[110.0] == [0, 2]


def test_power_is_not_told_without_energy(first: Callable[..., Run]) -> None:
    def act(view: View, actions: Actions) -> None:
        assert np.isnan(view.power_w)

    first(act, energy=False)


def test_what_is_a_policy(kit: SimpleNamespace) -> None:
    assert isinstance(kit.Fcfs(), Policy)
    assert not isinstance(object(), Policy)


def test_hosts_may_be_given_as_an_array(first: Callable[..., Run], kit: SimpleNamespace) -> None:
    run = first(lambda v, a: a.start(1, np.array([2, 0])))
    assert kit.by_id(run)["b"]["allocated_resources"] == "0 2"


def test_a_start_may_set_the_power_state_of_its_hosts(kit: SimpleNamespace, machine: Platform) -> None:
    """1e9 flops at 50 Mflop/s last 20 s; only the hosts of the job change their state."""
    work = kit.workload([kit.job("a", 0, 2, "p")], {"p": kit.compute(1e9)})
    run = simulate(machine, [work], kit.Scripted(None, lambda v, a: a.start(0, None, 1)), energy=True)
    assert float(kit.by_id(run)["a"]["execution_time"]) == pytest.approx(20.0, abs=1e-6)
    lines = run.files()["pstate_changes.csv"].splitlines()
    assert [line.split(",")[1:] for line in lines[1:]] == [["0-2", "0"], ["0-1", "-1"], ["0-1", "1"]]


def test_dates_are_known_with_six_decimals(kit: SimpleNamespace) -> None:
    jobs = [kit.job("a", 1.00000049, 1, "d", 10.0000001), kit.job("b", 2, 1, "d", 1e-7)]
    seen: dict[int, tuple[float, float]] = {}

    def look(view: View, actions: Actions) -> None:
        for number in view.queue:
            seen[int(number)] = (view.submit_of(number), view.estimate_of(number))

    simulate(kit.machine(kit.host("h0")), [kit.workload(jobs, {"d": kit.delay(5)})], kit.Scripted(*[look] * 4))
    assert seen == {0: (1.0, 10.0), 1: (2.0, float("inf"))}
