from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wattq.errors import TuningError
from wattq.experiments import load_experiment
from wattq.experiments.tuning import Settings, parse_tuning, tune, write_tuning
from wattq.experiments.tuning.rl import with_value
from wattq.experiments.tuning.training import find_trainer

TOY = """\
from pathlib import Path


def train(request):
    weight = float(request.options["weight"])
    if weight > 0.9:
        raise RuntimeError("diverged")
    (request.folder / "model.txt").write_text(f"{weight} {request.weeks} {request.seed}")
    return {"spare": min(1.0, abs(weight - 0.5) * request.options["scale"])}
"""


@pytest.fixture
def toy(tuning_base: Path, small: Any) -> str:
    (tuning_base / "toy.py").write_text(TOY, encoding="utf-8")
    knobs = (
        "    knobs:\n      timeout: {float: [1, 7200], log: true, or: [break-even]}\n      spare: {float: [0, 0.5]}\n"
    )
    train = (
        "    params: {timeout: 10}\n    train:\n"
        f"      by: {tuning_base / 'toy.py'}:train\n      weeks: [0]\n      options: {{scale: 1.5}}\n"
        "      knobs: {weight: {choice: [0.1, 0.5, 0.95]}}\n"
    )
    text = small((knobs, train), ("{name: tpe, seed: 3, startup: 3}", "grid"), ("tuning: [1, 2, 3]", "tuning: [2, 3]"))
    return str(text).replace("most: 1.5", "most: 9")


def test_what_a_trainer_learns_is_judged(toy: str, tuning_base: Path, tmp_path: Path) -> None:
    outcome = tune(parse_tuning(toy, "t.yaml"), Settings(tmp_path, tuning_base))
    states = {row.chosen["train.weight"]: row.state for row in outcome.trials}
    assert states == {0.1: "complete", 0.5: "complete", 0.95: "failed"}
    assert "RuntimeError: diverged" in outcome.trials[2].error
    best = outcome.best[0]
    assert best.training == {"weight": 0.5}
    assert best.trained == {"0": {"spare": 0.0}}
    model = tmp_path / "models" / f"trial-{best.number}" / "log-seed0" / "model.txt"
    assert model.read_text() == "0.5 (0,) 0"
    write_tuning(outcome, tmp_path, tuning_base)
    policies = load_experiment(tmp_path / "best.yaml").policies
    assert [policy.title for policy in policies] == ["easy", "sleep, tuned"]
    assert policies[1].params == {"timeout": 10, "spare": 0.0}


def test_seeds_of_a_training(toy: str, tuning_base: Path, tmp_path: Path) -> None:
    text = toy.replace("trials: 6", "trials: 1\nseeds: [4, 7]")
    outcome = tune(parse_tuning(text, "t.yaml"), Settings(tmp_path, tuning_base))
    assert set(outcome.trials[0].trained) == {"4", "7"}
    assert [policy.title for policy in outcome.policies] == [
        "easy",
        "sleep, tuned, seed 4",
        "sleep, tuned, seed 7",
    ] or ({p.title for p in outcome.policies} == {"easy", "sleep, tuned, seed 4", "sleep, tuned, seed 7"})


def test_who_trains(tmp_path: Path) -> None:
    for by, rule in (
        ("me", "is neither 'wattq' nor"),
        (f"{tmp_path}/no.py:f", "cannot be had"),
        ("json:no", "cannot be"),
    ):
        with pytest.raises(TuningError, match=rule):
            find_trainer(by)
    assert find_trainer("json:dumps")({}) == "{}"


def test_knobs_find_their_setting() -> None:
    settings: dict[str, Any] = {"options": {"weights": {"energy": 1}}, "constraints": [{"cost": "late", "limit": 1}]}
    with_value(settings, "learning_rate", 0.1)
    with_value(settings, "options.weights.energy", 2)
    with_value(settings, "constraints.late.limit", 0.05)
    with_value(settings, "teacher.name", "easy")
    assert settings == {
        "options": {"weights": {"energy": 2}}, "constraints": [{"cost": "late", "limit": 0.05}],
        "learning_rate": 0.1, "teacher": {"name": "easy"},
    }  # fmt: skip
    with pytest.raises(TuningError, match="there is no 'early'"):
        with_value(settings, "constraints.early.limit", 1)
    with pytest.raises(TuningError, match="holds no settings by name"):
        with_value(settings, "learning_rate.x", 1)
