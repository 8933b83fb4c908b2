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
    import numpy as np
    from numpy.typing import NDArray

    from wattq.platforms.signals.forecast import Forecaster
    from wattq.platforms.signals.persistence import Pieces
    from wattq.platforms.signals.series import Signal

__all__ = ["LONGEST_S", "Outlook", "unix_time"]

LONGEST_S = 172800.0
"""How far a mean reaches at most, s: grid operators publish forecasts for up to two days."""

_STEP_S = 21600.0


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
        forecast: ``perfect``, ``persistence``, ``persistence:7``, ``noisy:26``, ... (`wattq.platforms.signals.MODELS`).
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
        if math.isnan(self._number):
            self.origin_s = _origin(origin)
            self.signal = _series(signal)
            self.forecaster = _forecaster(self.signal, forecast, int(seed))
            self._now_s = math.nan
            self._pieces: Pieces | None = None

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
            duration_s: its length; what goes beyond `LONGEST_S` is left out, an endless time too.

        Raises:
            SignalError: the signal does not cover the date of the forecast.
        """
        import numpy as np

        return float(self.means(now_s, np.array([start_s]), duration_s)[0])

    def means(self, now_s: float, start_s: NDArray[np.float64], duration_s: float) -> NDArray[np.float64]:
        """Return the mean over several times to come, as `mean` does for one: float64[n] for the begins float64[n].

        Raises:
            SignalError: as `mean`.
        """
        import numpy as np

        if self.signal is None:
            return np.full(len(start_s), self._number)
        assert self.forecaster is not None
        t0_s = self.origin_s + np.maximum(start_s, now_s)
        t1_s = t0_s + min(duration_s, LONGEST_S)
        if self.forecaster.upper_bound and self.signal.covers(float(t0_s.min()), float(t1_s.max())):
            return self.signal.mean(t0_s, t1_s)
        return _means(self._issued(self.origin_s + now_s, float(t1_s.max())), t0_s, t1_s)

    def _issued(self, now_s: float, until_s: float) -> Pieces:
        """Return the forecast of a date, at least up to another one (Unix seconds)."""
        assert self.forecaster is not None
        if self._pieces is None or now_s != self._now_s or self._pieces.edges_s[-1] < until_s:
            # In whole steps, because other jobs will ask for a little more.
            horizon_s = _STEP_S * max(math.ceil((until_s - now_s) / _STEP_S), 1)
            self._pieces = self.forecaster.pieces(now_s, horizon_s)
            self._now_s = now_s
        return self._pieces


def _number(signal: object) -> float:
    """Return the number that stands for a constant signal; NaN for anything else."""
    if isinstance(signal, bool) or not isinstance(signal, int | float | str):
        return math.nan
    try:
        number = float(signal)
    except (ValueError, OverflowError):
        return math.nan
    if not math.isfinite(number):
        raise SignalError(f"signal {signal!r} is not finite; give a file, or a number in g/kWh or EUR/MWh")
    return number


def _origin(origin: str | float) -> float:
    if origin == "":
        raise InvalidInputError(
            "parameter 'origin' is missing; give the date of time 0 on the signal's calendar, such as 2021-03-01T00:00Z"
        )
    return unix_time(origin)


def _series(signal: Signal | str | Path | float) -> Signal:
    from wattq.platforms.signals.series import Signal

    if isinstance(signal, Signal):
        return signal
    from wattq.platforms.signals.read import read_signal

    return read_signal(str(signal))


def _forecaster(signal: Signal, model: str, seed: int) -> Forecaster:
    from wattq.platforms.signals.forecast import Forecaster

    return Forecaster(signal, model, seed)


def _means(pieces: Pieces, t0_s: NDArray[np.float64], t1_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the means of a forecast; over an empty time, the value there."""
    import numpy as np

    # From the first edge on, because Unix seconds have few digits left for parts of a second.
    edges, begin, end = (dates - pieces.edges_s[0] for dates in (pieces.edges_s, t0_s, t1_s))
    sums = np.concatenate(([0.0], np.cumsum(pieces.values * np.diff(edges))))
    lasts = end - begin
    values = pieces.values[np.clip(np.searchsorted(edges, begin, side="right") - 1, 0, len(pieces.values) - 1)]
    means = (np.interp(end, edges, sums) - np.interp(begin, edges, sums)) / np.where(lasts > 0, lasts, 1.0)
    found: NDArray[np.float64] = np.where(lasts > 0, means, values)
    return found
