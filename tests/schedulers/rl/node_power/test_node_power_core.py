"""The compiled hour against plain Python, and its invariants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.schedulers.rl.node_power import layout as c
from wattq.schedulers.rl.node_power.arrivals import default_model, generated
from wattq.schedulers.rl.node_power.config import PARTS, NodePowerConfig, Weights
from wattq.schedulers.rl.node_power.rules import random_rule
from wattq.schedulers.rl.node_power.world import World


@st.composite
def tasks(draw: st.DrawFn) -> tuple[NodePowerConfig, list[list[tuple[int, int, int]]]]:
    nodes, cores = draw(st.integers(1, 20)), draw(st.integers(1, 5))
    widest, longest = draw(st.integers(1, min(nodes, 4))), draw(st.integers(1, 6))
    config = NodePowerConfig(
        n_nodes=nodes,
        cores_per_node=cores,
        max_nodes_per_job=widest,
        max_duration_h=longest,
        queue_size=draw(st.integers(1, 6)),
        backlog_size=draw(st.none() | st.integers(0, 4)),
        max_age_h=draw(st.none() | st.integers(1, 5)),
        horizon_h=draw(st.integers(1, 30)),
        power=draw(st.sampled_from(["cores", "nodes"])),
        initial_on=draw(st.none() | st.integers(0, nodes)),
        boot_h=draw(st.integers(0, 2)),
        boot_wh=20.0,
        off_w=5.0,
        flat_queue=1,
    )
    job = st.tuples(st.integers(1, longest), st.integers(1, widest), st.integers(1, cores))
    hours = draw(st.lists(st.lists(job, max_size=6), min_size=config.horizon_h, max_size=config.horizon_h))
    return config, hours


def nodes_of(plain: Any) -> list[int]:
    ends = [[job.start + job.hours for job, nodes in plain.running if node in nodes] for node in range(len(plain.on))]
    return [max(own, default=plain.now) - plain.now if on else -1 for own, on in zip(ends, plain.on, strict=True)]


@settings(max_examples=120, deadline=None)
@given(tasks(), st.integers(0, 2**31))
def test_like_plain_python(
    by_hand: Callable[..., Any], price_row: Callable[..., Any], plain: type[Any], task: Any, seed: int
) -> None:
    config, hours = task
    prices = price_row(np.random.default_rng(seed).normal(20, 40, 60))
    world = World(config, 1, prices=prices, arrivals=by_hand(hours), log=True)
    world.reset(0)
    slow = plain(config, prices, hours)
    rule = random_rule(seed)
    for _ in range(config.horizon_h):
        action = rule(world)
        world.step(action)
        slow.step(*action[0].tolist())
        seen = world.observation(0)
        assert seen["nodes"].tolist() == nodes_of(slow)
        queue = [number for job in slow.queue for number in (job.hours, slow.now - job.submit, job.nodes, job.cores)]
        assert seen["job_queue"].tolist() == queue + [0] * (4 * config.queue_size - len(queue))
        assert seen["backlog_size"] == len(slow.backlog)
        assert seen["booting_nodes"] == sum(ready >= 0 for ready in slow.ready)
    totals = world.totals(0)
    lost = sum(job.lost >= 0 for job in slow.everyone)
    assert (totals["completed"], totals["lost"], totals["submitted"]) == (slow.completed, lost, len(slow.everyone))
    assert totals["mwh"] == pytest.approx(slow.mwh, rel=1e-12)
    assert totals["cost"] == pytest.approx(slow.cost, rel=1e-9, abs=1e-12)
    assert totals["served_ch"] == slow.served
    log = world.state.log[0, : world.state.num[0, c.N_LOG]]
    assert log[:, c.L_START].tolist() == [job.start if job.start >= 0 else c.NEVER for job in slow.everyone]
    assert log[:, c.L_LOST].tolist() == [job.lost if job.lost >= 0 else c.NEVER for job in slow.everyone]


def check(world: World) -> None:
    """The invariants of one hour."""
    config, state = world.config, world.state
    num, acc, free = state.num[0], state.acc[0], state.free[0]
    held = num[c.COMPLETED] + num[c.RUNNING] + num[c.N_QUEUE] + num[c.N_BACK] + num[c.LOST_FULL] + num[c.LOST_AGE]
    assert num[c.SUBMITTED] == held
    work = acc[c.SERVED] + acc[c.PENDING_CH] + acc[c.RUNNING_CH] + acc[c.LOST_CH]
    assert acc[c.WORK] == pytest.approx(work)
    seen = world.observation(0)
    nodes, queue = seen["nodes"], seen["job_queue"].reshape(-1, 4)
    assert (nodes >= -1).all()
    assert (nodes <= config.max_duration_h).all()
    assert (free[nodes == -1] == -1).all()
    assert (free[nodes == 0] == config.cores_per_node).all()
    assert ((free[nodes > 0] >= 0) & (free[nodes > 0] < config.cores_per_node)).all()
    assert num[c.N_ON] == np.sum(free >= 0)
    assert num[c.N_IDLE] == np.sum(free == config.cores_per_node)
    assert num[c.USED] == np.sum(config.cores_per_node - free[free >= 0])
    count = num[c.N_QUEUE]
    assert (queue[count:] == 0).all()
    assert (queue[:count, [0, 2, 3]] >= 1).all()
    assert (
        queue[:count] <= [config.max_duration_h, config.max_age_h, config.max_nodes_per_job, config.cores_per_node]
    ).all()
    assert (np.diff(queue[:count, 1]) <= 0).all()
    assert np.isfinite(seen["predicted_prices"]).all()
    assert num[c.PENDING_CORES] == state.widths[0].sum() == 0 or num[c.PENDING_CORES] > 0
    assert sum(world.parts(0).values()) == pytest.approx(world.rewards[0], abs=1e-9)
    flat = world.flat_of(0)
    assert flat.shape == (len(world.names),)
    assert (np.abs(flat) <= 1).all()


@pytest.mark.parametrize(("shapes", "load"), [("tanh", 40.0), ("ratio", 120.0)])
def test_invariants_over_random_hours(shapes: str, load: float) -> None:
    # 10,000 hours in all, carried over from episode to episode, on a machine small enough to be crowded.
    weights = Weights(0.3, 0.2, 0.1, 0.1, 0.1, 0.4, 1.0, 0.5, 0.5)
    config = NodePowerConfig(
        n_nodes=80,
        queue_size=60,
        backlog_size=50,
        max_age_h=40,
        horizon_h=250,
        carry_over=True,
        shapes=shapes,
        weights=weights,
    )
    world = World(config, 1, prices="noisy-logic", arrivals=load)
    rule = random_rule(3)
    lost, before = 0, np.zeros(0)
    for episode in range(20):
        world.reset(0)
        if episode:
            after = world.observation(0)
            assert after["nodes"].tolist() == before.tolist()
        for _ in range(config.horizon_h):
            busy = world.state.free[0] < config.cores_per_node
            busy &= world.state.free[0] >= 0
            world.step(rule(world))
            assert (world.state.free[0, busy] >= 0).all(), "a busy node went off"
            check(world)
        before = world.observation(0)["nodes"]
        lost += world.totals(0)["lost"]
    assert lost > 0


def test_same_seed_same_trajectory() -> None:
    def play() -> list[Any]:
        world = World(NodePowerConfig(horizon_h=120), 1, arrivals=120.0)
        world.seed(0, 11)
        world.reset(0)
        rule = random_rule(4)
        rows = []
        for _ in range(120):
            world.step(rule(world))
            rows.append((float(world.rewards[0]), world.totals(0), world.observation(0)["job_queue"].tobytes()))
        return rows

    assert play() == play()


def test_episodes_side_by_side_are_those_one_by_one() -> None:
    config = NodePowerConfig(n_nodes=60, horizon_h=60, queue_size=50)
    many = World(config, 3, arrivals=40.0)
    alone = [World(config, 1, arrivals=generated(default_model(40.0), config, seed)) for seed in range(3)]
    for e in range(3):
        many.reset(e, {"price_start_index": 24})
        alone[e].reset(0, {"price_start_index": 24})
    actions = np.random.default_rng(0).integers(0, (3, 60, 2), (60, 3, 3))
    for row in actions:
        many.step(row)
        for e, world in enumerate(alone):
            world.step(row[e : e + 1])
            assert many.rewards[e] == world.rewards[0]
            assert many.flat_of(e).tobytes() == world.flat_of(0).tobytes()
    assert [many.totals(e) for e in range(3)] == [world.totals(0) for world in alone]


def test_parts_have_their_names() -> None:
    world = World(NodePowerConfig(horizon_h=3), 1)
    world.reset(0)
    world.step(np.array([[1, 0, 1]]))
    assert tuple(world.parts(0)) == PARTS
