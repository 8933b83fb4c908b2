"""Warm start: the network first learns to act as a teacher, a rule of the task, does (behaviour cloning).

The teacher acts in the task's environments; a share of them is held out, and measures how often the network's likeliest
legal action is the teacher's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from wattq.errors import LearningError
from wattq.schedulers.rl.training.config import TeacherSettings
from wattq.schedulers.rl.training.discounts import Discount
from wattq.schedulers.rl.training.meters import RewardScale
from wattq.schedulers.rl.training.policies import segments_of
from wattq.schedulers.rl.training.tasks import Task

__all__ = ["Agreement", "Lessons", "agreement", "clone", "collect_lessons"]


@dataclass(frozen=True)
class Lessons:
    """States and what the teacher did there; n of them.

    Attributes:
        observations: shape (n, observations).
        actions: of the teacher, shape (n, segments).
        masks: legal actions, shape (n, actions); None where all are legal.
        returns: discounted scaled rewards from here on, shape (n,); as far as they were seen.
    """

    observations: NDArray[np.float32]
    actions: NDArray[np.int64]
    masks: NDArray[np.bool_] | None
    returns: NDArray[np.float32]


@dataclass(frozen=True)
class Agreement:
    """How often the network does what the teacher does.

    Attributes:
        share: of held-out states.
        choice_share: of those among them where more than one action was legal; NaN where there are none.
        states: number of held-out states.
    """

    share: float
    choice_share: float
    states: int


def collect_lessons(task: Task, env: Any, settings: TeacherSettings, discount: Discount) -> tuple[Lessons, Lessons]:
    """Return lessons to learn from, and held-out ones from other environments.

    Raises:
        LearningError: when the task has no such teacher, there is one environment only, or the teacher does what is
            illegal.
    """
    if settings.name not in task.teachers:
        known = ", ".join(task.teachers) or "none"
        raise LearningError(f"teacher '{settings.name}': task {task.name} has no such teacher; it has {known}")
    if env.num_envs < 2:
        raise LearningError("key 'n_envs': a teacher needs two environments at least, one of them is held out")
    rows = _record(task, env, settings.name, max(2, -(-settings.steps // env.num_envs)), discount)
    scale = RewardScale(env.num_envs)
    rewards = np.stack([scale(row[2], row[3], row[5]) for row in rows])
    returns = _returns(rewards, np.stack([row[3] for row in rows]), np.stack([row[5] for row in rows]))
    observations, actions = np.stack([row[0] for row in rows]), np.stack([row[1] for row in rows])
    masks = np.stack([row[4] for row in rows]) if task.masked else None
    held = max(1, round(settings.held_out * env.num_envs))

    def part(columns: slice) -> Lessons:
        picked = None if masks is None else masks[:, columns].reshape(-1, masks.shape[2])
        flat = observations[:, columns].reshape(-1, observations.shape[2])
        return Lessons(flat, actions[:, columns].reshape(len(flat), -1), picked, returns[:, columns].reshape(-1))

    return part(slice(held, None)), part(slice(held))


def _record(task: Task, env: Any, name: str, steps: int, discount: Discount) -> list[tuple[Any, ...]]:
    """Return observations, actions, rewards, ends, masks and discounts of each step of the teacher."""
    rows = []
    observations = env.reset()
    for _ in range(steps):
        masks = env.action_masks().copy() if task.masked else None
        actions = _ask(task, env, name, masks)
        discount.before(env)
        after, rewards, dones, _ = env.step(actions.reshape(-1, *env.action_space.shape))
        discounts = discount.after(env, dones)
        earned = np.asarray(rewards, dtype=np.float64)
        rows.append((observations.copy(), actions, earned, dones.copy(), masks, discounts))
        observations = after
    return rows


def _ask(task: Task, env: Any, name: str, masks: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    """Return the teacher's actions, all legal, shape (environments, segments)."""
    actions = np.array(task.teachers[name](env), dtype=np.int64).reshape(env.num_envs, -1)
    starts = np.cumsum((0, *segments_of(env.action_space)[:-1]))
    if masks is not None and not (legal := np.take_along_axis(masks, actions + starts, axis=1).all(axis=1)).all():
        wrong = int(np.argmin(legal))
        raise LearningError(
            f"teacher '{name}': action {actions[wrong].tolist()} is illegal in environment {wrong}; "
            "a teacher keeps to the mask"
        )
    return actions


def _returns(
    rewards: NDArray[np.float64], dones: NDArray[np.bool_], discounts: NDArray[np.float64]
) -> NDArray[np.float32]:
    found = np.zeros_like(rewards)
    later = np.zeros(rewards.shape[1])
    for t in range(len(rewards) - 1, -1, -1):
        later = rewards[t] + discounts[t] * np.where(dones[t], 0.0, later)
        found[t] = later
    return found.astype(np.float32)


def clone(policy: Any, lessons: Lessons, settings: TeacherSettings, vf_coef: float, max_grad_norm: float) -> None:
    """Teach a policy: cross entropy of the teacher's actions, and with `value` the error of the returns."""
    optimizer = torch.optim.Adam(policy.parameters(), lr=settings.learning_rate)
    policy.set_training_mode(True)
    n = len(lessons.actions)
    for _ in range(settings.epochs):
        order = torch.randperm(n).numpy()
        for start in range(0, n, settings.batch_size):
            loss = _loss(
                policy, lessons, order[start : start + settings.batch_size], vf_coef if settings.value else 0.0
            )
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(policy.parameters(), max_grad_norm)
            optimizer.step()


def _loss(policy: Any, lessons: Lessons, rows: NDArray[np.int64], vf_coef: float) -> torch.Tensor:
    observations, masks = _tensors(policy, lessons, rows)
    actions = torch.as_tensor(lessons.actions[rows], device=policy.device)
    logs = policy.log_prob(policy.log_probs(observations, masks), actions)
    if not vf_coef:
        return -logs.mean()
    returns = torch.as_tensor(lessons.returns[rows], device=policy.device)
    return -logs.mean() + vf_coef * torch.nn.functional.mse_loss(policy.predict_values(observations).flatten(), returns)


def _tensors(policy: Any, lessons: Lessons, rows: Any) -> tuple[torch.Tensor, torch.Tensor | None]:
    masks = None if lessons.masks is None else torch.as_tensor(lessons.masks[rows], device=policy.device)
    return torch.as_tensor(lessons.observations[rows], device=policy.device), masks


def agreement(policy: Any, lessons: Lessons) -> Agreement:
    """Return how often the likeliest legal action is the teacher's."""
    observations, masks = _tensors(policy, lessons, slice(None))
    with torch.no_grad():
        chosen = policy.best(policy.log_probs(observations, masks)).cpu().numpy()
    same = (chosen == lessons.actions).all(axis=1)
    segments = lessons.actions.shape[1]
    free = np.ones(len(same), dtype=bool) if lessons.masks is None else lessons.masks.sum(axis=1) > segments
    return Agreement(float(same.mean()), float(same[free].mean()) if free.any() else float("nan"), len(same))
