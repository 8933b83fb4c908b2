"""What a scheduler may believe about a signal's future, issued at a date: `Forecaster`."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from wattq.errors import SignalError
from wattq.platforms.signals.forecast_error import ErrorPath, error_scale
from wattq.platforms.signals.persistence import Pieces, join, persistence_pieces
from wattq.platforms.signals.rules import FloatArray, utc_text
from wattq.platforms.signals.series import Signal
from wattq.units import DAY_S

__all__ = ["FORECAST_MODELS", "UPPER_BOUND", "ForecastModel", "Forecaster", "parse_model"]

FORECAST_MODELS = {
    "perfect": "the future itself: no real forecast knows it, results are an upper bound",
    "persistence": "the last 24 h again and again; persistence:N repeats the mean day of the last N days",
    "noisy:E": "the future and an error that is 0 now, grows with the lead and is E on average over 24 h",
}
"""Forecast models, one line about each."""
UPPER_BOUND = "perfect forecast: an upper bound, no real forecast knows the future"
_STREAMS = {"carbon": 0, "price": 1, "pue": 2, "temperature": 3}
_LONGEST_S = 366 * DAY_S


class ForecastModel(NamedTuple):
    """A forecast model and its number.

    Attributes:
        name: ``perfect``, ``persistence`` or ``noisy``.
        number: days of ``persistence``, mean absolute error of ``noisy`` in the signal's unit, else 0.
    """

    name: str
    number: float


def parse_model(text: str) -> ForecastModel:
    """Read ``perfect``, ``persistence``, ``persistence:7`` or ``noisy:26``.

    Raises:
        SignalError: for anything else.
    """
    name, colon, digits = text.strip().partition(":")
    number = _number(digits) if colon else None
    if name == "perfect" and not colon:
        return ForecastModel(name, 0.0)
    if name == "persistence" and not colon:
        return ForecastModel(name, 1.0)
    if name == "persistence" and number is not None and number in range(1, 367):
        return ForecastModel(name, number)
    if name == "noisy" and number is not None and 0.0 <= number <= 1e9:
        return ForecastModel(name, number)
    raise SignalError(
        f"forecast model {text!r} is unknown; it is perfect, persistence, persistence:DAYS (1 to 366), or "
        "noisy:ERROR with the mean absolute error over 24 h in the unit of the signal, such as noisy:26"
    )


class Forecaster:
    """Forecasts of one signal by one model, the same for the same seed.

    What is published at `now` is the value that holds then and all before it, with their ends. ``persistence`` uses
    nothing else. ``noisy`` adds to the future an error of its own, drawn from the seed and the dates alone, never from
    the signal (`wattq.platforms.signals.forecast_error` has the formula); a carbon intensity is cut at 0 and a PUE at
    1. Beyond the end of the series, ``perfect`` and ``noisy`` go on as ``persistence`` does, and say so in the notes.

    Args:
        signal: what really happens.
        model: see `FORECAST_MODELS`.
        seed: of the errors of ``noisy``, an integer from 0.

    Attributes:
        signal: what really happens.
        model: as given.
        seed: as given.
        upper_bound: whether no real forecast can be as good (``perfect``).

    Raises:
        SignalError: for an unknown model or a negative seed.
    """

    def __init__(self, signal: Signal, model: str = "perfect", seed: int = 0) -> None:
        if seed < 0:
            raise SignalError(f"seed {seed} of a forecast is negative; give an integer from 0")
        self.signal = signal
        self.model = model.strip()
        self.seed = int(seed)
        self._parsed = parse_model(model)
        self.upper_bound = self._parsed.name == "perfect"
        self._scale, self._path = 0.0, None
        if self._parsed.name == "noisy":
            self._scale = error_scale(self._parsed.number)
            self._path = ErrorPath(float(signal.start_s[0]), signal.end_s, self.seed, _STREAMS[signal.quantity])

    def forecast(self, now_s: float, horizon_s: float) -> Signal:
        """Return the forecast issued at `now_s` (Unix seconds) for the next `horizon_s` seconds.

        Raises:
            SignalError: for a date outside the series, or a horizon that is not positive or longer than 366 days.
        """
        edges, values = self.pieces(now_s, horizon_s)
        return replace(
            self.signal,
            start_s=edges[:-1],
            end_s=float(edges[-1]),
            value=values,
            source=f"{self.model} forecast of {self.signal.source or 'a signal'}, issued {utc_text(now_s)}",
            notes=self.signal.notes + self.notes(now_s, horizon_s),
        )

    def pieces(self, now_s: float, horizon_s: float) -> Pieces:
        """Return the forecast as bare arrays of edges and values.

        Raises:
            SignalError: as `forecast`.
        """
        self._check(now_s, horizon_s)
        until_s = now_s + horizon_s
        if self._parsed.name == "persistence":
            return persistence_pieces(self.signal, now_s, until_s, int(self._parsed.number))
        future = self._future(now_s, min(until_s, self.signal.end_s))
        if until_s <= self.signal.end_s:
            return future
        return join(future, persistence_pieces(self.signal, now_s, until_s))

    def notes(self, now_s: float, horizon_s: float) -> tuple[str, ...]:
        """Say what a reader of results must know of the forecasts issued at now: upper bound, fallbacks."""
        notes = [UPPER_BOUND] if self.upper_bound else []
        signal, days = self.signal, self._parsed.number
        if self._parsed.name != "persistence" and now_s + horizon_s > signal.end_s:
            notes.append(f"the series ends {utc_text(signal.end_s)}: forecasts beyond repeat the last 24 h known")
        if self._parsed.name == "persistence" and now_s - days * DAY_S < signal.start_s[0]:
            notes.append(f"the series begins {utc_text(signal.start_s[0])}: days before it are left out of persistence")
        return tuple(notes)

    def _future(self, now_s: float, until_s: float) -> Pieces:
        signal = self.signal
        first = int(np.searchsorted(signal.start_s, now_s, side="right")) - 1
        last = int(np.searchsorted(signal.start_s, until_s, side="left"))
        starts, values = signal.start_s[first + 1 : last], signal.value[first:last]
        if self._path is not None:
            errors = self._scale * self._path.error(now_s, starts)
            values = np.concatenate((values[:1], _cut(signal, values[1:] + errors)))
        return Pieces(np.concatenate(([now_s], starts, [until_s])), values)

    def _check(self, now_s: float, horizon_s: float) -> None:
        if not self.signal.start_s[0] <= now_s < self.signal.end_s:
            raise SignalError(f"no forecast at {utc_text(now_s)}: {self.signal!r} does not cover it")
        if not 0.0 < horizon_s <= _LONGEST_S:
            raise SignalError(f"horizon {horizon_s} s of a forecast; it must be positive and at most 366 days")


def _cut(signal: Signal, values: FloatArray) -> FloatArray:
    if signal.quantity == "pue":
        return np.maximum(values, 1.0)
    if signal.quantity == "carbon" and signal.kind != "marginal":
        return np.maximum(values, 0.0)
    return values


def _number(digits: str) -> float | None:
    try:
        number = float(digits)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
