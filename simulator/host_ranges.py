"""Loops over neighbouring hosts that are in the same situation, in a form that the compiler can vectorise."""

from __future__ import annotations

import numpy as np

from wattq.simulator.bits import span
from wattq.simulator.jit import summing
from wattq.simulator.layout import Kernel

__all__ = ["all_alike", "change_power", "energy_of", "enter_state", "since_last_change"]


@summing
def all_alike(s: Kernel, first: int, last: int, state: int, n_jobs: int) -> bool:
    """Return whether all hosts are in a machine state and have a number of jobs."""
    odd = np.int32(0)
    for host in span(first, last):
        odd |= (s.h_state[host] ^ np.int32(state)) | (s.h_n_jobs[host] ^ np.int32(n_jobs))
    return odd == 0


@summing
def since_last_change(s: Kernel, first: int, last: int) -> tuple[float, float]:
    """Return the time that hosts spent in their machine state so far, in s, and their power, in W; both summed."""
    now_s = s.head[0].clock_s
    elapsed_s = 0.0
    power_w = 0.0
    for host in span(first, last):
        elapsed_s += now_s - s.h_since_s[host]
        power_w += s.h_power_w[host]
    return elapsed_s, power_w


@summing
def enter_state(s: Kernel, first: int, last: int, state: int, n_jobs: int) -> None:
    """Put hosts into a machine state now and set the number of their jobs."""
    now_s = s.head[0].clock_s
    for host in span(first, last):
        s.h_since_s[host] = now_s
        s.h_state[host] = state
        s.h_n_jobs[host] = n_jobs


@summing
def change_power(
    s: Kernel, first: int, last: int, power_w: float, from_s: float, origin_s: float
) -> tuple[float, float]:
    """Change the power of hosts in the lazy count, from a date or from their own last update if that is later.

    Returns:
        The change of their power, in W, and its product with the time from `origin_s` to the change, in J.
    """
    change_w = 0.0
    moved_j = 0.0
    for host in span(first, last):
        at_s = s.h_at_s[host]
        was_w = s.h_power_w[host]
        since_s = max(at_s, from_s)
        s.h_energy_j[host] += was_w * (since_s - at_s)
        s.h_at_s[host] = since_s
        s.h_power_w[host] = power_w
        change_w += power_w - was_w
        moved_j += (power_w - was_w) * (since_s - origin_s)
    return change_w, moved_j


@summing
def energy_of(s: Kernel, first: int, last: int) -> float:
    """Return the energy of hosts that are up to date, in J."""
    now_s = s.head[0].clock_s
    energy_j = 0.0
    for host in span(first, last):
        energy_j += s.h_energy_j[host] + s.h_power_w[host] * (now_s - s.h_at_s[host])
    return energy_j
