"""Parameters that every policy takes, a user's too: where expected run times come from."""

from __future__ import annotations

from datetime import UTC, datetime

from wattq.schedulers.parameters import Parameter
from wattq.schedulers.values import number

__all__ = ["COMMON"]

_LEAST_FACTOR, _MOST_FACTOR = 1e-3, 1e3
_MOST_DATE_S = 1e11
_MONDAY_S = 345_600.0  # first Monday after the Unix time 0, with which a log without calendar dates begins


def _text(value: object) -> str:
    """Return a text."""
    if not isinstance(value, str):
        raise ValueError(value)
    return value.strip()


def _estimate(value: object) -> str:
    """Return what expected run times come from."""
    word = _text(value).lower()
    if word not in ("walltime", "predictor"):
        raise ValueError(value)
    return word


def _value(value: object) -> str | float:
    """Return ``point`` or the level of a quantile."""
    return "point" if isinstance(value, str) and value.strip().lower() == "point" else number(value, 0.0, 1.0)


def _factor(value: object) -> float:
    """Return what predictions are multiplied by."""
    return number(value, _LEAST_FACTOR, _MOST_FACTOR)


def _clock(value: object) -> float:
    """Return what the site's clock says, s since 1970-01-01T00:00 on it, from a number or a date without zone."""
    try:
        return number(value, -_MOST_DATE_S, _MOST_DATE_S)
    except ValueError:
        date = datetime.fromisoformat(_text(value))
    if date.tzinfo is not None:
        raise ValueError(value)
    return date.replace(tzinfo=UTC).timestamp()


COMMON = (
    Parameter("estimate", "walltime or predictor", "where expected run times come from", "walltime", _estimate),
    Parameter(
        "predictor",
        "the path of a bundle (*.wattq), or the name of a model that learns as jobs end, such as last-two or similar",
        "what says how long jobs will run",
        "",
        _text,
    ),
    Parameter(
        "predictor_value",
        "point, or one of the quantile levels of predictions, such as 0.5",
        "which value of a prediction is the expected run time",
        "point",
        _value,
    ),
    Parameter(
        "predictor_factor",
        f"a number from {_LEAST_FACTOR:g} to {_MOST_FACTOR:g}",
        "what that value is multiplied by",
        1.0,
        _factor,
    ),
    Parameter(
        "predictor_correction",
        "request, steps, double or quantile",
        "how the expected end of a job that outlives it is moved",
        "request",
        _text,
    ),
    Parameter(
        "predictor_clock",
        "a date on the site's clock, such as 1996-09-23T14:00, or its seconds since 1970-01-01T00:00",
        "what the site's clock shows at date 0; the workload's own date in wattq's engines where it has one",
        _MONDAY_S,
        _clock,
    ),
)
"""The parameters, in this order: estimate, predictor, and four about the predictor."""
