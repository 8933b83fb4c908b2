"""Rules that need no learning: what a learned policy must beat, and what it may be taught from.

A rule looks at episodes side by side (`World`) and returns one action for each. Rules see what an agent sees: the
machine, the queue and the forecast before the jobs of the hour have arrived.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from wattq.errors import LearningError
from wattq.schedulers.rl.node_power import layout as c
from wattq.schedulers.rl.node_power.config import FORECAST_H
from wattq.schedulers.rl.node_power.firstfit import nodes_needed
from wattq.schedulers.rl.node_power.world import World

__all__ = ["RULES", "Rule", "make_rule", "needs", "price_rule", "random_rule", "switching", "timeout_rule"]

OFF, KEEP, ON = range(3)

Actions = NDArray[np.int64]


class Rule(Protocol):
    """Returns the actions of all episodes, int64 [episodes, 3]."""

    def __call__(self, world: World) -> Actions:
        """Return the actions for what the world is now."""


def switching(world: World, change: NDArray[np.int64]) -> Actions:
    """Return actions that change the number of nodes by so many, or as close to it as magnitudes allow; with refill.

    Args:
        world: the episodes.
        change: int64 [episodes], nodes to switch on, below 0 off. The magnitude is the least that reaches it.
    """
    steps = np.array(world.config.magnitudes)
    index = np.minimum(np.searchsorted(steps, np.abs(change)), steps.size - 1)
    kind = np.where(change > 0, ON, np.where(change < 0, OFF, KEEP))
    return np.stack([kind, np.where(change == 0, 0, index), np.ones_like(index)], axis=1).astype(np.int64)


def needs(world: World) -> NDArray[np.int64]:
    """Return what the queue of each episode needs to start now: int64 [episodes, 3].

    They are the nodes to switch on, the idle nodes that would not be used, and the jobs that would not fit at all.
    """
    found = np.zeros((world.n_envs, 3), np.int64)
    for e in range(world.n_envs):
        nodes_needed(world.state, e, world.memory)
        found[e] = world.memory.need
    return found


def _waiting(world: World) -> NDArray[np.int64]:
    return world.state.num[:, c.N_QUEUE] + world.state.num[:, c.N_BACK]


def always_on(world: World) -> Actions:
    """Keep every node on."""
    return switching(world, np.full(world.n_envs, world.config.n_nodes))


def do_nothing(world: World) -> Actions:
    """Switch every idle node off and none on."""
    return switching(world, np.full(world.n_envs, -world.config.n_nodes))


def one_node(world: World) -> Actions:
    """Keep one node on, as soon as the others are idle."""
    on = world.state.num[:, c.N_ON] + world.state.num[:, c.N_BOOTING]
    return switching(world, 1 - on)


def queue_rule(world: World) -> Actions:
    """Switch everything on if a job waits, else everything off."""
    return switching(world, np.where(_waiting(world) > 0, world.config.n_nodes, -world.config.n_nodes))


def sized_rule(world: World) -> Actions:
    """Switch on as many nodes as the queue needs to start now, else off the idle ones that it does not need."""
    need = needs(world)
    return switching(world, np.where(need[:, 0] > 0, need[:, 0], -need[:, 1]))


def price_rule(quantile: float = 0.5, patience_h: int = 12) -> Rule:
    """Return the sized rule for cheap hours; in others idle nodes go off and jobs wait.

    Args:
        quantile: an hour is cheap when its price is at most this quantile of the 24 hours that are forecast.
        patience_h: from this age of the oldest job on, every hour is cheap enough.

    Raises:
        LearningError: when the quantile is not from 0 to 1.
    """
    if not 0 <= quantile <= 1:
        raise LearningError(f"price rule, quantile {quantile!r}: it must be from 0 to 1")

    def rule(world: World) -> Actions:
        hour = (world.state.num[:, c.PRICE] + world.state.num[:, c.T]) % world.prices.n_hours
        ahead = world.prices.forecast[hour][:, :FORECAST_H]
        cheap = ahead[:, 0] <= np.quantile(ahead, quantile, axis=1)
        waiting = _waiting(world) > 0
        head = np.where(
            world.state.num[:, c.N_QUEUE] > 0, world.state.queue[:, 0, c.J_SUBMIT], world.state.num[:, c.NOW]
        )
        late = waiting & (world.state.num[:, c.NOW] - head >= patience_h)
        dark = switching(world, np.full(world.n_envs, -world.config.n_nodes))
        return np.where((cheap | late)[:, None], sized_rule(world), dark)

    return rule


def timeout_rule(idle_h: int = 2) -> Rule:
    """Return the sized rule with a timeout: as many nodes go off as were idle in each of the last hours.

    Args:
        idle_h: that many hours; 0 is the sized rule.

    Raises:
        LearningError: when the hours are negative.
    """
    if idle_h < 0:
        raise LearningError(f"timeout rule, idle_h {idle_h}: it must be a whole number of at least 0")
    idle: list[NDArray[np.int64]] = []

    def rule(world: World) -> Actions:
        need = needs(world)
        if len(idle) != idle_h or any(row.size != world.n_envs for row in idle):
            idle[:] = [np.zeros(world.n_envs, np.int64) for _ in range(idle_h)]
        idle.append(world.state.hourly[:, c.H_IDLE].astype(np.int64))
        del idle[0]
        for row in idle:
            row[world.state.num[:, c.T] == 0] = 0
        spare = np.min([need[:, 1], *idle], axis=0)
        return switching(world, np.where(need[:, 0] > 0, need[:, 0], -spare))

    return rule


def random_rule(seed: int = 0) -> Rule:
    """Return actions drawn evenly from all there are, the same for the same seed."""
    generator = np.random.default_rng(seed)

    def rule(world: World) -> Actions:
        return generator.integers(0, (3, world.config.n_magnitudes, 2), (world.n_envs, 3))

    return rule


RULES: dict[str, tuple[str, Callable[[], Rule]]] = {
    "always-on": ("every node stays on", lambda: always_on),
    "queue": ("everything on if the queue is not empty, else everything off", lambda: queue_rule),
    "sized": ("as many nodes as the queue needs", lambda: sized_rule),
    "price": ("sized in the cheaper half of the next 24 hours, or once a job has waited 12 h", price_rule),
    "timeout": ("as sized, but only as many nodes go off as were idle for 2 h", timeout_rule),
    "nothing": ("every node goes off and stays off", lambda: do_nothing),
    "one-node": ("one node stays on", lambda: one_node),
    "random": ("actions drawn evenly", random_rule),
}
"""Rules by name: one line about each, and what makes it."""


def make_rule(name: str) -> Rule:
    """Return a rule by its name.

    Raises:
        LearningError: when there is none of this name.
    """
    if name not in RULES:
        raise LearningError(f"rule {name!r} is unknown; it is one of {', '.join(RULES)}")
    return RULES[name][1]()
