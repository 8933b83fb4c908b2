"""The part of a tuning file that trains a model for each trial."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from wattq.experiments.experiment_model import Scalar
from wattq.experiments.study.keys import Strict, WeekPick, Weeks
from wattq.experiments.tuning.knobs import Knob, KnobName

__all__ = ["TrainSpec"]


class TrainSpec(Strict):
    """How a model is trained for each trial, so that a search chooses caps, weights and limits, and the model acts.

    Attributes:
        by: who trains: ``wattq``, or a function of the user's own as ``path/to/file.py:function`` or
            ``package.module:function`` (`wattq.experiments.tuning.training.Request` in, parameters of the policy out).
        weeks: weeks of the log that the model learns from: neither tuning nor test weeks, and apart from both.
        options: options of the training that every trial has.
        knobs: options that a trial chooses, by name.
    """

    by: str = Field(default="wattq", min_length=1, max_length=1000)
    weeks: Weeks | None = None
    options: dict[Annotated[str, Field(max_length=100)], Scalar] = Field(default_factory=dict, max_length=100)
    knobs: dict[KnobName, Knob] = Field(default_factory=dict, max_length=100)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of the training weeks."""
        if self.weeks is None:
            return ()
        return self.weeks.numbers if isinstance(self.weeks, WeekPick) else tuple(self.weeks)
