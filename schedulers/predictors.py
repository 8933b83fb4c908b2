"""Predictors by path or name: the model of a bundle, or one that learns from the simulation itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from wattq.errors import PolicyError, SurrogateError
from wattq.simulator.prediction import PredictorSource
from wattq.surrogates.bundle import ENDING, load_bundle
from wattq.surrogates.rolling import new_session
from wattq.surrogates.session import EstimateRule, Session

__all__ = ["SessionPredictor", "predictor_source"]


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
        predictor: path of a bundle, or name of a model; one that needs training is trained anew as jobs end in the
            simulation on the jobs that have ended, and the user's similar runs speak for it until then.
        value: ``point`` or a quantile level; which value of a prediction is the expected run time.
        factor: what it is multiplied by.
        correction: rule for jobs that outlive their expected ends.
        clock_s: what the site's clock shows at date 0, s since 1970-01-01T00:00.

    Raises:
        PolicyError: there is no such model, the bundle breaks a rule or predicts something else than run times, or a
            setting breaks its rule.
        MissingFileError: the bundle cannot be read.
    """
    try:
        rule = EstimateRule(value, factor, correction)
        make = _sessions(predictor, rule, clock_s)
    except SurrogateError as error:
        raise PolicyError(f"policy '{policy}', parameter 'predictor' ({predictor}): {error}") from None
    return lambda: SessionPredictor(make())


def _sessions(predictor: str, rule: EstimateRule, clock_s: float) -> Callable[[], Session]:
    """Return what makes a new session."""
    if predictor.endswith(ENDING) or len(Path(predictor).parts) > 1:
        model = load_bundle(predictor, kind="runtime").model
        return lambda: Session(model, rule, clock_s=clock_s)
    new_session(predictor, rule, clock_s=clock_s)
    return lambda: new_session(predictor, rule, clock_s=clock_s)
