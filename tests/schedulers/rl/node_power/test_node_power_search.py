"""The search over linear policies: the same seed finds the same policy, and a policy is a file of the task."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("stable_baselines3")

from wattq.errors import LearningError
from wattq.schedulers.rl.model_file import load_learned
from wattq.schedulers.rl.training.node_power_search import READ, first_mean, linear_network
from wattq.schedulers.rl.training.request import make_config
from wattq.schedulers.rl.training.start import train

OPTIONS = {"prices": ["sinus"], "rates": [15.0], "horizon_h": 48, "population": 4, "elite": 2}
SETTINGS = {"task": "node-power-search", "n_envs": 2, "n_steps": 48, "batch_size": 96, "steps": 1200, "seed": 3}


def test_the_same_seed_finds_the_same_policy(tmp_path: Path) -> None:
    found = [train(make_config(SETTINGS, OPTIONS), tmp_path / str(k)) for k in range(2)]
    assert found[0].digest == found[1].digest
    assert found[0].policy is not None
    assert found[0].steps == 2 * (4 + 2) * 2 * 48
    learned = load_learned(found[0].policy)
    assert learned.task == "node-power"
    assert (learned.machine["hosts"], learned.machine["cores"]) == (335, 96)
    card = json.loads((tmp_path / "0" / "card.json").read_text())
    assert [row["generation"] for row in card["search"]] == [0, 1]
    assert len((tmp_path / "0" / "progress.csv").read_text().splitlines()) == 3
    assert found[0].policy.stat().st_size < 200_000


def test_other_seeds_find_others(tmp_path: Path) -> None:
    found = [train(make_config({**SETTINGS, "seed": seed}, OPTIONS), tmp_path / str(seed)) for seed in (1, 2)]
    assert found[0].digest != found[1].digest


def test_candidates_choose_three_things() -> None:
    from wattq.schedulers.rl.node_power.serve import SERVE_OBSERVATION
    from wattq.schedulers.rl.training.node_power_task import NodePowerOptions, node_power_envs

    env = node_power_envs(1, 0, NodePowerOptions(prices=("sinus",), horizon_h=48))
    network = linear_network(env, first_mean())
    x = np.random.default_rng(0).uniform(-1, 1, (200, len(SERVE_OBSERVATION))).astype(np.float32)
    assert set(network.choose_many(x).tolist()) <= {0, 4, 9}
    cheap = SERVE_OBSERVATION.index("week_8h")
    assert (network.choose_many(x) == np.where(x[:, cheap] < -1.2 / 2.5, 9, 0)).all()
    assert len(first_mean()) == 2 * (len(READ) + 1)


def test_wrong_options_are_errors(tmp_path: Path) -> None:
    with pytest.raises(LearningError, match=r"options\.elite"):
        train(make_config(SETTINGS, {**OPTIONS, "elite": 5}), tmp_path / "a")
    with pytest.raises(LearningError, match="no part of the reward"):
        train(make_config(SETTINGS, {**OPTIONS, "weights": {"speed": 1.0}}), tmp_path / "b")
