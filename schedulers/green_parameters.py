"""Parameters of the energy-aware policies (`green`)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

from wattq.schedulers import sites_parameters
from wattq.schedulers.orders import ORDER_ALIASES, ORDERS, order_code
from wattq.schedulers.parameters import Parameter
from wattq.schedulers.values import number, share, truth

__all__ = ["AGED_ORDER", "CAP", "ECO", "GATE", "HOLD", "LEARNED", "SLEEP", "SPEED"]

AGED_ORDER = 100.0
"""Number of the order `aged`, which the other policies do not have."""

_MOST_CAPS = 100_000


def _order(value: object) -> float:
    """Return the number of an order."""
    name = value.strip().lower().replace("-", "_") if isinstance(value, str) else ""
    if name == "aged":
        return AGED_ORDER
    if name not in ORDERS and name not in ORDER_ALIASES:
        raise ValueError(value)
    return float(order_code(name))


def _timeout(value: object) -> float:
    """Return a duration; the break-even time is told by a negative number."""
    if value == "break-even":
        return -1.0
    return _never(value)


def _never(value: object) -> float:
    """Return a number of 0 or more, infinite for ``never``."""
    return math.inf if value == "never" else number(value)


def _caps(value: object) -> tuple[tuple[float, float], ...]:
    """Return dates and caps: one power from date 0 on, or pairs of date and power in the order of their dates."""
    if isinstance(value, Mapping):
        pairs = [(str(date), str(power)) for date, power in value.items()]
    elif isinstance(value, str) and ":" in value:
        pairs = [part.partition(":")[::2] for part in value.split(",") if part.strip()]
    elif value == "":
        return ()
    else:
        return ((0.0, number(value, 1e-9)),)
    found = tuple((number(date), number(power, 1e-9)) for date, power in pairs)
    dates = [date for date, _ in found]
    if not found or len(found) > _MOST_CAPS or any(a >= b for a, b in pairwise(dates)):
        raise ValueError(value)
    return found


def _path(value: object) -> str:
    """Return the path of a file, or nothing."""
    if not isinstance(value, str):
        raise ValueError(value)
    return value.strip()


_ORDER_RULE = f"aged, or one of {', '.join([*ORDERS, *ORDER_ALIASES])}"
_NEVER_RULE = "a number of seconds, 0 or more, or 'never'"

_ORDERING = (
    Parameter("order", _ORDER_RULE, "who comes first in the queue", "fcfs", _order),
    Parameter("backfill", _ORDER_RULE, "the order in which candidates are backfilled", "order", _order),
    Parameter(
        "age_run", "a number, 0 or more", "order 'aged': wait that 1 s of expected run time is worth, s", 5.0, number
    ),
    Parameter(
        "age_area",
        "a number, 0 or more",
        "order 'aged': wait that 1 s of work for the whole machine is worth, s",
        30.0,
        number,
    ),
)
_SLEEP = (
    Parameter(
        "timeout", f"'break-even', {_NEVER_RULE}", "idle time after which a host goes to sleep", "break-even", _timeout
    ),
    Parameter("spare", "a share from 0 to 1", "share of the hosts that stays awake without work", 0.0, share),
)
_SPEED = (
    Parameter(
        "slowdown",
        "a share, 0 or more",
        "largest increase of a run time by a slower power state; walltimes must leave room for it",
        0.06,
        number,
    ),
    Parameter(
        "boost",
        _NEVER_RULE,
        "queued work, in s of the whole machine, above which jobs run at full speed",
        "never",
        _never,
    ),
    Parameter("headroom", "a share from 0 to 1", "share of free hosts below which jobs run at full speed", 0.0, share),
    Parameter(
        "boost_running", "true or false", "whether jobs that run already change their power state, too", False, truth
    ),
)
_CAP = (
    Parameter(
        "cap",
        "a power in W, or DATE:POWER pairs in s and W such as 0:20000,28800:15000",
        "power that the machine never exceeds",
        "",
        _caps,
    ),
    Parameter(
        "cap_slowdown",
        "a share, 0 or more",
        "largest increase of a run time by the states that the cap asks for; walltimes must leave room for it",
        0.25,
        number,
    ),
)
_SIGNAL = (
    Parameter("signal", "the path of a signal file", "carbon intensity or price that jobs wait for", "", _path),
    sites_parameters.origin,
    sites_parameters.forecast,
    sites_parameters.seed,
    replace(
        sites_parameters.max_wait,
        meaning="longest extra wait for a better time, by the number of the queue",
        default=86400.0,
    ),
    Parameter(
        "min_area", "a number of host-seconds, 0 or more", "requested work below which no job waits", 0.0, number
    ),
)
_HOLD = (
    replace(sites_parameters.min_gain, meaning="by how much better the time must be for a job to wait", default=0.02),
    Parameter("run_share", "a share from 0 to 1", "expected run time as a share of the estimate", 0.5, share),
)
_GATE = (
    Parameter(
        "gate", "a share from 0 to 1", "jobs are backfilled in this share of the coming day's best hours", 0.5, share
    ),
)
SLEEP = (*_ORDERING, *_SLEEP)
SPEED = (*_ORDERING, *_SPEED)
CAP = (*_ORDERING, *_CAP)
HOLD = (*_ORDERING, *_SIGNAL, *_HOLD)
GATE = (*_ORDERING, *_SIGNAL, *_GATE)
ECO = (
    replace(_ORDERING[0], default="aged"),
    *_ORDERING[1:],
    *_SLEEP,
    replace(_SPEED[0], default=0.12),
    *_SPEED[1:],
    replace(_CAP[0], meaning="power that the machine never exceeds; without it there is none"),
    _CAP[1],
    *_SIGNAL,
    *_HOLD,
    replace(
        _GATE[0], meaning="share of the coming day's best hours in which jobs are backfilled; 0: in all", default=0.0
    ),
)
LEARNED = (
    Parameter(
        "model",
        "the path of a file of `wattq rl evolve`",
        "the network, and the parameters that it goes with",
        "",
        _path,
    ),
    next(p for p in ECO if p.name == "cap"),
    *_SIGNAL[:4],
)
"""Of a learned `eco`: all but these come with the model."""
