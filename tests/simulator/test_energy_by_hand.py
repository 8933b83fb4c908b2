"""Energy of tiny worlds, computed by hand.

Unless said otherwise a host computes 100 Mflop/s and draws 100 W idle and 200 W under full load. A control message
takes 1e-10 s, so that sums are met to 1e-9 of their value and not to the last bit.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wattq.schedulers import make_policy
from wattq.simulator import Run, simulate

STATES = ("idle", "computing", "sleeping", "switching_on", "switching_off", "unavailable")
SLEEPY = {"speed": "100Mf,50Mf,1f,0.2f,0.1f", "watts": "100:200,90:150,10:10,120:125,110:115", "sleep": "2:3:4"}


def close(value: float, abs_j: float = 1e-6) -> Any:
    return pytest.approx(value, rel=1e-9, abs=abs_j)


def check(run: Run, total_j: float, *, lazy_j: float | None = None, **by_state: float) -> None:
    """Check the exact energy, its parts, Batsim's count, and that parts and times add up."""
    summary = run.summary
    parts = summary["energy_by_state_j"]
    assert tuple(parts) == STATES
    assert parts == {name: close(by_state.get(name, 0.0)) for name in STATES}
    assert summary["energy_exact_j"] == close(total_j)
    assert math.isclose(math.fsum(parts.values()), summary["energy_exact_j"], rel_tol=1e-9)
    assert summary["energy_batsim_j"] == close(total_j if lazy_j is None else lazy_j)
    assert summary["energy_counts_differ"] is (lazy_j is not None)
    json.dumps(summary)


def joules(kit: SimpleNamespace, run: Run) -> dict[str, float]:
    """Return Batsim's energy of each job."""
    return {name: float(row["consumed_energy"]) for name, row in kit.by_id(run).items()}


def times(kit: SimpleNamespace, run: Run) -> dict[str, float]:
    """Return the seconds that machines spent in each state, up to the last change of each."""
    (row,) = kit.rows(run, "schedule.csv")
    return {name: float(row[f"time_{name}"]) for name in STATES}


def fcfs(kit: SimpleNamespace, hosts: list[str], profiles: Mapping[str, Any], *jobs: Any) -> Run:
    work = kit.workload(list(jobs), profiles)
    return simulate(kit.machine(*hosts), [work], make_policy("fcfs"), energy=True)


def test_a_delay_draws_idle_power(kit: SimpleNamespace) -> None:
    run = fcfs(kit, [kit.host("h0"), kit.host("h1")], {"d": kit.delay(10)}, kit.job("a", 0, 1, "d"))
    # 10 s x 100 W on the host of the job, and as much on the other.
    check(run, 2000.0, computing=1000.0, idle=1000.0)
    assert joules(kit, run) == {"a": close(1000.0)}
    assert run.summary["consumed_joules"] == close(2000.0)
    assert times(kit, run) == {name: pytest.approx(10.0 if name == "computing" else 0.0, abs=1e-6) for name in STATES}


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_parallel_task_draws_full_power_on_its_hosts(kit: SimpleNamespace, n: int) -> None:
    hosts = [kit.host(f"h{k}") for k in range(3)]
    run = fcfs(kit, hosts, {"p": kit.compute(1e9)}, kit.job("a", 5, n, "p"))
    # Idle for 5 s: 3 x 500 J. Then 1e9 / 100e6 = 10 s: n x 200 W and (3 - n) x 100 W.
    check(run, 1500 + n * 2000 + (3 - n) * 1000, computing=n * 2000, idle=1500 + (3 - n) * 1000)
    assert joules(kit, run) == {"a": close(n * 2000)}
    # Batsim's own sum begins with the first submission.
    assert run.summary["consumed_joules"] == close(n * 2000 + (3 - n) * 1000)


def test_one_executor_loads_one_core(kit: SimpleNamespace) -> None:
    hosts = [kit.host("h0", cores=4), kit.host("h1", watts="100:80:200", cores=4), kit.host("h2", watts="90:120:210")]
    run = fcfs(kit, hosts, {"p": kit.compute(1e9)}, kit.job("a", 0, 3, "p"))
    # A quarter of load: 100 + 0.25 x 100 = 125 W; 80 + 0.25 x (200 - 80) = 110 W; full load: 210 W.
    check(run, 1250 + 1100 + 2100, computing=4450)


def test_a_slow_host_holds_back_the_others(kit: SimpleNamespace) -> None:
    hosts = [kit.host("h0"), kit.host("h1", "50Mf"), kit.host("h2", "200Mf", "100:120:200", cores=2)]
    run = fcfs(kit, hosts, {"p": kit.compute(1e9)}, kit.job("a", 0, 3, "p"))
    # 1e9 / 50e6 = 20 s at 50 Mflop/s everywhere: load 1/2 is 150 W; load 1 is 200 W; 50 of 2 x 200 Mflop/s is load
    # 1/8: 120 + 80 / 8 = 130 W.
    check(run, 20 * (150 + 200 + 130), computing=9600)


def test_unequal_work_on_equal_hosts(kit: SimpleNamespace) -> None:
    profiles = {"v": kit.parallel(1e9, 0.25e9, 0)}
    run = fcfs(kit, [kit.host(f"h{k}") for k in range(3)], profiles, kit.job("a", 0, 3, "v"))
    # 10 s: loads 1, 1/4 and 0, which is idle.
    check(run, 2000 + 1250 + 1000, computing=4250)


def test_a_task_without_work_costs_nothing(kit: SimpleNamespace) -> None:
    profiles = {"z": kit.compute(0), "d": kit.delay(4)}
    run = fcfs(kit, [kit.host("h0")], profiles, kit.job("a", 0, 1, "z"), kit.job("b", 0, 1, "d"))
    check(run, 400.0, computing=400.0)
    assert joules(kit, run)["a"] == close(0.0)
    assert kit.by_id(run)["a"]["execution_time"] == "0.000010"


def test_speed_and_power_change_in_the_middle_of_a_task(kit: SimpleNamespace) -> None:
    host = kit.host("h0", "100Mf,50Mf", "100:200,90:150")
    work = kit.workload([kit.job("a", 0, 1, "p")], {"p": kit.compute(1e9)})
    policy = kit.AtDates({6.0: lambda v, a: a.set_power_state([0], 1)})
    run = simulate(kit.machine(host), [work], policy, energy=True)
    # 6 s x 200 W, then 0.4e9 / 50e6 = 8 s x 150 W.
    check(run, 1200 + 1200, computing=2400)
    assert float(kit.by_id(run)["a"]["finish_time"]) == pytest.approx(14.0, abs=1e-6)


def test_one_host_of_two_slows_down(kit: SimpleNamespace) -> None:
    hosts = [kit.host(f"h{k}", "100Mf,50Mf", "100:200,90:150") for k in range(2)]
    work = kit.workload([kit.job("a", 0, 2, "p")], {"p": kit.compute(1e9)})
    acts = {2.0: lambda v, a: a.set_power_state([1], 1), 4.0: lambda v, a: a.set_power_state([1], 0)}
    run = simulate(kit.machine(*hosts), [work], kit.AtDates(acts), energy=True)
    # 2 s at full speed; 2 s at half speed: 150 W (half load of state 0) and 150 W (full load of state 1); 7 s more.
    check(run, 2 * 400 + 2 * 300 + 7 * 400, computing=4200)


def test_a_delay_takes_the_idle_power_of_the_new_state(kit: SimpleNamespace) -> None:
    host = kit.host("h0", "100Mf,50Mf", "100:200,90:150")
    work = kit.workload([kit.job("a", 0, 1, "d")], {"d": kit.delay(10)})
    policy = kit.AtDates({6.0: lambda v, a: a.set_power_state([0], 1)})
    run = simulate(kit.machine(host), [work], policy, energy=True)
    check(run, 6 * 100 + 4 * 90, computing=960)


def test_sleep_and_wake(kit: SimpleNamespace) -> None:
    work = kit.workload([kit.job("a", 0, 1, "p")], {"p": kit.compute(1e9)})
    policy = kit.Scripted(
        None,
        lambda v, a: (a.sleep([0], 2), a.wake_me_at(20)),
        None,  # every job was submitted
        None,  # asleep
        lambda v, a: a.wake([0]),
        lambda v, a: a.start(0),
    )
    run = simulate(kit.machine(kit.host("h0", **SLEEPY)), [work], policy, energy=True)
    # 1 / 0.2 = 5 s x 125 W to fall asleep, 15 s x 10 W, 1 / 0.1 = 10 s x 115 W to wake up, 10 s x 200 W.
    check(run, 625 + 150 + 1150 + 2000, switching_off=625, sleeping=150, switching_on=1150, computing=2000)
    spent = {"switching_off": 5, "sleeping": 15, "switching_on": 10, "computing": 10}
    assert times(kit, run) == {name: pytest.approx(spent.get(name, 0), abs=1e-6) for name in STATES}
    assert policy.dates == pytest.approx([0, 0, 0, 5, 20, 30, 40, 40], abs=1e-5)


def test_a_host_that_sleeps_to_the_end(kit: SimpleNamespace) -> None:
    """The exact count goes on to the end; the times of schedule.csv stop with the last change of each machine."""
    work = kit.workload([kit.job("a", 0, 1, "d")], {"d": kit.delay(40)})
    policy = kit.AtDates({0.0: lambda v, a: a.sleep([1], 2) if v.n_free == 2 else None})
    run = simulate(kit.machine(kit.host("h0", **SLEEPY), kit.host("h1", **SLEEPY)), [work], policy, energy=True)
    started = next(k for k, row in enumerate(kit.rows(run, "machine_states.csv")) if row["nb_switching_off"] == "1")
    assert started == 0
    # 40 s x 100 W; 5 s x 125 W, then 35 s x 10 W.
    check(run, 4000 + 625 + 350, computing=4000, switching_off=625, sleeping=350)
    assert times(kit, run)["sleeping"] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(("n", "lazy_j"), [(1, 3000), (2, 7000), (3, 11000)])
def test_batsim_overcounts_tasks_after_delays(kit: SimpleNamespace, n: int, lazy_j: float, tmp_path: Path) -> None:
    """[delay 10 s, task 10 s] on n hosts: 1000 + 2000 J on each.

    Batsim charges all hosts but the first with the power of the task since the start of the job: 4000 J on each.
    """
    profiles = {"d": kit.delay(10), "p": kit.compute(1e9), "dp": kit.composed("d", "p")}
    run = fcfs(kit, [kit.host(f"h{k}") for k in range(n)], profiles, kit.job("a", 0, n, "dp"))
    check(run, 3000 * n, lazy_j=lazy_j if n > 1 else None, computing=3000 * n)
    assert joules(kit, run) == {"a": close(lazy_j)}
    assert run.summary["consumed_joules"] == close(lazy_j)
    run.write(tmp_path)
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert summary["energy_exact_j"] == close(3000 * n)
    assert summary["energy_batsim_j"] == close(lazy_j)
    assert summary["energy_counts_differ"] is (n > 1)
    last = (tmp_path / "consumed_energy.csv").read_text(encoding="utf-8").splitlines()[-1]
    assert float(last.split(",")[1]) == close(lazy_j)


def test_a_delay_after_a_task_is_counted_right(kit: SimpleNamespace) -> None:
    profiles = {"d": kit.delay(10), "p": kit.compute(1e9), "pd": kit.composed("p", "d")}
    check(fcfs(kit, [kit.host("h0"), kit.host("h1")], profiles, kit.job("a", 0, 2, "pd")), 6000, computing=6000)


def test_repeated_sequences(kit: SimpleNamespace) -> None:
    profiles = {"d": kit.delay(10), "p": kit.compute(1e9), "dp": kit.composed("d", "p", repeat=2)}
    run = fcfs(kit, [kit.host("h0"), kit.host("h1")], profiles, kit.job("a", 0, 2, "dp"))
    check(run, 12000, lazy_j=14000, computing=12000)


def test_another_job_brings_the_count_up_to_date(kit: SimpleNamespace) -> None:
    """A job that starts at 6 s makes Batsim update every host: only 4 s of the delay are charged too much."""
    profiles = {"d": kit.delay(10), "p": kit.compute(1e9), "dp": kit.composed("d", "p"), "e": kit.delay(1)}
    hosts = [kit.host(f"h{k}") for k in range(3)]
    run = fcfs(kit, hosts, profiles, kit.job("a", 0, 2, "dp"), kit.job("b", 6, 1, "e"))
    # The third host draws 20 s x 100 W, 1 s of which with a job. b ends at 7 s: 3 s x 100 W too much.
    check(run, 6000 + 2000, lazy_j=8300, computing=6100, idle=1900)
    assert joules(kit, run) == {"a": close(6300), "b": close(100)}


def test_a_host_that_begins_in_another_state(kit: SimpleNamespace) -> None:
    host = kit.host("h0", "100Mf,50Mf", "100:200,90:150", pstate=1)
    run = fcfs(kit, [host], {"p": kit.compute(1e9)}, kit.job("a", 10, 1, "p"))
    # 10 s x 90 W, then 1e9 / 50e6 = 20 s x 150 W. Until the first submission Batsim charges state 0, 10 s x 100 W.
    check(run, 900 + 3000, lazy_j=4000, idle=900, computing=3000)
    assert kit.rows(run, "pstate_changes.csv") == [{"time": "0", "machine_id": "0", "new_pstate": "1"}]


def test_a_host_that_begins_asleep(kit: SimpleNamespace) -> None:
    """It is called idle, draws the power of its sleep state, and takes no job until it was woken."""
    hosts = [kit.host("h0", **SLEEPY), kit.host("h1", **SLEEPY, pstate=2)]
    run = fcfs(kit, hosts, {"d": kit.delay(10)}, kit.job("a", 0, 1, "d"))
    check(run, 1000 + 100, computing=1000, idle=100)
    assert kit.by_id(run)["a"]["allocated_resources"] == "0"


def test_an_unavailable_host_goes_on_drawing_power(kit: SimpleNamespace, tmp_path: Path) -> None:
    path = tmp_path / "events.txt"
    path.write_text(
        '{"timestamp": 2, "type": "machine_unavailable", "resources": "0-1"}\n'
        '{"timestamp": 8, "type": "machine_available", "resources": "0-1"}\n',
        encoding="utf-8",
    )
    work = kit.workload([kit.job("a", 0, 1, "p")], {"p": kit.compute(1e9)})
    machine = kit.machine(kit.host("h0"), kit.host("h1"))
    run = simulate(machine, [work], make_policy("fcfs"), energy=True, events=path)
    # The job goes on computing on its host, which is unavailable from 2 to 8 s: 200 W; the other draws 100 W.
    check(run, 2000 + 1000, unavailable=6 * 300, computing=4 * 200, idle=4 * 100)


def test_walltime_and_kill_cut_the_energy(kit: SimpleNamespace) -> None:
    work = kit.workload([kit.job("a", 0, 1, "p", 4), kit.job("b", 0, 1, "p")], {"p": kit.compute(1e9)})
    policy = kit.AtDates({7.0: lambda v, a: a.kill(1)})
    run = simulate(kit.machine(kit.host("h0"), kit.host("h1")), [work], policy, energy=True)
    # a computes for 4 s and its host idles for 3 s, b computes for 7 s.
    check(run, 800 + 300 + 1400, computing=2200, idle=300)
    assert joules(kit, run) == {"a": close(800), "b": close(1400)}
    states = {name: row["final_state"] for name, row in kit.by_id(run).items()}
    assert states == {"a": "COMPLETED_WALLTIME_REACHED", "b": "COMPLETED_KILLED"}


def test_no_job_ever_ran(kit: SimpleNamespace) -> None:
    run = fcfs(kit, [kit.host("h0")], {"d": kit.delay(10)}, kit.job("a", 5, 2, "d"))
    check(run, 500, idle=500)
    # Batsim takes -1 J for the sum at the last end, less the 5 s x 100 W at the first submission.
    assert run.summary["consumed_joules"] == close(-501.0)


def test_without_energy_nothing_is_said_about_it(kit: SimpleNamespace) -> None:
    work = kit.workload([kit.job("a", 0, 1, "d")], {"d": kit.delay(10)})
    run = simulate(kit.machine(kit.host("h0", watts=None)), [work], make_policy("fcfs"))
    assert not [key for key in run.summary if "energy" in key or "joules" in key]
    assert set(run.files()) == {"jobs.csv", "schedule.csv", "machine_states.csv"}
    assert kit.by_id(run)["a"]["consumed_energy"] == "-1.000000"
    assert kit.rows(run, "schedule.csv")[0]["consumed_joules"] == "0.000000"
