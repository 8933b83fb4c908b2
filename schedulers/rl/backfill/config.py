"""What the agent may choose from: options of the environment, its actions, and the row of numbers made of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from wattq.errors import LearningError
from wattq.platforms.model import Platform, PstateKind
from wattq.platforms.signals import ForecastTable
from wattq.schedulers.rl.backfill import slots as p

__all__ = ["Options", "action_names", "cfg_row", "chosen_states", "computing_states", "make_cfg", "n_actions"]

_MONDAY_S = 4 * 86400.0  # 1970-01-05 was a Monday


@dataclass(frozen=True)
class Options:
    """What the agent sees and may do.

    Attributes:
        window: number of slots K: the first K waiting jobs in the order of submission that are not held. A job beyond
            them is not seen until others leave.
        states: computing power states that a job may be started in; None: all that every host has.
        backfill: ``easy``: a start that would delay the reservation of the first slot's job is masked; ``any``: none.
        wait: whether the agent may wait although a job may start.
        hold_s: durations for which a job in a slot may be held, s; none by default.
        max_hold_s: longest time for which one job may be held in all, s.
        sleep: whether idle hosts may be put to sleep and woken.
        cap_w: power of the machine never to be exceeded, W: starts and switches that might are masked.
        call_s: longest wait of the agent while a job may start and a signal is known, s: it is asked again whenever
            the clock of the signal passes a multiple of this.

    Raises:
        LearningError: a value is out of bounds.
    """

    window: int = 16
    states: tuple[int, ...] | None = None
    backfill: Literal["easy", "any"] = "easy"
    wait: bool = True
    hold_s: tuple[float, ...] = ()
    max_hold_s: float = 86400.0
    sleep: bool = False
    cap_w: float = math.inf
    call_s: float = 3600.0

    def __post_init__(self) -> None:
        _check("window", self.window, 1 <= self.window <= p.MAX_WINDOW, f"a number of slots from 1 to {p.MAX_WINDOW}")
        _check("backfill", self.backfill, self.backfill in ("easy", "any"), "easy or any")
        holds = all(0.0 < h <= self.max_hold_s for h in self.hold_s) and len(self.hold_s) <= p.MAX_HOLDS
        _check("hold_s", self.hold_s, holds, f"at most {p.MAX_HOLDS} durations above 0 and up to max_hold_s")
        _check("max_hold_s", self.max_hold_s, 0.0 <= self.max_hold_s < math.inf, "seconds from 0")
        _check("cap_w", self.cap_w, self.cap_w > 0.0, "a power in W above 0")
        _check("call_s", self.call_s, self.call_s >= 60.0, "60 s or more, inf for never")


def _check(name: str, value: object, good: bool, rule: str) -> None:
    if not good:
        raise LearningError(f"option {name}: {value!r}; give {rule}")


def computing_states(platform: Platform) -> tuple[int, ...]:
    """Return the power states in which every compute host computes."""
    kinds = platform.kind[: platform.n_compute]
    return tuple(int(k) for k in np.flatnonzero((kinds == PstateKind.COMPUTE).all(axis=0)))


def chosen_states(options: Options, platform: Platform) -> tuple[int, ...]:
    """Return the power states that the agent chooses from.

    Raises:
        LearningError: some host does not compute in one of them, or there are too many.
    """
    able = computing_states(platform)
    states = able if options.states is None else options.states
    if not states or len(set(states)) != len(states) or not set(states) <= set(able) or len(states) > p.MAX_STATES:
        raise LearningError(
            f"option states: {states}; the hosts of {platform.name} compute in states {able}: give 1 to {p.MAX_STATES} "
            "of them, each once"
        )
    return states


def n_actions(options: Options, n_states: int) -> int:
    """Return the number of actions."""
    return options.window * (n_states + len(options.hold_s)) + 1 + 2 * options.sleep


def action_names(options: Options, states: tuple[int, ...]) -> tuple[str, ...]:
    """Return what each action does, in words."""
    slots = range(options.window)
    names = [f"start slot {k} in power state {state}" for k in slots for state in states]
    names.append("wait")
    names += [f"hold slot {k} for {hold:g} s" for k in slots for hold in options.hold_s]
    if options.sleep:
        names += ["put the free hosts to sleep", "wake hosts"]
    return tuple(names)


def make_cfg(
    options: Options,
    platform: Platform,
    *,
    carbon: ForecastTable | None = None,
    price: ForecastTable | None = None,
    origin_s: float = 0.0,
    utc_offset_s: float = 0.0,
) -> NDArray[np.float64]:
    """Return the row of numbers that `observe` and `act` read.

    Args:
        options: what the agent may do.
        platform: the machine.
        carbon: forecasts of carbon intensity, issued hourly for 24 hours (`hourly_forecasts`).
        price: the same for the price.
        origin_s: Unix time of date 0 of the simulation, s.
        utc_offset_s: what the clock of the site is ahead of UTC, s.

    Raises:
        LearningError: options and machine do not go together, or the forecasts are not hourly.
    """
    states = chosen_states(options, platform)
    return cfg_row(options, states, carbon=carbon, price=price, origin_s=origin_s, utc_offset_s=utc_offset_s)


def cfg_row(
    options: Options,
    states: Sequence[int],
    *,
    carbon: ForecastTable | None = None,
    price: ForecastTable | None = None,
    origin_s: float = 0.0,
    utc_offset_s: float = 0.0,
) -> NDArray[np.float64]:
    """Return the row of `make_cfg` for power states that every host of some machine computes in.

    Raises:
        LearningError: the forecasts are not hourly.
    """
    row = np.zeros(p.N_FIXED)
    row[p.WINDOW], row[p.N_STATES], row[p.N_HOLDS] = options.window, len(states), len(options.hold_s)
    row[p.MAY_SLEEP], row[p.MAY_WAIT], row[p.GUARD] = options.sleep, options.wait, options.backfill == "easy"
    row[p.CAP_W], row[p.MAX_HOLD_S] = options.cap_w, options.max_hold_s
    has_signal = carbon is not None or price is not None
    row[p.CALL_STEP_S] = options.call_s if has_signal else math.inf
    row[p.CALL_ORIGIN_S] = -math.fmod(origin_s, options.call_s) if has_signal and options.call_s < math.inf else 0.0
    row[p.CLOCK_S] = (origin_s + utc_offset_s - _MONDAY_S) % 604800.0
    lists = [row, np.array(states, dtype=np.float64), np.array(options.hold_s, dtype=np.float64)]
    row[p.STATES_AT], row[p.HOLDS_AT] = p.N_FIXED, p.N_FIXED + len(states)
    for table, at, n, date in (
        (carbon, p.CARBON_AT, p.N_CARBON, p.CARBON_S),
        (price, p.PRICE_AT, p.N_PRICE, p.PRICE_S),
    ):
        row[at] = sum(map(len, lists))
        if table is not None:
            _check_hourly(table)
            row[n], row[date] = len(table.values), table.issue_s0 - origin_s
            lists.append(table.values.reshape(-1))
    return np.concatenate(lists)


def _check_hourly(table: ForecastTable) -> None:
    if table.issue_step_s != 3600.0 or table.lead_step_s != 3600.0 or table.values.shape[1] != p.LEADS:
        raise LearningError(
            f"forecasts every {table.issue_step_s:g} s, {table.values.shape[1]} steps of {table.lead_step_s:g} s; the "
            f"agent sees forecasts issued hourly for {p.LEADS} hours: make them with hourly_forecasts"
        )
