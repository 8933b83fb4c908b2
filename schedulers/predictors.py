"""Predictors by name: a bundle's model, or one that needs no training, as the simulator asks them."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import numpy as np

from wattq.errors import PolicyError, SurrogateError
from wattq.simulator.prediction import PredictorSource
from wattq.surrogates.bundle import ENDING, load_bundle
from wattq.surrogates.model import RuntimeModel
from wattq.surrogates.session import EstimateRule, Session

__all__ = ["UNTRAINED", "SessionPredictor", "predictor_source"]

UNTRAINED = ("requested", "last-two", "user-quantiles", "similar")
"""Names of the models that need no training: they read the past of the simulation itself."""


class SessionPredictor:
    """A session of a surrogate as a `wattq.simulator.prediction.Predictor`.

    Args:
        session: new; it serves one simulation.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def submitted(self, job: int, facts: np.void, now_s: float) -> float:
        """Return the expected run time of a job that was submitted, s; NaN when nothing is known."""
        return self._session.submitted(job, facts, now_s)

    def started(self, job: int, now_s: float) -> None:
        """Take note that a job was started."""
        self._session.started(job, now_s)

    def rejected(self, job: int, now_s: float) -> None:
        """Take note that a job never runs."""
        self._session.withdrawn(job, now_s)

    def ended(self, job: int, now_s: float, run_s: float) -> None:
        """Take note that a job ended after so many seconds."""
        self._session.ended(job, now_s, run_s)

    def outlived(self, job: int, elapsed_s: float) -> float:
        """Return a new expected run time of a job that runs longer than was expected, s from its start."""
        return self._session.outlived(job, elapsed_s)


def predictor_source(
    policy: str, predictor: str, *, value: str | float, factor: float, correction: str, clock_s: float
) -> PredictorSource:
    """Return what makes a new predictor for each simulation.

    Args:
        policy: name of the policy, for messages.
        predictor: path of a bundle, or one of `UNTRAINED`.
        value: ``point`` or a quantile level; which value of a prediction is the expected run time.
        factor: what it is multiplied by.
        correction: rule for jobs that outlive their expected ends.
        clock_s: what the site's clock shows at date 0, s since 1970-01-01T00:00.

    Raises:
        PolicyError: there is no such model, or a setting breaks its rule.
        MissingFileError: the bundle cannot be read.
        SurrogateError: the bundle breaks a rule, or predicts something else than run times.
    """
    try:
        rule = EstimateRule(value, factor, correction)
    except SurrogateError as error:
        raise PolicyError(f"policy '{policy}', parameters of the predictor: {error}") from None
    model = _model(policy, predictor)
    return lambda: SessionPredictor(Session(model, rule, clock_s=clock_s))


def _model(policy: str, predictor: str) -> RuntimeModel:
    """Return the model of a bundle, or one by name."""
    if predictor.endswith(ENDING) or len(Path(predictor).parts) > 1:
        found: RuntimeModel = load_bundle(predictor, kind="runtime").model
        return found
    from wattq.surrogates import MODELS

    ready = [name for name in UNTRAINED if name in MODELS]
    if predictor in ready:
        made: Any = MODELS[predictor]()
        known: RuntimeModel = made
        return known
    place = f"policy '{policy}', parameter 'predictor': '{predictor}'"
    if predictor in MODELS:
        raise PolicyError(
            f"{place} has to be trained; train it with 'wattq surrogate train' and give the path of the bundle "
            f"({predictor}{ENDING}), or take one of {', '.join(ready)}"
        )
    near = difflib.get_close_matches(predictor, ready, 2, 0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"those that need no training are {', '.join(ready)}."
    raise PolicyError(f"{place}: no such model; {hint} A bundle goes by its path, which ends with {ENDING}")
