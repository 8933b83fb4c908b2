"""Trainings of the toy task: they learn, repeat, stop, and go on exactly where they were."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wattq.errors import LearningError, MissingFileError, WattqError
from wattq.schedulers.rl.training.start import Trained, resume, train

Config = Callable[..., Any]
TOYS = Path(__file__).resolve().parents[1] / "toys"


def rows(folder: Path, name: str = "progress.csv") -> list[dict[str, str]]:
    with (folder / name).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def after(n: int) -> Callable[[], bool]:
    """Ask to stop after n rollouts."""
    left = [n]

    def stop() -> bool:
        left[0] -= 1
        return left[0] < 0

    return stop


@pytest.mark.parametrize("architecture", ["slots", "flat"])
def test_learns_the_toy(toy_config: Config, tmp_path: Path, architecture: str) -> None:
    config = toy_config(steps=24_000, architecture=architecture, n_envs=32, seed=1, n_epochs=5, net_arch=(32,))
    train(config, tmp_path / "run")
    returns = [float(row["episode/return"]) for row in rows(tmp_path / "run")]
    assert returns[0] < 3.0
    assert returns[-1] > 6.0


def test_same_seed_same_weights(toy_config: Config, tmp_path: Path) -> None:
    digests = [train(toy_config(seed=seed), tmp_path / name).digest for name, seed in (("a", 3), ("b", 3), ("c", 4))]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("algorithm", ["maskable-ppo", "ppo"])
@pytest.mark.parametrize("more", [{}, {"teacher": {"name": "urgent", "steps": 400}, "learning_rate": "linear:1e-3"}])
def test_resumed_is_uninterrupted(toy_config: Config, tmp_path: Path, algorithm: str, more: dict[str, Any]) -> None:
    config = toy_config(algorithm=algorithm, constraints=[{"cost": "energy", "limit": 0.2}], **more)
    whole = train(config, tmp_path / "whole")
    part = train(config, tmp_path / "part", stop=after(2))
    assert (part.steps, part.finished, part.policy) == (1024, False, None)
    again = resume(tmp_path / "part")
    assert (again.steps, again.finished) == (whole.steps, True)
    assert again.digest == whole.digest
    same = [key for key in rows(tmp_path / "whole")[-1] if not key.startswith("time/") or key == "time/steps"]
    ours, theirs = ([[row[key] for key in same] for row in rows(tmp_path / name)] for name in ("part", "whole"))
    assert ours == theirs


def test_resumed_with_more_steps(toy_config: Config, tmp_path: Path) -> None:
    assert train(toy_config(steps=512), tmp_path / "run").steps == 512
    assert resume(tmp_path / "run", steps=1500).steps == 1536
    assert [row["time/steps"] for row in rows(tmp_path / "run")] == ["512", "1024", "1536"]
    assert resume(tmp_path / "run").steps == 1536


def test_a_damaged_checkpoint_is_passed_over(toy_config: Config, tmp_path: Path) -> None:
    config = toy_config(checkpoints={"every": 512, "keep": 3})
    whole = train(config, tmp_path / "run")
    kept = sorted((tmp_path / "run" / "checkpoints").iterdir())
    assert [path.name for path in kept] == [f"step-{steps:012d}.npz" for steps in (1024, 1536, 2048)]
    kept[2].write_bytes(kept[2].read_bytes()[:5000])
    kept[1].write_bytes(b"")
    again = resume(tmp_path / "run")
    assert len(again.notes) == 2
    assert all("no whole checkpoint" in note for note in again.notes)
    assert again.digest == whole.digest
    for path in kept:
        path.write_bytes(b"PK")
    with pytest.raises(LearningError, match=r"no checkpoint that can be read \(3 damaged\)"):
        resume(tmp_path / "run")


def test_checkpoints_hold_nothing_pickled(toy_config: Config, tmp_path: Path) -> None:
    train(toy_config(), tmp_path / "run")
    for path in (tmp_path / "run" / "checkpoints").iterdir():
        with np.load(path, allow_pickle=False) as file:
            assert all(file[name].dtype.kind in "fiub" for name in file.files)


KILLED = """
import sys
sys.path.insert(0, sys.argv[1])
from toy_queue import TOY
from wattq.schedulers.rl.training.config import TrainConfig
from wattq.schedulers.rl.training.tasks import TASKS
from wattq.schedulers.rl.training.start import train
TASKS["toy-queue"] = TOY
train(TrainConfig.model_validate_json(sys.argv[2]), sys.argv[3])
"""


def test_survives_sigkill(toy_config: Config, tmp_path: Path) -> None:
    long = toy_config(steps=10**7, checkpoints={"every": 512})
    words = [sys.executable, "-c", KILLED, str(TOYS), long.model_dump_json(), str(tmp_path / "killed")]
    program = subprocess.Popen(words)
    try:
        for _ in range(600):
            time.sleep(0.1)
            found = sorted((tmp_path / "killed" / "checkpoints").glob("step-*.npz"))
            if found and found[-1].name > f"step-{1024:012d}":
                break
    finally:
        program.send_signal(signal.SIGKILL)
        program.wait()
    again = resume(tmp_path / "killed", stop=after(2))
    steps = [int(row["time/steps"]) for row in rows(tmp_path / "killed")]
    assert steps == list(range(512, again.steps + 1, 512))
    assert again.steps >= 2048
    # the learning rate is constant, so that the length of the training plays no part
    assert train(toy_config(steps=again.steps), tmp_path / "whole").digest == again.digest


def test_files_of_a_training(toy_config: Config, tmp_path: Path) -> None:
    trained = train(toy_config(), tmp_path / "run")
    assert isinstance(trained, Trained)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "card.json",
        "checkpoints",
        "config.yaml",
        "progress.csv",
        "promotions.csv",
    ]
    card = json.loads((tmp_path / "run" / "card.json").read_text(encoding="utf-8"))
    assert card["settings"]["task"] == card["task"] == "toy-queue"
    assert card["cost"]["cpu_s"] > 0
    assert card["steps"] == 2048
    assert card["results"] == {}
    with pytest.raises(LearningError, match="holds a training already"):
        train(toy_config(), tmp_path / "run")
    for path in (tmp_path / "run" / "checkpoints").iterdir():
        path.unlink()
    with pytest.raises(LearningError, match="start the training again"):
        resume(tmp_path / "run")
    assert train(toy_config(), tmp_path / "run").digest == trained.digest


def test_curriculum(toy_config: Config, tmp_path: Path) -> None:
    stages = [
        {"name": "calm", "options": {"urgent": 0.9}, "promote": {"metric": "episode/return", "at_least": 0.0}},
        {"name": "short", "options": {"length": 5}, "steps": 600},
        {"name": "full"},
    ]
    config = toy_config(curriculum=stages, steps=4096, checkpoints={"every": 512})
    whole = train(config, tmp_path / "run")
    log = rows(tmp_path / "run", "promotions.csv")
    assert [(row["stage"], row["next"], row["reason"]) for row in log] == [
        ("calm", "short", "metric"),
        ("short", "full", "steps"),
    ]
    assert float(log[0]["value"]) >= 0.0
    assert int(log[1]["to_step"]) - int(log[1]["from_step"]) == 1024
    assert whole.card["promotions"][1]["next"] == "full"
    part = train(config, tmp_path / "part", stop=after(int(log[1]["from_step"]) // 512 + 1))
    assert not part.finished
    assert resume(tmp_path / "part").digest == whole.digest


def test_wrong_metric_of_a_stage(toy_config: Config, tmp_path: Path) -> None:
    rule = {"metric": "episode/retrun", "at_least": 0.0}
    config = toy_config(curriculum=[{"name": "a", "promote": rule}, {"name": "b"}])
    with pytest.raises(LearningError, match="no figure of this training; there are time/steps, "):
        train(config, tmp_path / "run")


def test_teacher(toy_config: Config, tmp_path: Path) -> None:
    teacher = {"name": "urgent", "steps": 8000, "epochs": 20, "batch_size": 256, "learning_rate": 3e-3}
    trained = train(toy_config(teacher=teacher, steps=512, architecture="slots"), tmp_path / "run")
    told = trained.card["teacher"]
    assert told["share"] >= 0.8
    assert told["choice_share"] >= 0.8
    assert told["states"] == 2 * 1000  # 2 of 8 environments are held out


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"teacher": {"name": "eazy"}}, "has no such teacher; it has urgent, wrong"),
        ({"teacher": {"name": "wrong"}}, "is illegal in environment"),
        ({"constraints": [{"cost": "wait", "limit": 1}]}, "has no such cost; it has energy"),
        ({"options": {"lenght": 3}}, "did you mean 'length'"),
        ({"options": {"length": 0}}, r"options\.length': 0 "),
        ({"options": {"closed": True}}, "environment 0: the mask forbids every action"),
        ({"task": "toy-quue"}, "did you mean 'toy-queue'"),
        ({"device": "cuda"}, "sees no GPU"),
    ],
)
def test_what_does_not_fit(toy_config: Config, tmp_path: Path, given: dict[str, Any], message: str) -> None:
    torch = pytest.importorskip("torch")
    if "device" in given and torch.cuda.is_available():
        assert train(toy_config(**given), tmp_path / "run").finished
        return
    with pytest.raises(WattqError, match=message):
        train(toy_config(**given), tmp_path / "run")


def test_resume_needs_a_training(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"holds no config\.yaml"):
        resume(tmp_path)


def test_tensorboard(toy_config: Config, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    train(toy_config(tensorboard=True, steps=512), tmp_path / "run")
    resume(tmp_path / "run", steps=1024)
    assert len(list((tmp_path / "run" / "tensorboard").glob("events.*"))) >= 1


def test_without_tensorboard_there_is_a_note(
    toy_config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    monkeypatch.setattr("stable_baselines3.common.logger.SummaryWriter", None)
    trained = train(toy_config(tensorboard=True, steps=512), tmp_path / "run")
    assert "pip install tensorboard" in trained.notes[0]
