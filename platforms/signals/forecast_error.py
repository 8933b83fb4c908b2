"""How real forecasts err: an error that is zero now, grows with the lead time, and is revised issue by issue.

The error of the forecast issued at `now` for the time t is

    e(now, t) = s (X(t) - exp(-(t - now)/tau) X(now)),    tau = 8 h

where X is a stationary Ornstein-Uhlenbeck process of variance 1: the part of X(t) that `now` cannot foresee. So e is
Gaussian with mean 0 and standard deviation s sqrt(1 - exp(-2 (t - now)/tau)); neighbouring leads err alike; and a later
issue errs for the same t by what is left of the same error, as revised forecasts do. s is set so that the mean of |e|
over the hourly leads 0 to 23 h is the error asked for:

    s = mean error / (sqrt(2/pi) mean over L = 0..23 of sqrt(1 - exp(-2 L/tau)))

tau is fitted to the record of issued GB forecasts of 14 March to 23 June 2023 (github.com/nmpowell/
carbon-intensity-forecast-tracking, daily statistics). Over its 76 days with at least 3,000 forecast values, the mean
absolute error of a day is 26.0 g/kWh on average, from 10.9 to 55.1; the 5th and 95th percentiles are 14.8 and 48.3, and
its logarithm has the standard deviation 0.37. Days of this process at a mean error of 26 have percentiles of 13.6 and
45.4, a deviation of 0.36, and 76 of them range from 11 to 59 on average. The record averages over leads up to 48 h,
over which the process errs by 28 when asked for 26 over 24 h: it is on the pessimistic side.
"""

from __future__ import annotations

import math

import numpy as np

from wattq.errors import SignalError
from wattq.platforms.signals.rules import FloatArray
from wattq.units import HOUR_S

__all__ = ["CORRELATION_S", "ErrorPath", "error_scale"]

CORRELATION_S = 8 * HOUR_S
_BURN_IN = 320
_LONGEST = 1_000_000


def error_scale(mean_error: float) -> float:
    """Return s, the standard deviation far ahead, for a mean absolute error over the leads 0 to 23 h."""
    leads_s = np.arange(24) * HOUR_S
    growth = np.sqrt(-np.expm1(-2.0 * leads_s / CORRELATION_S)).mean()
    return float(mean_error / (math.sqrt(2.0 / math.pi) * growth))


class ErrorPath:
    """One path of X at whole hours (UTC), linear in between; it depends on seed, stream and date alone.

    Args:
        t0_s: Unix second from which errors are asked for.
        t1_s: Unix second up to which they are.
        seed: any integer from 0; the same seed gives the same path, whatever the span.
        stream: a number that tells apart the quantities of one seed.

    Raises:
        SignalError: for a span of more than a million hours.
    """

    def __init__(self, t0_s: float, t1_s: float, seed: int, stream: int = 0) -> None:
        first = math.floor(t0_s / HOUR_S)
        hours = math.ceil(t1_s / HOUR_S) - first + 1
        if hours > _LONGEST:
            raise SignalError(f"forecast errors over {hours} hours are too many; slice the signal to {_LONGEST} hours")
        self._hours_s = (first + np.arange(hours)) * HOUR_S
        self._path = _process(_normals(first - _BURN_IN, hours + _BURN_IN, seed, stream))[_BURN_IN:]

    def error(self, now_s: float, t_s: FloatArray) -> FloatArray:
        """Return e(now, t)/s for times t, Unix seconds, not before now."""
        later = np.interp(t_s, self._hours_s, self._path)
        present = np.interp(now_s, self._hours_s, self._path)
        error: FloatArray = later - np.exp((now_s - t_s) / CORRELATION_S) * present
        return error


def _process(normals: FloatArray) -> FloatArray:
    """Return X hour by hour; the 40 correlation times of burn-in forget the start to the last digit."""
    kept = math.exp(-HOUR_S / CORRELATION_S)
    fresh = math.sqrt(-math.expm1(-2.0 * HOUR_S / CORRELATION_S))
    path, present = [], 0.0
    for normal in normals.tolist():
        present = kept * present + fresh * normal
        path.append(present)
    return np.array(path)


def _normals(first_hour: int, hours: int, seed: int, stream: int) -> FloatArray:
    """Return one standard normal per hour since 1970, by Box and Muller from a counter-based generator."""
    key = np.random.SeedSequence([seed, stream]).generate_state(2, np.uint64)
    # Counters are unsigned: an offset puts every date on the positive side.
    raw = np.random.Philox(key=key, counter=first_hour + 2**40).random_raw(4 * hours)
    unit = ((raw >> np.uint64(11)) + np.uint64(1)).astype(np.float64).reshape(hours, 4) * 2.0**-53
    normals: FloatArray = np.sqrt(-2.0 * np.log(unit[:, 0])) * np.cos(2.0 * math.pi * unit[:, 1])
    return normals
