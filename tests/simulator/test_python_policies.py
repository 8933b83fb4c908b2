"""Policies written in plain Python give the bytes of the compiled ones."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest

from wattq.schedulers import make_policy
from wattq.simulator import simulate
from wattq.workloads.model import Workload


def random_work(kit: SimpleNamespace, seed: int, n: int, unit: int = 1) -> Workload:
    """Return bursts of jobs with loose, exact, too short and missing walltimes, some larger than the machine.

    Jobs ask for about 1 to 6 times ``unit`` hosts.
    """
    draw = random.Random(seed)
    profiles = {f"p{k}": kit.compute(k * 1e8) for k in range(1, 8)} | {f"d{k}": kit.delay(k) for k in range(1, 8)}
    profiles["s"] = kit.composed("d2", "p3", repeat=2)
    jobs = []
    date = 0.0
    for k in range(n):
        date += draw.choice([0, 0, 0.5, 1.25, 4])
        length = draw.randint(1, 7)
        name = draw.choice([f"p{length}", f"d{length}", "s"])
        wall = draw.choice([None, length, length + 0.5, 3 * length, max(length - 1.5, 0.25)])
        hosts = draw.choice([1, 1, 2, 3, 4, 5, 6]) * unit - draw.randrange(unit)
        jobs.append(kit.job(k, date, hosts, name, wall))
    made: Workload = kit.workload(jobs, profiles)
    return made


@pytest.mark.parametrize("energy", [False, True])
@pytest.mark.parametrize(("seed", "unit"), [(0, 1), (1, 1), (2, 1), (3, 1), (4, 13), (5, 29)])
@pytest.mark.parametrize("name", ["fcfs", "easy"])
def test_plain_python_equals_compiled(kit: SimpleNamespace, name: str, seed: int, unit: int, energy: bool) -> None:
    machine = kit.machine(*[kit.host(f"h{k:03}") for k in range(5 * unit)])
    work = random_work(kit, seed, 150, unit)
    ours = simulate(machine, [work], {"fcfs": kit.Fcfs, "easy": kit.Easy}[name](), energy=energy)
    theirs = simulate(machine, [work], make_policy(name), energy=energy)
    expected, actual = theirs.files(), ours.files()
    for file in set(expected) - {"schedule.csv"}:
        assert actual[file] == expected[file], file
    # Only the wall-clock columns of schedule.csv may differ.
    (one,), (other,) = kit.rows(ours, "schedule.csv"), kit.rows(theirs, "schedule.csv")
    for column in ("scheduling_time", "simulation_time"):
        one.pop(column), other.pop(column)
    assert one == other
    assert ours.summary["jobs"] == theirs.summary["jobs"]
    assert theirs.summary["jobs"]["rejected"] > 0
    assert (ours.policy, theirs.policy) == (name.capitalize(), name)


def test_a_policy_in_plain_python_is_timed(kit: SimpleNamespace) -> None:
    machine = kit.machine(kit.host("h0"))
    work = kit.workload([kit.job("a", 0, 1, "d")], {"d": kit.delay(1)})
    assert simulate(machine, [work], kit.Fcfs()).scheduling_s > 0.0
    assert simulate(machine, [work], make_policy("fcfs")).scheduling_s == 0.0
