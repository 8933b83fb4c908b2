"""Traps of the published environment, closed: prices, history, waits, completion, work left undone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from wattq.errors import LearningError
from wattq.platforms.signals import Signal
from wattq.schedulers.rl.node_power import NodePowerConfig, Weights, World, make_rule, prices_of, record
from wattq.schedulers.rl.node_power.config import PARTS

KEEP, REFILL = [1, 0, 0], [1, 0, 1]
TINY = {"n_nodes": 4, "cores_per_node": 8, "max_nodes_per_job": 4, "horizon_h": 6, "flat_queue": 1}


def played(config: NodePowerConfig, prices: Any, arrivals: Any, actions: list[list[int]]) -> World:
    world = World(config, 1, prices=prices, arrivals=arrivals)
    world.reset(0)
    for action in actions:
        world.step(np.array([action]))
    return world


def test_each_hour_is_charged_at_its_own_price_and_sign(by_hand: Any, price_row: Any) -> None:
    # All four nodes idle: 600 W. A shift of the prices, or a start one hour late, changes every line.
    world = World(NodePowerConfig(**TINY), 1, prices=price_row([-500.0, 3.0, 0.0, 70.0]), arrivals=by_hand([[]]))
    world.reset(0)
    costs = []
    for _ in range(4):
        world.step(np.array([KEEP]))
        costs.append(world.state.hourly[0, 15])
    assert costs == pytest.approx([-0.3, 0.0018, 0.0, 0.042])
    assert world.totals(0)["cost"] == pytest.approx(-0.2562)
    world.reset(0, {"price_start_index": 3})
    world.step(np.array([KEEP]))
    assert world.totals(0)["cost"] == pytest.approx(0.042)


def test_energy_of_a_load_by_hand(by_hand: Any, price_row: Any) -> None:
    # 2 nodes x 6 of 8 cores for 2 h, and one node is switched off: 3 x 150 W + 300 W x 12 / 8 = 900 W, then 450 W.
    hours = [[(2, 2, 6)], [], [], [], [], []]
    actions = [[0, 0, 1], REFILL, REFILL]
    world = played(NodePowerConfig(**TINY), price_row([100.0]), by_hand(hours), actions)
    assert world.totals(0)["mwh"] == pytest.approx((900 + 900 + 450) * 1e-6)
    assert world.totals(0)["cost"] == pytest.approx(0.225)
    # By node: 2 of 3 nodes at 450 W, the other at 150 W.
    by_node = played(NodePowerConfig(**TINY, power="nodes"), price_row([100.0]), by_hand(hours), actions)
    assert by_node.totals(0)["mwh"] == pytest.approx((1050 + 1050 + 450) * 1e-6)


def test_boot_takes_time_and_energy(by_hand: Any, price_row: Any) -> None:
    config = NodePowerConfig(**TINY, initial_on=0, boot_h=2, boot_wh=50.0, off_w=10.0)
    actions = [[2, 1, 1], [0, 3, 1], REFILL, REFILL]
    world = World(config, 1, prices=price_row([1.0]), arrivals=by_hand([[(1, 2, 8)], [], [], [], [], []]), log=True)
    world.reset(0)
    watts = []
    for action in actions:
        world.step(np.array([action]))
        watts.append(world.state.hourly[0, 16] * 1e6)
    # Two nodes start (and are not stopped), two stay off; at hour 2 the job has them for an hour.
    assert watts == pytest.approx([2 * 150 + 2 * 10 + 2 * 50, 320, 2 * 450 + 20, 320])
    assert world.state.log[0, 0, 1] == 2


def test_history_is_past_and_the_forecast_was_published(price_row: Any, by_hand: Any) -> None:
    values = np.arange(96.0)
    world = World(NodePowerConfig(horizon_h=96), 1, prices=price_row(values), arrivals=by_hand([[]]))
    world.reset(0)
    for hour in range(96):
        seen = world.observation(0)
        history = [max(hour - back, 0) for back in range(24, 0, -1)]
        assert seen["price_history"].tolist() == history
        day = hour // 24 + (2 if hour % 24 >= 12 else 1)
        known = [hour + lead if hour + lead < min(24 * day, 96) else hour + lead - 24 for lead in range(24)]
        expected = [float(max(place, 0)) if hour + lead >= 24 else float(place) for lead, place in enumerate(known)]
        if hour < 1:
            expected = [float(lead) for lead in range(24)]
        assert seen["predicted_prices"].tolist() == expected, hour
        world.step(np.array([KEEP]))


@pytest.mark.parametrize("model", ["day-ahead", "persistence"])
def test_the_future_changes_no_observation(by_hand: Any, price_row: Any, model: str) -> None:
    values = np.random.default_rng(0).normal(50, 30, 120)
    changed = np.concatenate([values[:72], values[72:] + 1000.0])
    worlds = []
    for row in (values, changed):
        prices = price_row(row, model)
        worlds.append(World(NodePowerConfig(horizon_h=96), 1, prices=prices, arrivals=by_hand([[]])))
        worlds[-1].reset(0)
    # At hour 59 (11:00 of the third day) nothing of the fourth day is published.
    for _ in range(60):
        first, second = (world.observation(0) for world in worlds)
        assert all(np.array_equal(first[name], second[name]) for name in first)
        for world in worlds:
            world.step(np.array([KEEP]))
        assert worlds[0].rewards[0] == worlds[1].rewards[0] or worlds[0].task.real[5] != worlds[1].task.real[5]
    noon = [world.observation(0)["predicted_prices"] for world in worlds]
    assert np.array_equal(*noon) == (model == "persistence")


def test_perfect_forecast_and_carbon_in_place_of_the_price() -> None:
    starts = 1672617600.0 + 3600.0 * np.arange(60)
    carbon = Signal(starts, starts[-1] + 3600.0, np.linspace(100, 400, 60), "carbon", "g/kWh", kind="average")
    prices = prices_of(carbon, forecast="perfect")
    assert prices.forecast[7].tolist() == prices.value[7:31].tolist()
    assert prices.cost_unit == "kg"
    with pytest.raises(LearningError, match="price or a carbon"):
        prices_of(Signal(starts, starts[-1] + 3600.0, np.full(60, 1.2), "pue", "1"))
    with pytest.raises(LearningError, match="two days"):
        prices_of(carbon.slice(starts[0], starts[9]))


def test_local_days_decide_what_is_published() -> None:
    # 26 March 2023 has 23 hours in Berlin, from hour 24 on: noon is hour 35.
    starts = 1679698800.0 + 3600.0 * np.arange(96)  # 25 March, 0:00 in Berlin
    signal = Signal(starts, starts[-1] + 3600.0, np.arange(96.0), "price", "EUR/MWh", time_zone="Europe/Berlin")
    prices = prices_of(signal)
    assert prices.clock[[0, 23, 24, 26, 46, 47]].tolist() == [120, 143, 144, 147, 167, 0]
    assert prices.forecast[34].tolist()[:14] == [*range(34, 47), 23.0]
    assert prices.forecast[35].tolist() == list(range(35, 59))


def test_a_job_completes_when_it_ends_not_when_it_starts(by_hand: Any, price_row: Any) -> None:
    world = World(
        NodePowerConfig(**TINY), 1, prices=price_row([1.0]), arrivals=by_hand([[(3, 1, 1)], [], [], [], [], []])
    )
    world.reset(0)
    completed = []
    for _ in range(4):
        world.step(np.array([REFILL]))
        completed.append(world.totals(0)["completed"])
    assert completed == [0, 0, 1, 1]


def test_jobs_that_never_start_wait_and_are_charged(by_hand: Any, price_row: Any) -> None:
    hours = [[(2, 1, 8)], [], [(1, 4, 8)], [], [], []]
    config = NodePowerConfig(**TINY, max_age_h=3)
    world = World(config, 1, prices=price_row([10.0, 200.0, -5.0]), arrivals=by_hand(hours), log=True)
    episode = record(world, make_rule("nothing"), "nothing")
    assert episode.started.tolist() == [False, False]
    # The first is lost after more than 3 h, at hour 4; the other still waits at the end.
    assert episode.wait_h.tolist() == [4, 4]
    assert episode.completed.tolist() == [False, False]
    assert episode.slowdown.tolist() == [3.0, 5.0]
    totals = episode.totals
    assert (totals["lost"], totals["queued"], totals["completed"]) == (1, 1, 0)
    assert totals["unfinished_ch"] == 16 + 32
    assert totals["charge"] == pytest.approx(48 * 450 / 8 * 1e-6 * 200)
    assert totals["parts"]["unfinished"] == pytest.approx(-4 * 6)
    assert totals["cost"] == 0


def test_work_in_progress_is_charged_for_what_is_left(by_hand: Any, price_row: Any) -> None:
    world = played(NodePowerConfig(**TINY), price_row([1.0]), by_hand([[(8, 1, 2)], [], [], [], [], []]), [REFILL] * 6)
    assert world.totals(0)["unfinished_ch"] == 4
    assert world.totals(0)["parts"]["unfinished"] == pytest.approx(-24 * 4 / 16)


def test_charging_hour_by_hour_comes_to_the_same() -> None:
    found = {}
    for charge in ("end", "hourly"):
        config = NodePowerConfig(n_nodes=30, queue_size=20, backlog_size=10, max_age_h=20, horizon_h=60, charge=charge)
        world = World(config, 1, arrivals=60.0)
        world.reset(0)
        rule = make_rule("random")
        for _ in range(60):
            world.step(rule(world))
        found[charge] = world.totals(0)["parts"]
    assert found["hourly"] == pytest.approx(found["end"], rel=1e-9)
    assert found["end"]["unfinished"] < -1


def test_a_dropped_job_is_counted_once(by_hand: Any, price_row: Any) -> None:
    config = NodePowerConfig(**TINY, queue_size=1, backlog_size=1, max_age_h=1, initial_on=0, weights=Weights(drop=1.0))
    world = World(config, 1, prices=price_row([1.0]), arrivals=by_hand([[(1, 1, 1)] * 4, [], [], [], [], []]))
    world.reset(0)
    lost, drops = [], []
    for _ in range(5):
        world.step(np.array([KEEP]))
        lost.append((world.totals(0)["lost_full"], world.totals(0)["lost_age"]))
        drops.append(world.parts(0)["drop"])
    assert lost == [(2, 0), (2, 0), (2, 2), (2, 2), (2, 2)]
    assert drops == pytest.approx([-np.tanh(0.1), 0, -np.tanh(0.1), 0, 0])


def test_refill_starts_what_waits_in_the_backlog(by_hand: Any, price_row: Any) -> None:
    hours = [[(1, 1, 8)] * 4, [], [], [], [], []]
    found = {}
    for refill in (0, 1):
        config = NodePowerConfig(**TINY, queue_size=1)
        world = played(config, price_row([1.0]), by_hand(hours), [[1, 0, refill]] * 3)
        found[refill] = (world.totals(0)["completed"], world.totals(0)["backlog"])
    assert found == {0: (1, 3), 1: (4, 0)}


def test_one_idle_node_does_not_dodge_the_blackout(by_hand: Any, price_row: Any) -> None:
    # Jobs of two nodes wait before one idle node: as dark as a machine that is off.
    hours = [[(1, 2, 8)] * 5, [], [], [], [], []]
    parts = []
    for initial_on in (0, 1):
        world = played(NodePowerConfig(**TINY, initial_on=initial_on), price_row([1.0]), by_hand(hours), [KEEP])
        parts.append(world.parts(0)["blackout"])
    assert parts == pytest.approx([0.7 * (np.exp(-1) - 1)] * 2)
    dark = played(NodePowerConfig(**TINY, initial_on=0), price_row([1.0]), by_hand([[]] * 6), [KEEP])
    assert dark.parts(0)["blackout"] == pytest.approx(0.7)


@pytest.mark.parametrize("shapes", ["tanh", "ratio"])
@pytest.mark.parametrize("load", [5.0, 100.0, 320.0])
@pytest.mark.parametrize("prices", ["sinus", "logic"])
def test_idleness_never_pays(shapes: str, load: float, prices: str) -> None:
    scores = {}
    for name in ("always-on", "nothing", "one-node"):
        world = World(NodePowerConfig(horizon_h=168, shapes=shapes), 1, prices=prices, arrivals=load)
        world.reset(0)
        rule = make_rule(name)
        for _ in range(168):
            world.step(rule(world))
        scores[name] = world.totals(0)["reward"]
    assert scores["nothing"] < scores["always-on"]
    assert scores["one-node"] < scores["always-on"]


@pytest.mark.parametrize("part", [name for name in PARTS if name not in ("unfinished", "drop")])
def test_no_single_weight_makes_idleness_pay(part: str) -> None:
    weights = Weights(**(dict.fromkeys(PARTS, 0.0) | {part: 1.0, "unfinished": 1.0}))
    scores = []
    for name in ("always-on", "nothing", "one-node"):
        world = World(NodePowerConfig(horizon_h=168, weights=weights), 1, prices="logic", arrivals=100.0)
        world.reset(0)
        rule = make_rule(name)
        for _ in range(168):
            world.step(rule(world))
        scores.append(world.totals(0)["reward"])
    assert scores[0] > max(scores[1:])


@pytest.mark.parametrize("shapes", ["tanh", "ratio"])
def test_random_is_worse_than_nodes_on_when_jobs_wait(shapes: str) -> None:
    for load in (5.0, 60.0, 200.0):
        scores = []
        for name in ("queue", "sized", "random"):
            world = World(NodePowerConfig(shapes=shapes), 1, arrivals=load)
            world.reset(0)
            rule = make_rule(name)
            for _ in range(336):
                world.step(rule(world))
            scores.append(world.totals(0)["reward"])
        assert scores[2] < min(scores[:2])


@pytest.mark.parametrize("carry", [False, True])
def test_carry_over_goes_on_where_it_ended(by_hand: Any, price_row: Any, carry: bool) -> None:
    hours: list[list[tuple[int, int, int]]] = [[(5, 1, 8)], [], [], [], [], [(4, 1, 8)] * 5]
    config = NodePowerConfig(**TINY, carry_over=carry)
    world = World(config, 1, prices=price_row(np.arange(48.0)), arrivals=by_hand(hours * 4), log=True)
    first = record(world, make_rule("always-on"), "always-on")
    before = world.observation(0)["nodes"].tolist()
    assert before == [3, 3, 3, 3]
    second = record(world, make_rule("always-on"), "always-on")
    # One of the five jobs waits for a node until hour 3 of the next episode.
    assert first.totals["queued"] == 1
    if carry:
        assert second.totals["submitted"] == 5 + 6
        assert second.jobs[:5, :2].tolist() == [[-1, -1], [-1, -1], [-1, -1], [-1, -1], [-1, 3]]
        assert second.hours["running"][0] == 4
        assert second.hours["price"].tolist() == [6, 7, 8, 9, 10, 11]
        assert second.totals["work_ch"] == 4 * 3 * 8 + 32 + 40 + 5 * 32
    else:
        assert second.totals["submitted"] == 6
    held = second.totals
    assert held["submitted"] == sum(held[name] for name in ("completed", "running", "queued", "backlog", "lost"))


def test_rewards_by_hand(by_hand: Any, price_row: Callable[..., Any]) -> None:
    # One job of 2 nodes x 8 cores on 4 nodes; price 10, then 30.
    weights = Weights(1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    prices = price_row([10.0] * 24 + [30.0] * 24)
    hours = [[(1, 2, 8), (1, 3, 8)], [], [], [], [], []]
    world = played(NodePowerConfig(**TINY, weights=weights), prices, by_hand(hours), [REFILL])
    mwh = (4 * 150 + 2 * 300) * 1e-6
    share = 1 - np.exp(-2 / 40)
    # At midnight only the first day is known and there is no past: the mean around is the price, no hour is better.
    expected = {
        "efficiency": np.tanh(5 * (16 / mwh / (8 / 450e-6) - 0.7)),
        "price": np.tanh(4 * 0.0 * share),
        "idle": -0.5,
        "age": 0.0,
        "drop": 0.0,
        "blackout": 0.0,
        "unfinished": 0.0,
        "cost": -10 * mwh / (4 * 450e-6 * 30),
        "wait": -24 / 32,
    }
    assert world.parts(0) == pytest.approx(expected)
    later = World(NodePowerConfig(**TINY, weights=weights), 1, prices=prices, arrivals=by_hand(hours))
    later.reset(0, {"price_start_index": 20, "arrival_start_hour": 0})
    later.step(np.array([REFILL]))
    # 20 past and 4 coming hours of 10; 20 hours of 30 are published by now; 4 hours before the first one count as 10.
    context = (24 * 10 + 4 * 10 + 20 * 30) / 48
    assert later.parts(0)["price"] == pytest.approx(np.tanh(4 * (context - 10) / 20 * share))


def test_earlier_forms_of_the_rewards(by_hand: Any, price_row: Any) -> None:
    weights = Weights(1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0)
    config = NodePowerConfig(**TINY, weights=weights, shapes="ratio", initial_on=3, queue_size=2, backlog_size=0)
    hours = [[(1, 2, 8), (2, 4, 8), (1, 1, 1)], [], [], [], [], []]
    world = World(config, 1, prices=price_row([10.0] * 24 + [30.0] * 24), arrivals=by_hand(hours))
    world.reset(0, {"price_start_index": 20, "arrival_start_hour": 0})
    world.step(np.array([REFILL]))
    context = (24 * 10 + 4 * 10 + 20 * 30) / 48
    expected = {
        "efficiency": 900 / (900 + 150),
        "price": (context - 10) / 20 / 1500,
        "idle": -0.25,
        "age": 0.0,
        "drop": -5.0,
        "blackout": 0.0,
        "unfinished": 0.0,
        "cost": 0.0,
        "wait": 0.0,
    }
    assert world.parts(0) == pytest.approx(expected)
    world.step(np.array([KEEP]))
    assert world.parts(0)["age"] == pytest.approx(np.exp(-1 / 84) - 1)
    assert world.parts(0)["blackout"] == pytest.approx(np.exp(-0.2) - 1)


def test_age_and_negative_price(by_hand: Any, price_row: Any) -> None:
    weights = Weights(0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    config = NodePowerConfig(**(TINY | {"horizon_h": 40}), weights=weights, initial_on=3)
    hours = [[(1, 4, 8)], *([[]] * 29), [(1, 3, 8)], *([[]] * 9)]
    world = World(config, 1, prices=price_row([10.0] * 30 + [-10.0] * 18), arrivals=by_hand(hours))
    world.reset(0)
    ages = []
    for _ in range(31):
        world.step(np.array([KEEP]))
        ages.append(world.parts(0)["age"])
    assert ages[24] == 0
    assert ages[30] == pytest.approx(np.exp(-6 / 168) - 1)
    share = 1 - np.exp(-3 / 40)
    hour = world.state.hourly[0]
    advantage = (hour[1] + 10) / (world.prices.high - world.prices.low)
    assert hour[0] == -10
    assert world.parts(0)["price"] == pytest.approx(min(1.5, max(0.35 * share, 2.5 * np.tanh(4 * advantage * share))))
