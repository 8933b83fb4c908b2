"""Settings of a training: what ``wattq rl train --config`` reads and ``config.yaml`` of a training holds."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from wattq.files import write_whole

__all__ = [
    "Checkpoints",
    "Constraint",
    "CurriculumStage",
    "Promotion",
    "TeacherSettings",
    "TrainConfig",
    "config_text",
    "parse_rate",
    "read_config",
]

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1, le=10**12)]
Name = Annotated[str, Field(min_length=1, max_length=100)]

CONFIG_FILE = "config.yaml"
"""Name of the file of settings within the folder of a training."""

CHECKPOINT_FOLDER = "checkpoints"
"""Name of the folder of checkpoints there."""


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class Checkpoints(_Settings):
    """When checkpoints are written.

    Attributes:
        every: steps between two; a checkpoint follows the first rollout that passes a multiple. Also at the end.
        keep: how many are kept, the newest ones.
    """

    every: Count = 100_000
    keep: Annotated[int, Field(ge=1, le=1000)] = 2


class Constraint(_Settings):
    """A limit on a mean cost, kept by a Lagrange multiplier.

    Attributes:
        cost: name of a cost of the task.
        limit: the mean cost that is allowed, in the cost's unit.
        rate: learning rate of the multiplier: added per rollout and unit of excess.
        start: multiplier at the beginning.
        most: multiplier at most.
    """

    cost: Name
    limit: Annotated[float, Field(allow_inf_nan=False)]
    rate: Positive = 0.05
    start: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    most: Positive = 100.0

    @model_validator(mode="after")
    def _check(self) -> Constraint:
        if self.start > self.most:
            raise ValueError(f"start {self.start} is above most {self.most}; a multiplier stays between 0 and most")
        return self


class TeacherSettings(_Settings):
    """A warm start: the network first learns to act as a teacher does.

    Attributes:
        name: a teacher of the task.
        steps: steps of the teacher to learn from.
        epochs: passes over them.
        batch_size: states per update.
        learning_rate: of these updates.
        held_out: share of the environments whose states measure the agreement and teach nothing.
        value: whether the value network learns the teacher's returns, too.
    """

    name: Name
    steps: Count = 50_000
    epochs: Annotated[int, Field(ge=1, le=1000)] = 10
    batch_size: Annotated[int, Field(ge=2, le=10**6)] = 1024
    learning_rate: Positive = 1e-3
    held_out: Annotated[float, Field(gt=0, lt=1)] = 0.2
    value: bool = True


class Promotion(_Settings):
    """When a stage of the curriculum is done.

    Attributes:
        metric: a column of progress.csv.
        at_least, at_most: the value that is asked for; one of them.
        rollouts: how many rollouts in a row have to show it.
    """

    metric: Name
    at_least: Annotated[float | None, Field(allow_inf_nan=False)] = None
    at_most: Annotated[float | None, Field(allow_inf_nan=False)] = None
    rollouts: Annotated[int, Field(ge=1, le=10_000)] = 1

    @model_validator(mode="after")
    def _check(self) -> Promotion:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("a promotion has either at_least or at_most")
        return self


class CurriculumStage(_Settings):
    """A stage of the curriculum.

    Attributes:
        name: of the stage.
        options: options of the task that differ in this stage.
        steps: the stage ends after so many steps; None for no limit.
        promote: the stage ends when a metric is good enough; None for no such rule. The last stage has neither.
    """

    name: Name
    options: dict[str, Any] = Field(default_factory=dict)
    steps: Count | None = None
    promote: Promotion | None = None


class TrainConfig(_Settings):
    """All settings of a training.

    Attributes:
        task: name of the task.
        options: options of the task; they depend on it.
        algorithm: ``maskable-ppo`` never samples an action that the mask forbids; ``ppo`` knows no mask.
        architecture: ``slots`` applies one small network to each slot of the queue, ``flat`` is one network.
        net_arch: widths of the hidden layers of the policy.
        value_arch: widths of the hidden layers of the value network; those of the policy when empty.
        activation: between layers.
        steps: steps of the environments in all.
        n_envs: environments that step together.
        n_steps: steps of each environment per rollout.
        batch_size: states per update.
        n_epochs: passes over a rollout.
        learning_rate: a number, or ``linear:START`` or ``linear:START:END`` over the training.
        gamma: discount per step, or per hour.
        discount: what `gamma` is per: ``step``, or ``hour`` of the environments' own time where the task has a clock.
        gae_lambda: of generalised advantage estimation.
        clip_range: of PPO.
        ent_coef: weight of the entropy.
        vf_coef: weight of the value's loss.
        max_grad_norm: gradients are clipped to this norm.
        target_kl: an update stops early beyond 1.5 times this divergence; None for never.
        scale_reward: divide rewards by the running standard deviation of discounted returns.
        constraints: limits on mean costs.
        teacher: warm start; None for none.
        curriculum: stages; empty for none.
        seed: of networks, sampling and environments.
        device: ``cpu``, ``cuda``, or ``auto`` (cuda where there is one).
        threads: threads of torch on the CPU; the same number gives the same weights.
        checkpoints: when they are written.
        tensorboard: write event files, too.
        average: episodes over which figures of episodes are averaged.
    """

    task: Name
    options: dict[str, Any] = Field(default_factory=dict)
    algorithm: Literal["maskable-ppo", "ppo"] = "maskable-ppo"
    architecture: Literal["slots", "flat"] = "flat"
    net_arch: tuple[Annotated[int, Field(ge=1, le=1024)], ...] = Field((64, 64), min_length=1, max_length=6)
    value_arch: tuple[Annotated[int, Field(ge=1, le=1024)], ...] = Field((), max_length=6)
    activation: Literal["tanh", "relu"] = "tanh"
    steps: Count = 1_000_000
    n_envs: Annotated[int, Field(ge=1, le=4096)] = 64
    n_steps: Annotated[int, Field(ge=2, le=100_000)] = 128
    batch_size: Annotated[int, Field(ge=2, le=10**6)] = 4096
    n_epochs: Annotated[int, Field(ge=1, le=1000)] = 3
    learning_rate: float | str = 3e-4
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.99
    discount: Literal["step", "hour"] = "step"
    gae_lambda: Share = 0.95
    clip_range: Positive = 0.2
    ent_coef: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.01
    vf_coef: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.5
    max_grad_norm: Positive = 0.5
    target_kl: Positive | None = None
    scale_reward: bool = True
    constraints: tuple[Constraint, ...] = Field((), max_length=20)
    teacher: TeacherSettings | None = None
    curriculum: tuple[CurriculumStage, ...] = Field((), max_length=100)
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    device: Literal["cpu", "auto", "cuda"] = "cpu"
    threads: Annotated[int, Field(ge=1, le=256)] = 1
    checkpoints: Checkpoints = Checkpoints()
    tensorboard: bool = False
    average: Annotated[int, Field(ge=1, le=100_000)] = 100

    @field_validator("learning_rate")
    @classmethod
    def _check_rate(cls, value: float | str) -> float | str:
        parse_rate(value)
        return value

    @model_validator(mode="after")
    def _check(self) -> TrainConfig:
        if self.n_steps * self.n_envs < self.batch_size:
            raise ValueError(
                f"batch_size {self.batch_size} is more than the n_steps x n_envs = {self.n_steps * self.n_envs} "
                "states of a rollout; lower batch_size, or raise one of the others"
            )
        if len({each.cost for each in self.constraints}) < len(self.constraints):
            raise ValueError("constraints: one cost is limited twice; keep one")
        self._check_stages()
        return self

    def _check_stages(self) -> None:
        names = [stage.name for stage in self.curriculum]
        if len(set(names)) < len(names):
            raise ValueError("curriculum: two stages have the same name; rename one")
        for stage in self.curriculum[:-1]:
            if stage.steps is None and stage.promote is None:
                raise ValueError(f"curriculum: stage '{stage.name}' never ends; give it steps or promote")
        if self.curriculum and (self.curriculum[-1].steps or self.curriculum[-1].promote):
            raise ValueError(
                f"curriculum: the last stage, '{self.curriculum[-1].name}', lasts until the training ends; it has "
                "neither steps nor promote"
            )

    @property
    def rollout(self) -> int:
        """Steps of all environments per rollout; a training ends with the rollout that reaches `steps`."""
        return self.n_steps * self.n_envs

    def rate(self, remaining: float) -> float:
        """Return the learning rate when this share of the training remains (1 at the start, 0 at the end)."""
        start, end = parse_rate(self.learning_rate)
        return end + (start - end) * remaining


def parse_rate(value: float | str) -> tuple[float, float]:
    """Return the first and last learning rate of a number, ``linear:START`` or ``linear:START:END``.

    Raises:
        ValueError: when it is none of these, or a rate is not above 0 (the last one of a line may be 0).
    """
    words = str(value).split(":")
    try:
        if words[0] == "linear" and 2 <= len(words) <= 3:
            start, end = float(words[1]), float(words[2]) if len(words) == 3 else 0.0
        else:
            start = end = float(value)
    except ValueError:
        start = end = math.nan
    if not (0 < start < math.inf and 0 <= end < math.inf and (end > 0 or words[0] == "linear")):
        raise ValueError(f"'{value}' is no learning rate: give a number above 0, linear:START or linear:START:END")
    return start, end


def read_config(path: Path | str) -> TrainConfig:
    """Return the settings of a file.

    Raises:
        MissingFileError: the file does not exist or cannot be read.
        InvalidInputError: it breaks a rule; the message names file, line, key, value and rule.
    """
    from wattq.yaml_model import read_model

    return read_model(path, TrainConfig, "holds the settings of a training, keys and values")


def config_text(config: TrainConfig) -> str:
    """Return the settings as YAML, all of them, so that `read_config` gives them back."""
    import yaml

    return str(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True))


def write_config(config: TrainConfig, folder: Path) -> Path:
    """Write ``config.yaml`` of a training."""
    return write_whole(folder / CONFIG_FILE, config_text(config).encode())
