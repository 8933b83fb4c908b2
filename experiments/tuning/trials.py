"""One trial: choose, train where something learns, play week by week, report, prune, and write down what came of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wattq.errors import TuningError, WattqError
from wattq.experiments.study.records import WeekRecord
from wattq.experiments.tuning.arena import Arena
from wattq.experiments.tuning.knobs import Value
from wattq.experiments.tuning.scoring import Score, score, week_value
from wattq.experiments.tuning.space import Choice, choice_of
from wattq.experiments.tuning.storage import ERROR
from wattq.experiments.tuning.training import trained

if TYPE_CHECKING:
    from optuna.trial import Trial

__all__ = ["NOTES", "judge", "play_choice", "play_trial"]

NOTES = "notes"
"""Attribute of a trial: JSON of what it played."""

Report = Callable[[int, float], bool]
"""Told of the number of a step and of the objective in it; returns whether the trial ends."""


@dataclass(frozen=True)
class Played:
    """What a choice did.

    Attributes:
        records: of each week, one per grid.
        trained: (log, seed) -> parameters that came of a training; empty without one.
    """

    records: list[list[WeekRecord]]
    trained: Mapping[tuple[str, int], Mapping[str, Value]]


class EarlyEndError(Exception):
    """Raised when the pruner ends a trial; holds what was played until then."""

    def __init__(self, played: Played) -> None:
        super().__init__()
        self.played = played


def play_choice(
    arena: Arena, choice: Choice, folder: Path, report: Report | None = None, alive: Callable[[], None] | None = None
) -> Played:
    """Play a choice on every week, training first what learns; return each week's records and what was trained.

    Args:
        arena: the weeks.
        choice: policy and knobs.
        folder: gets what is trained.
        report: told of the objective after each week.
        alive: called before each week; raises to stop.

    Raises:
        EarlyEndError: the pruner ends the trial.
        WattqError: a knob's value is not valid, a simulation aborts, a training fails.
    """
    more: dict[tuple[str, int], dict[str, Value]] = {}
    played: list[list[WeekRecord]] = []
    for number, step in enumerate(arena.steps):
        if alive is not None:
            alive()
        key = (step.log, step.seed)
        if key not in more:
            more[key] = dict(trained(arena, choice, step, folder))
        played.append(arena.play(step, choice.policy(more[key])))
        if report is None:
            continue
        value = week_value(played[-1], step.easy, arena.tuning.objectives[0])
        ends = value is not None and report(number, value)
        if ends and number + 1 < len(arena.steps):  # after the last week there is nothing to save
            raise EarlyEndError(Played(played, more))
    return Played(played, more)


def judge(arena: Arena, choice: Choice, folder: Path) -> Score:
    """Return what comes of a choice on all weeks."""
    return score(arena, play_choice(arena, choice, folder).records)


def play_trial(arena: Arena, trial: Trial, folder: Path, alive: Callable[[], None] | None = None) -> tuple[float, ...]:
    """Play a trial of Optuna: set its constraints and notes, and return its objectives.

    Raises:
        TrialPruned: the pruner ended it.
        WattqError: it failed; the reason is in its attributes.
    """
    from optuna import TrialPruned

    begun_s = time.monotonic()
    choice = choice_of(arena.tuning, trial)
    single = len(arena.tuning.objectives) == 1
    try:
        played = play_choice(
            arena, choice, folder / f"trial-{trial.number}", _reporter(trial) if single else None, alive
        )
        found = score(arena, played.records)
    except EarlyEndError as end:
        # a trial without constraints would count as one that keeps them all
        _note(trial, choice, score(arena, end.played.records), end.played, begun_s)
        raise TrialPruned from None
    except Exception as error:
        # a policy or a trainer may be the user's own code: whatever it raises is one failed trial
        words = str(error) if isinstance(error, WattqError) else f"{type(error).__name__}: {error}"
        trial.set_user_attr(ERROR, words)
        raise TuningError(words) from error
    _note(trial, choice, found, played, begun_s)
    return found.objectives


def _reporter(trial: Trial) -> Report:
    def report(number: int, value: float) -> bool:
        trial.report(value, number)
        return bool(trial.should_prune())

    return report


def _note(trial: Trial, choice: Choice, found: Score, played: Played, begun_s: float) -> None:
    for key, value in found.constraints.items():
        trial.set_constraint(key, value)
    notes: dict[str, Any] = {
        "policy": choice.tuned.title,
        "params": dict(choice.params),
        "training": dict(choice.training),
        "trained": {str(seed): dict(params) for (_, seed), params in played.trained.items() if params},
        "steps": len(played.records),
        "objectives": list(found.objectives),
        "values": {place: dict(row) for place, row in found.values.items()},
        "seconds": round(time.monotonic() - begun_s, 3),
    }
    trial.set_user_attr(NOTES, json.dumps(notes))
