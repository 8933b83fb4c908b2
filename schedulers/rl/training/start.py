"""Train a policy, or go on with a training that was interrupted: what ``wattq rl train`` does."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wattq import __version__
from wattq.errors import LearningError, MissingDependencyError, MissingFileError
from wattq.files import write_whole
from wattq.schedulers.rl.training.config import CHECKPOINT_FOLDER, CONFIG_FILE, TrainConfig, read_config, write_config
from wattq.schedulers.rl.training.tasks import Task, find_task, parse_options

if TYPE_CHECKING:
    from wattq.schedulers.rl.training.training import Training

__all__ = ["Trained", "resume", "train", "weights_digest"]

POLICY_FILE = "policy.wattq"
CARD_FILE = "card.json"

Progress = Callable[[int, int, str], None]
"""Steps done, steps in all, and how it goes."""


@dataclass(frozen=True)
class Trained:
    """What a training came to.

    Attributes:
        steps: steps of all environments.
        finished: whether these are all that were asked for; False when it was stopped.
        folder: of the training.
        policy: the learned policy; None when it was stopped, or the task has none to save.
        digest: sha256 of the weights.
        figures: of the last rollout; empty when there was none.
        card: what the policy says of itself.
        notes: what a user should know.
        lines: what the training measured at its end, as text.
    """

    steps: int
    finished: bool
    folder: Path
    policy: Path | None
    digest: str
    figures: Mapping[str, float]
    card: Mapping[str, Any]
    notes: tuple[str, ...] = field(default=())
    lines: tuple[str, ...] = field(default=())


def train(
    config: TrainConfig,
    folder: Path | str,
    *,
    progress: Progress | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Trained:
    """Train a policy.

    Args:
        config: settings.
        folder: gets config.yaml, progress.csv, checkpoints, and at the end policy.wattq and card.json.
        progress: is told how far it is.
        stop: is asked after each rollout; True ends the training with a checkpoint.

    Raises:
        LearningError: when settings and task do not fit, or the folder holds a training.
        MissingDependencyError: when the libraries of the extra ``rl`` are not installed.
        MissingFileError: when the folder cannot be written.
    """
    folder = Path(folder)
    task = find_task(config.task)
    parse_options(task, config.options)
    # what was killed before its first checkpoint is no training yet
    if (folder / POLICY_FILE).exists() or any((folder / CHECKPOINT_FOLDER).glob("step-*.npz")):
        raise LearningError(
            f"{folder}: holds a training already; go on with it by --resume {folder}, or choose another folder"
        )
    if task.trainer is not None or task.resumable_trainer is not None:
        return _by_its_own(task, config, folder, progress, stop)
    need_libraries()
    from wattq.schedulers.rl.training.logs import make_logger
    from wattq.schedulers.rl.training.training import Training

    training = Training(config, task, folder)
    write_config(config, folder)
    logger, notes = make_logger(folder, tensorboard=config.tensorboard)
    training.notes += notes
    training.begin(logger)
    return _run(training, progress, stop)


def resume(
    folder: Path | str,
    *,
    steps: int | None = None,
    progress: Progress | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Trained:
    """Go on with a training from its newest whole checkpoint.

    Args:
        folder: of the training.
        steps: train up to this many steps in all; those of config.yaml when None.
        progress: as in `train`.
        stop: as in `train`.

    Raises:
        LearningError: when there is no checkpoint that can be read, or it does not fit the settings.
        MissingFileError: when the folder holds no training.
    """
    folder = Path(folder)
    if not (folder / CONFIG_FILE).is_file():
        raise MissingFileError(f"{folder}: holds no {CONFIG_FILE}; give the folder of a training by `wattq rl train`")
    config = read_config(folder / CONFIG_FILE)
    if steps is not None and steps != config.steps:
        config = TrainConfig.model_validate({**config.model_dump(), "steps": steps})
        write_config(config, folder)
    task = find_task(config.task)
    if task.trainer is not None:
        raise LearningError(f"{folder}: the trainer of task {task.name} keeps no checkpoints; train it again")
    if task.resumable_trainer is not None:
        return _by_its_own(task, config, folder, progress, stop)
    need_libraries()
    from wattq.schedulers.rl.training.checkpoints import newest_checkpoint
    from wattq.schedulers.rl.training.logs import make_logger
    from wattq.schedulers.rl.training.training import Training

    found, damaged = newest_checkpoint(folder / CHECKPOINT_FOLDER)
    training = Training(config, task, folder)
    logger, notes = make_logger(folder, tensorboard=config.tensorboard, until=int(found.meta["steps"]))
    training.notes += [*damaged, *notes]
    training.go_on(found, logger)
    return _run(training, progress, stop)


def _run(training: Training, progress: Progress | None, stop: Callable[[], bool]) -> Trained:
    """Make rollouts until all steps are made, or someone asks to stop."""
    figures: Mapping[str, float] = {}
    total = training.config.steps
    while not training.done and not stop():
        figures = training.rollout()
        if progress is not None:
            progress(min(training.steps, total), total, _words(figures))
    if not training.done:
        training.save()
    result = _finish(training, figures)
    training.env.close()
    return result


def _words(figures: Mapping[str, float]) -> str:
    """Return how it goes, in few words."""
    reward = figures.get("episode/return", figures["rollout/step_reward"])
    name = "return" if "episode/return" in figures else "reward"
    return f"{name} {reward:.4g}, {figures['time/steps_per_s']:,.0f} steps/s"


def _finish(training: Training, figures: Mapping[str, float]) -> Trained:
    from wattq.schedulers.rl.training.policies import export_weights

    weights = export_weights(training.learner.policy)
    digest, card = weights_digest(weights), _card(training)
    policy = None
    if training.done:
        write_whole(training.folder / CARD_FILE, (json.dumps(card, indent=2) + "\n").encode())
        if training.task.learned is not None:
            policy = _save(training, weights, card)
    notes = tuple(training.notes)
    return Trained(training.steps, training.done, training.folder, policy, digest, figures, card, notes)


def _save(training: Training, weights: Mapping[str, NDArray[np.float32]], card: Mapping[str, Any]) -> Path:
    """Write the learned policy."""
    from wattq.schedulers.rl.model_file import save_learned
    from wattq.schedulers.rl.network import Network

    config, task, env = training.config, training.task, training.env
    assert task.learned is not None
    network = Network.from_arrays(config.architecture, task.shape(env), weights, config.activation)
    path = training.folder / POLICY_FILE
    save_learned(path, replace(task.learned(network, env, card), versions=card["versions"]))
    return path


def _card(training: Training) -> dict[str, Any]:
    """Return what a policy says of itself; `results` is filled in by an evaluation."""
    config, task = training.config, training.task
    options = parse_options(task, config.options)
    return {
        "task": task.name,
        "data": dict(task.data(options, training.env)) if task.data is not None else {},
        "settings": config.model_dump(mode="json"),
        "seed": config.seed,
        "steps": training.steps,
        "cost": training.effort.figures(),
        "teacher": None if training.warm is None else vars(training.warm),
        "promotions": list(training.curriculum.log),
        "constraints": training.learner.penalty.figures(),
        "versions": _versions(),
        "results": {},
    }


def _versions() -> dict[str, str]:
    libraries = ("numpy", "torch", "stable-baselines3", "sb3-contrib", "gymnasium")
    return {"wattq": __version__} | {name: importlib.metadata.version(name) for name in libraries}


def weights_digest(weights: Mapping[str, NDArray[np.float32]]) -> str:
    """Return the sha256 of weights: names, shapes and bytes, in the order of the names."""
    total = hashlib.sha256()
    for name in sorted(weights):
        array = np.ascontiguousarray(weights[name])
        total.update(f"{name} {array.shape} {array.dtype.str}\n".encode())
        total.update(array.tobytes())
    return total.hexdigest()


def need_libraries() -> None:
    """Import the libraries of the extra ``rl``.

    Raises:
        MissingDependencyError: when one is not installed.
    """
    try:
        import gymnasium
        import sb3_contrib
        import stable_baselines3
        import torch
    except ImportError as error:
        raise MissingDependencyError(
            f"training needs {error.name}, which is not installed; install it with: pip install 'wattq[rl]'"
        ) from None
    del gymnasium, sb3_contrib, stable_baselines3, torch


def _by_its_own(
    task: Task, config: TrainConfig, folder: Path, progress: Progress | None, stop: Callable[[], bool]
) -> Trained:
    """Let a task's own trainer do it."""
    tell = progress or (lambda done, total, words: None)
    if task.resumable_trainer is not None:
        told = dict(task.resumable_trainer(config, folder, tell, stop))
    else:
        assert task.trainer is not None
        write_config(config, folder)
        told = dict(task.trainer(config, folder, tell))
    policy = folder / POLICY_FILE
    return Trained(
        steps=int(told.get("steps", config.steps)),
        finished=bool(told.get("finished", True)),
        folder=folder,
        policy=policy if policy.is_file() else None,
        digest=str(told.get("digest", "")),
        figures={name: value for name, value in told.items() if isinstance(value, float)},
        card=told.get("card", {}),
        notes=tuple(told.get("notes", ())),
        lines=tuple(told.get("lines", ())),
    )
