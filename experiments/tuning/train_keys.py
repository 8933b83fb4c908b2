"""The part of a tuning file that trains a model for each trial."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from wattq.experiments.study.keys import Strict, WeekPick, Weeks
from wattq.experiments.tuning.knobs import Knob

__all__ = ["TrainSpec"]


SettingName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$")]


class TrainSpec(Strict):
    """How a model is trained for each trial, so that a search chooses caps, weights and limits, and the model acts.

    Attributes:
        by: who trains: ``wattq``, or a function of the user's own as ``path/to/file.py:function`` or
            ``package.module:function`` (`wattq.experiments.tuning.training.Request` in, parameters of the policy out).
        weeks: weeks of the log that the model learns from: neither tuning nor test weeks, and apart from both.
        options: settings of the training that every trial has: for ``wattq`` the keys of `wattq rl train --config`.
        knobs: settings that a trial chooses, by name; dots lead into inner settings, as in ``options.weights.energy``.
    """

    by: str = Field(default="wattq", min_length=1, max_length=1000)
    weeks: Weeks | None = None
    options: dict[str, Any] = Field(default_factory=dict, max_length=100)
    knobs: dict[SettingName, Knob] = Field(default_factory=dict, max_length=100)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of the training weeks."""
        if self.weeks is None:
            return ()
        return self.weeks.numbers if isinstance(self.weeks, WeekPick) else tuple(self.weeks)
