"""Which knobs mattered: shares of the variance of an objective, for each policy and its own knobs."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wattq.experiments.tuning.keys import Tuning
from wattq.experiments.tuning.scoring import name_of
from wattq.experiments.tuning.space import POLICY
from wattq.experiments.tuning.storage import finished, quiet

if TYPE_CHECKING:
    import optuna

__all__ = ["Importance", "importances_of"]

_LEAST_TRIALS = 8


@dataclass(frozen=True)
class Importance:
    """Which knobs of a policy mattered for an objective.

    Attributes:
        policy: its title; empty for the choice among several policies.
        objective: what tables call it.
        method: ``fANOVA`` (shares of the variance explained by each knob alone and with others) or ``PED-ANOVA`` (how
            far the best tenth of the trials differs from all).
        trials: number of trials that it rests on.
        shares: knob -> share; they add up to 1.
    """

    policy: str
    objective: str
    method: str
    trials: int
    shares: dict[str, float]


def importances_of(study: optuna.Study, tuning: Tuning) -> list[Importance]:
    """Return the importances, trials that broke a bound included; nothing where there are too few trials."""
    trials = finished(study)
    groups = [("", trials, [POLICY])] if len(tuning.policies) > 1 else []
    for policy in tuning.policies:
        mine = [trial for trial in trials if trial.params.get(POLICY, policy.title) == policy.title]
        names = [name for name in _common(mine) if name != POLICY]
        groups.append((policy.title, mine, names))
    found = []
    for title, mine, names in groups:
        for number, objective in enumerate(tuning.objectives):
            found += _importance(study, title, mine, names, number, name_of(objective))
    return found


def _common(trials: Sequence[Any]) -> list[str]:
    """Return what all trials chose, in order."""
    if not trials:
        return []
    return [name for name in trials[0].params if all(name in trial.params for trial in trials)]


def _importance(
    study: optuna.Study, title: str, trials: Sequence[Any], names: list[str], number: int, objective: str
) -> list[Importance]:
    import optuna

    varied = [name for name in names if len({repr(trial.params[name]) for trial in trials}) > 1]
    values = {trial.values[number] for trial in trials}
    if len(trials) < _LEAST_TRIALS or not varied or len(values) < 2:
        return []
    alone = optuna.create_study(directions=study.directions)
    alone.add_trials(list(trials))
    known = importlib.util.find_spec("sklearn") is not None
    with quiet():
        evaluator = (
            optuna.importance.FanovaImportanceEvaluator(seed=0)
            if known
            else optuna.importance.PedAnovaImportanceEvaluator()
        )
        shares = optuna.importance.get_param_importances(
            alone, evaluator=evaluator, params=varied, target=lambda trial: trial.values[number]
        )
    whole = sum(shares.values()) or 1.0
    method = "fANOVA" if known else "PED-ANOVA"
    return [Importance(title, objective, method, len(trials), {name: float(v) / whole for name, v in shares.items()})]
