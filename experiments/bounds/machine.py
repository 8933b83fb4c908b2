"""The powers that no schedule can go below: of a host that works, by power state, and of one that does not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.errors import PlatformError, UnsupportedError
from wattq.platforms.model import Platform, PstateKind

__all__ = ["Machine", "machine_of"]


@dataclass(frozen=True)
class Machine:
    """Equal hosts, as a bound sees them.

    Attributes:
        n_hosts: number of compute hosts.
        slowness: of each computing power state, the speed of state 0 over its own.
        loaded_w: power of a host that works, by computing state, W (one core loaded, as Batsim's jobs do).
        idle_w: idle power by computing state, W.
        rest_w: least power of a host that does not work: asleep, or idle where no state sleeps, W.
        rest_most_w: greatest power of such a host, W (what costs least while the price is negative).
    """

    n_hosts: int
    slowness: NDArray[np.float64]
    loaded_w: NDArray[np.float64]
    idle_w: NDArray[np.float64]
    rest_w: float
    rest_most_w: float

    def stretch(self, beta: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """Return run time over that in state 0, by computing state; shape (states,) or (jobs, states)."""
        share = np.asarray(beta, dtype=np.float64)[..., None]
        return np.asarray(share * self.slowness + (1.0 - share), dtype=np.float64)


def machine_of(platform: Platform) -> Machine:
    """Return the powers of a platform of equal hosts.

    Raises:
        PlatformError: the platform states no powers, or power state 0 does not compute.
        UnsupportedError: the hosts differ.
    """
    if not platform.has_power:
        raise PlatformError(f"platform '{platform.name}': states no powers; add wattage_per_state to its hosts")
    n = platform.n_compute
    columns = [platform.speed_flops, platform.idle_w, platform.epsilon_w, platform.full_w, platform.kind]
    rows = np.hstack([np.nan_to_num(np.asarray(c[:n], dtype=np.float64), nan=-1.0) for c in columns])
    if len(np.unique(np.column_stack([rows, platform.cores[:n]]), axis=0)) != 1:
        raise UnsupportedError(
            f"platform '{platform.name}': bounds are for equal hosts; give each kind a bound of its own"
        )
    kind, cores = platform.kind[0], int(platform.cores[0])
    speed, idle, epsilon, full = (np.asarray(c[0], dtype=np.float64) for c in columns[:4])
    computes = kind == PstateKind.COMPUTE
    if not computes[0] or not speed[0] > 0.0:
        raise PlatformError(f"platform '{platform.name}': power state 0 does not compute; make the full speed state 0")
    there = kind != PstateKind.NONE
    # A host that switches draws the full power of a virtual state; so may one that rests, as far as a bound knows.
    switches = there & ~computes & (kind != PstateKind.SLEEP)
    rests = np.concatenate([idle[there], epsilon[computes], full[switches]])
    return Machine(
        n_hosts=n,
        slowness=speed[0] / speed[computes],
        loaded_w=epsilon[computes] + (full[computes] - epsilon[computes]) / cores,
        idle_w=idle[computes],
        rest_w=float(rests.min()),
        rest_most_w=float(rests.max()),
    )
