"""Parameters of the policy `rl`; its model and signals are read when the policy is made."""

from __future__ import annotations

import math
from dataclasses import replace

from wattq.schedulers import sites_parameters
from wattq.schedulers.parameters import Parameter
from wattq.schedulers.values import number, truth

__all__ = ["LEARNED"]


def _path(value: object) -> str:
    """Return the path of a file, or nothing."""
    if not isinstance(value, str):
        raise ValueError(value)
    return value.strip()


def _offset(value: object) -> float | None:
    """Return a difference of clocks in s; None where the policy's own is to hold."""
    return None if value == "learned" else number(value, -86400.0, 86400.0)


def _cap(value: object) -> tuple[tuple[float, float], ...]:
    """Return date 0 and a power in W, as other policies take caps; nothing where the policy's own cap is to hold."""
    if value == "":
        return ()
    return ((0.0, math.inf if value == "never" else number(value, 1e-9)),)


LEARNED = (
    Parameter("model", "the path of a file of `wattq rl train`", "the learned policy", "", _path),
    Parameter(
        "deterministic",
        "true or false",
        "whether the likeliest action is taken; false: one is drawn by their probabilities",
        True,
        truth,
    ),
    Parameter(
        "cap",
        "a power in W, or 'never'",
        "power that the machine never exceeds; without it that of the training holds, if there was one",
        "",
        _cap,
    ),
    Parameter(
        "signal", "the path of a signal file", "carbon intensity or price that the policy learned to look at", "", _path
    ),
    Parameter(
        "price", "the path of a signal file", "the price, for a policy that looks at carbon intensity, too", "", _path
    ),
    sites_parameters.origin,
    Parameter(
        "utc_offset",
        "a number of seconds, or 'learned'",
        "what the clock of the site is ahead of UTC, s",
        "learned",
        _offset,
    ),
    sites_parameters.forecast,
    replace(sites_parameters.seed, meaning="of the noise of the forecast, and of drawn actions"),
)
