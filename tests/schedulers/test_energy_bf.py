"""batsched's energy family: recorded schedules, and hosts that begin asleep, differ, leave or cannot sleep."""

from __future__ import annotations

import csv
import io
import json
import lzma
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import PolicyError, SimulationAbortError
from wattq.platforms import ComputeState, Platform, SleepState, make_platform, read_platform, write_platform
from wattq.schedulers import POLICIES, check_policy, make_policy, policy_spec
from wattq.schedulers.plugin import Bridge, Options
from wattq.simulator import simulate
from wattq.simulator.conversation import converse
from wattq.simulator.interface import CompiledPolicy
from wattq.workloads import Workload, generate_saturated, parse_batsim_json, read_workload

VARIANTS = ("energy_bf", "energy_bf_idle_sleeper", "energy_bf_subpart_sleeper", "energy_bf_monitoring_inertial")
TRACES = ("synsmall-ptask", "syn-ptask", "kth3k-delay", "kth3k-ptask", "sdsc3k-ptask")
FAMILY = ("energy-bf", "idle-sleeper", "subpart-sleeper", "inertial")
COLUMNS = ("job_id", "starting_time", "finish_time", "allocated_resources", "final_state")
# What the policies read from the platform, and files that batsched writes beside.
TOLD_BY_THE_PLATFORM = (
    *("power_compute", "power_idle", "power_sleep", "pstate_compute", "pstate_sleep"),
    *("time_switch_on", "time_switch_off", "energy_switch_on", "energy_switch_off"),
    *("output_dir", "trace_output_filename"),
)
STATES = (ComputeState(1e9, 100.0, 200.0), ComputeState(0.75e9, 90.0, 150.0))
SLEEP = SleepState(10.0, 5.0, 125.0, 64.0, 115.0)


@lru_cache(maxsize=2)
def workload(path: Path) -> Workload:
    return read_workload(path)


def recorded_policy(options: dict[str, Any]) -> Any:
    """Return the policy of a recorded run with its options."""
    given = {k: v for k, v in options["variant_options"].items() if k not in TOLD_BY_THE_PLATFORM}
    name = options["variant"].replace("_", "-")
    known = [p.name for p in policy_spec(name)[1].parameters]
    # batsched reads no more than it knows, either.
    return make_policy(name, {k: v for k, v in given.items() if k in known})


def machine(n_hosts: int = 8, pstate: int = 0) -> Platform:
    made = make_platform(n_hosts, STATES, (SLEEP,))
    return replace(made, initial_pstate=np.full(n_hosts, pstate))


def jobs_of(rows: Sequence[tuple[float, int, float, float]], name: str = "w0") -> Workload:
    """Return a workload of rows (submit date, hosts, run time, walltime)."""
    jobs = [
        {"id": f"{k:03}", "subtime": row[0], "res": row[1], "profile": f"d{row[2]}", "walltime": row[3]}
        for k, row in enumerate(rows)
    ]
    profiles = {f"d{row[2]}": {"type": "delay", "delay": row[2]} for row in rows}
    return parse_batsim_json(json.dumps({"nb_res": 8, "jobs": jobs, "profiles": profiles}).encode(), name, name=name)


@pytest.mark.parametrize("trace", TRACES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_recorded_schedules_and_switches(shared_dir: Path, trace: str, variant: str) -> None:
    golden = shared_dir / "golden" / "policies"
    folder = golden / f"{trace}-{variant}"
    options = json.loads((folder / "options.json").read_text())
    platform = read_platform(golden / options["platform"])
    run = simulate(platform, [workload(golden / options["workload"])], recorded_policy(options), energy=True)
    files = run.files()
    with lzma.open(folder / "jobs.csv.xz", "rt") as file:
        expected = list(csv.DictReader(file))
    actual = list(csv.DictReader(io.StringIO(files["jobs.csv"])))
    assert [[row[c] for c in COLUMNS] for row in actual] == [[row[c] for c in COLUMNS] for row in expected]
    joules = [[float(row["consumed_energy"]) for row in rows] for rows in (actual, expected)]
    assert all(math.isclose(a, b, rel_tol=1e-6) for a, b in zip(*joules, strict=True))
    with lzma.open(folder / "pstate_changes.csv.xz", "rt") as file:
        assert files["pstate_changes.csv"] == file.read()


@pytest.mark.parametrize("name", FAMILY)
def test_over_the_protocol(shared_dir: Path, name: str) -> None:
    golden = shared_dir / "golden" / "policies"
    file = golden / "platforms" / "h16.xml"
    platform = read_platform(file)
    work = workload(golden / "workloads" / "synsmall-ptask.json.xz")
    ours = simulate(platform, [work], make_policy(name), energy=True)
    bridge = Bridge(Options(name, platform=str(file)), capacity=1)
    theirs = converse(platform, [work], bridge.reply, energy=True)
    for table in ("jobs.csv", "pstate_changes.csv"):
        assert ours.files()[table] == theirs.files()[table]


@pytest.mark.parametrize("name", FAMILY)
def test_a_machine_that_cannot_sleep_is_refused(name: str) -> None:
    with pytest.raises(PolicyError, match=rf"^policy {name}: a host has no power state to sleep in.*'easy'$"):
        simulate(make_platform(4, STATES), [jobs_of([(0, 1, 5, 9)])], make_policy(name), energy=True)


def test_speeds_that_batsim_does_not_tell_are_asked_for() -> None:
    bridge = Bridge(Options("idle-sleeper"))
    with pytest.raises(PolicyError, match=r"how long a host takes to switch off and on is not known.*'platform'"):
        converse(machine(), [jobs_of([(0, 1, 5, 9)])], bridge.reply, energy=True)


def test_switches_without_energy_are_refused() -> None:
    with pytest.raises(SimulationAbortError, match="without energy"):
        simulate(machine(), [jobs_of([(0, 1, 5, 9)])], make_policy("energy-bf"))


@pytest.mark.parametrize("name", FAMILY)
def test_hosts_that_begin_asleep_are_woken(name: str) -> None:
    work = jobs_of([(0, 3, 50, 60), (10, 8, 50, 60), (400, 1, 50, 60)])
    run = simulate(machine(pstate=2), [work], make_policy(name), energy=True)
    assert run.summary["jobs"]["succeeded"] == 3
    start_s = run.kernel.jobs["start_s"]
    assert start_s[0] >= 64
    assert start_s[1] >= start_s[0] + 50


def test_idle_hosts_sleep_after_the_time_given_and_wake_for_a_job() -> None:
    # The look at 600 s comes too early for 900 s of idleness, that at 1200 s does not.
    work = jobs_of([(0, 8, 100, 200), (5000, 8, 100, 200)])
    looks = {"sedate_idle_on_classical_events": False}
    run = simulate(machine(), [work], make_policy("opportunistic", looks), energy=True)
    rows = list(csv.DictReader(io.StringIO(run.files()["pstate_changes.csv"])))
    asleep = [float(row["time"]) for row in rows if row["new_pstate"] == "-2"]
    woken = [float(row["time"]) for row in rows if row["new_pstate"] == "-1"]
    assert asleep == [1200]
    assert woken == [5000]
    assert run.kernel.jobs["start_s"][1] == pytest.approx(5064, abs=1e-3)
    assert run.summary["jobs"]["succeeded"] == 2


def test_the_part_given_stays_awake() -> None:
    work = jobs_of([(0, 1, 100, 200), (3000, 1, 10, 20)])
    run = simulate(
        machine(), [work], make_policy("subpart-sleeper", {"fraction_of_machines_to_let_awake": 0.25}), energy=True
    )
    states = run.ledger.hosts["pstate"]
    assert np.count_nonzero(states == 2) == 6


@pytest.mark.parametrize("name", FAMILY)
def test_runs_end_whatever_the_last_job_does(name: str) -> None:
    # Rejected last, alone, and none at all; the calls must stop.
    for rows in ([(0, 1, 50, 60), (2000, 9, 50, 60)], [(0, 9, 50, 60)], []):
        run = simulate(machine(), [jobs_of(rows)], make_policy(name), energy=True)
        assert not run.deadlock
        assert run.summary["messages"] < 60


@pytest.mark.parametrize("name", FAMILY)
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 1000), gap=st.sampled_from([0.3, 0.8, 2.0]), delay=st.sampled_from([0, 5]))
def test_every_job_runs(name: str, seed: int, gap: float, delay: int) -> None:
    work = generate_saturated(40, 70, seed, form="delay", load=gap)
    run = simulate(machine(70), [work], make_policy(name, {"rjms_delay": delay}), energy=True)
    assert run.summary["jobs"]["succeeded"] == 40


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("idle-sleeper", {"monitoring_period": 10, "idle_time_to_sedate": 5}),
        ("idle-sleeper", {"idle_time_to_sedate": 0, "ensured_sleep_time_lower_bound": 100}),
        ("subpart-sleeper", {"monitoring_period": 10, "fraction_of_machines_to_let_awake": 0}),
        ("subpart-sleeper", {"monitoring_period": 30, "idle_time_to_sedate": 20, "ensured_sleep_time_lower_bound": 50}),
        ("inertial", {"monitoring_period": 5, "inertial_alteration": "p2", "idle_time_to_sedate": 20}),
        ("inertial", {"monitoring_period": 20, "upper_llh_threshold": 30, "allow_future_switches": False}),
        (
            "inertial",
            {"monitoring_period": 7, "order": "wfp3", "rjms_delay": 0, "sedate_idle_on_classical_events": True},
        ),
        ("energy-bf", {"order": "sjf", "rjms_delay": 0, "ensured_sleep_time_lower_bound": 100}),
    ],
)
def test_parameters_keep_the_contract(name: str, params: dict[str, object]) -> None:
    check_policy(name, params, energy=True)


@pytest.mark.parametrize("name", FAMILY[1:])
def test_machines_that_leave_while_awake_and_come_back(name: str, tmp_path: Path) -> None:
    # A period so long that nobody sleeps before, since Batsim aborts when a machine comes back that fell asleep.
    lines = [
        {"timestamp": 20, "type": "machine_unavailable", "resources": "0-3"},
        {"timestamp": 60, "type": "machine_available", "resources": "0-3"},
    ]
    path = tmp_path / "events.txt"
    path.write_text("\n".join(json.dumps(line) for line in lines))
    work = jobs_of([(0, 8, 15, 90), (30, 8, 15, 90), (31, 2, 15, 90)])
    params = {"monitoring_period": 1e6, "idle_time_to_sedate": 1e6}
    run = simulate(machine(), [work], make_policy(name, params), energy=True, events=path)
    assert run.summary["jobs"]["succeeded"] == 3
    assert run.kernel.jobs["start_s"][1] >= 60


@pytest.mark.parametrize(
    ("params", "slots"),
    [
        ({}, [2, 0, 1e100, 1]),
        ({"inertial_alteration": "p3"}, [1, 3, 1e100, 1]),
        ({"inertial_alteration": " x 1.5 ", "allow_future_switches": "no"}, [1.5, 0, 1e100, 0]),
        ({"upper_llh_threshold": 3600}, [2, 0, 3600, 1]),
    ],
)
def test_parameters_become_numbers(params: dict[str, object], slots: list[float]) -> None:
    policy = make_policy("inertial", params)
    assert isinstance(policy, CompiledPolicy)
    assert list(policy.par) == [0, 5, 0, 1e8, 600, 1e18, 0, *slots]


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("inertial", {"inertial_alteration": "y2"}),
        ("inertial", {"inertial_alteration": 2}),
        ("inertial", {"inertial_alteration": "x1" + "0" * 400}),
        ("idle-sleeper", {"monitoring_period": 0}),
        ("idle-sleeper", {"sedate_idle_on_classical_events": "maybe"}),
        ("subpart-sleeper", {"fraction_of_machines_to_let_awake": 1.5}),
        ("energy-bf", {"ensured_sleep_time_lower_bound": "nan"}),
        ("energy-bf", {"monitoring_period": 600}),
    ],
)
def test_wrong_parameters_are_refused(name: str, params: dict[str, object]) -> None:
    with pytest.raises(PolicyError, match=f"'{next(iter(params))}'"):
        make_policy(name, params)


def test_the_family_is_what_needs_energy() -> None:
    assert {name for name in POLICIES if policy_spec(name)[1].needs_energy} >= set(FAMILY)


def test_memory_of_large_machines_is_bounded() -> None:
    for name in FAMILY:
        policy = make_policy(name)
        assert isinstance(policy, CompiledPolicy)
        len_i, len_f, (rows, words) = policy.memory(1_000_000, 9408, 147)
        assert rows * words <= 2**27 + 64 * 147
        assert len_i + len_f < 2**26


def test_the_platform_file_of_the_tests_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "machine.xml"
    write_platform(machine(), path)
    work = jobs_of([(0, 2, 50, 60), (900, 8, 50, 60), (5000, 8, 50, 60)])
    for name in FAMILY:
        ours = simulate(machine(), [work], make_policy(name), energy=True)
        bridge = Bridge(Options(name, platform=str(path)), capacity=1)
        theirs = converse(machine(), [work], bridge.reply, energy=True)
        assert ours.files()["pstate_changes.csv"] == theirs.files()["pstate_changes.csv"]
