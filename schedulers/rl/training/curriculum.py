"""Stages of a training, one after the other: options of the task that change, and rules of promotion."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wattq.errors import LearningError
from wattq.files import write_whole
from wattq.schedulers.rl.training.config import CurriculumStage, Promotion

__all__ = ["PROMOTION_COLUMNS", "Curriculum"]

PROMOTIONS_FILE = "promotions.csv"
PROMOTION_COLUMNS = ("stage", "next", "from_step", "to_step", "reason", "metric", "value")
"""Columns of ``promotions.csv``: stage that ended, stage that began, first and last step of the former, reason
(``steps`` or ``metric``), and for the latter the metric and its last value."""


class Curriculum:
    """Which stage a training is in.

    Args:
        stages: at least one.

    Attributes:
        stage: the present one.
        log: rows of the promotions so far.
    """

    def __init__(self, stages: Sequence[CurriculumStage]) -> None:
        self._stages = tuple(stages) or (CurriculumStage(name="all"),)
        self._index, self._from_step, self._streak = 0, 0, 0
        self.log: list[dict[str, Any]] = []

    @property
    def stage(self) -> CurriculumStage:
        """The present stage."""
        return self._stages[self._index]

    @property
    def index(self) -> int:
        """Number of the present stage, from 0."""
        return self._index

    def advance(self, steps: int, figures: Mapping[str, float]) -> bool:
        """Look at the figures of a rollout; return whether a new stage begins.

        Raises:
            LearningError: when the metric is none of the figures.
        """
        reason, metric, value = self._reason(steps, figures)
        if not reason or self._index + 1 == len(self._stages):
            return False
        row = (self.stage.name, self._stages[self._index + 1].name, self._from_step, steps, reason, metric, value)
        self.log.append(dict(zip(PROMOTION_COLUMNS, row, strict=True)))
        self._index, self._from_step, self._streak = self._index + 1, steps, 0
        return True

    def _reason(self, steps: int, figures: Mapping[str, float]) -> tuple[str, str, float | str]:
        rule = self.stage.promote
        if rule is not None:
            value = _value(rule, figures)
            self._streak = self._streak + 1 if _good(rule, value) else 0
            if self._streak >= rule.rollouts:
                return "metric", rule.metric, value
        if self.stage.steps is not None and steps - self._from_step >= self.stage.steps:
            return "steps", "", ""
        return "", "", ""

    def write(self, folder: Path) -> None:
        """Write ``promotions.csv``."""
        text = io.StringIO()
        writer = csv.DictWriter(text, PROMOTION_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.log)
        write_whole(folder / PROMOTIONS_FILE, text.getvalue().encode())

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint holds."""
        return {"index": self._index, "from_step": self._from_step, "streak": self._streak, "log": self.log}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned.

        Raises:
            LearningError: when there are fewer stages now.
        """
        if not 0 <= int(state["index"]) < len(self._stages):
            raise LearningError(f"the checkpoint is in stage {state['index']} of the curriculum, which there is not")
        self._index, self._from_step = int(state["index"]), int(state["from_step"])
        self._streak, self.log = int(state["streak"]), list(state["log"])


def _value(rule: Promotion, figures: Mapping[str, float]) -> float:
    """Return the figure; NaN while no episode has ended yet, which is when there are none of episodes."""
    if rule.metric in figures:
        return float(figures[rule.metric])
    if rule.metric.startswith("episode/") and "episode/return" not in figures:
        return math.nan
    known = ", ".join(figures)
    raise LearningError(f"key 'curriculum', metric '{rule.metric}': no figure of this training; there are {known}")


def _good(rule: Promotion, value: float) -> bool:
    if rule.at_least is not None:
        return value >= rule.at_least
    return rule.at_most is not None and value <= rule.at_most
