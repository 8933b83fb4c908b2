"""Parameters of the built-in policies: their names, rules and numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wattq.errors import PolicyError
from wattq.schedulers.orders import ORDER_ALIASES, ORDERS, order_code

__all__ = ["Parameter", "backfill", "numbers_of", "order", "rjms_delay"]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a policy.

    Attributes:
        name: key.
        rule: what values are valid, in words.
        meaning: what it does, in words.
        default: value when it is not given; the name of another parameter stands for that one's value.
        number: turns a value into the number that compiled code reads; raises ValueError for a bad one.
    """

    name: str
    rule: str
    meaning: str
    default: str | float
    number: Callable[[object], float]


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


_ORDER_RULE = f"one of {', '.join([*ORDERS, *ORDER_ALIASES])}"

order = Parameter("order", _ORDER_RULE, "who comes first in the queue", "fcfs", _order_number)
backfill = Parameter("backfill", _ORDER_RULE, "the order in which candidates are backfilled", "order", _order_number)


def rjms_delay(default_s: float) -> Parameter:
    """Return the parameter of the planning policies that lengthens every walltime, with its default in s."""
    return Parameter(
        "rjms_delay",
        "a number of seconds, 0 or more",
        "added to every walltime in the plan: the time that killing a job takes",
        default_s,
        _seconds,
    )


def numbers_of(policy: str, parameters: tuple[Parameter, ...], given: Mapping[str, object]) -> list[float]:
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
            raise PolicyError(f"policy '{policy}': unknown parameter '{name}'; {_valid(parameters)}")
    values: dict[str, object] = {}
    for p in parameters:
        value = given.get(p.name, p.default)
        values[p.name] = values[value] if p.name not in given and value in values else value
    return [_number(policy, p, values[p.name]) for p in parameters]


def _number(policy: str, parameter: Parameter, value: object) -> float:
    """Return a value as a number."""
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
