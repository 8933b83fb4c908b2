"""A training from its settings to a learned policy: rollouts, updates, stages, checkpoints, logs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.logger import Logger

from wattq.errors import LearningError
from wattq.schedulers.rl.training import checkpoints, imitation
from wattq.schedulers.rl.training.checkpoints import Checkpoint, owned
from wattq.schedulers.rl.training.config import CHECKPOINT_FOLDER, TrainConfig
from wattq.schedulers.rl.training.curriculum import Curriculum
from wattq.schedulers.rl.training.effort import Effort
from wattq.schedulers.rl.training.lagrange import Penalty
from wattq.schedulers.rl.training.logs import STEPS
from wattq.schedulers.rl.training.meters import EpisodeMeter, RewardScale
from wattq.schedulers.rl.training.ppo import make_learner
from wattq.schedulers.rl.training.tasks import Task, parse_options

__all__ = ["Training"]


class Training:
    """A training under way.

    Args:
        config: its settings.
        task: what is learned.
        folder: where its files go.

    Attributes:
        learner: the algorithm with its networks.
        env: the environments.
        curriculum: stages.
        effort: cost so far.
        warm: agreement with the teacher after the warm start; None without.
        notes: what a user should know.

    Raises:
        LearningError: when settings and task do not fit.
    """

    def __init__(self, config: TrainConfig, task: Task, folder: Path) -> None:
        torch.set_num_threads(config.threads)
        self.config, self.task, self.folder = config, task, folder
        self.curriculum = Curriculum(config.curriculum)
        self.effort = Effort()
        self.warm: imitation.Agreement | None = None
        self.notes: list[str] = []
        self.env = self._make_env()
        self.learner = make_learner(config, task, self.env)
        self.learner.penalty = Penalty(config.constraints, task)
        self.learner.meter = EpisodeMeter(config.n_envs, config.average)
        self.learner.scale = RewardScale(config.n_envs) if config.scale_reward else None
        self._rollouts = 0
        self._saved = 0
        self._logger: Logger | None = None

    @property
    def steps(self) -> int:
        """Steps of all environments so far."""
        return int(self.learner.num_timesteps)

    @property
    def done(self) -> bool:
        """Whether all steps were made."""
        return self.steps >= self.config.steps

    def _make_env(self) -> Any:
        """Return new environments of the present stage; every stage has seeds of its own."""
        options = parse_options(self.task, {**self.config.options, **self.curriculum.stage.options})
        seed = int(np.random.SeedSequence([self.config.seed, self.curriculum.index]).generate_state(1)[0] >> 1)
        return self.task.make_vec(self.config.n_envs, seed, options)

    def begin(self, logger: Logger) -> None:
        """Start at step 0: warm start where there is a teacher, first observations, first checkpoint."""
        self._use(logger)
        self.effort.start()
        if self.config.teacher is not None:
            self._warm_start()
        self.learner.start()
        self.save()

    def _use(self, logger: Logger) -> None:
        self._logger = logger
        self.learner.set_logger(logger)
        self.learner._total_timesteps = self.config.steps

    def _warm_start(self) -> None:
        config, teacher = self.config, self.config.teacher
        assert teacher is not None
        taught, held = imitation.collect_lessons(self.task, self.env, teacher, self.learner.discount)
        imitation.clone(self.learner.policy, taught, teacher, config.vf_coef, config.max_grad_norm)
        self.warm = imitation.agreement(self.learner.policy, held)

    def rollout(self) -> Mapping[str, float]:
        """Collect a rollout, learn from it, move multipliers and stage; return the figures that were logged."""
        learner = self.learner
        learner.rollout()
        learner.penalty.update()
        learner._update_current_progress_remaining(learner.num_timesteps, self.config.steps)
        learner.train()
        self._rollouts += 1
        self.effort.update()
        figures = self._log()
        if self.curriculum.advance(self.steps, figures):
            self._next_stage()
        if self.done or self.steps // self.config.checkpoints.every > self._saved // self.config.checkpoints.every:
            self.save()
        return figures

    def _log(self) -> dict[str, float]:
        learner, effort = self.learner, self.effort
        figures: dict[str, float] = {STEPS: self.steps, "time/rollouts": self._rollouts, **learner.meter.figures()}
        figures |= learner.penalty.figures()
        figures["rollout/step_reward"] = float(learner.meter.step_reward)
        if not learner.masked and learner.uses_masks:
            figures["rollout/illegal_share"] = learner.illegal / self.config.rollout
        if learner.scale is not None:
            figures["rollout/reward_scale"] = learner.scale.deviation
        if len(self.config.curriculum) > 0:
            figures["curriculum/stage"] = self.curriculum.index
        figures |= {f"time/{name}": value for name, value in effort.figures().items()}
        figures["time/steps_per_s"] = self.steps / max(effort.wall_s, 1e-9)
        figures["time/steps_per_cpu_s"] = self.steps / max(effort.cpu_s, 1e-9)
        logger = self._logger
        assert logger is not None
        for name, value in figures.items():
            logger.record(name, value)
        figures |= {name: float(value) for name, value in logger.name_to_value.items() if not isinstance(value, str)}
        logger.dump(self.steps)
        return figures

    def _next_stage(self) -> None:
        """Replace the environments by those of the stage that begins."""
        self.curriculum.write(self.folder)
        before = (self.env.observation_space, self.env.action_space)
        self.env.close()
        self.env = self._make_env()
        if (self.env.observation_space, self.env.action_space) != before:
            raise LearningError(
                f"key 'curriculum', stage '{self.curriculum.stage.name}': observations or actions differ from the "
                "stage before; a stage may change what happens, not what is seen and done"
            )
        self.learner.env = self.env
        self.learner.meter.forget()
        self.learner.start()

    def save(self) -> Path:
        """Write a checkpoint of the present state, between two rollouts."""
        learner, meter = self.learner, self.learner.meter
        arrays, values = meter.state()
        held = checkpoints.network_state(learner) | owned("meter", arrays) | owned("penalty", learner.penalty.state())
        held |= owned("last", {"observations": learner._last_obs, "starts": learner._last_episode_starts})
        if learner.scale is not None:
            held |= owned("scale", learner.scale.state())
        if hasattr(self.env, "state"):
            held |= owned("env", self.env.state())
        self._saved = self.steps
        path = checkpoints.write_checkpoint(
            self.folder / CHECKPOINT_FOLDER, Checkpoint(held, self._meta(values)), self.config.checkpoints.keep
        )
        self.curriculum.write(self.folder)
        return path

    def _meta(self, meter: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "steps": self.steps,
            "updates": self.learner._n_updates,
            "rollouts": self._rollouts,
            "remaining": self.learner._current_progress_remaining,
            "meter": meter,
            "curriculum": self.curriculum.state(),
            "effort": self.effort.figures(),
            "warm": None if self.warm is None else vars(self.warm),
        }

    def go_on(self, found: Checkpoint, logger: Logger) -> None:
        """Continue from a checkpoint.

        Raises:
            LearningError: when it is one of other settings.
        """
        try:
            self._restore(found, logger)
        except (LookupError, TypeError, ValueError) as error:
            if isinstance(error, LearningError):
                raise
            raise LearningError(
                f"{self.folder}: the checkpoint does not fit the settings of config.yaml ({error}); give back the "
                "settings that it was made with, or train again"
            ) from None
        self.effort.start()

    def _restore(self, found: Checkpoint, logger: Logger) -> None:
        meta, learner = found.meta, self.learner
        self.curriculum.restore(meta["curriculum"])
        if self.curriculum.index:
            self.env.close()
            self.env = learner.env = self._make_env()
        self._use(logger)
        learner.num_timesteps, learner._n_updates = int(meta["steps"]), int(meta["updates"])
        learner._current_progress_remaining = float(meta["remaining"])
        learner.meter.restore(found.under("meter"), meta["meter"])
        learner.penalty.restore(found.under("penalty"))
        if learner.scale is not None:
            learner.scale.restore(found.under("scale"))
        self._rollouts, self._saved = int(meta["rollouts"]), int(meta["steps"])
        self.warm = None if meta["warm"] is None else imitation.Agreement(**meta["warm"])
        effort = meta["effort"]
        self.effort = Effort(effort["wall_s"], effort["cpu_s"], effort.get("energy_j"))
        self._go_on_env(found)
        checkpoints.restore_network(learner, found)

    def _go_on_env(self, found: Checkpoint) -> None:
        learner, state = self.learner, found.under("env")
        if state:
            self.env.restore(state)
            learner._last_obs = found.arrays["last/observations"].copy()
            learner._last_episode_starts = found.arrays["last/starts"].copy()
        else:
            learner.start()
            learner.meter.forget()
            self.notes.append("the environments of this task keep no state, so their episodes start again")
