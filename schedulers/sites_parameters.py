"""Parameters of the policy `sites`; signals and platform are read when the policy is made."""

from __future__ import annotations

import math
from collections.abc import Mapping

from wattq.schedulers.parameters import Parameter
from wattq.schedulers.values import number

__all__ = ["forecast", "machine", "max_wait", "min_gain", "origin", "seed", "sites"]

_MOST_SITES = 1000
_MOST_QUEUES = 10_000


def _sites(value: object) -> tuple[tuple[str, str], ...]:
    """Return hosts (or a name) and signal of each site, from a mapping or its text."""
    if isinstance(value, str):
        pairs = [part.partition("=")[::2] for part in value.split(";") if part.strip()]
    elif isinstance(value, Mapping):
        pairs = [(str(hosts), "" if signal is None else str(signal)) for hosts, signal in value.items()]
    else:
        raise ValueError(value)
    found = tuple((hosts.strip(), signal.strip()) for hosts, signal in pairs)
    keys = [hosts for hosts, _ in found]
    if len(found) > _MOST_SITES or len(set(keys)) < len(keys) or not all(keys):
        raise ValueError(value)
    return found


def _text(value: object) -> str:
    """Return a text."""
    if not isinstance(value, str):
        raise ValueError(value)
    return value


def _date(value: object) -> str:
    """Return a date as its text; an empty one stands for none."""
    from wattq.schedulers.outlook import unix_time

    if value == "":
        return ""
    return repr(unix_time(value))


def _model(value: object) -> str:
    """Return the name of a forecast."""
    from wattq.platforms.signals.forecast import parse_model

    if not isinstance(value, str):
        raise ValueError(value)
    parse_model(value)
    return value.strip()


def _seed(value: object) -> int:
    """Return a whole number."""
    found = number(value)
    if found != math.floor(found) or found >= 2**53:
        raise ValueError(value)
    return int(found)


def _waits(value: object) -> dict[int | None, float]:
    """Return the longest extra wait by queue number; that of queues not named under None."""
    if isinstance(value, str):
        parts = [part.split(":") for part in value.split(",") if part.strip()]
    elif isinstance(value, Mapping):
        parts = [[str(queue), str(wait)] for queue, wait in value.items()]
    else:
        return {None: number(value)}
    found: dict[int | None, float] = {}
    for *queue, wait in parts:
        name = int(queue[0]) if queue and queue[0].strip() != "default" else None
        if len(queue) > 1 or name in found or not -1 <= (name or 0) < 2**53 or len(found) >= _MOST_QUEUES:
            raise ValueError(value)
        found[name] = number(wait)
    return {None: 0.0} | found


def _share(value: object) -> float:
    """Return a share below 1."""
    found = number(value)
    if found >= 1:
        raise ValueError(value)
    return found


sites = Parameter(
    "sites",
    "HOSTS=SIGNAL or NAME=SIGNAL separated by ';', such as 0-63=gb.csv;64-127=de.csv, each once; SIGNAL is a file, "
    "a number, or left out everywhere",
    "hosts (or values of the property site) and the signal of each site; without it the machine is one site",
    "",
    _sites,
)
machine = Parameter(
    "machine",
    "a platform file or preset",
    "where hosts have the property site, when sites go by their names",
    "",
    _text,
)
origin = Parameter(
    "origin", "an ISO date with its zone, or Unix seconds", "date of time 0 on the calendar of the signals", "", _date
)
forecast = Parameter(
    "forecast",
    "perfect, persistence, persistence:DAYS, or noisy:ERROR with the mean absolute error over 24 h",
    "how well the signals are foreseen",
    "perfect",
    _model,
)
seed = Parameter("seed", "a whole number, 0 or more", "of the noise of the forecast", 0.0, _seed)
max_wait = Parameter(
    "max_wait",
    "a number of seconds, 0 or more; for single classes QUEUE:SECONDS, such as 86400,1:0",
    "how long a job that could start may wait for a site that is better; 0: it does not",
    0.0,
    _waits,
)
min_gain = Parameter(
    "min_gain",
    "a share from 0 to below 1",
    "by how much better that site must be for a job to wait for it",
    0.0,
    _share,
)
