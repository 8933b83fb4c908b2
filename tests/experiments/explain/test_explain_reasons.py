"""Worlds of a few jobs whose reasons and smallest changes follow from the rules by hand."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from wattq.experiments.explain import Explanation, Finding, explain
from wattq.platforms import ComputeState, Platform, SleepState, make_platform
from wattq.platforms.signals import Signal, write_signal

JAN_S = 1609459200.0  # 2021-01-01T00:00Z
# One job on three of four hosts until 100 s, then one that needs all four, then a small one.
BLOCKED = ((0, 3, 100, 100), (1, 4, 50, 50))


def reasons(found: Explanation) -> list[tuple[str, float, float]]:
    """Return reason, begin and end of each stretch, in whole milliseconds."""
    return [(s.cause.reason, round(s.from_s, 3), round(s.to_s, 3)) for s in found.scene.timeline.stretches]


def change(found: Explanation, kind: str) -> Finding:
    (finding,) = [f for f in found.findings if f.kind == kind]
    return finding


def powered(n_hosts: int = 4, *, sleeps: bool = False) -> Platform:
    state = SleepState(10.0, 5.0, 125.0, 64.0, 115.0)
    return make_platform(n_hosts, (ComputeState(1e9, 100.0, 200.0),), (state,) if sleeps else ())


def test_nothing_held_it(run: Callable[..., Path]) -> None:
    found = explain(run("easy", (0, 2, 10, 20)), "0")
    assert reasons(found) == []
    assert found.findings == ()


def test_hosts(run: Callable[..., Path]) -> None:
    found = explain(run("easy", (0, 4, 100, 120), (10, 2, 50, 60)), "1", by=1.0)
    assert reasons(found) == [("hosts", 10, 100)]
    (stretch,) = found.scene.timeline.stretches
    assert (stretch.high["hosts"], stretch.high["free"]) == (2, 0)
    assert stretch.holders == {0: pytest.approx(4 * 90)}
    assert stretch.expected_s == {0: 120}
    assert not change(found, "walltime").found
    assert not change(found, "hosts").found
    more = change(found, "machine")
    assert (more.amount, more.start_s, more.exact, more.past_changed) == (2, pytest.approx(10), True, 0)


def test_fewer_hosts_and_the_price_of_it(run: Callable[..., Path]) -> None:
    """Three of four hosts are busy until 100 s: with one host in place of two it starts at once, and runs 100 s."""
    found = explain(run("easy", (0, 3, 100, 100), (10, 2, 50, 60)), "1", by=1.0)
    fewer = change(found, "hosts")
    assert (fewer.value, fewer.was, fewer.start_s, fewer.end_s) == (1, 2, pytest.approx(10), pytest.approx(110))
    same = explain(run("easy", (0, 3, 100, 100), (10, 2, 50, 60), name="same"), "1", by=1.0, scaling="none")
    assert change(same, "hosts").end_s == pytest.approx(60)


@pytest.mark.parametrize("kind", ["delay", "parallel_homogeneous", "parallel_homogeneous_total"])
@pytest.mark.parametrize(("scaling", "end_s"), [("linear", 110), ("none", 60)])
def test_run_times_on_fewer_hosts(run: Callable[..., Path], kind: str, scaling: str, end_s: float) -> None:
    found = explain(run("easy", (0, 3, 100, 100), (10, 2, 50, 60), kind=kind), "1", scaling=scaling)
    assert change(found, "hosts").end_s == pytest.approx(end_s)


def test_reservation(run: Callable[..., Path]) -> None:
    """The head needs all hosts at 100 s: a job of 10 s fits before it if it asks for no more than 90 s."""
    found = explain(run("easy", *BLOCKED, (10, 1, 50, 200)), "2", by=1.0)
    assert reasons(found) == [("reservation", 10, 100), ("hosts", 100, 150)]
    stretch = found.scene.timeline.stretches[0]
    assert stretch.cause.head == 1
    assert stretch.cause.facts["shadow_s"] == 100
    assert stretch.cause.facts["extra"] == 0
    assert stretch.cause.facts["room_s"] == pytest.approx(90)
    shorter = change(found, "walltime")
    assert (shorter.value, shorter.was, shorter.exact) == (90, 200, True)
    assert shorter.start_s == pytest.approx(10)
    assert shorter.others is not None
    assert (shorter.others.later, shorter.others.earlier) == (0, 0)
    assert change(found, "machine").amount == 1
    assert change(found, "estimates").found
    assert not change(found, "hosts").found


def test_a_share_of_the_wait(run: Callable[..., Path]) -> None:
    """It waits from 10 s to 150 s; with one more host from 10 s on it starts at once, whatever the share."""
    found = explain(run("easy", *BLOCKED, (10, 1, 50, 200)), "2", by=0.5)
    assert found.goal_s == pytest.approx(80)
    assert change(found, "walltime").start_s <= 80
    assert change(found, "walltime").value == 90


def test_order(run: Callable[..., Path]) -> None:
    found = explain(run("fcfs", *BLOCKED, (10, 1, 50, 80)), "2", by=1.0)
    assert reasons(found) == [("order", 10, 100), ("hosts", 100, 150)]
    assert found.scene.timeline.stretches[0].cause.head == 1
    assert not change(found, "walltime").found
    other = change(found, "policy")
    assert (other.found, other.start_s, other.past_changed) == (True, pytest.approx(10), 0)


def test_plan(run: Callable[..., Path]) -> None:
    found = explain(run("conservative", *BLOCKED, (10, 1, 50, 200)), "2", by=1.0)
    assert reasons(found) == [("plan", 10, 100), ("hosts", 100, 150)]
    facts = found.scene.timeline.stretches[0].cause.facts
    assert (facts["planned_s"], facts["in_the_way"]) == (150, 1)
    assert found.scene.timeline.stretches[0].cause.head == 1
    assert change(found, "walltime").value == 90


@pytest.mark.parametrize("policy", ["easy-bf", "easy-bf-fast", "easy-sjbf", "fair-share", "sjf", "filler"])
def test_other_compiled_policies(run: Callable[..., Path], policy: str) -> None:
    """Whatever the policy is, reasons cover the wait without gaps, and every change that is found is played."""
    rows = (*BLOCKED, (10, 1, 50, 200), (11, 2, 30, 40), (12, 4, 30, 40))
    folder = run(policy, *rows)
    for job in range(len(rows)):
        found = explain(folder, str(job))
        stretches = found.scene.timeline.stretches
        if stretches:
            assert stretches[0].from_s == found.scene.submit_s
            assert stretches[-1].to_s == found.scene.start_s
            assert all(a.to_s == b.from_s for a, b in pairwise(stretches))
        assert all(f.start_s <= found.goal_s + 1e-3 for f in found.findings if f.found)


def test_cap(run: Callable[..., Path]) -> None:
    """Four idle hosts draw 400 W, two jobs of two hosts 800 W: under 600 W the second one lacks 200 W."""
    folder = run("power-cap", (0, 2, 100, 100), (10, 2, 50, 60), platform=powered(), params={"cap": 600}, energy=True)
    found = explain(folder, "1", by=1.0)
    assert reasons(found) == [("cap", 10, 100)]
    (stretch,) = found.scene.timeline.stretches
    assert (stretch.high["room_w"], stretch.low["least_w"], stretch.low["cap_w"]) == (0, 200, 600)
    more = change(found, "cap")
    assert (more.amount, more.value, more.was, more.unit, more.exact) == (200, 800, 600, "W", True)
    assert more.start_s == pytest.approx(10)
    assert change(found, "hosts").found is False
    assert "draws more than the cap" in change(found, "machine").words


def test_a_cap_that_changes(run: Callable[..., Path]) -> None:
    """The cap is 600 W until 50 s and 700 W from then on: still 100 W short."""
    folder = run(
        "power-cap",
        (0, 2, 100, 100),
        (10, 2, 50, 60),
        platform=powered(),
        params={"cap": "0:600,50:700"},
        energy=True,
    )
    found = explain(folder, "1", by=0.5)
    assert reasons(found) == [("cap", 10, 100)]
    more = change(found, "cap")
    assert (more.amount, more.start_s) == (100, pytest.approx(50))


@pytest.fixture
def hourly(tmp_path: Path) -> Callable[..., Path]:
    """Write hourly values from 2021 on as a signal file."""

    def write(*values: float) -> Path:
        start_s = JAN_S + 3600.0 * np.arange(len(values))
        signal = Signal(start_s, float(start_s[-1]) + 3600.0, np.array(values, dtype=float), "carbon", "g/kWh")
        path = tmp_path / "signal.csv"
        write_signal(signal, path)
        return path

    return write


def test_hold(run: Callable[..., Path], hourly: Callable[..., Path]) -> None:
    """200 g/kWh at once, 100 in the second hour: with a least gain of 2 % it waits unless it expects 102.04 or less."""
    path = hourly(200, 100, *[300] * 70)
    params = {"signal": str(path), "origin": JAN_S, "forecast": "perfect", "run_share": 1.0, "max_wait": 7200}
    found = explain(run("defer", (0, 2, 3600, 3600), params=params), "0", by=1.0)
    assert reasons(found) == [("signal", 0, 3600)]
    facts = found.scene.timeline.stretches[0].cause.facts
    assert (facts["intensity"], facts["then"], facts["release_s"]) == (200, 100, 3600)
    assert facts["threshold"] == pytest.approx(100 / 0.98)
    lower = change(found, "intensity")
    assert (lower.value, lower.was, lower.unit) == (pytest.approx(102.0), 200, "g/kWh")
    assert lower.start_s == pytest.approx(0, abs=1e-6)


def test_gate(run: Callable[..., Path], hourly: Callable[..., Path]) -> None:
    """Backfilling in the best quarter of the day: six hours of 100 g/kWh come after two of 200.

    With a longest wait of half an hour nobody is held back, and the gate is looked at again when the hour is over.
    """
    path = hourly(200, 200, *[100] * 6, *[300] * 64)
    params = {"signal": str(path), "origin": JAN_S, "forecast": "perfect", "gate": 0.25, "max_wait": 1800}
    rows = ((0, 3, 20000, 20000), (1, 4, 50, 50), (10, 1, 50, 200))
    found = explain(run("carbon-gate", *rows, params=params), "2", by=1.0)
    assert reasons(found) == [("signal", 10, 3600)]
    facts = found.scene.timeline.stretches[0].cause.facts
    assert (facts["intensity"], facts["threshold"]) == (200, 100)
    lower = change(found, "intensity")
    assert (lower.value, lower.start_s) == (pytest.approx(100), pytest.approx(10))


def test_sleeping_hosts(run: Callable[..., Path]) -> None:
    """All hosts fall asleep after the first job; waking takes 64 s."""
    folder = run(
        "sleep",
        (0, 4, 10, 20),
        (1000, 2, 50, 60),
        platform=powered(sleeps=True),
        params={"timeout": 60},
        energy=True,
    )
    found = explain(folder, "1", by=1.0)
    assert reasons(found) == [("waking", 1000, 1064)]
    awake = change(found, "sleep")
    assert (awake.found, awake.start_s) == (True, pytest.approx(1000))
    assert not change(found, "walltime").found


def test_sleeping_hosts_of_another_family(run: Callable[..., Path]) -> None:
    """batsched's policies keep no queue that is known, but hosts asleep are seen."""
    params = {"idle_time_to_sedate": 60, "monitoring_period": 30}
    rows = ((0, 4, 10, 20), (1000, 2, 50, 60))
    folder = run("idle-sleeper", *rows, platform=powered(sleeps=True), params=params, energy=True)
    found = explain(folder, "1", by=1.0)
    assert [name for name, _, _ in reasons(found)] == ["waking"]
    assert found.scene.wait_s >= 64
    assert change(found, "policy").start_s == pytest.approx(1000)


@pytest.mark.parametrize("policy", ["easy", "fcfs", "conservative"])
def test_rejected(run: Callable[..., Path], policy: str) -> None:
    found = explain(run(policy, (0, 2, 100, 100), (10, 6, 50, 60)), "1")
    assert [s.cause.reason for s in found.scene.timeline.stretches] == ["rejected"]
    more = change(found, "machine")
    assert (more.amount, more.value) == (2, 6)
    assert more.start_s == pytest.approx(100)
    fewer = change(found, "hosts")
    assert (fewer.amount, fewer.value, fewer.start_s) == (2, 4, pytest.approx(100))


def test_never_started(run: Callable[..., Path], tmp_path: Path) -> None:
    lazy = tmp_path / "lazy.py"
    lazy.write_text("class Lazy:\n    def decide(self, view, actions):\n        pass\n", encoding="utf-8")
    found = explain(run(f"{lazy}:Lazy", (0, 2, 100, 100)), "0")
    assert [s.cause.reason for s in found.scene.timeline.stretches] == ["policy"]
    assert change(found, "policy").start_s == pytest.approx(0, abs=1e-6)
    assert np.isnan(found.scene.start_s)
