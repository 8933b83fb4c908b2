"""Jobs of sensitivity beta: exact times and joules, and the simulator against the formula written out here.

A host computes 100, 50 or 200 Mflop/s in its three power states and draws 200, 150 or 300 W under full load.
"""

from __future__ import annotations

import json
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import UnsupportedError
from wattq.platforms import effective_platform
from wattq.schedulers import make_policy
from wattq.simulator import Run, simulate
from wattq.simulator.conversation import converse
from wattq.workloads import mean_beta, with_beta

SPEEDS_MF = (100.0, 50.0, 200.0)
FULL_W = (200.0, 150.0, 300.0)
IDLE_W = 100.0


def box(kit: SimpleNamespace, name: str = "h0", pstate: int = 0, **more: Any) -> str:
    return str(kit.host(name, "100Mf,50Mf,200Mf", "100:200,100:150,100:300", pstate=pstate, **more))


def factor(beta: float, state: int) -> float:
    return beta * SPEEDS_MF[0] / SPEEDS_MF[state] + 1.0 - beta


def end_of(kit: SimpleNamespace, run: Run, job: str = "a") -> float:
    return float(kit.by_id(run)[job]["finish_time"])


def one_job(kit: SimpleNamespace, beta: float, *, hosts: int = 1, profile: Any = None) -> Any:
    work = kit.workload([kit.job("a", 0, hosts, "p")], {"p": profile or kit.compute(1e9)})
    return with_beta(work, beta)


@pytest.mark.parametrize("energy", [False, True])
@pytest.mark.parametrize("state", [0, 1, 2])
@pytest.mark.parametrize(
    ("beta", "seconds"), [(0.0, (10.0, 10.0, 10.0)), (0.5, (10.0, 15.0, 7.5)), (1.0, (10.0, 20.0, 5.0))]
)
def test_times_and_joules_by_hand(
    kit: SimpleNamespace, beta: float, seconds: tuple[float, ...], state: int, energy: bool
) -> None:
    # 1e9 flop are 10 s in state 0; half of the time doubles at half speed, or halves at twice the speed.
    run = simulate(kit.machine(box(kit, pstate=state)), [one_job(kit, beta)], make_policy("fcfs"), energy=energy)
    assert end_of(kit, run) == pytest.approx(seconds[state], abs=1e-6)
    if energy:
        # The host is loaded throughout: seconds x full power of the state.
        assert run.energy_exact_j == pytest.approx(seconds[state] * FULL_W[state], rel=1e-9)
        assert float(kit.by_id(run)["a"]["consumed_energy"]) == pytest.approx(seconds[state] * FULL_W[state], rel=1e-9)


@pytest.mark.parametrize(
    ("beta", "end_s", "joules"),
    # 6 s at 200 W leave 4 of 10 s, in state 1 (150 W): as they are, half of them twice as long, all of them.
    [(0.0, 10.0, 1200 + 600), (0.5, 12.0, 1200 + 900), (1.0, 14.0, 1200 + 1200)],
)
def test_the_state_changes_in_the_middle(kit: SimpleNamespace, beta: float, end_s: float, joules: float) -> None:
    policy = kit.AtDates({6.0: lambda v, a: a.set_power_state([0], 1)})
    run = simulate(kit.machine(box(kit)), [one_job(kit, beta)], policy, energy=True)
    assert end_of(kit, run) == pytest.approx(end_s, abs=1e-6)
    assert run.energy_exact_j == pytest.approx(joules, rel=1e-9)
    assert run.energy_by_state_j["computing"] == pytest.approx(joules, rel=1e-9)


def test_the_slowest_host_sets_the_pace_and_the_other_waits(kit: SimpleNamespace) -> None:
    machine = kit.machine(box(kit, "h0"), box(kit, "h1", pstate=1))
    run = simulate(machine, [one_job(kit, 0.5, hosts=2)], make_policy("fcfs"), energy=True)
    # 15 s on the slow host, at 150 W; the other could do it in 10 s, so it is loaded by 2/3: 100 + 2/3 x 100 W.
    assert end_of(kit, run) == pytest.approx(15.0, abs=1e-6)
    assert run.energy_exact_j == pytest.approx(15 * 150 + 15 * (100 + 200 / 3), rel=1e-9)


def test_work_that_is_shared_out(kit: SimpleNamespace) -> None:
    profile = {"type": "parallel_homogeneous_total", "cpu": 2e9, "com": 0}
    machine = kit.machine(box(kit, "h0", 1), box(kit, "h1", 1))
    run = simulate(machine, [one_job(kit, 0.25, hosts=2, profile=profile)], make_policy("fcfs"), energy=True)
    assert end_of(kit, run) == pytest.approx(12.5, abs=1e-6)
    assert run.energy_exact_j == pytest.approx(2 * 12.5 * 150, rel=1e-9)


def test_the_walltime_still_ends_a_job(kit: SimpleNamespace) -> None:
    work = with_beta(kit.workload([kit.job("a", 0, 1, "p", 12)], {"p": kit.compute(1e9)}), 0.5)
    run = simulate(kit.machine(box(kit, pstate=1)), [work], make_policy("fcfs"), energy=True)
    assert kit.by_id(run)["a"]["final_state"] == "COMPLETED_WALLTIME_REACHED"
    assert end_of(kit, run) == pytest.approx(12.0, abs=1e-6)


def test_a_policy_sees_beta(kit: SimpleNamespace) -> None:
    seen = []

    class Looks:
        def decide(self, view: Any, actions: Any) -> None:
            for job in view.queue:
                seen.append(view.beta_of(job))
                actions.start(job)

    jobs = [kit.job("a", 0, 1, "p") | {"queue": 1}, kit.job("b", 100, 1, "p") | {"queue": 2}]
    work = with_beta(kit.workload(jobs, {"p": kit.compute(1e9)}), {2: 0.25})
    simulate(kit.machine(box(kit)), [work], Looks())
    assert seen == [1.0, 0.25]


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[float], list[tuple[float, int, int]]]:
    """Draw jobs on hosts of their own, their betas, and changes (date, host, state) while they run."""
    n = draw(st.integers(1, 4))
    jobs = [{"id": str(k), "subtime": 0.0, "res": 1, "profile": f"p{k}"} for k in range(n)]
    betas = draw(st.lists(st.sampled_from([0.0, 0.2, 0.5, 0.75, 1.0]), min_size=n, max_size=n))
    change = st.tuples(st.integers(1, 40).map(lambda k: k / 2 + 0.25), st.integers(0, n - 1), st.integers(0, 2))
    return jobs, betas, sorted(draw(st.lists(change, max_size=6, unique_by=lambda c: c[0])))


def alone(left_s: float, beta: float, changes: list[tuple[float, int]]) -> tuple[float, float]:
    """Return the end of a job that starts at date 0, and its joules above idle power on a host of one core."""
    at, state, joules = 0.0, 0, 0.0
    for date, to in [*changes, (math.inf, 0)]:
        taken = min(left_s * factor(beta, state), date - at)
        joules += taken * (FULL_W[state] - IDLE_W)
        left_s -= taken / factor(beta, state)
        at += taken
        if left_s <= 1e-12:
            break
        state = to
    return at, joules


@settings(deadline=None, max_examples=60)
@given(cases(), st.lists(st.integers(1, 40), min_size=4, max_size=4), st.sampled_from([1, 2]))
def test_the_formula(kit: SimpleNamespace, case: Any, tenths: list[int], cores: int) -> None:
    jobs, betas, changes = case
    profiles = {f"p{k}": kit.compute(tenths[k] * 5e7) for k in range(len(jobs))}
    work = kit.workload(jobs, profiles, nb_res=len(jobs))
    work = _each(work, betas)
    hosts = [box(kit, f"h{k}", cores=cores) for k in range(len(jobs))]
    acts = {at: (lambda v, a, h=host, s=state: a.set_power_state([h], s)) for at, host, state in changes}
    run = simulate(kit.machine(*hosts), [work], kit.AtDates(acts), energy=True)
    rows = kit.by_id(run)
    end_s = float(run.kernel.head[0]["clock_s"])
    total_j = end_s * IDLE_W * len(jobs)
    for k in range(len(jobs)):
        ended_s, joules = alone(tenths[k] * 0.5, betas[k], [(at, to) for at, host, to in changes if host == k])
        assert float(rows[str(k)]["finish_time"]) == pytest.approx(ended_s, abs=1e-6)
        total_j += joules / cores
    assert run.energy_exact_j == pytest.approx(total_j, rel=1e-9, abs=1e-3)
    assert math.isclose(math.fsum(run.energy_by_state_j.values()), run.energy_exact_j, rel_tol=1e-9)


def _each(work: Any, betas: list[float]) -> Any:
    from dataclasses import replace

    return replace(work, beta=np.array(betas))


def test_beside_tasks_that_share_hosts(kit: SimpleNamespace, tmp_path: Any) -> None:
    (tmp_path / "t.rank0").write_text("0 m_usage 1.0 1e8\n")
    (tmp_path / "t").write_text("t.rank0\n")
    document = {
        "nb_res": 2,
        "jobs": [
            {"id": "a", "subtime": 0, "res": 1, "profile": "p", "beta": 0.5},
            {"id": "b", "subtime": 0, "res": 1, "profile": "u"},
        ],
        "profiles": {"p": kit.compute(1e9), "u": {"type": "usage_trace", "trace": "t"}},
    }
    path = tmp_path / "w.json"
    path.write_text(json.dumps(document))
    from wattq.workloads import read_workload

    machine = kit.machine(box(kit, "h0", 1), box(kit, "h1", 1))
    run = simulate(machine, [read_workload(path)], make_policy("fcfs"), energy=True)
    assert end_of(kit, run) == pytest.approx(15.0, abs=1e-6)
    assert float(kit.by_id(run)["a"]["consumed_energy"]) == pytest.approx(15 * 150, rel=1e-9)


def test_the_mean_of_the_class_keeps_host_seconds_and_energy(kit: SimpleNamespace) -> None:
    jobs = [kit.job(str(k), 40.0 * k, 1, f"p{k}") for k in range(3)]
    profiles = {f"p{k}": kit.compute((k + 1) * 1e9) for k in range(3)}
    work = _each(kit.workload(jobs, profiles, nb_res=1), [0.2, 1.0, 0.6])
    mean = mean_beta(work)
    assert mean == pytest.approx((0.2 + 2 * 1.0 + 3 * 0.6) / 6)
    for state in (0, 1, 2):
        machine = kit.machine(box(kit, pstate=state))
        own = simulate(machine, [work], make_policy("fcfs"), energy=True)
        same = simulate(effective_platform(machine, mean), [with_beta(work, 1.0)], make_policy("fcfs"), energy=True)
        assert same.energy_by_state_j["computing"] == pytest.approx(own.energy_by_state_j["computing"], rel=1e-9)


def test_the_effective_platform_of_one_sensitivity_gives_the_same_run(kit: SimpleNamespace) -> None:
    machine = kit.machine(box(kit, pstate=1), box(kit, "h1", 1))
    work = kit.workload([kit.job(str(k), k, 1 + k % 2, "p") for k in range(6)], {"p": kit.compute(1e9)})
    own = simulate(machine, [with_beta(work, 0.4)], make_policy("easy"), energy=True)
    same = simulate(effective_platform(machine, 0.4), [work], make_policy("easy"), energy=True)
    ends = [{name: float(row["finish_time"]) for name, row in kit.by_id(run).items()} for run in (own, same)]
    assert ends[0] == pytest.approx(ends[1], abs=1e-6)
    assert own.energy_exact_j == pytest.approx(same.energy_exact_j, rel=1e-9)


@pytest.mark.parametrize("kind", ["delay", "parallel", "composed"])
def test_other_profiles_are_refused_by_name(kit: SimpleNamespace, kind: str) -> None:
    profiles = {
        "p": kit.compute(1e9),
        "delay": kit.delay(5),
        "parallel": kit.parallel(1e9),
        "composed": kit.composed("p"),
    }
    work = with_beta(kit.workload([kit.job("a", 0, 1, kind)], profiles), 0.5)
    with pytest.raises(UnsupportedError, match=f"w0!a: beta 0.5 with profile '{kind}' of type {kind}"):
        simulate(kit.machine(box(kit)), [work], make_policy("fcfs"))


def test_a_host_without_full_speed_is_refused(kit: SimpleNamespace) -> None:
    host = kit.host("h0", "1f,0.2f,0.1f,100Mf", "10:10,120:125,110:115,100:200", sleep="0:1:2", pstate=3)
    with pytest.raises(UnsupportedError, match="host h0: power state 0 does not compute"):
        simulate(kit.machine(host), [one_job(kit, 0.5)], make_policy("fcfs"), energy=True)


def test_the_protocol_refuses(kit: SimpleNamespace) -> None:
    with pytest.raises(UnsupportedError, match=r"w0!a: beta 0\.5, which Batsim's protocol cannot express"):
        converse(kit.machine(box(kit)), [one_job(kit, 0.5)], lambda message: {"now": 0, "events": []})
