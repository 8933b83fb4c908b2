"""Features of the request itself and of the date of submission."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.simulator.jit import inlined
from wattq.surrogates.history.feature import Feature
from wattq.surrogates.history.layout import History

__all__ = ["REQUEST_FEATURES", "TIME_FEATURES", "describe_request", "describe_time"]

REQUEST_FEATURES = (
    Feature("request_s", "s", "request", "requested time (walltime)"),
    Feature("hosts", "1", "request", "hosts requested"),
    Feature("request_work", "s*host", "request", "hosts x requested time"),
    Feature("queue", "1", "request", "number of the queue"),
    Feature("application_known", "1", "request", "1 where the log names the application, else 0"),
)
_REQUEST, _HOSTS, _WORK, _QUEUE, _NAMED = range(len(REQUEST_FEATURES))

TIME_FEATURES = (
    Feature("hour", "h", "time", "hour of the day on the site's clock, 0 to 24 (from date 0 where no date is known)"),
    Feature("hour_sin", "1", "time", "sine of the hour's angle on a dial of 24 hours"),
    Feature("hour_cos", "1", "time", "cosine of that angle"),
    Feature("weekday", "1", "time", "0 Monday to 6 Sunday on the site's clock"),
    Feature("weekend", "1", "time", "1 on Saturdays and Sundays, else 0"),
)
_HOUR, _SIN, _COS, _WEEKDAY, _WEEKEND = range(len(TIME_FEATURES))

_DAY_S = 86_400.0
_THURSDAY = 3  # 1970-01-01


@inlined
def describe_request(h: History, job: int, row: NDArray[np.float32], at: int) -> None:
    """Fill in the request."""
    j = h.jobs[job]
    row[at + _REQUEST] = j.request_s
    row[at + _HOSTS] = j.hosts
    row[at + _WORK] = j.request_s * j.hosts
    row[at + _QUEUE] = j.queue if j.queue >= 0 else np.nan
    row[at + _NAMED] = 1.0 if j.application >= 0 else 0.0


@inlined
def describe_time(h: History, now_s: float, row: NDArray[np.float32], at: int) -> None:
    """Fill in hour and weekday."""
    clock_s = h.machine[0].clock_s + now_s
    days = np.floor(clock_s / _DAY_S)
    hour = (clock_s - days * _DAY_S) / 3600.0
    weekday = (days + _THURSDAY) % 7.0
    row[at + _HOUR] = hour
    row[at + _SIN] = np.sin(hour * np.pi / 12.0)
    row[at + _COS] = np.cos(hour * np.pi / 12.0)
    row[at + _WEEKDAY] = weekday
    row[at + _WEEKEND] = 1.0 if weekday >= 5.0 else 0.0
