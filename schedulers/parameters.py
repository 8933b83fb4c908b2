"""Parameters of the built-in policies: their names, rules and numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from wattq.errors import PolicyError
from wattq.schedulers.orders import ORDER_ALIASES, ORDERS, order_code

__all__ = ["Parameter", "backfill", "half_life", "numbers_of", "order", "rjms_delay", "shares"]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a policy.

    Attributes:
        name: key.
        rule: what values are valid, in words.
        meaning: what it does, in words.
        default: value when it is not given; the name of another parameter stands for that one's value.
        number: turns a value into the number, or the row of numbers, that compiled code reads, or into the value that
            a policy in plain Python takes; raises ValueError for a bad one.
    """

    name: str
    rule: str
    meaning: str
    default: str | float
    number: Callable[[object], Any]


def _order_number(value: object) -> float:
    """Return the code of an order."""
    if not isinstance(value, str):
        raise ValueError(value)
    name = value.strip().lower().replace("-", "_")
    if name not in ORDERS and name not in ORDER_ALIASES:
        raise ValueError(value)
    return float(order_code(name))


def _seconds(value: object) -> float:
    """Return a finite duration that is not negative, from a number or its text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(value)
    seconds = float(value)
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError(value)
    return seconds


def _shares(value: object) -> tuple[float, ...]:
    """Return users and shares by turns, from a mapping or its text."""
    if isinstance(value, str):
        pairs = [part.split(":") for part in value.split(",") if part.strip()]
    elif isinstance(value, Mapping):
        pairs = [[str(user), str(share)] for user, share in value.items()]
    else:
        raise ValueError(value)
    found: dict[int, float] = {}
    for user, share in pairs:
        if int(user) in found or not -1 <= int(user) < 2**53 or not 0 < float(share) < math.inf:
            raise ValueError(value)
        found[int(user)] = float(share)
    return tuple(float(number) for pair in found.items() for number in pair)


_ORDER_RULE = f"one of {', '.join([*ORDERS, *ORDER_ALIASES])}"

order = Parameter("order", _ORDER_RULE, "who comes first in the queue", "fcfs", _order_number)
backfill = Parameter("backfill", _ORDER_RULE, "the order in which candidates are backfilled", "order", _order_number)


half_life = Parameter(
    "half_life",
    "a number of seconds, 0 or more (0: use never fades)",
    "s after which the use of hosts counts half",
    604800.0,
    _seconds,
)
shares = Parameter(
    "shares",
    "pairs of user and share above 0, such as 3:2,7:0.5 (-1: the unknown user), each user once",
    "what users are entitled to; 1 for those not named",
    "",
    _shares,
)


def rjms_delay(default_s: float) -> Parameter:
    """Return the parameter of the planning policies that lengthens every walltime, with its default in s."""
    return Parameter(
        "rjms_delay",
        "a number of seconds, 0 or more",
        "added to every walltime in the plan: the time that killing a job takes",
        default_s,
        _seconds,
    )


def numbers_of(policy: str, parameters: tuple[Parameter, ...], given: Mapping[str, object]) -> list[Any]:
    """Return the numbers of a policy's parameters, in their order.

    Args:
        policy: name of the policy, for messages.
        parameters: those it has.
        given: values by name.

    Raises:
        PolicyError: an unknown parameter, or a value that breaks its rule.
    """
    for name in given:
        if name not in [p.name for p in parameters]:
            raise PolicyError(
                f"policy '{policy}': unknown parameter '{name}'; {_valid(parameters)}; every policy takes "
                "'estimate' and 'predictor', too"
            )
    values: dict[str, object] = {}
    for p in parameters:
        value = given.get(p.name, p.default)
        values[p.name] = values[value] if p.name not in given and value in values else value
    return [_number(policy, p, values[p.name]) for p in parameters]


def _number(policy: str, parameter: Parameter, value: object) -> Any:
    """Return a value as the policy takes it."""
    try:
        return parameter.number(value)
    except ValueError:
        raise PolicyError(
            f"policy '{policy}', parameter '{parameter.name}': {value!r} is not valid; give {parameter.rule}"
        ) from None


def _valid(parameters: tuple[Parameter, ...]) -> str:
    """Return which parameters a policy has, in words."""
    if not parameters:
        return "it has none"
    return "it has " + "; ".join(f"'{p.name}': {p.rule} (default {p.default})" for p in parameters)
