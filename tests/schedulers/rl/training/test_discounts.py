"""Discounts per step and per hour, and the advantages that follow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wattq.errors import LearningError
from wattq.schedulers.rl.training.discounts import Discount, fill_advantages


def filled(steps: int, n_envs: int) -> Any:
    from gymnasium import spaces
    from stable_baselines3.common.buffers import RolloutBuffer

    box, actions = spaces.Box(-1, 1, (2,), np.float32), spaces.Discrete(3)
    buffer = RolloutBuffer(steps, box, actions, "cpu", gae_lambda=0.9, gamma=0.97, n_envs=n_envs)
    rng = np.random.default_rng(0)
    buffer.rewards[:], buffer.values[:] = rng.normal(size=(2, steps, n_envs))
    buffer.episode_starts[:] = rng.random((steps, n_envs)) < 0.2
    return buffer


def test_per_step_as_stable_baselines3_has_it() -> None:
    torch = pytest.importorskip("torch")
    ours, theirs = filled(30, 4), filled(30, 4)
    last, dones = np.array([0.5, -1.0, 2.0, 0.0]), np.array([True, False, False, True])
    fill_advantages(ours, np.full((30, 4), 0.97), last, dones)
    theirs.compute_returns_and_advantage(torch.as_tensor(last), dones)
    np.testing.assert_allclose(ours.advantages, theirs.advantages, atol=1e-5)
    np.testing.assert_allclose(ours.returns, theirs.returns, atol=1e-5)


def test_per_hour_more_steps_at_one_date_change_nothing() -> None:
    class Env:
        hours = np.array([1.0, 5.0, 2.0])

    discount = Discount(0.5, lambda env: env.hours)
    discount.before(Env)
    Env.hours = np.array([1.0, 7.0, 0.0])
    assert discount.after(Env, np.array([False, False, True])).tolist() == [1.0, 0.25, 1.0]
    assert Discount(0.9).after(Env, np.zeros(2, bool)).tolist() == [0.9, 0.9]


def test_a_task_without_clock_has_no_hours(toy_config: Callable[..., Any], tmp_path: Path) -> None:
    from wattq.schedulers.rl.training.start import train

    with pytest.raises(LearningError, match="task toy-queue has no clock; give step"):
        train(toy_config(discount="hour"), tmp_path / "run")
