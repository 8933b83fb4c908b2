"""Parameters of batsched's energy family, under batsched's names."""

from __future__ import annotations

import math
import re

from wattq.schedulers.parameters import Parameter
from wattq.schedulers.values import number, share, truth

__all__ = [
    "alteration",
    "ceiling",
    "fraction_awake",
    "future_switches",
    "idle_time",
    "least_sleep",
    "monitoring_period",
    "most_sleep",
    "on_messages",
]

_ALTERATION = re.compile(r"\s*([xp])\s*(\d+(?:\.\d+)?)\s*")


def _seconds(value: object) -> float:
    """Return a duration of 0 s or more."""
    return number(value, 0.0, 1e300)


def _period(value: object) -> float:
    """Return the length of a period: the engine's dates have six decimals, and calls must not crowd out all else."""
    return number(value, 1.0, 1e300)


def _alteration(value: object) -> tuple[float, float]:
    """Return factor and summand."""
    found = _ALTERATION.fullmatch(value) if isinstance(value, str) else None
    if found is None or not math.isfinite(float(found[2])) or float(found[2]) > 1e9:
        raise ValueError(value)
    step = float(found[2])
    return (step, 0.0) if found[1] == "x" else (1.0, step)


_SECONDS = "a number of seconds, 0 or more"
_TRUTH = "true or false"

least_sleep = Parameter(
    "ensured_sleep_time_lower_bound", _SECONDS, "shortest sleep planned, even if a shorter one saves", 0.0, _seconds
)
most_sleep = Parameter(
    "ensured_sleep_time_upper_bound", _SECONDS, "longest sleep that is insisted on for it to save", 1e8, _seconds
)
monitoring_period = Parameter(
    "monitoring_period", "a number of seconds, 1 or more", "time between two looks at the hosts", 600.0, _period
)


def idle_time(default_s: float) -> Parameter:
    """Return the parameter after which idle hosts fall asleep, with its default in s."""
    meaning = "idle time after which a host is put to sleep (1e18: never)"
    return Parameter("idle_time_to_sedate", _SECONDS, meaning, default_s, _seconds)


def on_messages(default: bool) -> Parameter:
    """Return the parameter that lets idle hosts fall asleep between monitoring stages, with its default."""
    meaning = "whether idle hosts are also put to sleep between two looks"
    return Parameter("sedate_idle_on_classical_events", _TRUTH, meaning, str(default).lower(), truth)


fraction_awake = Parameter(
    "fraction_of_machines_to_let_awake", "a number from 0 to 1", "part of the hosts that stays awake", 0.5, share
)
alteration = Parameter(
    "inertial_alteration",
    "x or p with a number, such as x2 (twice as many each time) or p1 (one more each time)",
    "how the number of hosts switched per period grows",
    "x2",
    _alteration,
)
ceiling = Parameter(
    "upper_llh_threshold", _SECONDS, "mean load horizon at which hosts are woken in any case", 1e100, _seconds
)
future_switches = Parameter(
    "allow_future_switches", _TRUTH, "whether hosts that are busy now may be told to sleep later", "true", truth
)
