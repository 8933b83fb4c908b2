"""What each action does to order, power and dates."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from wattq.errors import LearningError
from wattq.schedulers.rl.backfill import Fleet, Options
from wattq.schedulers.rl.backfill import slots as p
from wattq.simulator import layout as c


def _fleet(kit: Any, options: Options, **changes: Any) -> Fleet:
    fleet = Fleet(kit.scenario(options=options, **changes), 1)
    fleet.begin(0, 0)
    return fleet


def _take(fleet: Fleet, name: str) -> None:
    fleet.step(np.array([fleet.scenario.actions.index(name)]))


def _may(fleet: Fleet, name: str) -> bool:
    return bool(fleet.mask[0, fleet.scenario.actions.index(name)])


def test_names_of_the_actions(kit: Any) -> None:
    options = Options(window=2, hold_s=(3600.0,), sleep=True)
    assert kit.scenario(options=options).actions == (
        "start slot 0 in power state 0",
        "start slot 0 in power state 1",
        "start slot 1 in power state 0",
        "start slot 1 in power state 1",
        "wait",
        "hold slot 0 for 3600 s",
        "hold slot 1 for 3600 s",
        "put the free hosts to sleep",
        "wake hosts",
    )


@pytest.mark.parametrize(("state", "power_w", "speed"), [(0, 200.0, 1.0), (1, 150.0, 0.75)])
def test_a_start_sets_the_power_state(kit: Any, state: int, power_w: float, speed: float) -> None:
    fleet = _fleet(kit, Options(window=1), load=0.2)
    job = fleet._mi[0, p.SLOTS_AT]
    _take(fleet, f"start slot 0 in power state {state}")
    while fleet.status[0] == 0:
        fleet.step(fleet.teach("easy"))
    done = fleet.kernel(0).jobs[job]
    run_s = fleet.pool.episode(0).truth[0, job]
    assert done["end_s"] - done["start_s"] == pytest.approx(run_s / speed)
    assert done["energy_j"] == pytest.approx(done["hosts"] * power_w * run_s / speed)


def test_a_held_job_comes_back_and_is_held_no_longer_than_allowed(kit: Any) -> None:
    fleet = _fleet(kit, Options(window=1, hold_s=(3600.0,), max_hold_s=7200.0), load=0.2)
    job = fleet._mi[0, p.SLOTS_AT]
    begin_s = float(fleet.ledger(0).head["now_s"][0])
    seen_s = []
    while fleet.ledger(0).jobs["state"][job] == c.SUBMITTED:
        if fleet._mi[0, p.SLOTS_AT] != job or fleet._mi[0, p.N_SLOTS] == 0:
            fleet.step(fleet.teach("easy"))
            continue
        seen_s.append(float(fleet.ledger(0).head["now_s"][0]) - begin_s)
        if not _may(fleet, "hold slot 0 for 3600 s"):
            _take(fleet, "start slot 0 in power state 0")
            break
        _take(fleet, "hold slot 0 for 3600 s")
    assert seen_s == pytest.approx([0.0, 3600.0, 7200.0], abs=1.0)
    assert fleet.ledger(0).jobs["start_s"][job] - begin_s == pytest.approx(7200.0, abs=1.0)


def test_sleeping_hosts_draw_less_and_wake_for_a_job(kit: Any) -> None:
    fleet = _fleet(kit, Options(window=1, sleep=True, states=(0,)), load=0.2)
    hosts = fleet.scenario.platform.n_compute
    assert not _may(fleet, "wake hosts")
    _take(fleet, "put the free hosts to sleep")
    # Meanwhile there was nothing to decide.
    assert fleet._mi[0, p.ASLEEP] == hosts
    assert fleet.ledger(0).head["n_free"][0] == 0
    assert fleet.kernel(0).head["power_w"][0] == 10.0 * hosts
    needed = int(fleet.ledger(0).jobs["hosts"][fleet._mi[0, p.SLOTS_AT]])
    _take(fleet, "wake hosts")
    assert fleet._mi[0, p.ASLEEP] == hosts - needed
    for _ in range(5):
        if fleet.ledger(0).head["n_free"][0] < needed:
            _take(fleet, "wait")
    assert fleet.ledger(0).head["n_free"][0] == needed
    assert _may(fleet, "start slot 0 in power state 0")


def test_waiting_is_masked_where_nothing_else_can_happen(kit: Any) -> None:
    fleet = _fleet(kit, Options(window=1, sleep=True), jobs=2, episodes=1, load=0.2)
    kit.play(fleet, 0, kit.waiting)
    assert fleet.ledger(0).head["n_waiting"][0] == 0


def test_the_agent_is_asked_again_each_hour_while_a_signal_is_known(kit: Any) -> None:
    fleet = Fleet(kit.scenario(jobs=2, episodes=1, load=0.1, carbon=kit.signal("carbon")), 1)
    fleet.begin(0, 0)
    dates_s = [fleet.ledger(0).head["now_s"][0]]
    for _ in range(5):
        _take(fleet, "wait")
        dates_s.append(fleet.ledger(0).head["now_s"][0])
    # Date 0 of the scenario is a full hour.
    assert [date_s % 3600.0 for date_s in dates_s[1:]] == pytest.approx([0.0] * 5, abs=1e-3)
    assert np.diff(dates_s[1:]) == pytest.approx([3600.0] * 4, abs=1e-3)


def test_a_cap_is_never_broken(kit: Any) -> None:
    cap_w = 16 * 155.0
    fleet = Fleet(kit.scenario(load=1.2, options=Options(cap_w=cap_w, sleep=True)), 1)
    choose = kit.randomly(0)
    most_w = 0.0
    fleet.begin(0, 0)
    while fleet.status[0] == 0:
        most_w = max(most_w, float(fleet.kernel(0).head["power_w"][0]))
        fleet.step(np.array([choose(fleet)]))
    assert 0.9 * cap_w < most_w <= cap_w


def test_a_cap_under_which_a_job_never_runs_is_refused(kit: Any) -> None:
    with pytest.raises(LearningError, match="cap_w"):
        kit.scenario(options=Options(cap_w=16 * 110.0))


def test_a_state_in_which_all_is_masked_is_an_error(kit: Any) -> None:
    scenario = kit.scenario(jobs=3, episodes=1, load=0.1)
    asleep = kit.replace(scenario.platform, initial_pstate=np.full(16, 2))
    scenario = kit.replace(scenario, platform=asleep)
    fleet = Fleet(scenario, 1)
    with pytest.raises(LearningError, match="every action is masked"):
        kit.play(fleet, 0, kit.waiting)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"window": 0}, "window"),
        ({"window": 129}, "window"),
        ({"backfill": "some"}, "backfill"),
        ({"hold_s": (0.0,)}, "hold_s"),
        ({"hold_s": (90000.0,)}, "hold_s"),
        ({"hold_s": tuple(range(1, 10))}, "hold_s"),
        ({"max_hold_s": math.inf}, "max_hold_s"),
        ({"cap_w": 0.0}, "cap_w"),
        ({"call_s": 1.0}, "call_s"),
    ],
)
def test_bad_options_are_named(values: dict[str, Any], word: str) -> None:
    with pytest.raises(LearningError, match=f"option {word}"):
        Options(**values)


@pytest.mark.parametrize("states", [(), (0, 0), (2,), (0, 9)])
def test_states_that_do_not_compute_are_refused(kit: Any, states: tuple[int, ...]) -> None:
    with pytest.raises(LearningError, match="compute in states"):
        Fleet(kit.scenario(options=Options(states=states)), 1)
