"""Lower bounds: by hand, against each other, and against schedules that policies made."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import InvalidInputError, PlatformError, SignalError, UnsupportedError
from wattq.experiments.accounting import Tariff
from wattq.experiments.bounds import (
    Work,
    capture_rate,
    contiguous_bound,
    liquid_bound,
    with_max_wait,
    work_of,
)
from wattq.experiments.bounds import flow as flows
from wattq.platforms import make_platform
from wattq.platforms.make import ComputeState, SleepState
from wattq.platforms.model import Platform
from wattq.platforms.signals import Signal
from wattq.schedulers import make_policy
from wattq.simulator import simulate
from wattq.workloads import generate_saturated, parse_batsim_json

HOUR = 3600.0
SLEEP = SleepState(10, 5, 125, 64, 115)


def machine(n: int = 2, *states: ComputeState, sleep: bool = True) -> Platform:
    return make_platform(n, states or (ComputeState(1e9, 100, 200),), [SLEEP] if sleep else [])


def work(*jobs: tuple[float, int, float], beta: float = 1.0, loaded: bool = True) -> Work:
    """Return jobs of (submission in h, hosts, run time in h)."""
    submit, hosts, run = zip(*jobs, strict=True) if jobs else ((), (), ())
    n = len(jobs)
    return Work(
        tuple(f"w0!{k}" for k in range(n)),
        np.array(submit, dtype=float) * HOUR,
        np.array(hosts, dtype=np.int64),
        np.array(run, dtype=float) * HOUR,
        beta=np.full(n, beta),
        loaded=np.full(n, loaded),
    )


def carbon(*values: float) -> Tariff:
    start = np.arange(len(values)) * HOUR
    return Tariff(carbon=Signal(start, len(values) * HOUR, np.array(values), "carbon", "g/kWh"))


def price(*values: float) -> Tariff:
    start = np.arange(len(values)) * HOUR
    return Tariff(price=Signal(start, len(values) * HOUR, np.array(values), "price", "EUR/MWh"))


@pytest.mark.parametrize("bound", [liquid_bound, contiguous_bound])
def test_one_job_in_four_hours(bound: Any) -> None:
    found = bound(work((0, 1, 1)), machine(), horizon_s=4 * HOUR)
    # 1 h at 200 W, and 7 host-hours asleep at 10 W.
    assert found.value == pytest.approx((200 + 70) * HOUR, rel=1e-9)
    assert found.parts == pytest.approx({"computing": 200 * HOUR, "resting": 70 * HOUR}, rel=1e-9)
    assert (found.host_s, found.served, found.unserved, found.exact) == (HOUR, ("w0!0",), {}, True)


@pytest.mark.parametrize("bound", [liquid_bound, contiguous_bound])
def test_hosts_that_cannot_sleep_idle(bound: Any) -> None:
    found = bound(work((0, 1, 1)), machine(sleep=False), horizon_s=4 * HOUR)
    assert found.value == pytest.approx((200 + 700) * HOUR, rel=1e-9)


@pytest.mark.parametrize(
    ("beta", "joules"),
    # At half speed and 120 W (110 above sleep) against 190 above sleep: 2 x 110 is more, 1.5 x 110 and 110 are less.
    [(1.0, 190.0), (0.5, 165.0), (0.0, 110.0)],
)
@pytest.mark.parametrize("bound", [liquid_bound, contiguous_bound])
def test_the_best_power_state_for_the_work(bound: Any, beta: float, joules: float) -> None:
    platform = machine(1, ComputeState(1e9, 100, 200), ComputeState(5e8, 90, 120))
    found = bound(work((0, 1, 1), beta=beta), platform, horizon_s=4 * HOUR)
    assert found.value == pytest.approx((40 + joules) * HOUR, rel=1e-9)


@pytest.mark.parametrize("bound", [liquid_bound, contiguous_bound])
def test_a_delay_draws_idle_power(bound: Any) -> None:
    found = bound(work((0, 1, 1), loaded=False), machine(1), horizon_s=2 * HOUR)
    assert found.value == pytest.approx((100 + 10) * HOUR, rel=1e-9)


@pytest.mark.parametrize("bound", [liquid_bound, contiguous_bound])
def test_work_goes_to_the_clean_hours(bound: Any) -> None:
    # Both hosts sleep but for one hour of 200 W: 0.19 kWh more in the hour of 50 g.
    tariff = carbon(300, 400, 50, 200)
    found = bound(work((0, 1, 1)), machine(), horizon_s=4 * HOUR, measure="carbon_g", tariff=tariff)
    assert found.value == pytest.approx(0.02 * 950 + 0.19 * 50, rel=1e-9)
    assert sum(found.parts.values()) == pytest.approx(found.value, rel=1e-9)
    late = bound(work((2.5, 1, 1)), machine(), horizon_s=4 * HOUR, measure="carbon_g", tariff=tariff)
    # From half past two on: half of it at 50 g where work can be cut to pieces or moved to the submission.
    assert late.value == pytest.approx(0.02 * 950 + 0.19 * 125, rel=1e-9)
    soon = with_max_wait(work((0, 1, 1)), HOUR)
    held = bound(soon, machine(), horizon_s=4 * HOUR, measure="carbon_g", tariff=tariff)
    # It starts by 1 h, so it ends by 2 h.
    assert held.value == pytest.approx(0.02 * 950 + 0.19 * 300, rel=1e-8)


def test_two_jobs_share_the_clean_hour_or_do_not_fit_it() -> None:
    tariff = carbon(300, 400, 50, 200)
    both = liquid_bound(work((0, 2, 1), (0, 1, 1)), machine(), horizon_s=4 * HOUR, measure="carbon_g", tariff=tariff)
    assert both.value == pytest.approx(0.02 * 950 + 0.19 * (2 * 50 + 200), rel=1e-9)


def test_a_negative_price_pays_hosts_that_rest_awake() -> None:
    # 2 h: at 100 and at -50 EUR/MWh. Resting costs 10 W or earns 125 W; the job draws 200 W in the second hour.
    found = liquid_bound(work((0, 1, 1)), machine(), horizon_s=2 * HOUR, measure="cost", tariff=price(100, -50))
    assert found.value == pytest.approx((20 * 100 - (125 + 200) * 50) / 1e6, rel=1e-9)


@pytest.mark.parametrize("bound", [liquid_bound, contiguous_bound])
def test_who_cannot_be_served_is_told(bound: Any) -> None:
    jobs = replace(
        work((0, 3, 1), (3.5, 1, 1), (0, 1, 1), (0, 1, 1)),
        latest_start_s=np.array([np.inf, np.inf, np.inf, 0.25 * HOUR]),
    )
    found = bound(jobs, machine(), horizon_s=4 * HOUR, start_s=0.5 * HOUR)
    assert found.served == ("w0!2",)
    assert found.unserved["w0!0"] == "asks for 3 of 2 hosts"
    assert found.unserved["w0!1"] == "ends at 16200 s at the earliest, after the horizon at 14400 s"
    assert found.unserved["w0!3"] == "had to start by 900 s, before 1800 s"
    assert found.host_s == HOUR


@pytest.mark.parametrize("bound", [liquid_bound, contiguous_bound])
def test_work_that_does_not_fit_is_refused(bound: Any) -> None:
    with pytest.raises(InvalidInputError, match="not fit on 1 hosts between"):
        bound(with_max_wait(work((0, 1, 2), (0, 1, 2)), 0.0), machine(1), horizon_s=9 * HOUR)


@pytest.mark.parametrize("bound", [liquid_bound, contiguous_bound])
def test_no_job_at_all(bound: Any) -> None:
    found = bound(work(), machine(), horizon_s=HOUR)
    assert found.value == pytest.approx(20 * HOUR)
    assert found.parts == {"computing": 0.0, "resting": pytest.approx(20 * HOUR)}


def test_pieces_against_one_piece() -> None:
    # Two hours of work in 50, 300, 50: in pieces 50 and 50, in one piece 50 and 300.
    tariff = carbon(50, 300, 50)
    jobs = work((0, 1, 2))
    pieces = liquid_bound(jobs, machine(1), horizon_s=3 * HOUR, measure="carbon_g", tariff=tariff)
    whole = contiguous_bound(jobs, machine(1), horizon_s=3 * HOUR, measure="carbon_g", tariff=tariff)
    assert pieces.value == pytest.approx(0.01 * 400 + 0.19 * 100, rel=1e-6)
    assert whole.value == whole.reached == pytest.approx(0.01 * 400 + 0.19 * 350, rel=1e-9)
    assert whole.gap == 0.0
    assert whole.start_dates_s.tolist() in ([0.0], [HOUR])


@st.composite
def cases(draw: st.DrawFn) -> tuple[Work, Platform, Tariff, float]:
    n = draw(st.integers(1, 4))
    hours = 8
    jobs = [(draw(st.integers(0, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 8)) / 4) for _ in range(n)]
    made = replace(
        work(*jobs),
        beta=np.array(draw(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=n, max_size=n))),
        loaded=np.array(draw(st.lists(st.sampled_from([True, True, False]), min_size=n, max_size=n))),
    )
    if draw(st.booleans()):
        made = with_max_wait(
            made, np.array(draw(st.lists(st.sampled_from([2.0, 6.0, math.inf]), min_size=n, max_size=n))) * HOUR
        )
    states = [ComputeState(1e9, 100, 200), ComputeState(5e8, 90, 120)][: draw(st.integers(1, 2))]
    values = draw(st.lists(st.integers(-40, 200), min_size=12, max_size=12))
    return made, machine(draw(st.integers(2, 3)), *states, sleep=draw(st.booleans())), price(*values), hours * HOUR


@settings(deadline=None, max_examples=60)
@given(cases(), st.sampled_from([HOUR, HOUR / 2]))
def test_liquid_is_never_above_contiguous(case: Any, step_s: float) -> None:
    jobs, platform, tariff, horizon_s = case
    for measure in ("energy_j", "cost"):
        keys = {"horizon_s": horizon_s, "measure": measure, "tariff": tariff, "step_s": step_s}
        try:
            whole = contiguous_bound(jobs, platform, **keys)
        except InvalidInputError:
            continue
        pieces = liquid_bound(jobs, platform, **keys)
        room = 1e-6 * max(abs(whole.value), abs(whole.parts["computing"]), 1e-9)
        assert pieces.value <= whole.value + room
        assert (pieces.served, pieces.unserved) == (whole.served, whole.unserved)
        for found in (pieces, whole):
            assert sum(found.parts.values()) == pytest.approx(found.value, rel=1e-9, abs=room)


def by_program(ways: Any, room: Any) -> Any:
    found = flows.program([ways], room)
    return None if found is None else flows.Flow(*found, True)


@settings(deadline=None, max_examples=40)
@given(cases())
def test_filling_and_pricing_agree_with_the_program(case: Any) -> None:
    jobs, platform, tariff, horizon_s = case
    keys = {"horizon_s": horizon_s, "measure": "cost", "tariff": tariff}
    try:
        solved = liquid_bound(jobs, platform, **keys)
    except InvalidInputError:
        return
    scale = 1e-6 * sum(abs(part) for part in solved.parts.values()) + 1e-12
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flows, "_MOST_CELLS", 0)
        priced = liquid_bound(jobs, platform, **keys)
    assert priced.value <= solved.value + scale
    n = jobs.n_jobs
    alike = replace(jobs, beta=np.ones(n), loaded=np.ones(n, dtype=bool), latest_start_s=np.full(n, math.inf))
    one = liquid_bound(alike, platform, **keys)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flows, "_filled", by_program)
        again = liquid_bound(alike, platform, **keys)
    assert one.exact
    assert one.value == pytest.approx(again.value, rel=1e-6, abs=scale)


@settings(deadline=None, max_examples=15)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(1, 2), st.integers(1, 3)), min_size=1, max_size=3),
    st.lists(st.integers(0, 300), min_size=9, max_size=9),
)
def test_contiguous_is_the_best_of_all_starts(jobs: list[tuple[int, int, int]], values: list[int]) -> None:
    made, platform, tariff = work(*jobs), machine(2), carbon(*values)
    best = math.inf
    for starts in itertools.product(*(range(s, 9 - r + 1) for s, _, r in jobs)):
        busy = np.zeros(9, dtype=int)
        for start, (_, hosts, run) in zip(starts, jobs, strict=True):
            busy[start : start + run] += hosts
        if busy.max() <= 2:
            best = min(best, float((0.02 + 0.19 * busy) @ np.array(values)))
    if best == math.inf:
        with pytest.raises(InvalidInputError, match="the jobs do not fit on 2 hosts"):
            contiguous_bound(made, platform, horizon_s=9 * HOUR, measure="carbon_g", tariff=tariff)
        return
    found = contiguous_bound(made, platform, horizon_s=9 * HOUR, measure="carbon_g", tariff=tariff)
    assert found.value == pytest.approx(best, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("policy", ["fcfs", "easy"])
def test_no_policy_is_below_the_bound(policy: str) -> None:
    platform = machine(16, ComputeState(1e9, 100, 200), ComputeState(8e8, 95, 150))
    workload = generate_saturated(200, 16, seed=3)
    run = simulate(platform, [workload], make_policy(policy), energy=True)
    made = work_of(workload, platform)
    found = liquid_bound(made, platform, horizon_s=run.summary["end_s"])
    assert found.host_s == pytest.approx(float(made.hosts @ made.run_s))
    assert 0.0 < found.value < run.energy_exact_j
    # Full speed leaves no time to rest when the machine is full; work alone is a bound as well.
    assert found.value >= 16 * 10 * run.summary["end_s"]


def test_capture_is_stated_for_equal_work_only() -> None:
    found = liquid_bound(work((0, 1, 1), (0, 1, 1)), machine(), horizon_s=4 * HOUR)
    jobs = {"w0!0", "w0!1"}
    half = (1000 * HOUR + found.value) / 2
    good = capture_rate(1000 * HOUR, half, found, baseline_served=jobs, policy_served=jobs)
    assert (good.rate, good.text) == (pytest.approx(0.5), "50.0 %")
    less = capture_rate(1000 * HOUR, half, found, baseline_served=jobs, policy_served={"w0!0"})
    assert (less.rate, less.text) == (None, "void: the policy did other work than the bound (1 jobs less, 0 more)")
    none = capture_rate(found.value, found.value, found, baseline_served=jobs, policy_served=jobs)
    assert none.text == "the bound allows no saving"


def test_the_work_of_a_workload() -> None:
    document = {
        "nb_res": 4,
        "jobs": [
            {"id": "a", "subtime": 1, "res": 2, "profile": "p"},
            {"id": "b", "subtime": 2, "res": 2, "profile": "t"},
            {"id": "c", "subtime": 3, "res": 1, "profile": "d"},
        ],
        "profiles": {
            "p": {"type": "parallel_homogeneous", "cpu": 2e9, "com": 0},
            "t": {"type": "parallel_homogeneous_total", "cpu": 2e9, "com": 0},
            "d": {"type": "delay", "delay": 7},
            "v": {"type": "parallel", "cpu": [1, 1], "com": [0, 0, 0, 0]},
        },
    }
    text = json.dumps(document).encode()
    found = work_of(parse_batsim_json(text, "w.json"), machine(4))
    assert found.key == ("w0!a", "w0!b", "w0!c")
    assert found.run_s.tolist() == [2.0, 1.0, 7.0]
    assert found.loaded.tolist() == [True, True, False]
    assert work_of(parse_batsim_json(text, "w.json"), machine(4), served={"w0!b"}).key == ("w0!b",)
    with pytest.raises(InvalidInputError, match="job w0!z: not in the workload"):
        work_of(parse_batsim_json(text, "w.json"), machine(4), served={"w0!z"})
    with pytest.raises(UnsupportedError, match="job w0!a: a profile of type parallel has no run time of its own"):
        work_of(parse_batsim_json(text.replace(b'"profile": "p"', b'"profile": "v"'), "w.json"), machine(4))


@pytest.mark.parametrize(
    ("keys", "error", "words"),
    [
        ({"horizon_s": 0.0}, InvalidInputError, "the horizon must come after the start"),
        ({"horizon_s": math.nan}, InvalidInputError, "the horizon must come after"),
        ({"step_s": 0.0}, InvalidInputError, "step 0 s"),
        ({"step_s": 1e-3}, InvalidInputError, "at most 200,000"),
        ({"measure": "joules"}, InvalidInputError, "measure 'joules': there are energy_j"),
        ({"measure": "cost"}, InvalidInputError, "measure cost: needs a signal"),
        ({"measure": "carbon_g", "tariff": carbon(100, 100)}, SignalError, "nothing is known outside the span"),
    ],
)
@pytest.mark.parametrize("bound", [liquid_bound, contiguous_bound])
def test_bad_input(bound: Any, keys: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        bound(work((0, 1, 1)), machine(), **{"horizon_s": 4 * HOUR, **keys})


def test_machines_that_a_bound_does_not_know() -> None:
    with pytest.raises(PlatformError, match="states no powers"):
        liquid_bound(work((0, 1, 1)), make_platform(2), horizon_s=HOUR)
    mixed = machine(2)
    mixed = replace(mixed, cores=np.array([1, 2]))
    with pytest.raises(UnsupportedError, match="bounds are for equal hosts"):
        liquid_bound(work((0, 1, 1)), mixed, horizon_s=HOUR)


def test_too_many_choices_and_too_little_time() -> None:
    many = work(*[(0, 1, 1)] * 20)
    with pytest.raises(UnsupportedError, match="more than 50 choices of start and power state"):
        contiguous_bound(many, machine(8), horizon_s=40 * HOUR, most_choices=50)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"run_s": np.array([-1.0])}, "run_s -1; it must be finite and not negative"),
        ({"hosts": np.array([0])}, "hosts 0; it must be at least 1"),
        ({"beta": np.array([1.5])}, "beta 1.5; it must be from 0 to 1"),
        ({"submit_s": np.array([math.nan])}, "submit_s nan; it must be a finite date"),
        ({"latest_start_s": np.array([-5.0])}, "latest_start_s -5; it must be a date not before the submission"),
        ({"beta": np.ones(2)}, "2 values of beta for 1 jobs"),
    ],
)
def test_work_checks_its_columns(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        replace(work((0, 1, 1)), **change)
