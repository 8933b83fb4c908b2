"""Choices of how much to serve: they stay within the published actions, and leave no work undone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("stable_baselines3")

from wattq.errors import LearningError
from wattq.schedulers.rl.node_power import layout as c
from wattq.schedulers.rl.node_power.config import PARTS, NodePowerConfig, Weights
from wattq.schedulers.rl.node_power.markets import (
    GAP_H,
    PERIOD_H,
    SPAN_H,
    held_out_starts,
    joined,
    read_prices,
    train_starts,
)
from wattq.schedulers.rl.node_power.serve import N_SERVE, SERVE_OBSERVATION
from wattq.schedulers.rl.node_power.serve_env import ServeVecEnv
from wattq.schedulers.rl.node_power.serve_view import ServeView
from wattq.schedulers.rl.node_power.world import World

CONFIG = NodePowerConfig(horizon_h=72, end="terminated")


def _undone(choose: int | None, seed: int) -> float:
    """Return the share of the work that is left undone under one choice; random choices for None."""
    world = World(CONFIG, 1, prices="logic", arrivals=40.0)
    view, draws = ServeView(world), np.random.default_rng(seed)
    world.seed(0, seed)
    world.reset(0)
    for _ in range(CONFIG.horizon_h):
        x = view.observe()
        assert x.shape == (1, len(SERVE_OBSERVATION))
        assert np.isfinite(x).all()
        assert np.abs(x).max() <= 1.0 + 1e-6
        chosen = int(draws.integers(N_SERVE)) if choose is None else choose
        action = view.actions(np.array([chosen]))
        assert (action >= 0).all()
        assert (action < (3, CONFIG.n_magnitudes, 2)).all()
        world.step(action)
    assert world.totals(0)["lost"] == 0
    return float(world.totals(0)["unfinished_ch"]) / float(world.totals(0)["work_ch"])


@pytest.mark.parametrize("choose", [0, 4, 9, None])
def test_no_choice_leaves_more_undone_than_all_nodes_on(choose: int | None) -> None:
    assert _undone(choose, 3) == pytest.approx(_undone(N_SERVE - 1, 3), abs=0.002)


def test_a_choice_gives_no_more_nodes_than_asked_for() -> None:
    world = World(NodePowerConfig(), 1, prices="sinus", arrivals=200.0)
    view = ServeView(world)
    world.reset(0)
    world.step(view.actions(np.array([0])))
    assert world.state.num[0, c.N_ON] == 0
    for _ in range(5):
        world.step(view.actions(np.array([1])))
    assert world.state.num[0, c.N_ON] == 84
    world.step(view.actions(np.array([N_SERVE - 1])))
    assert world.state.num[0, c.N_ON] == 335


def test_refill_is_part_of_the_choice() -> None:
    world = World(NodePowerConfig(), 1, prices="sinus")
    view = ServeView(world)
    world.reset(0)
    assert [int(view.actions(np.array([choice]))[0, 2]) for choice in (0, 4, 5, 9, 10)] == [0, 0, 1, 1, 1]


def _vec(seed: int = 0) -> ServeVecEnv:
    prices = [read_prices("sinus"), read_prices("noisy-logic")]
    return ServeVecEnv(3, CONFIG, prices=prices, rates=(20.0, 40.0), seed=seed)


def _steps(env: ServeVecEnv, count: int) -> np.ndarray:
    return np.array([env.step(np.array([9, 0, k % N_SERVE]))[1] for k in range(count)])


def test_the_same_seed_gives_the_same_rewards() -> None:
    first, second = _vec(), _vec()
    assert np.array_equal(first.reset(), second.reset())
    assert np.array_equal(_steps(first, 80), _steps(second, 80))


def test_episodes_go_on_from_their_state() -> None:
    env, other = _vec(), _vec()
    env.reset()
    _steps(env, 50)
    kept = {name: np.array(array) for name, array in env.state().items()}
    ahead = _steps(env, 90)
    other.reset()
    _steps(other, 100)
    other.restore(kept)
    assert np.array_equal(ahead, _steps(other, 90))


def test_centred_rewards_differ_by_what_does_not_depend_on_choices() -> None:
    config = NodePowerConfig(horizon_h=72, weights=Weights(**{**dict.fromkeys(PARTS, 0.0), "cost": 1.0}))

    def total(choice: int, centred: bool) -> float:
        env = ServeVecEnv(1, config, prices=[read_prices("sinus")], rates=(30.0,), seed=1, centred=centred)
        env.reset_to(4)
        return sum(float(env.step(np.array([choice]))[1][0]) for _ in range(72))

    added = [total(choice, True) - total(choice, False) for choice in (9, 10)]
    assert added[0] > 1.0
    assert added[0] == pytest.approx(added[1], rel=0.02)


def test_weeks_to_learn_from_and_to_measure_with_are_apart() -> None:
    learned = {hour + k for hour in train_starts(8760, 336).tolist() for k in range(-168, 336 + 24)}
    measured = {hour + k for hour in held_out_starts(8760, 336).tolist() for k in range(336)}
    assert not learned & measured
    assert len(held_out_starts(8760, 336)) == 8
    assert PERIOD_H == 2 * (SPAN_H + GAP_H)


def test_series_are_joined_at_one_level() -> None:
    series = [read_prices("sinus"), read_prices("logic")]
    whole, starts = joined(series, 72)
    assert whole.n_hours == sum(each.n_hours for each in series)
    first = series[0].n_hours
    assert np.abs(whole.value[:first]).mean() == pytest.approx(np.abs(whole.value[first:]).mean())
    assert ((starts < first) | (starts >= first + SPAN_H)).all()


def test_wrong_arguments_are_errors(tmp_path: Path) -> None:
    with pytest.raises(LearningError, match="one series"):
        joined([], 72)
    with pytest.raises(LearningError, match="384 h at most"):
        train_starts(8760, 400)
    with pytest.raises(LearningError, match="one arrival rate"):
        ServeVecEnv(1, CONFIG, prices=[read_prices("sinus")], rates=(), seed=0)
