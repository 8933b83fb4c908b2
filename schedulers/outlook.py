"""What a policy may know of a grid signal: values and forecasts, dated as the simulation dates them.

A policy in plain Python takes the parameters ``signal``, ``origin``, ``forecast`` and ``seed``, makes an `Outlook` of
them and asks it at each decision. Only what was knowable at that date comes back.
"""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from wattq.errors import InvalidInputError, SignalError

if TYPE_CHECKING:
    from wattq.platforms.signals import Forecaster, Signal

__all__ = ["LONGEST_S", "Outlook", "unix_time"]

LONGEST_S = 172800.0
"""How far a mean reaches at most, s: grid operators publish forecasts for up to two days."""

_STEP_S = 21600.0
_ROUNDING_S = 1e-3


def unix_time(origin: object) -> float:
    """Return a date as Unix seconds.

    Args:
        origin: Unix seconds, or an ISO 8601 date with its zone (``2021-03-01T00:00Z``), as number or text.

    Raises:
        InvalidInputError: it is neither, or a date without a zone.
    """
    if isinstance(origin, int | float) and not isinstance(origin, bool) and math.isfinite(origin):
        return float(origin)
    text = origin.strip() if isinstance(origin, str) else ""
    try:
        number = float(text)
    except ValueError:
        return _iso_time(origin, text)
    if not math.isfinite(number):
        raise InvalidInputError(f"origin {origin!r} is no date; give an ISO date with its zone, or Unix seconds")
    return number


def _iso_time(origin: object, text: str) -> float:
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(
            f"origin {origin!r} is no date; give an ISO date with its zone such as 2021-03-01T00:00Z, or Unix seconds"
        ) from None
    if date.tzinfo is None:
        raise InvalidInputError(f"origin {origin!r} has no zone; write {text}Z for UTC, or an offset such as +01:00")
    return date.timestamp()


class Outlook:
    """A grid signal as a scheduler may know it; dates are those of the simulation, in s.

    Args:
        signal: the series; the path of its file, as `wattq.platforms.signals.read_signal` takes it; or a number, for a
            grid that never changes.
        origin: the date of time 0: an ISO date with its zone, or Unix seconds. Not needed for a number.
        forecast: ``perfect``, ``persistence``, or ``noisy:26`` (mean absolute error 26).
        seed: of the noise.

    Attributes:
        origin_s: date of time 0, Unix seconds; 0 for a number.
        signal: the series; None for a number.
        forecaster: the forecasts; None for a number.

    Raises:
        SignalError: the signal or the forecast breaks a rule.
        MissingFileError: the file cannot be read.
        InvalidInputError: the origin is missing or no date.
    """

    def __init__(
        self,
        signal: Signal | str | Path | float,
        origin: str | float = "",
        forecast: str = "perfect",
        seed: int = 0,
    ) -> None:
        self.origin_s = 0.0
        self.signal: Signal | None = None
        self.forecaster: Forecaster | None = None
        self._number = _number(signal)
        if not math.isnan(self._number):
            return
        if origin == "":
            raise InvalidInputError(
                "parameter 'origin' is missing; give the date of time 0 on the signal's calendar, such as "
                "2021-03-01T00:00Z"
            )
        from wattq.platforms.signals import Forecaster, Signal, read_signal

        self.origin_s = unix_time(origin)
        self.signal = signal if isinstance(signal, Signal) else read_signal(str(signal))
        self.forecaster = Forecaster(self.signal, forecast, seed)
        self._perfect = forecast == "perfect"
        self._issued_s = math.nan
        self._forecast = self.signal

    @property
    def unit(self) -> str:
        """Unit of the values; empty for a number."""
        return self.signal.unit if self.signal is not None else ""

    def at(self, now_s: float) -> float:
        """Return the value at a date that has come, in the signal's unit.

        Raises:
            SignalError: the signal does not cover it.
        """
        return self._number if self.signal is None else self.signal.at(self.origin_s + now_s)

    def mean(self, now_s: float, start_s: float, duration_s: float) -> float:
        """Return the mean over a time to come as it is forecast now, in the signal's unit.

        Args:
            now_s: date of the forecast.
            start_s: begin of the time, not before it.
            duration_s: its length; what goes beyond `LONGEST_S` is left out, and so is an unknown (endless) rest.

        Raises:
            SignalError: the signal does not cover what the forecast needs.
        """
        if self.signal is None:
            return self._number
        t0_s = self.origin_s + max(start_s, now_s)
        t1_s = t0_s + min(duration_s, LONGEST_S)
        known = self._known(self.origin_s + now_s, t1_s)
        # The end of a forecast is a sum, which may be rounded otherwise.
        return known.mean(t0_s, known.end_s if abs(t1_s - known.end_s) < _ROUNDING_S else t1_s)

    def _known(self, now_s: float, until_s: float) -> Signal:
        """Return the forecast of this date, at least up to another one (Unix seconds)."""
        assert self.signal is not None
        assert self.forecaster is not None
        if self._perfect:
            return self.signal
        if now_s != self._issued_s or self._forecast.end_s < until_s:
            # Other jobs will ask for a little more; what is not covered is asked for by nobody else.
            far_s = now_s + _STEP_S * math.ceil((until_s - now_s) / _STEP_S)
            self._forecast = self.forecaster.forecast(now_s, max(min(far_s, self.signal.end_s), until_s) - now_s)
            self._issued_s = now_s
        return self._forecast


def _number(signal: object) -> float:
    """Return the number that stands for a constant signal; NaN for anything else."""
    try:
        number = float(signal) if isinstance(signal, int | float | str) else math.nan
    except ValueError:
        return math.nan
    if isinstance(signal, int | float | str) and not math.isfinite(number):
        raise SignalError(f"signal {signal!r} is not finite; give a file, or a number in g/kWh or EUR/MWh")
    return number
