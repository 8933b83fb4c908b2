"""Limits on mean costs: kept with a multiplier, broken without."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wattq.schedulers.rl.training.start import train

Config = Callable[..., Any]
LIMIT = 0.15


def last_costs(folder: Path) -> float:
    with (folder / "progress.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return float(np.mean([float(row["constraint/energy"]) for row in rows[-5:]]))


def test_mean_cost_falls_below_its_limit(toy_config: Config, tmp_path: Path) -> None:
    same = {
        "steps": 20_000,
        "n_envs": 32,
        "n_steps": 32,
        "n_epochs": 4,
        "learning_rate": 3e-3,
        "seed": 2,
        "net_arch": (32,),
        "architecture": "slots",
    }
    limit = {"cost": "energy", "limit": LIMIT, "rate": 1.0}
    train(toy_config(**same, constraints=[limit]), tmp_path / "with")
    # a multiplier that cannot grow only measures
    train(toy_config(**same, constraints=[{**limit, "most": 1e-9}]), tmp_path / "without")
    assert last_costs(tmp_path / "with") <= LIMIT
    assert last_costs(tmp_path / "without") > 1.5 * LIMIT


def test_multiplier_moves_by_the_excess() -> None:
    from toy_queue import TOY

    from wattq.schedulers.rl.training.config import Constraint
    from wattq.schedulers.rl.training.lagrange import Penalty

    class Env:
        num_envs = 2
        energy = np.array([1.0, 0.5])

    limit = Constraint(cost="energy", limit=0.25, rate=0.5, start=0.125, most=0.75)
    penalty = Penalty([limit], TOY)
    assert penalty.apply(Env(), np.array([1.0, 1.0])).tolist() == [1 - 0.125 * 0.75, 1 - 0.125 * 0.25]
    penalty.update()
    assert penalty.multiplier.tolist() == [0.125 + 0.5 * (0.75 - 0.25)]
    for _ in range(3):
        penalty.apply(Env(), np.zeros(2))
        penalty.update()
    assert penalty.multiplier.tolist() == [0.75]
    Env.energy = np.zeros(2)
    for _ in range(10):
        penalty.apply(Env(), np.zeros(2))
        penalty.update()
    assert penalty.multiplier.tolist() == [0.0]
    penalty.update()
    assert np.isnan(penalty.mean[0])
    assert penalty.multiplier.tolist() == [0.0]


def test_a_share_is_a_cost_with_weights() -> None:
    """At most 5 % of the jobs wait longer than a limit: its 95 % quantile of waiting is within the limit."""
    from toy_queue import TOY

    from wattq.schedulers.rl.training.config import Constraint
    from wattq.schedulers.rl.training.lagrange import Penalty
    from wattq.schedulers.rl.training.tasks import Cost, Task

    class Env:
        late, started = np.array([1.0, 0.0]), np.array([4.0, 16.0])

    task = Task("shares", "", TOY.make_vec, costs={"late": Cost("", lambda env: (env.late, env.started))})
    penalty = Penalty([Constraint(cost="late", limit=0.05, rate=1.0, start=2.0)], task)
    assert penalty.apply(Env(), np.zeros(2)).tolist() == pytest.approx([-2 * (1 - 0.2), 2 * 0.8])
    penalty.update()
    assert penalty.mean.tolist() == [0.05]
    assert penalty.multiplier.tolist() == [2.0]
