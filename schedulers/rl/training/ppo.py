"""PPO and MaskablePPO with rollouts that step all environments at once and call nothing per environment."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib import MaskablePPO
from stable_baselines3 import PPO

from wattq.errors import LearningError
from wattq.schedulers.rl.training.config import TrainConfig
from wattq.schedulers.rl.training.discounts import Discount, fill_advantages
from wattq.schedulers.rl.training.lagrange import Penalty
from wattq.schedulers.rl.training.meters import EpisodeMeter, RewardScale
from wattq.schedulers.rl.training.policies import LearnedPolicy
from wattq.schedulers.rl.training.tasks import Task

__all__ = ["Learner", "MaskableLearner", "PlainLearner", "make_discount", "make_learner", "pick_device"]

Masks = NDArray[np.bool_]


class Learner:
    """What both algorithms share: rollouts.

    The update is that of Stable-Baselines3, untouched.

    Attributes:
        penalty: constraints.
        meter: figures of episodes.
        scale: of rewards; None leaves them as they are.
        discount: what the next state counts.
        fallback: choice of each segment in place of an illegal one, for the algorithm without masks.
        illegal: illegal actions that the algorithm without masks chose in the last rollout.
    """

    penalty: Penalty
    meter: EpisodeMeter
    scale: RewardScale | None
    discount: Discount
    fallback: tuple[int, ...]
    masked: bool
    illegal = 0

    def start(self) -> None:
        """Reset the environments."""
        learner: Any = self
        learner._last_obs = learner.env.reset()
        learner._last_episode_starts = np.ones(learner.n_envs, dtype=bool)

    def rollout(self) -> None:
        """Fill the buffer with `n_steps` steps of all environments, and compute returns and advantages."""
        learner: Any = self
        buffer = learner.rollout_buffer
        learner.policy.set_training_mode(False)
        buffer.reset()
        self.illegal = 0
        self.meter.begin()
        discounts = np.zeros((learner.n_steps, learner.n_envs))
        for t in range(learner.n_steps):
            discounts[t], dones = self._one_step(learner, buffer)
        learner.num_timesteps += learner.n_steps * learner.n_envs
        with torch.no_grad():
            values = learner.policy.predict_values(self._tensor(learner._last_obs))
        fill_advantages(buffer, discounts, values.flatten().cpu().numpy().astype(np.float64), dones)

    def _one_step(self, learner: Any, buffer: Any) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        env = learner.env
        legal = _legal(env, learner.policy.segments) if self.uses_masks else None
        with torch.no_grad():
            masks = self._tensor(legal) if self.masked and legal is not None else None
            actions, values, logs = learner.policy.act(self._tensor(learner._last_obs), masks)
        chosen = actions.cpu().numpy()
        allowed = self._allowed(chosen, legal).reshape(-1, *learner.action_space.shape)
        self.discount.before(env)
        observations, rewards, dones, infos = env.step(allowed)
        discounts = self.discount.after(env, dones)
        self.meter.add(rewards, dones, infos)
        rewards = self.penalty.apply(env, np.asarray(rewards, dtype=np.float64))
        rewards = rewards if self.scale is None else self.scale(rewards, dones, discounts)
        rewards = self._bootstrap(learner, rewards, discounts, dones, infos)
        told = {"action_masks": legal} if self.masked and legal is not None else {}
        starts = learner._last_episode_starts
        buffer.add(learner._last_obs, chosen, rewards, starts, values, logs, **told)
        learner._last_obs, learner._last_episode_starts = observations, dones
        return discounts, dones

    uses_masks = True

    def _tensor(self, array: NDArray[Any]) -> torch.Tensor:
        learner: Any = self
        return torch.as_tensor(array, device=learner.device)

    def _allowed(self, chosen: NDArray[np.int64], legal: Masks | None) -> NDArray[np.int64]:
        """Return the actions with illegal ones replaced; only an algorithm without masks chooses any."""
        if legal is None or self.masked:
            return chosen
        learner: Any = self
        allowed = chosen.copy()
        parts = np.split(legal, np.cumsum(learner.policy.segments)[:-1], axis=1)
        for k, (part, instead) in enumerate(zip(parts, self.fallback, strict=True)):
            wrong = ~part[np.arange(len(chosen)), chosen[:, k]]
            allowed[wrong, k] = np.where(part[:, instead], instead, part.argmax(axis=1))[wrong]
        self.illegal += int((allowed != chosen).any(axis=1).sum())
        return allowed

    def _bootstrap(
        self,
        learner: Any,
        rewards: NDArray[np.float64],
        discounts: NDArray[np.float64],
        dones: NDArray[np.bool_],
        infos: Any,
    ) -> NDArray[np.float64]:
        """Add the value of the state in which an episode was cut short by a limit of time, not ended by the task."""
        cut = [k for k in np.flatnonzero(dones).tolist() if infos[k].get("TimeLimit.truncated", False)]
        if not cut:
            return rewards
        last = np.stack([infos[k]["terminal_observation"] for k in cut])
        with torch.no_grad():
            values = learner.policy.predict_values(self._tensor(last)).flatten().cpu().numpy()
        rewards = rewards.copy()
        rewards[cut] += discounts[cut] * values
        return rewards


class MaskableLearner(Learner, MaskablePPO):
    """MaskablePPO (Huang and Ontanon, A Closer Look at Invalid Action Masking, FLAIRS 2022) of sb3-contrib."""

    masked = True


class PlainLearner(Learner, PPO):
    """PPO (Schulman et al., 2017) of Stable-Baselines3; illegal actions are replaced by the task's fallback."""

    masked = False


def _legal(env: Any, segments: tuple[int, ...]) -> Masks:
    """Return the masks; each segment has a legal choice."""
    masks: Masks = env.action_masks()
    open_ = np.logical_or.reduceat(masks, np.cumsum((0, *segments[:-1])), axis=1).all(axis=1)
    if not open_.all():
        where = int(np.argmin(open_))
        raise LearningError(
            f"environment {where}: the mask forbids every action; an environment leaves at least one, such as waiting"
        )
    return masks


def pick_device(wanted: str) -> str:
    """Return ``cpu`` or ``cuda`` for cpu, cuda or auto.

    Raises:
        LearningError: when cuda is asked for and torch sees none.
    """
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise LearningError("--device cuda: torch sees no GPU here; give --device cpu, or auto to take one where it is")
    return "cuda" if there and wanted != "cpu" else "cpu"


def make_learner(config: TrainConfig, task: Task, env: Any) -> Any:
    """Return the algorithm that the settings ask for, with new networks.

    Raises:
        LearningError: when task, environments and settings do not fit.
    """
    shape = task.shape(env)
    if config.architecture == "slots" and not shape.slots:
        raise LearningError(
            f"architecture slots: the observations of task {task.name} are not made of slots; give flat"
        )
    kind = MaskableLearner if config.algorithm == "maskable-ppo" else PlainLearner
    if kind is MaskableLearner and not task.masked:
        raise LearningError(f"algorithm maskable-ppo: task {task.name} has no illegal actions; give ppo")
    networks = {
        "shape": shape if config.architecture == "slots" else None,
        "widths": config.net_arch,
        "value_widths": config.value_arch or config.net_arch,
        "activation": config.activation,
    }
    made: Any = kind(
        LearnedPolicy,
        env,
        learning_rate=config.rate,
        policy_kwargs=networks,
        device=pick_device(config.device),
        **config.model_dump(include={*_SAME}),
    )
    made.discount = make_discount(config, task)
    made.uses_masks, made.fallback = task.masked, task.fallback(env)
    return made


def make_discount(config: TrainConfig, task: Task) -> Discount:
    """Return the discount that the settings ask for.

    Raises:
        LearningError: when it is per hour, and the task has no clock.
    """
    if config.discount == "hour" and task.clock_h is None:
        raise LearningError(f"key 'discount': hour: task {task.name} has no clock; give step")
    return Discount(config.gamma, task.clock_h if config.discount == "hour" else None)


_SAME = (
    "n_steps",
    "batch_size",
    "n_epochs",
    "gamma",
    "gae_lambda",
    "clip_range",
    "ent_coef",
    "vf_coef",
    "max_grad_norm",
    "target_kl",
    "seed",
)
"""Settings that Stable-Baselines3 knows by the same names."""
