"""What holds in every simulation, on small random machines, workloads and policies."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.schedulers import make_policy
from wattq.simulator import Run, simulate
from wattq.simulator import layout as c

many = settings(deadline=None, max_examples=60)
BUILT_IN = ("fcfs", "easy", "easy-sjbf", "sjf", "conservative", "filler", "easy-bf", "easy-bf-fast", "conservative-bf")
Part = tuple[float, tuple[float, ...]]
"""A stretch of a job: its length in s, and the load of each of its hosts."""
World: TypeAlias = Any
HostSpec: TypeAlias = Any


def parts_of(world: World, name: str, hosts: Sequence[HostSpec]) -> list[Part]:
    """Return the stretches of a profile on given hosts, without walltime."""
    profile = world.profiles[name]
    if profile["type"] == "composed":
        return [p for _ in range(profile["repeat"]) for part in profile["seq"] for p in parts_of(world, part, hosts)]
    if profile["type"] == "delay":
        return [(profile["delay"], (0.0,) * len(hosts))]
    cpu = profile["cpu"]
    if profile["type"] == "parallel_homogeneous":
        cpu = [cpu] * len(hosts)
    elif profile["type"] == "parallel_homogeneous_total":
        cpu = [cpu / len(hosts)] * len(hosts)
    length = max(flops / (host.speed_mf * 1e6) for flops, host in zip(cpu, hosts, strict=True))
    loads = [flops / length / (host.speed_mf * 1e6 * host.cores) for flops, host in zip(cpu, hosts, strict=True)]
    return [(length, tuple(loads))]


def cut(parts: Sequence[Part], walltime_s: float) -> list[Part]:
    """Return the stretches up to the walltime."""
    result, left = [], walltime_s
    for length, loads in parts:
        result.append((min(length, left), loads))
        left -= length
        if left <= 0:
            break
    return result


def expected_parts(world: World, job: Mapping[str, Any], hosts: Sequence[int]) -> list[Part]:
    return cut(parts_of(world, job["profile"], [world.hosts[k] for k in hosts]), job.get("walltime", math.inf))


def policy_of(kit: SimpleNamespace, name: str, seed: int) -> Any:
    return kit.Scatter(seed) if name == "scatter" else make_policy(name)


def check_disjoint(kit: SimpleNamespace, run: Run) -> None:
    """No host runs two jobs at once (dates are printed with 6 decimals)."""
    busy: dict[int, list[tuple[float, float]]] = {}
    for row in kit.rows(run):
        if row["final_state"] != "REJECTED":
            span = float(row["starting_time"]), float(row["finish_time"])
            for host in kit.hosts_of(row["allocated_resources"]):
                busy.setdefault(host, []).append(span)
    for spans in busy.values():
        spans.sort()
        assert all(end <= start + 2e-6 for (_, end), (start, _) in pairwise(spans))


def check_sums(run: Run) -> None:
    """Energy by state adds up, and so do the times of machines."""
    summary = run.summary
    assert math.isclose(
        math.fsum(summary["energy_by_state_j"].values()), summary["energy_exact_j"], rel_tol=1e-9, abs_tol=1e-9
    )
    assert all(value >= -1e-6 for value in summary["energy_by_state_j"].values())
    assert math.fsum(run.kernel.sums[c.SUM_STATE_S]) <= run.platform.n_hosts * summary["end_s"] * (1 + 1e-12) + 1e-9
    assert run.kernel.sums[c.SUM_STATE_N].sum() == run.platform.n_hosts


@many
@given(data=st.data(), policy=st.sampled_from([*BUILT_IN, "scatter", "scatter"]), seed=st.integers(0, 99))
def test_every_simulation(kit: SimpleNamespace, data: st.DataObject, policy: str, seed: int) -> None:
    world = data.draw(kit.worlds())
    machine, work = kit.build(world)
    run = simulate(machine, [work], policy_of(kit, policy, seed), energy=True)
    rows = kit.by_id(run)
    assert not run.deadlock
    assert len(rows) == len(kit.rows(run)) == len(world.jobs)
    check_disjoint(kit, run)
    check_sums(run)

    end_s = run.summary["end_s"]
    computing_j, busy_w_s = 0.0, 0.0
    for job in world.jobs:
        row = rows[job["id"]]
        too_large = job["res"] > len(world.hosts)
        if row["final_state"] == "REJECTED":
            assert too_large or (policy in ("conservative", "easy-bf", "conservative-bf") and "walltime" not in job)
            continue
        assert not too_large
        hosts = sorted(kit.hosts_of(row["allocated_resources"]))
        assert len(hosts) == job["res"]
        assert float(row["starting_time"]) >= job["subtime"] - 1e-6
        parts = expected_parts(world, job, hosts)
        # Work is conserved: the job runs for as long as its profile takes, or until its walltime.
        assert float(row["execution_time"]) == pytest.approx(math.fsum(length for length, _ in parts), abs=2e-6)
        own = [
            world.hosts[k].power_w(load) * length
            for length, loads in parts
            for k, load in zip(hosts, loads, strict=True)
        ]
        computing_j += math.fsum(own)
        busy_w_s += math.fsum(world.hosts[k].idle_w * length for length, _ in parts for k in hosts)
        if not world.mixes:
            assert float(row["consumed_energy"]) == pytest.approx(math.fsum(own), rel=1e-9, abs=2e-6)

    idle_j = math.fsum(host.idle_w * end_s for host in world.hosts) - busy_w_s
    by_state = run.summary["energy_by_state_j"]
    assert run.summary["energy_exact_j"] == pytest.approx(computing_j + idle_j, rel=1e-9, abs=1e-5)
    assert by_state["computing"] == pytest.approx(computing_j, rel=1e-9, abs=1e-5)
    assert by_state["idle"] == pytest.approx(idle_j, rel=1e-9, abs=1e-5)
    if not world.mixes:
        exact_j = run.summary["energy_exact_j"]
        assert run.summary["energy_batsim_j"] == pytest.approx(exact_j, rel=1e-9, abs=1e-5)


@many
@given(data=st.data(), policy=st.sampled_from(BUILT_IN), order=st.randoms(use_true_random=False), energy=st.booleans())
def test_the_order_of_jobs_in_the_file_does_not_matter(
    kit: SimpleNamespace, data: st.DataObject, policy: str, order: random.Random, energy: bool
) -> None:
    world = data.draw(kit.worlds())
    jobs = list(world.jobs)
    order.shuffle(jobs)
    machine, work = kit.build(world)
    _, shuffled = kit.build(world, jobs)
    expected = simulate(machine, [work], make_policy(policy), energy=energy)
    assert kit.steady(simulate(machine, [shuffled], make_policy(policy), energy=energy)) == kit.steady(expected)


@many
@given(data=st.data(), policy=st.sampled_from([*BUILT_IN, "scatter"]), seed=st.integers(0, 99))
def test_the_same_seed_gives_the_same_bytes(kit: SimpleNamespace, data: st.DataObject, policy: str, seed: int) -> None:
    world = data.draw(kit.worlds())
    machine, work = kit.build(world)
    first, second = (simulate(machine, [work], policy_of(kit, policy, seed), energy=True) for _ in range(2))
    assert kit.steady(first) == kit.steady(second)
    one, other = (json.dumps(run.summary | {"simulation_wall_s": 0}) for run in (first, second))
    assert one == other


@many
@given(data=st.data())
def test_energy_has_no_say_in_the_schedule(kit: SimpleNamespace, data: st.DataObject) -> None:
    """Jobs that end at one date are reported in another order with energy on, which FCFS does not mind."""
    world = data.draw(kit.worlds())
    machine, work = kit.build(world)
    schedules = []
    for energy in (False, True):
        rows = kit.by_id(simulate(machine, [work], make_policy("fcfs"), energy=energy))
        columns = ("final_state", "starting_time", "finish_time")
        schedules.append({name: [row[column] for column in columns] for name, row in rows.items()})
    for name, row in schedules[0].items():
        assert row[0] == schedules[1][name][0]
        assert [float(t or 0) for t in row[1:]] == pytest.approx(
            [float(t or 0) for t in schedules[1][name][1:]], abs=2e-6
        )


SLEEPY = {"speed": "100Mf,50Mf,1f,0.5f,0.25f", "sleep": "2:3:4"}


@settings(deadline=None, max_examples=80)
@given(
    data=st.data(),
    seed=st.integers(0, 10**6),
    watts=st.lists(st.integers(0, 200), min_size=4, max_size=4),
    first=st.integers(0, 1),
)
def test_both_counts_agree_whatever_is_switched(
    kit: SimpleNamespace, data: st.DataObject, seed: int, watts: list[int], first: int
) -> None:
    """Jobs without mixed sequences: Batsim's lazy count, host by host, is the exact one, kept by state."""
    world = data.draw(kit.worlds(max_hosts=4, larger=0))
    jobs = [job for job in world.jobs if job["profile"] not in ("s", "u")]
    idle, slow, asleep, switching = watts
    text = (
        f"{idle}:{idle + 100},{slow}:{slow + 50},{asleep}:{asleep},{switching}:{switching + 5},{switching}:{switching}"
    )
    machine = kit.machine(*[kit.host(f"h{k}", watts=text, pstate=first, **SLEEPY) for k in range(len(world.hosts))])
    # A job at date 0 makes Batsim notice the initial power states at once.
    work = kit.workload([kit.job("first", 0, 1, "d"), *jobs], world.profiles)
    run = simulate(machine, [work], kit.Chaos(seed), energy=True)
    assert not run.deadlock
    check_disjoint(kit, run)
    check_sums(run)
    exact_j = run.summary["energy_exact_j"]
    assert run.summary["energy_batsim_j"] == pytest.approx(exact_j, rel=1e-9, abs=1e-4)
    sleeping_s = switching_s = 0.0
    previous, asleep_n, switching_n = 0.0, 0, 0
    for row in run.kernel.out_states[: run.kernel.head[0]["n_out_states"]]:
        sleeping_s += asleep_n * (row["time_s"] - previous)
        switching_s += switching_n * (row["time_s"] - previous)
        previous, asleep_n = float(row["time_s"]), int(row["n"][c.SLEEPING])
        switching_n = int(row["n"][c.SWITCHING_ON])
    parts = run.summary["energy_by_state_j"]
    sleeping_s += asleep_n * (run.summary["end_s"] - previous)
    assert parts["sleeping"] == pytest.approx(asleep * sleeping_s, rel=1e-6, abs=1e-3)
    assert parts["switching_on"] == pytest.approx(switching * switching_s, rel=1e-6, abs=1e-3)


def test_workloads_are_served_together(kit: SimpleNamespace) -> None:
    """Two workloads with the same ids; w0 comes first at equal dates."""
    profiles = {"d": kit.delay(10)}
    jobs = [kit.job("1", 0, 1, "d"), kit.job("2", 3, 1, "d")]
    works = [kit.workload(jobs, profiles, name=name) for name in ("w0", "w1")]
    run = simulate(kit.machine(kit.host("h0")), works, make_policy("fcfs"))
    order = [(row["workload_name"], row["job_id"], round(float(row["starting_time"]))) for row in kit.rows(run)]
    assert order == [("w0", "1", 0), ("w1", "1", 10), ("w0", "2", 20), ("w1", "2", 30)]
