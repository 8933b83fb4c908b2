"""The energy-aware policies: exact dates and joules on small machines, part by part."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import PolicyError, SignalError
from wattq.platforms import ComputeState, SleepState, make_platform, write_platform
from wattq.platforms.signals import Signal, write_signal
from wattq.schedulers import check_policy, make_policy
from wattq.schedulers.plugin import Bridge, Options
from wattq.simulator import simulate
from wattq.simulator.conversation import converse
from wattq.workloads import generate_saturated, parse_batsim_json, with_beta

STATES = (ComputeState(1e9, 100.0, 200.0), ComputeState(0.8e9, 100.0, 130.0))
SLEEP = SleepState(10.0, 5.0, 125.0, 64.0, 115.0)
JAN_S = 1609459200.0  # 2021-01-01T00:00Z


def machine(n_hosts=4, states=STATES, sleep=SLEEP):
    return make_platform(n_hosts, states, (sleep,) if sleep else ())


def work(*rows, queues=()):
    """Return jobs of rows (submit date, hosts, run time, walltime) that compute all the time."""
    jobs = [
        {"id": f"{k:03}", "subtime": row[0], "res": row[1], "profile": f"c{row[2]}", "walltime": row[3]}
        for k, row in enumerate(rows)
    ]
    for job, queue in zip(jobs, queues, strict=False):
        job["queue"] = queue
    profiles = {f"c{row[2]}": {"type": "parallel_homogeneous", "cpu": row[2] * 1e9, "com": 0} for row in rows}
    return parse_batsim_json(json.dumps({"nb_res": 64, "jobs": jobs, "profiles": profiles}).encode(), "w0", name="w0")


def starts(run):
    """Return the start dates in the order of the jobs."""
    return [float(start) for start in run.kernel.jobs["start_s"][: run.kernel.head[0]["n_jobs"]]]


def ends(run):
    return [float(end) for end in run.kernel.jobs["end_s"][: run.kernel.head[0]["n_jobs"]]]


def play(jobs, name, platform=None, **params):
    return simulate(platform or machine(), [jobs], make_policy(name, params), energy=True)


@pytest.fixture
def hourly(tmp_path):
    """Return a function that writes hourly values from 2021-01-01 on as a signal file."""

    def write(values, quantity="carbon", unit="g/kWh"):
        dates = JAN_S + 3600.0 * np.arange(len(values))
        series = Signal(
            dates, float(dates[-1] + 3600.0), np.array(values, dtype=float), quantity, unit, region="X", synthetic=True
        )
        return str(write_signal(series, tmp_path / "signal.csv"))

    return write


@pytest.mark.parametrize("orders", [{}, {"backfill": "sjf"}, {"order": "wfp3"}, {"order": "saf", "backfill": "lxf"}])
def test_with_every_part_off_it_is_easy(orders) -> None:
    jobs = generate_saturated(400, 16, seed=3)
    theirs = simulate(machine(16), [jobs], make_policy("easy", orders), energy=True)
    ours = play(jobs, "sleep", machine(16), timeout="never", **orders)
    assert ours.files()["jobs.csv"] == theirs.files()["jobs.csv"]


def test_idle_hosts_sleep_and_wake_for_a_job() -> None:
    run = play(work((0, 4, 100, 200), (1000, 2, 50, 60)), "sleep", timeout=60)
    # All four hosts are idle from 100 s, asleep from 165 s; two are woken at 1000 s and up at 1064 s.
    assert starts(run) == pytest.approx([0.0, 1064.0], abs=1e-6)
    joules = run.energy_by_state_j
    assert joules["computing"] == pytest.approx(4 * 100 * 200 + 2 * 50 * 200, rel=1e-9)
    assert joules["idle"] == pytest.approx(4 * 60 * 100, rel=1e-6)
    assert joules["switching_off"] == pytest.approx(4 * 5 * 125, rel=1e-6)
    assert joules["switching_on"] == pytest.approx(2 * 64 * 115, rel=1e-6)
    assert joules["sleeping"] == pytest.approx(2 * 835 * 10 + 2 * 949 * 10, rel=1e-6)


def test_the_default_timeout_is_the_break_even_time() -> None:
    # 5 x 125 + 64 x 115 - 69 x 10 = 7295 J, 90 W apart: 81.06 s.
    run = play(work((0, 4, 100, 200), (1000, 1, 50, 60)), "sleep")
    rows = run.kernel.out_pstates[: run.kernel.head[0]["n_out_pstates"]]
    first = min(float(row["time_s"]) for row in rows)
    assert first == pytest.approx(100 + 7295 / 90, abs=2e-3)


def test_spare_hosts_stay_awake() -> None:
    run = play(work((0, 4, 100, 200), (1000, 1, 50, 60)), "sleep", timeout=60, spare=0.25)
    assert starts(run) == pytest.approx([0.0, 1000.0], abs=1e-6)


def test_hosts_wake_in_time_for_the_head_of_the_queue() -> None:
    # Job 1 needs all hosts; two of them are idle for 2,000 s while job 0 runs, and asleep until 64 s before its end.
    run = play(work((0, 2, 2000, 2000.5), (10, 4, 100, 200), (11, 3, 5, 10)), "sleep", timeout=60)
    # They are up at the expected end of job 0, half a second after the real one.
    assert starts(run)[1] == pytest.approx(2000.5, abs=1e-6)
    assert run.energy_by_state_j["sleeping"] > 2 * 1700 * 10


def test_a_job_is_not_passed_by_jobs_that_would_delay_it() -> None:
    # The hosts of job 1 wake for it; job 2 may not take them meanwhile.
    run = play(work((0, 4, 10, 20), (500, 4, 100, 200), (510, 1, 1000, 2000)), "sleep", timeout=60)
    assert starts(run) == pytest.approx([0.0, 564.0, 664.0], abs=1e-6)


def test_jobs_run_in_the_state_of_least_energy_within_the_bound() -> None:
    slow = play(work((0, 2, 100, 200)), "dvfs", slowdown=0.25)
    assert ends(slow) == pytest.approx([125.0], abs=1e-6)
    assert slow.energy_by_state_j["computing"] == pytest.approx(2 * 125 * 130, rel=1e-9)
    full = play(work((0, 2, 100, 200)), "dvfs", slowdown=0.24)
    assert ends(full) == pytest.approx([100.0], abs=1e-6)


def test_jobs_that_hardly_depend_on_the_speed_may_run_slower() -> None:
    jobs = with_beta(work((0, 1, 100, 200)), 0.2)
    run = play(jobs, "dvfs", slowdown=0.06)
    assert ends(run) == pytest.approx([105.0], abs=1e-6)


def test_jobs_run_at_full_speed_while_others_wait() -> None:
    # Job 1 waits from 10 s on; at the next message, the end of job 0, it starts at full speed while job 2 waits.
    rows = work((0, 4, 100, 200), (10, 4, 100, 200), (20, 4, 100, 200))
    run = play(rows, "dvfs", slowdown=0.25, boost=0)
    assert ends(run)[:2] == pytest.approx([125.0, 225.0], abs=1e-6)
    both = play(rows, "dvfs", slowdown=0.25, boost=0, boost_running=True)
    # At 20 s job 0 has 84 s of work left (16 s done in 20 s); the others follow at full speed.
    assert ends(both)[0] == pytest.approx(104.0, abs=1e-6)


def test_jobs_run_at_full_speed_when_few_hosts_are_left() -> None:
    run = play(work((0, 3, 100, 200), (50, 1, 100, 200)), "dvfs", slowdown=0.25, headroom=0.3)
    assert ends(run) == pytest.approx([125.0, 150.0], abs=1e-6)


def test_work_lands_in_the_cheap_hours(hourly) -> None:
    path = hourly(([250.0] * 6 + [10.0] * 6) * 10, "price", "EUR/MWh")
    params = {"signal": path, "origin": "2021-01-01T00:00Z", "max_wait": 86400, "run_share": 1.0}
    run = play(work((0, 1, 3600, 3600.5), (25200, 1, 3600, 3600.5), (60, 4, 7000, 7200)), "defer", **params)
    # In the order of their submission: 0 s, 60 s, 25200 s; the second needs the whole machine.
    assert starts(run) == pytest.approx([21600.0, 25200.0, 32200.0], abs=1e-3)


def test_no_job_waits_longer_than_its_class_allows(hourly) -> None:
    path = hourly([300.0] * 20 + [10.0] * 100)
    jobs = work(*[(0, 1, 600, 700)] * 4, queues=(0, 1, 2, 3))
    params = {"signal": path, "origin": JAN_S, "max_wait": "86400,1:0,2:7200"}
    assert starts(play(jobs, "defer", **params)) == pytest.approx([72000.0, 0.0, 0.0, 72000.0], abs=1e-3)


def test_small_jobs_do_not_wait(hourly) -> None:
    path = hourly([300.0] * 5 + [10.0] * 100)
    params = {"signal": path, "origin": JAN_S, "min_area": 2000}
    run = play(work((0, 1, 600, 700), (0, 3, 600, 700)), "defer", **params)
    assert starts(run) == pytest.approx([0.0, 18000.0], abs=1e-3)


def test_the_gate_opens_in_the_best_hours(hourly) -> None:
    # The head waits for job 0; job 2 could be backfilled at once, and is so at 6 h, when the better half begins.
    path = hourly(([300.0] * 6 + [10.0] * 18) * 5)
    rows = work((0, 3, 80000, 90000), (1, 4, 10, 20), (2, 1, 600, 700))
    params = {"signal": path, "origin": JAN_S, "gate": 0.5}
    assert starts(play(rows, "carbon-gate", **params))[2] == pytest.approx(21600.0, abs=1e-3)
    assert starts(play(rows, "carbon-gate", **params, max_wait=3600))[2] == pytest.approx(3602.0, abs=3600)


def test_a_signal_that_ends_before_the_jobs_do_is_an_error(hourly) -> None:
    path = hourly([100.0] * 10)
    with pytest.raises(PolicyError, match=r"does not cover date 50000"):
        play(work((0, 1, 10, 20), (50000, 1, 10, 20)), "defer", signal=path, origin=JAN_S)
    with pytest.raises(PolicyError, match=r"lies outside of"):
        play(work((0, 1, 10, 20)), "defer", signal=path, origin=JAN_S - 7200)


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("power-cap", {}, "'cap': it is missing"),
        ("power-cap", {"cap": "10:5,3:2"}, "'cap'"),
        ("power-cap", {"cap": -5}, "'cap'"),
        ("defer", {}, "'signal': it is missing"),
        ("eco", {"gate": 0.5}, "'signal': it is missing"),
        ("sleep", {"timeout": -1}, "'timeout'"),
        ("sleep", {"spare": 2}, "'spare'"),
        ("dvfs", {"slowdown": "nan"}, "'slowdown'"),
        ("eco", {"boost": "soon"}, "'boost'"),
    ],
)
def test_bad_parameters_are_named(name, params, message) -> None:
    with pytest.raises(PolicyError, match=message):
        make_policy(name, params)


def test_a_missing_signal_file_is_named() -> None:
    with pytest.raises((PolicyError, SignalError, FileNotFoundError, ValueError), match=r"nowhere\.csv: no such file"):
        make_policy("defer", {"signal": "nowhere.csv", "origin": "2021-01-01T00:00Z"})


def test_a_machine_that_cannot_sleep_is_refused() -> None:
    with pytest.raises(PolicyError, match="no power state to sleep in"):
        play(work((0, 1, 10, 20)), "sleep", machine(4, sleep=None))
    play(work((0, 1, 10, 20)), "eco", machine(4, sleep=None), timeout="never")


# ------------------------------------------------------------------------------------------------------- the cap
def most_power_w(run):
    """Return the highest power of the series that Batsim's file of energy makes: joules over s, row by row."""
    rows = run.kernel.out_energy[: run.kernel.head[0]["n_out_energy"]]
    time_s, energy_j = rows["time_s"], rows["energy_j"]
    long = np.diff(time_s) > 1e-3
    return float(np.max((np.diff(energy_j)[long] / np.diff(time_s)[long]), initial=0.0))


def test_the_cap_slows_jobs_down_and_holds_them_back() -> None:
    # Idle 400 W. Two loaded hosts add 200 W at full speed, 60 W slower; the third job waits for power.
    rows = work((0, 1, 100, 300), (0, 1, 100, 300), (0, 1, 100, 300))
    run = play(rows, "power-cap", cap=545)
    assert ends(run) == pytest.approx([100.0, 125.0, 200.0], abs=1e-6)
    assert most_power_w(run) == pytest.approx(530.0, rel=1e-9)


def test_running_jobs_slow_down_before_the_cap_falls() -> None:
    run = play(work((0, 2, 100, 300)), "power-cap", cap="0:1000,50:470")
    # 49 s of work by 49 s; the other 51 s take 63.75 s.
    assert ends(run) == pytest.approx([112.75], abs=1e-3)


def test_jobs_speed_up_when_the_cap_rises() -> None:
    run = play(work((0, 2, 100, 300)), "power-cap", cap="0:470,50:1000")
    assert ends(run) == pytest.approx([110.0], abs=1e-3)


def test_jobs_that_a_later_cap_has_no_power_for_wait() -> None:
    run = play(work((0, 4, 100, 150)), "power-cap", cap="0:1000,120:450,500:1000")
    assert starts(run) == pytest.approx([500.0], abs=1.1)


def test_jobs_that_never_fit_are_rejected_and_a_cap_below_idle_is_an_error() -> None:
    run = play(work((0, 4, 10, 20), (0, 1, 10, 20)), "power-cap", cap=500)
    assert run.summary["jobs"]["rejected"] == 1
    with pytest.raises(PolicyError, match="draws more than the cap although no job runs"):
        play(work((0, 1, 10, 20)), "power-cap", cap=399)


def test_idle_hosts_make_room_for_a_job_that_fits_only_beside_hosts_at_rest() -> None:
    # Three idle hosts draw 300 W in the first state and 270 W in the second; the job draws 200 W, the cap is 480 W.
    states = (ComputeState(1e9, 100.0, 200.0), ComputeState(0.75e9, 90.0, 150.0))
    run = play(work((0, 1, 100, 300), (0, 1, 100, 300)), "power-cap", machine(states=states), cap=480)
    assert starts(run) == pytest.approx([0.0, 100.0], abs=1e-6)
    assert most_power_w(run) == pytest.approx(470.0, rel=1e-9)


ROWS = st.lists(
    st.tuples(
        st.integers(0, 600),
        st.integers(1, 6),
        st.integers(1, 300),
        st.integers(1, 200),
        st.sampled_from([0.0, 0.5, 1.0]),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=1000, deadline=None)
@given(
    rows=ROWS,
    first_w=st.integers(600, 1200),
    changes=st.lists(st.tuples(st.integers(2, 1500), st.integers(600, 1200)), max_size=4, unique_by=lambda c: c[0]),
    eco=st.booleans(),
    slowdown=st.sampled_from([0.0, 0.06, 0.3]),
)
def test_no_sample_exceeds_the_cap(rows, first_w, changes, eco, slowdown) -> None:
    jobs = work(*[(at, hosts, run, run * 1.25 + spare) for at, hosts, run, spare, _ in sorted(rows)])
    jobs = replace(jobs, beta=np.array([row[4] for row in sorted(rows)]))
    caps = [(0, first_w), *sorted(changes)]
    params = {"cap": ",".join(f"{at}:{power}" for at, power in caps)}
    if eco:
        params |= {"timeout": 20, "slowdown": slowdown, "spare": 0.2}
    run = simulate(machine(6), [jobs], make_policy("eco" if eco else "power-cap", params), energy=True)
    series = run.kernel.out_energy[: run.kernel.head[0]["n_out_energy"]]
    for k in range(1, len(series)):
        begin, end = float(series["time_s"][k - 1]), float(series["time_s"][k])
        if end - begin < 1e-3:
            continue
        power_w = (series["energy_j"][k] - series["energy_j"][k - 1]) / (end - begin)
        allowed = min(
            power
            for (at, power), until in zip(caps, [at for at, _ in caps[1:]] + [math.inf], strict=True)
            if at < end and until > begin
        )
        assert power_w <= allowed * (1 + 1e-9) + 1e-6 / (end - begin)
    # A later cap may leave no stretch of time that is long enough for a job, which is then reported as never started.
    assert changes or run.summary["jobs"]["never_started"] == 0


# --------------------------------------------------------------------------------------------------- every backend
VARIANTS = {
    "sleep": {"timeout": 5, "spare": 0.1},
    "dvfs": {"slowdown": 0.34, "boost": 20, "boost_running": True},
    "power-cap": {"cap": "0:1200,60:1000,120:1300", "cap_slowdown": 0.34},
    "eco": {"timeout": 3, "slowdown": 0.34, "headroom": 0.2, "boost_running": True, "cap": 100000},
}


@pytest.mark.parametrize("name", ["sleep", "dvfs", "eco"])
def test_it_keeps_the_rules_of_policies(name) -> None:
    assert check_policy(name, VARIANTS[name], energy=True).n_simulations > 40


@pytest.mark.parametrize("name", VARIANTS)
def test_over_the_protocol(tmp_path, name) -> None:
    platform = machine(8)
    file = tmp_path / "machine.xml"
    write_platform(platform, file)
    jobs = generate_saturated(300, 8, seed=11)
    ours = play(jobs, name, platform, **VARIANTS[name])
    bridge = Bridge(Options(name, params=VARIANTS[name], platform=str(file)), capacity=1)
    theirs = converse(platform, [jobs], bridge.reply, energy=True)
    for table in ("jobs.csv", "pstate_changes.csv"):
        assert ours.files()[table] == theirs.files()[table]


def test_deferral_over_the_protocol(tmp_path, hourly) -> None:
    path = hourly(([300.0] * 5 + [10.0] * 7) * 200)
    params = {"signal": path, "origin": JAN_S, "max_wait": 43200, "forecast": "noisy:26"}
    platform = machine(8)
    file = tmp_path / "machine.xml"
    write_platform(platform, file)
    jobs = generate_saturated(200, 8, seed=12)
    ours = play(jobs, "defer", platform, **params)
    bridge = Bridge(Options("defer", params=params, platform=str(file)), capacity=1)
    theirs = converse(platform, [jobs], bridge.reply, energy=True)
    assert ours.files()["jobs.csv"] == theirs.files()["jobs.csv"]
    assert max(np.array(starts(ours)) - jobs.submit_s) > 3600


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 1500), st.integers(1, 6), st.integers(1, 200), st.integers(1, 400)),
        min_size=5,
        max_size=60,
    ),
    order=st.sampled_from(["fcfs", "sjf", "aged", "wfp3"]),
    backfill=st.sampled_from([None, "sjf", "aged"]),
    timeout=st.sampled_from([0, 5, 40]),
    spare=st.sampled_from([0.0, 0.2]),
)
def test_every_job_runs_once_whoever_waits_for_waking_hosts(rows, order, backfill, timeout, spare) -> None:
    jobs = work(*[(at, hosts, run, run * 1.3 + more) for at, hosts, run, more in sorted(rows)])
    params = {"order": order, "timeout": timeout, "spare": spare, "slowdown": 0.25, "boost": 30}
    run = play(jobs, "eco", machine(6), **params, **({"backfill": backfill} if backfill else {}))
    assert run.summary["jobs"]["succeeded"] == len(rows)
