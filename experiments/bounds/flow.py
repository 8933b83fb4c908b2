"""The least price of classes of divisible work over a grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError
from wattq.experiments.bounds.classes import WorkClass
from wattq.experiments.bounds.filling import fill
from wattq.experiments.bounds.machine import Machine
from wattq.experiments.bounds.prices import Prices
from wattq.experiments.bounds.program import Ways, program

__all__ = ["Flow", "flow"]

_MOST_CELLS = 3_000
"""Classes times steps up to which the linear program takes seconds."""

_ROUNDS = 40
_STRIDE = 0.05
_LEFT = 1e-6


@dataclass(frozen=True)
class Flow:
    """Work on a grid.

    Attributes:
        price: least sum above resting hosts; a lower bound of it where not exact.
        host_s: host-seconds of work by step.
        exact: whether the price is the least one.
    """

    price: float
    host_s: NDArray[np.float64]
    exact: bool


def flow(classes: Sequence[WorkClass], machine: Machine, prices: Prices) -> Flow:
    """Return the least price of the work on a machine.

    Raises:
        InvalidInputError: the work does not fit between its dates.
    """
    room = machine.n_hosts * np.diff(prices.edge_s)
    ways = [_ways(one, prices) for one in classes]
    if not ways:
        return Flow(0.0, np.zeros(len(room)), True)
    together = _filled(_together(ways), room)
    if together is None:
        _refuse(machine.n_hosts)
    if len(ways) == 1:
        return together
    if len(ways) * len(room) <= _MOST_CELLS:
        solved = program(ways, room)
        if solved is None:
            _refuse(machine.n_hosts)
        return Flow(*solved, True)
    priced = _priced(ways, room)
    if priced is None:
        _refuse(machine.n_hosts)
    return priced if priced.price >= together.price else Flow(together.price, together.host_s, False)


def _refuse(n_hosts: int) -> NoReturn:
    raise InvalidInputError(
        f"the work does not fit on {n_hosts} hosts between its dates; give a later horizon, or later last "
        "dates to start"
    )


def _ways(one: WorkClass, prices: Prices) -> Ways:
    """Return the ways to do the work of a class, but for those that another beats in hosts and price at every step."""
    kept: list[tuple[float, NDArray[np.float64]]] = []
    for time, power in sorted(set(one.options)):
        price = prices.least(power)
        if not any((fast * cheap <= time * price).all() for fast, cheap in kept):
            kept.append((time, price))
    return Ways(
        np.array([time for time, _ in kept]),
        np.array([price for _, price in kept]),
        np.append(one.least[:-1], one.host_s),
        np.append(one.most[:-1], one.host_s),
        one.mixed,
    )


def _together(ways: Sequence[Ways]) -> Ways:
    """Return all classes as one, of which any part may be done in the way of any."""
    if len(ways) == 1:
        return ways[0]
    return Ways(
        np.concatenate([one.time for one in ways]),
        np.concatenate([one.price for one in ways]),
        np.sum([one.least for one in ways], axis=0),
        np.sum([one.most for one in ways], axis=0),
        True,
    )


def _filled(one: Ways, room: NDArray[np.float64]) -> Flow | None:
    """Return the least price of one class of work, or None where it does not fit.

    Hosts of a mixed class may take longer than its times say. Where that is worth something (a negative price), all
    hosts are taken to do so, which is below what any schedule does.
    """
    bonus, price = 0.0, one.price
    if one.mixed and (price < 0.0).any():
        bonus = float(np.minimum(price.min(axis=0), 0.0) @ room)
        price = np.maximum(price, 0.0)
    total, host_s, left = fill(one.time, np.ascontiguousarray(price), room, one.least, one.most)
    if left > _LEFT * one.most[-1]:
        return None
    return Flow(total + bonus, host_s, not one.mixed)


def _priced(ways: Sequence[Ways], room: NDArray[np.float64]) -> Flow | None:
    """Return the best bound of some rounds in which each class has the machine, and hosts in demand get a price.

    Any price of hosts that is not negative gives a bound: what the classes pay with it, less what all hosts would pay.
    The first one makes all hours that are needed equally dear; then prices follow the demand that is too much or too
    little, by smaller and smaller steps (a subgradient).
    """
    plain = np.mean([one.price[0] for one in ways], axis=0)
    load = sum(float(one.most[-1] * one.time[0]) for one in ways) / float(room.sum())
    price = np.maximum(float(np.quantile(plain, min(load, 1.0))) - plain, 0.0)
    stride = _STRIDE * (float(plain.std()) or float(np.abs(plain).max()))
    best: Flow | None = None
    for turn in range(_ROUNDS):
        parts = [_filled(Ways(w.time, w.price + price, w.least, w.most, w.mixed), room) for w in ways]
        flows = [part for part in parts if part is not None]
        if len(flows) < len(parts):
            return None
        host_s = np.sum([part.host_s for part in flows], axis=0)
        value = float(np.sum([part.price for part in flows]) - price @ room)
        if best is None or value > best.price:
            best = Flow(value, host_s, False)
        excess = host_s / room - 1.0
        if not (excess > 1e-9).any() and not price.any():
            return Flow(value, host_s, all(part.exact for part in flows))
        price = np.maximum(price + stride / (1.0 + turn / 3.0) * excess, 0.0)
    return best
