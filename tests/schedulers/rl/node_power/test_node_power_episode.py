"""Rules, and records of episodes."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wattq.errors import LearningError
from wattq.schedulers.rl.node_power import (
    PARTS,
    RULES,
    NodePowerConfig,
    World,
    make_rule,
    read_episode,
    record,
    write_episode,
    write_hours,
)
from wattq.schedulers.rl.node_power.rules import needs, price_rule, switching, timeout_rule

SMALL = {"n_nodes": 6, "cores_per_node": 8, "max_nodes_per_job": 6, "horizon_h": 8, "flat_queue": 1}


def recorded(name: str, load: float = 60.0) -> Any:
    world = World(NodePowerConfig(n_nodes=80, horizon_h=72, queue_size=40), 1, arrivals=load, log=True)
    return record(world, make_rule(name), name)


@pytest.mark.parametrize("name", sorted(RULES))
def test_each_rule_gives_a_whole_record(name: str, tmp_path: Path) -> None:
    episode = recorded(name)
    totals, hours = episode.totals, episode.hours
    assert totals["submitted"] == len(episode.jobs) == hours["submitted"].sum()
    assert totals["launched"] == episode.started.sum() == hours["launched"].sum()
    assert totals["completed"] == episode.completed.sum() == hours["completed"].sum()
    assert totals["cost"] == pytest.approx(hours["cost"].sum())
    assert totals["mwh"] == pytest.approx(hours["mwh"].sum())
    assert totals["reward"] == pytest.approx(episode.reward.sum())
    assert sum(column for column in episode.parts.values()) == pytest.approx(episode.reward, abs=1e-9)
    assert (hours["on"] - hours["idle"] == hours["used"]).all()
    assert (episode.wait_h >= 0).all()
    write_episode(episode, tmp_path / "a.npz")
    again = read_episode(tmp_path / "a.npz")
    assert again.jobs.tobytes() == episode.jobs.tobytes()
    assert again.reward.tobytes() == episode.reward.tobytes()
    assert all(again.hours[key].tobytes() == hours[key].tobytes() for key in hours)
    assert (again.totals, again.about, again.policy) == (totals, episode.about, name)
    assert again.about["prices_synthetic"]
    assert NodePowerConfig.from_json(again.about["task"]).n_nodes == 80


def test_hours_as_csv(tmp_path: Path) -> None:
    episode = recorded("sized")
    write_hours(episode, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 72
    assert [float(row["cost"]) for row in rows] == episode.hours["cost"].tolist()
    assert [float(row["reward_idle"]) for row in rows] == episode.parts["idle"].tolist()


def test_damaged_records_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    write_episode(recorded("queue"), path)
    data = path.read_bytes()
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        broken = bytearray(data)
        for _ in range(random.integers(1, 8)):
            broken[random.integers(len(broken))] = random.integers(256)
        path.write_bytes(bytes(broken[: random.integers(1, len(broken))] if random.random() < 0.3 else broken))
        try:
            read_episode(path)
        except LearningError:
            refused += 1
    assert refused > 100
    with pytest.raises(LearningError, match=r"absent\.npz: no record"):
        read_episode(tmp_path / "absent.npz")
    np.savez(path, reward=np.zeros(3), jobs=np.zeros((1, 6), np.int64), words=np.array(json.dumps({})))
    with pytest.raises(LearningError):
        read_episode(path)


def test_a_record_needs_a_log() -> None:
    with pytest.raises(LearningError, match="log=True"):
        record(World(NodePowerConfig(), 1), make_rule("queue"), "queue")


def test_an_unknown_rule_is_named() -> None:
    with pytest.raises(LearningError, match="always-on"):
        make_rule("always")
    with pytest.raises(LearningError, match="quantile"):
        price_rule(1.5)


def test_what_the_queue_needs(by_hand: Any, price_row: Any) -> None:
    hours = [[(3, 1, 8), (2, 2, 5), (2, 2, 3), (1, 4, 8)], [], [(1, 6, 8)], [], [], [], [], []]
    world = World(NodePowerConfig(**SMALL, initial_on=1), 1, prices=price_row([1.0]), arrivals=by_hand(hours))
    world.reset(0)
    world.step(np.array([[1, 0, 1]]))
    # One node runs the first job; two more hold the next two jobs together, and four nodes are not left for the last.
    assert needs(world).tolist() == [[2, 0, 1]]
    world.step(make_rule("sized")(world))
    assert world.totals(0)["launched"] == 3
    assert world.state.num[0, 3] == 3
    # Nothing else fits before jobs end; then the idle nodes count first.
    assert needs(world).tolist() == [[0, 0, 1]]
    world.step(make_rule("sized")(world))
    world.step(make_rule("always-on")(world))
    assert world.totals(0)["launched"] == 4


def test_switching_is_bounded_by_magnitudes() -> None:
    world = World(NodePowerConfig(levels=5), 2)
    actions = switching(world, np.array([68, -1]))
    assert actions.tolist() == [[2, 1, 1], [0, 0, 1]]
    assert switching(world, np.array([0, 1000])).tolist() == [[1, 0, 1], [2, 4, 1]]


def test_the_price_rule_waits_for_cheap_hours_but_not_for_ever(by_hand: Any, price_row: Any) -> None:
    hours = [[(1, 1, 8)], *[[]] * 39]
    prices = price_row([50.0] * 6 + [10.0] * 42)
    found = []
    for patience in (20, 3):
        config = NodePowerConfig(**(SMALL | {"horizon_h": 40}), initial_on=0)
        world = World(config, 1, prices=prices, arrivals=by_hand(hours), log=True)
        found.append(record(world, price_rule(0.5, patience), "price").jobs[0, 1])
    assert found == [6, 3]


def test_the_timeout_keeps_nodes_a_while(by_hand: Any, price_row: Any) -> None:
    hours = [[(1, 3, 8)], *[[]] * 4, [(1, 2, 8)], *[[]] * 4]
    on = []
    for idle_h in (0, 2):
        config = NodePowerConfig(**(SMALL | {"horizon_h": 10}), initial_on=3)
        world = World(config, 1, prices=price_row([1.0]), arrivals=by_hand(hours), log=True)
        rule = timeout_rule(idle_h)
        on += [record(world, rule, "timeout").hours["on"].tolist() for _ in range(2)]
    # A job arrives after the decision of its hour: what is off then goes on an hour later.
    assert on[0] == on[1] == [0, 3, 0, 0, 0, 0, 2, 0, 0, 0]
    assert on[2] == on[3] == [3, 3, 3, 0, 0, 0, 2, 2, 2, 0]
    with pytest.raises(LearningError, match="at least 0"):
        timeout_rule(-1)


def test_parts_are_those_of_the_task() -> None:
    assert tuple(recorded("queue").parts) == PARTS
