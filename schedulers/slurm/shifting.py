"""What it saves to run a job at another date: joules do not change, grams and money do."""

from __future__ import annotations

from dataclasses import dataclass

from wattq.platforms.model import Platform
from wattq.platforms.signals import Signal

__all__ = ["Shift", "added_w", "shift_saving"]

_MWH_S = 3.6e9
_KWH_S = 3.6e6


@dataclass(frozen=True)
class Shift:
    """What running a job later saves; below 0 it costs.

    Attributes:
        carbon_g: g CO2e.
        cost: in the currency of the price.
        carbon_share: share of what the job emits at the earlier date; 0 where that is nothing.
        cost_share: share of what it costs then.
    """

    carbon_g: float
    cost: float
    carbon_share: float
    cost_share: float


def added_w(platform: Platform, hosts: int) -> float:
    """Return what a job adds to the power of the machine, W: full less idle power of its hosts."""
    return hosts * float(platform.full_w[0, 0] - platform.idle_w[0, 0]) if platform.has_power else 0.0


def shift_saving(
    carbon: Signal, price: Signal, watts: float, pue: float, run_s: float, from_s: float, to_s: float
) -> Shift:
    """Return what a job saves that starts at a later date.

    Hosts that are on without it draw their idle power at both dates, so that only what the job adds counts.

    Args:
        carbon: intensity, g/kWh.
        price: price, currency/MWh.
        watts: what the job adds, W.
        pue: facility over machine power.
        run_s: how long it runs, s.
        from_s: the earlier start, Unix s.
        to_s: the later one.

    Raises:
        SignalError: a signal does not cover both runs.
    """
    grams = [_sum(carbon, start_s, run_s) * watts * pue / _KWH_S for start_s in (from_s, to_s)]
    money = [_sum(price, start_s, run_s) * watts * pue / _MWH_S for start_s in (from_s, to_s)]
    return Shift(grams[0] - grams[1], money[0] - money[1], _share(*grams), _share(*money))


def _sum(signal: Signal, start_s: float, run_s: float) -> float:
    return float(signal.integral(start_s, start_s + run_s))


def _share(before: float, after: float) -> float:
    return (before - after) / abs(before) if before else 0.0
