"""What came of a search: trials, the best one or the Pareto front, and both on tuning and on test weeks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wattq.errors import WattqError
from wattq.experiments.direct import Direct
from wattq.experiments.experiment_model import PolicySpec
from wattq.experiments.study import Study, run_study
from wattq.experiments.study.run import PARTS
from wattq.experiments.tuning.arena import EASY, Arena
from wattq.experiments.tuning.gap import Against, Gap, against_defaults, gaps_of
from wattq.experiments.tuning.importance import Importance, importances_of
from wattq.experiments.tuning.scoring import Score
from wattq.experiments.tuning.space import defaults_of, has_defaults
from wattq.experiments.tuning.storage import ERROR, counted
from wattq.experiments.tuning.trials import NOTES

if TYPE_CHECKING:
    import optuna

__all__ = ["Outcome", "TrialRow", "best_rows", "defaults_label", "outcome_of", "rows_of", "tuned_policies"]

Told = Callable[[int, int, str], None]


@dataclass(frozen=True)
class TrialRow:
    """One trial.

    Attributes:
        number: Optuna's number.
        state: ``complete``, ``pruned`` or ``failed``.
        policy: title of the policy; empty where it failed.
        params: parameters of the policy, those of the file included.
        training: options of the training that were chosen.
        chosen: what the sampler chose, by its names.
        objectives: values; over fewer weeks for a pruned trial, none for a failed one.
        constraints: by name, the largest excess over the bound.
        values: ``log / grid`` -> metric -> value.
        trained: seed -> parameters that came of a training.
        steps: weeks played.
        seconds: time that it took.
        error: why it failed.
    """

    number: int
    state: str
    policy: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    chosen: Mapping[str, Any] = field(default_factory=dict)
    objectives: tuple[float, ...] = ()
    constraints: Mapping[str, float] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    trained: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    steps: int = 0
    seconds: float = 0.0
    error: str = ""

    @property
    def feasible(self) -> bool:
        """Whether it was judged on all weeks and kept every bound."""
        return self.state == "complete" and all(value <= 0 for value in self.constraints.values())


@dataclass(frozen=True)
class Outcome:
    """What came of a search.

    Attributes:
        arena: what trials were judged on.
        trials: those that count, by number.
        best: the best trial, or the Pareto front, by the first objective; empty where no trial kept every bound.
        shown: those of them that were run on the test weeks.
        policies: what ran on the test weeks: EASY, the policies with what the file fixes, the best trials.
        references: scores of EASY and of the policies with what the file fixes, on the tuning weeks.
        tuning: the policies on the tuning weeks, as a study; None without a best trial.
        test: the same on the test weeks.
        gaps: quotients to EASY on tuning and on test weeks, for what objectives and constraints name.
        against: objectives of the tuned policies on the test weeks, against the same ones with their defaults.
        importances: of the knobs, by policy and objective.
        failed: why the best trials could not be run on tuning and test weeks; empty where they could.
    """

    arena: Arena
    trials: tuple[TrialRow, ...]
    best: tuple[TrialRow, ...]
    shown: tuple[TrialRow, ...]
    policies: tuple[PolicySpec, ...]
    references: Mapping[str, Score]
    tuning: Study | None
    test: Study | None
    gaps: tuple[Gap, ...]
    against: tuple[Against, ...]
    importances: tuple[Importance, ...]
    failed: str = ""


def rows_of(study: optuna.Study) -> list[TrialRow]:
    """Return the trials that count, by number."""
    return [_row(trial) for trial in counted(study)]


def _row(trial: Any) -> TrialRow:
    notes = json.loads(trial.user_attrs.get(NOTES, "{}"))
    states = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}
    return TrialRow(
        number=trial.number,
        state=states[trial.state.name],
        policy=notes.get("policy", ""),
        params=notes.get("params", {}),
        training=notes.get("training", {}),
        chosen=dict(trial.params),
        objectives=tuple(notes.get("objectives", ())),
        constraints=dict(trial.constraints),
        values=notes.get("values", {}),
        trained=notes.get("trained", {}),
        steps=notes.get("steps", 0),
        seconds=notes.get("seconds", 0.0),
        error=trial.user_attrs.get(ERROR, ""),
    )


def best_rows(study: optuna.Study, rows: Sequence[TrialRow]) -> list[TrialRow]:
    """Return the best trial, or the Pareto front by the first objective; of equal trials the first one."""
    feasible = [row for row in rows if row.feasible]
    signs = [1.0 if direction.name == "MINIMIZE" else -1.0 for direction in study.directions]
    points = [tuple(s * value for s, value in zip(signs, row.objectives, strict=True)) for row in feasible]
    if len(signs) == 1:
        return [min(zip(points, feasible, strict=True), key=lambda pair: pair[0])[1]] if feasible else []
    front = [
        (point, row)
        for number, (point, row) in enumerate(zip(points, feasible, strict=True))
        if not any(_beats(other, point) or (other == point and at < number) for at, other in enumerate(points))
    ]
    return [row for _, row in sorted(front, key=lambda pair: pair[0])]


def _beats(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    return first != second and all(a <= b for a, b in zip(first, second, strict=True))


def spread(rows: Sequence[TrialRow], most: int) -> list[TrialRow]:
    """Return at most so many trials of a front, its ends among them, evenly spread by rank."""
    if len(rows) <= most:
        return list(rows)
    places = sorted({round(index * (len(rows) - 1) / max(most - 1, 1)) for index in range(most)})
    return [rows[place] for place in places]


def outcome_of(
    arena: Arena,
    study: optuna.Study,
    references: Mapping[str, Score],
    folder: Path,
    base: Path | None,
    workers: int,
    told: Told | None,
    most_weeks: int | None = None,
) -> Outcome:
    """Return what came of a search; the best trials are run on tuning and test weeks, beside EASY and the defaults."""
    rows = rows_of(study)
    best = best_rows(study, rows)
    shown = spread(best, arena.tuning.front)
    policies = [EASY, *_defaults(arena), *(policy for row in shown for policy in tuned_policies(arena, row))]
    studies, failed = _studies(arena, policies, folder, base, workers, told, most_weeks) if shown else ({}, "")
    both = len(studies) == len(PARTS)
    return Outcome(
        arena=arena,
        trials=tuple(rows),
        best=tuple(best),
        shown=tuple(shown),
        policies=tuple(policies),
        references=references,
        tuning=studies.get("tuning"),
        test=studies.get("test"),
        gaps=tuple(gaps_of(arena, studies["tuning"].records, studies["test"].records)) if both else (),
        against=tuple(against_defaults(arena, studies["test"].records, _pairs(arena, shown))) if both else (),
        importances=tuple(importances_of(study, arena.tuning)),
        failed=failed,
    )


def _studies(
    arena: Arena,
    policies: list[PolicySpec],
    folder: Path,
    base: Path | None,
    workers: int,
    told: Told | None,
    most_weeks: int | None,
) -> tuple[dict[str, Study], str]:
    """Run the policies on tuning and test weeks; where one of them cannot run there, say why."""
    experiment = arena.tuning.experiment(policies)
    studies: dict[str, Study] = {}
    for part in PARTS:
        try:
            studies[part] = run_study(
                experiment,
                folder,
                base=base,
                part=part,
                workers=workers,
                most_weeks=most_weeks,
                progress=told,
                engine=Direct(),
            )
        except WattqError as error:
            return {}, f"{part} weeks: {error}"
    return studies, ""


def _pairs(arena: Arena, rows: Sequence[TrialRow]) -> dict[str, str]:
    """Return the label of each tuned policy with the label of its defaults."""
    return {policy.title: defaults_label(row.policy) for row in rows for policy in tuned_policies(arena, row)}


def defaults_label(title: str) -> str:
    """Return what a policy with what the file fixes is called."""
    return f"{title}, defaults"


def _defaults(arena: Arena) -> list[PolicySpec]:
    """Return the policies with what the file fixes, as far as they are not EASY itself and can run so."""
    plain = [policy for policy in arena.tuning.policies if has_defaults(policy)]
    made = [defaults_of(policy).policy(label=defaults_label(policy.title)) for policy in plain]
    return [policy for policy in made if policy.name != "easy" or policy.params]


def tuned_policies(arena: Arena, row: TrialRow) -> list[PolicySpec]:
    """Return a trial as a policy of an experiment; one that was trained on several seeds as several."""
    name = next(policy.name for policy in arena.tuning.policies if policy.title == row.policy)
    single = len(arena.tuning.objectives) == 1
    label = f"{row.policy}, tuned" if single else f"{row.policy}, trial {row.number}"
    if not row.trained:
        return [PolicySpec(name=name, params=dict(row.params), label=label)]
    return [
        PolicySpec(
            name=name,
            params={**row.params, **params},
            label=f"{label}, seed {seed}" if len(row.trained) > 1 else label,
        )
        for seed, params in row.trained.items()
    ]
