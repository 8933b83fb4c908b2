"""What `simulate` refuses, and what it counts instead."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from wattq.errors import (
    InvalidInputError,
    MissingFileError,
    PolicyError,
    SimulationAbortError,
    UnsupportedError,
    WorkloadError,
)
from wattq.platforms.model import Platform
from wattq.schedulers import POLICIES, make_policy, policy_spec
from wattq.simulator import Actions, View, engine, simulate
from wattq.simulator import layout as c
from wattq.simulator.build import build
from wattq.workloads.model import Profile, Workload


@pytest.fixture(scope="module")
def machine(kit: SimpleNamespace) -> Platform:
    made: Platform = kit.machine(kit.host("h0"), kit.host("h1"))
    return made


@pytest.fixture(scope="module")
def work(kit: SimpleNamespace) -> Workload:
    made: Workload = kit.workload([kit.job("a", 0, 1, "d", 20), kit.job("b", 5, 2, "d", 20)], {"d": kit.delay(10)})
    return made


def test_no_workload(machine: Platform) -> None:
    with pytest.raises(InvalidInputError, match=r"^no workload was given; name at least one$"):
        simulate(machine, [], make_policy("fcfs"))


def test_energy_without_powers(kit: SimpleNamespace, work: Workload) -> None:
    machine = kit.machine(kit.host("h0"), kit.host("h1", watts=None))
    with pytest.raises(
        InvalidInputError, match=r"^platform .*: energy was asked for, but a host states no powers; add"
    ):
        simulate(machine, [work], make_policy("fcfs"), energy=True)
    assert simulate(machine, [work], make_policy("fcfs")).summary["jobs"]["succeeded"] == 2


def test_workloads_of_the_same_name(machine: Platform, work: Workload) -> None:
    with pytest.raises(WorkloadError, match=r"^workloads must have different names; give each its own name"):
        simulate(machine, [work, work], make_policy("fcfs"))


@pytest.mark.parametrize(
    "name", [name for name in POLICIES if not (policy_spec(name)[1].needs_energy or policy_spec(name)[1].needs)]
)
def test_jobs_larger_than_the_machine_are_rejected_named_and_counted(
    kit: SimpleNamespace, machine: Platform, name: str
) -> None:
    jobs = [kit.job("small", 0, 2, "d", 20), kit.job("large", 1, 3, "d", 20), kit.job("huge", 2, 10**6, "d", 20)]
    run = simulate(machine, [kit.workload(jobs, {"d": kit.delay(10)})], make_policy(name))
    states = {row["job_id"]: row["final_state"] for row in kit.rows(run)}
    assert states == {"small": "COMPLETED_SUCCESSFULLY", "large": "REJECTED", "huge": "REJECTED"}
    counts = run.summary["jobs"]
    assert (counts["total"], counts["rejected"], counts["ended"], counts["never_started"]) == (3, 2, 1, 0)
    (row,) = kit.rows(run, "schedule.csv")
    assert (row["nb_jobs"], row["nb_jobs_rejected"], row["success_rate"]) == ("3", "2", "0.333333")


def test_a_workload_without_jobs(kit: SimpleNamespace, machine: Platform) -> None:
    run = simulate(machine, [kit.workload([], {})], make_policy("easy"), energy=True)
    assert run.summary["status"] == "finished"
    assert run.summary["jobs"]["total"] == 0
    assert run.files()["jobs.csv"].count("\n") == 1
    (row,) = kit.rows(run, "schedule.csv")
    assert (row["nb_jobs"], row["mean_waiting_time"], row["success_rate"]) == ("0", "-nan", "-nan")


EVENTS = {
    "nonsense": ("reboot h0", "line 1: not a JSON object"),
    "unknown type": ('{"timestamp": 1, "type": "fire"}', "line 1, key 'type': unknown event 'fire'"),
    "unknown host": (
        '\n{"timestamp": 1, "type": "machine_available", "resources": "2"}',
        "line 2, key 'resources': '2' is outside of hosts 0 to 1",
    ),
}


@pytest.mark.parametrize("case", EVENTS)
def test_wrong_events_are_named(machine: Platform, work: Workload, tmp_path: Path, case: str) -> None:
    text, message = EVENTS[case]
    path = tmp_path / "events.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInputError, match=re.escape(f"{path}, {message}")):
        simulate(machine, [work], make_policy("fcfs"), events=path)
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        simulate(machine, [work], make_policy("fcfs"), events=[str(path)])


def test_a_missing_events_file(machine: Platform, work: Workload, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"nowhere\.txt: cannot be read"):
        simulate(machine, [work], make_policy("fcfs"), events=tmp_path / "nowhere.txt")


def test_events_that_contradict_the_machine(machine: Platform, work: Workload, tmp_path: Path) -> None:
    path = tmp_path / "events.txt"
    path.write_text('{"timestamp": 1, "type": "machine_available", "resources": "1"}', encoding="utf-8")
    with pytest.raises(SimulationAbortError, match=r"1\.000000 s: machine 1 \('h1'\) became available while it was"):
        simulate(machine, [work], make_policy("fcfs"), events=path)


def test_events_about_storage_hosts_stay_inside_the_ledger(
    kit: SimpleNamespace, work: Workload, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = kit.host("pfs").replace("<prop", '<prop id="role" value="storage"/><prop', 1)
    machine = kit.machine(kit.host("h0"), kit.host("h1"), storage)
    assert (machine.n_hosts, machine.n_compute) == (3, 2)
    path = tmp_path / "events.txt"
    path.write_text('{"timestamp": 1, "type": "machine_unavailable", "resources": "2"}', encoding="utf-8")
    guarded = np.zeros(8, dtype=c.host_view_t)  # what lies behind the two hosts must stay zero

    def build_guarded(*args: Any, **kwargs: Any) -> Any:
        s, v, nodes = build(*args, **kwargs)
        guarded[:2] = v.hosts
        return s, v.replaced(hosts=guarded[:2]), nodes

    monkeypatch.setattr(engine, "build", build_guarded)
    with suppress(InvalidInputError):
        simulate(machine, [work], kit.Fcfs(), events=path)
    assert guarded[2:].tobytes() == bytes(guarded[2:].nbytes)


@pytest.mark.parametrize(
    ("profile", "hosts"),
    [
        ({"type": "parallel_homogeneous", "cpu": 1e8, "com": 1e6}, 2),
        ({"type": "parallel_homogeneous_total", "cpu": 1e8, "com": 1}, 1),
        ({"type": "parallel", "cpu": [1e8, 1e8], "com": [0, 1, 0, 0]}, 2),
    ],
)
def test_communication_is_refused_by_name(
    kit: SimpleNamespace, machine: Platform, profile: dict[str, Any], hosts: int
) -> None:
    rule = r"^workload w0, profile 'talks', key 'com': communication between hosts is not simulated; set it to 0"
    direct = kit.workload([kit.job("a", 0, hosts, "talks")], {"talks": profile})
    with pytest.raises(UnsupportedError, match=rule):
        simulate(machine, [direct], make_policy("fcfs"))
    profiles = {"talks": profile, "inner": kit.composed("talks"), "outer": kit.composed("inner", repeat=2)}
    nested = kit.workload([kit.job("a", 0, hosts, "outer")], profiles)
    with pytest.raises(UnsupportedError, match=rule):
        simulate(machine, [nested], make_policy("fcfs"))


def test_communication_on_a_single_host_is_ignored_as_batsim_does(kit: SimpleNamespace, machine: Platform) -> None:
    profile = {"type": "parallel_homogeneous", "cpu": 1e9, "com": 1e9}
    run = simulate(machine, [kit.workload([kit.job("a", 0, 1, "p")], {"p": profile})], make_policy("fcfs"))
    assert float(kit.rows(run)[0]["execution_time"]) == pytest.approx(10, abs=1e-6)


def test_unknown_profile_types_are_refused_by_name(machine: Platform, work: Workload) -> None:
    odd = replace(work, profiles=(Profile("d", "smpi", {"type": "smpi"}),))
    with pytest.raises(UnsupportedError, match=r"^workload w0, profile 'd': type 'smpi' is not simulated; use delay, "):
        simulate(machine, [odd], make_policy("fcfs"))


def test_a_parallel_profile_for_another_number_of_hosts(kit: SimpleNamespace, machine: Platform) -> None:
    work = kit.workload([kit.job("a", 0, 1, "v")], {"v": kit.parallel(1e8, 1e8)})
    with pytest.raises(WorkloadError, match=r"^workload w0, job 'a': it asks for 1 hosts, but its profile 'v' describ"):
        simulate(machine, [work], make_policy("fcfs"))


class Doing:
    """A policy that does one thing at its second message."""

    def __init__(self, act: Any) -> None:
        self.act = act
        self.n = 0

    def decide(self, view: View, actions: Actions) -> None:
        self.n += 1
        if self.n == 2:
            self.act(view, actions)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda v, a: (a.start(0), a.start(0)), "job 0 is not waiting at 0.0 s; it may have been started already"),
        (lambda v, a: a.start(0, [2]), "there is no host 2; hosts are 0 to 1"),
        (lambda v, a: a.start(1), "job 1 is not known at 0.0 s; only submitted jobs can be decided on"),
        (lambda v, a: a.wake_me_at(0), "a call at 0 s was asked for at 0.0 s; ask for a later date"),
    ],
)
def test_policies_that_ask_for_the_impossible(machine: Platform, work: Workload, act: Any, message: str) -> None:
    with pytest.raises(PolicyError, match=re.escape(message)):
        simulate(machine, [work], Doing(act))


def _divide(view: View, actions: Actions) -> None:
    raise ZeroDivisionError("nothing is free")


WILD: dict[str, Any] = {
    "an error of its own": _divide,
    "hosts as text": lambda v, a: a.start(0, ["0"]),
    "hosts as fractions": lambda v, a: a.start(0, [0.5]),
    "hosts as a number": lambda v, a: a.start(0, 1),
    "a job that is none": lambda v, a: a.start(None),
    "a fraction of a job": lambda v, a: a.start(0.5),
    "a call in words": lambda v, a: a.wake_me_at("soon"),
    "a fraction of a power state": lambda v, a: a.set_power_state([0], 0.5),
}


@pytest.mark.parametrize("case", WILD)
def test_a_policy_that_fails_is_named(machine: Platform, work: Workload, case: str) -> None:
    with pytest.raises(PolicyError, match="Doing"):
        simulate(machine, [work], Doing(WILD[case]), energy=True)


def test_a_call_at_the_end_of_time_is_refused(machine: Platform, work: Workload) -> None:
    with pytest.raises(PolicyError, match="call"):
        simulate(machine, [work], Doing(lambda v, a: a.wake_me_at(float("inf"))))


def test_a_power_state_for_a_host_that_is_being_switched_is_refused(kit: SimpleNamespace, work: Workload) -> None:
    host = {"speed": "100Mf,50Mf,1f,0.2f,0.1f", "watts": "100:200,90:150,10:10,120:125,110:115", "sleep": "2:3:4"}
    machine = kit.machine(kit.host("h0", **host), kit.host("h1", **host))
    with pytest.raises(PolicyError, match="host 0"):
        simulate(machine, [work], Doing(lambda v, a: (a.sleep([0], 2), a.set_power_state([0], 1))), energy=True)


def test_a_policy_without_decide(machine: Platform, work: Workload) -> None:
    with pytest.raises((PolicyError, AttributeError), match="decide"):
        simulate(machine, [work], object())  # type: ignore[arg-type]


class Idle:
    """A policy that never starts anything."""

    def decide(self, view: View, actions: Actions) -> None:
        """Do nothing."""


@pytest.mark.parametrize("energy", [False, True])
def test_jobs_that_never_start_end_in_a_deadlock(
    kit: SimpleNamespace, machine: Platform, work: Workload, tmp_path: Path, energy: bool
) -> None:
    run = simulate(machine, [work], Idle(), energy=energy)
    assert run.deadlock
    assert run.summary["status"] == "deadlock"
    assert run.never_started.tolist() == [0, 1]
    assert run.summary["jobs"] == {
        "total": 2,
        "ended": 0,
        "succeeded": 0,
        "walltime_reached": 0,
        "failed": 0,
        "killed": 0,
        "rejected": 0,
        "running_at_end": 0,
        "never_started": 2,
    }
    assert run.summary["end_s"] == pytest.approx(5, abs=1e-6)
    run.write(tmp_path, "out_")
    names = {"jobs.csv", "schedule.csv", "machine_states.csv", "summary.json"}
    names |= {"pstate_changes.csv", "consumed_energy.csv"} if energy else set()
    assert {path.name for path in tmp_path.iterdir()} == {f"out_{name}" for name in names}
    assert kit.rows(run) == []


def test_a_deadlock_after_some_jobs(kit: SimpleNamespace, machine: Platform, work: Workload) -> None:
    run = simulate(machine, [work], Doing(lambda v, a: a.start(0)))
    assert run.deadlock
    assert run.summary["jobs"]["succeeded"] == 1
    assert run.summary["jobs"]["never_started"] == 1
    assert [row["job_id"] for row in kit.rows(run)] == ["a"]
