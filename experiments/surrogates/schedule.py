"""What predictions do to the schedule, in the tables and files of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wattq.experiments.surrogates.effect import GIVEN, PARTS, POLICIES, SCALED, Simulated, effect_tasks
from wattq.experiments.surrogates.settings import Settings
from wattq.experiments.surrogates.tasks import Arrays, LogFile, Task
from wattq.surrogates.rolling import UNTRAINED

__all__ = ["ScheduleEffect", "ScheduleRow", "schedule_effect_of", "schedule_tasks"]

_FIRST, _SECOND, _WHOLE = PARTS


@dataclass(frozen=True)
class ScheduleRow:
    """One policy with one kind of estimates.

    Attributes:
        policy: a name in `POLICIES`.
        estimate: requested, doubled, fraction, exact, or a model.
        slowdown: mean bounded slowdown by part of the log.
        under_share: share of jobs whose first estimate was shorter than their run, over the whole log.
        corrections: mean number of corrections of a job, over the whole log.
        chosen: whether it is the model with the lowest slowdown of the first half.
    """

    policy: str
    estimate: str
    slowdown: Mapping[str, float]
    under_share: float
    corrections: float
    chosen: bool


@dataclass(frozen=True)
class ScheduleEffect:
    """The effect on the schedule of one log.

    Attributes:
        entries: one per policy, kind of estimates and part of the log, as `effect_rows` makes them.
    """

    entries: tuple[dict[str, Any], ...]

    def rows(self) -> list[ScheduleRow]:
        """Return one row per policy and kind of estimates, the policies one after the other."""
        estimates = list(dict.fromkeys(entry["estimate"] for entry in self.entries))
        return [self._row(policy, estimate) for policy in POLICIES for estimate in estimates]

    def _row(self, policy: str, estimate: str) -> ScheduleRow:
        found = {
            entry["part"]: entry for entry in self.entries if (entry["policy"], entry["estimate"]) == (policy, estimate)
        }
        slowdown = {part: float(found[part]["slowdown"]) for part in PARTS}
        whole = found[_WHOLE]
        best = self.chosen(policy) == estimate
        return ScheduleRow(policy, estimate, slowdown, whole["under_share"], whole["corrections"], best)

    def chosen(self, policy: str) -> str:
        """Return the model with the lowest slowdown of the first half; empty where several do not differ."""
        models = {
            entry["estimate"]: entry["slowdown"]
            for entry in self.entries
            if entry["policy"] == policy and entry["part"] == _FIRST and entry["estimate"] not in (*GIVEN, SCALED)
        }
        alike = len(models) != 1 and len(set(models.values())) <= 1
        return "" if alike else min(models, key=lambda name: models[name])


def schedule_tasks(settings: Settings, models: Sequence[str]) -> list[Task]:
    """Return the simulations of all logs; on later logs models that learn are left out, because they take minutes."""
    return [task for file in settings.logs.items() for task in _of_log(settings, file, models)]


def _of_log(settings: Settings, file: LogFile, models: Sequence[str]) -> list[Simulated]:
    place = list(settings.logs).index(file[0])
    chosen = models if place < settings.simulated else [name for name in models if name in UNTRAINED]
    return effect_tasks(file, chosen, settings.seed)


def schedule_effect_of(
    settings: Settings, file: LogFile, models: Sequence[str], results: Mapping[Task, Arrays]
) -> ScheduleEffect | None:
    """Return the effect on the schedule of a log; None where it was not asked for."""
    if "schedule" not in settings.parts:
        return None
    tasks = _of_log(settings, file, models)
    return ScheduleEffect(tuple(row for task in tasks for row in task.rows(results[task])))
