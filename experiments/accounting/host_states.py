"""The power states of hosts over time, from ``pstate_changes.csv`` with the dates of ``consumed_energy.csv``."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError
from wattq.experiments.intervals import AllocationTable
from wattq.experiments.results import PowerStates, RunResults
from wattq.platforms.model import Platform, PstateKind

__all__ = ["ON", "SLEEPING", "SWITCHING_OFF", "SWITCHING_ON", "HostStates", "expand", "host_states", "sum_by"]

ON, SLEEPING, SWITCHING_ON, SWITCHING_OFF = range(4)
"""What a host does: on (idle or computing), asleep, on its way up, on its way down."""

_TO_COMPUTE, _TO_SLEEP = -1, -2


@dataclass(frozen=True)
class HostStates:
    """What each host does when: one row per host and interval, sorted by host, then date.

    Attributes:
        host: host number.
        start_s, end_s: interval in s; the last one of a host ends at infinity.
        doing: `ON`, `SLEEPING`, `SWITCHING_ON` or `SWITCHING_OFF`.
        pstate: the power state held, virtual ones included.
        power_w: power without a job: idle power, or that of the virtual state at full load.
        changed: whether any power state was ever changed.
        notes: what had to be assumed.
    """

    host: NDArray[np.int64]
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    doing: NDArray[np.int64]
    pstate: NDArray[np.int64]
    power_w: NDArray[np.float64]
    changed: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Orders:
    """Requests by host: sorted by host, in the order in which they were made."""

    host: NDArray[np.int64]
    time_s: NDArray[np.float64]
    target: NDArray[np.int64]

    def only(self, keep: NDArray[np.bool_]) -> _Orders:
        return _Orders(self.host[keep], self.time_s[keep], self.target[keep])


def expand(table: AllocationTable) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return row and host of each (row, host) pair of a table of sets of hosts."""
    sizes = table.high - table.low + 1
    first = np.cumsum(sizes) - sizes
    within = np.arange(int(sizes.sum()), dtype=np.int64) - np.repeat(first, sizes)
    return np.repeat(table.job, sizes), np.repeat(table.low, sizes) + within


def sum_by(index: NDArray[np.int64], values: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return the sum of the values with each index below n."""
    return np.asarray(np.bincount(index, weights=values, minlength=n), dtype=np.float64)


def host_states(run: RunResults, platform: Platform) -> HostStates:
    """Return the power states of the hosts of a run.

    The dates of ``pstate_changes.csv`` have six significant digits; the rows ``p`` of ``consumed_energy.csv``, one per
    row after the initial ones and in the same order, have six decimals. A switch begins with its request and lasts one
    flop at the speed of the virtual state (batsim-semantics.md, 3.4). Requests to a host that is switching, and those
    to virtual states, do nothing, as in Batsim.

    Raises:
        InvalidInputError: the files do not belong together, or to this platform.
    """
    initial = platform.initial_pstate.astype(np.int64).copy()
    hosts = np.arange(platform.n_hosts, dtype=np.int64)
    if run.power_states is None:
        return _chain(platform, initial, _Orders(hosts[:0], np.empty(0), hosts[:0]), ())
    rows = run.power_states
    notes: list[str] = []
    first, dates = _dates(run, rows, notes)
    highest = int(rows.allocation.high.max())
    if highest >= platform.n_hosts:
        raise InvalidInputError(
            f"{run.directory}: pstate_changes.csv names host {highest}, but the platform '{platform.name}' has "
            f"{platform.n_hosts}; give the platform of the run"
        )
    row, host = expand(rows.allocation)
    at_start = row < first
    _check_states(run, platform, host[at_start], rows.state[row[at_start]])
    initial[host[at_start]] = rows.state[row[at_start]]
    target = _targets(rows, first, platform, notes)
    wanted = (row >= first) & (target[row] >= 0)
    order = np.lexsort((row[wanted], host[wanted]))
    row, host = row[wanted][order], host[wanted][order]
    _check_states(run, platform, host, target[row])
    return _chain(platform, initial, _Orders(host, dates[row], target[row]), tuple(notes))


def _dates(run: RunResults, rows: PowerStates, notes: list[str]) -> tuple[int, NDArray[np.float64]]:
    """Return the number of initial rows, and the full date of each row."""
    if run.energy is None or not run.energy.kind:
        notes.append("no consumed_energy.csv: dates of power states have six significant digits")
        return int(np.argmax(np.append(rows.state < 0, True))), rows.time_s
    full = run.energy.time_s[np.array([kind == "p" for kind in run.energy.kind], dtype=bool)]
    first = len(rows.time_s) - len(full)
    dates = np.concatenate([np.zeros(max(first, 0)), full])
    off = np.abs(dates - rows.time_s) > 1e-5 * np.maximum(1.0, np.abs(dates)) if first >= 0 else np.ones(1, dtype=bool)
    if off.any() or (rows.state[:first] < 0).any():
        raise InvalidInputError(
            f"{run.directory}: the dates of pstate_changes.csv and of the rows 'p' of consumed_energy.csv differ (row "
            f"{int(np.argmax(off)) + 2}); give files of one run"
        )
    return first, dates


def _targets(rows: PowerStates, first: int, platform: Platform, notes: list[str]) -> NDArray[np.int64]:
    """Return the power state that each request asks for; -1 for rows that are none, or ask for a virtual state.

    The row that ends a request names the same hosts; requests for the same hosts end in the order in which they were
    made.
    """
    waiting: dict[tuple[str, int], deque[int]] = defaultdict(deque)
    target = np.full(len(rows.state), -1, dtype=np.int64)
    lowest = np.full(len(rows.state), -1, dtype=np.int64)
    lowest[rows.allocation.job[::-1]] = rows.allocation.low[::-1]
    for row in range(first, len(rows.state)):
        state, hosts = int(rows.state[row]), rows.hosts[row]
        if state < 0:
            waiting[hosts, state].append(row)
            continue
        sleeps = state < platform.kind.shape[1] and platform.kind[lowest[row], state] == PstateKind.SLEEP
        made = waiting[hosts, _TO_SLEEP if sleeps else _TO_COMPUTE]
        if made:
            target[made.popleft()] = state
    for (_, state), left in waiting.items():
        for row in left:
            target[row] = _guess(platform, int(lowest[row]), state)
            if target[row] >= 0:
                notes.append(f"a request of {rows.time_s[row]:g} s did not end: power state {target[row]} is assumed")
    return target


def _guess(platform: Platform, host: int, code: int) -> int:
    """Return the first power state of the kind that a request without an end asks for."""
    kind = {_TO_COMPUTE: PstateKind.COMPUTE, _TO_SLEEP: PstateKind.SLEEP}.get(code)
    found = np.flatnonzero(platform.kind[host] == kind) if kind is not None else np.empty(0)
    return int(found[0]) if len(found) else -1


def _check_states(run: RunResults, platform: Platform, host: NDArray[np.int64], target: NDArray[np.int64]) -> None:
    bad = target >= platform.n_pstates[host]
    if bad.any():
        raise InvalidInputError(
            f"{run.directory}: pstate_changes.csv puts host {host[bad][0]} into power state {target[bad][0]}, which "
            f"the platform '{platform.name}' does not have; give the platform of the run"
        )


def _chain(platform: Platform, initial: NDArray[np.int64], orders: _Orders, notes: tuple[str, ...]) -> HostStates:
    """Play the requests: each host goes from state to state, through virtual ones where it switches."""
    while True:
        before = np.concatenate([[-1], orders.target[:-1]]).astype(np.int64)
        new_host = np.diff(orders.host, prepend=-1) != 0
        before = np.where(new_host, initial[orders.host], before[: len(orders.host)])
        old, new = platform.kind[orders.host, before], platform.kind[orders.host, orders.target]
        down = (old == PstateKind.COMPUTE) & (new == PstateKind.SLEEP)
        up = (old == PstateKind.SLEEP) & (new == PstateKind.COMPUTE)
        virtual = np.where(
            down, platform.off_pstate[orders.host, orders.target], platform.on_pstate[orders.host, before]
        )
        switches = down | up
        lasts = np.where(switches, 1.0 / platform.speed_flops[orders.host, np.where(switches, virtual, 0)], 0.0)
        ready = orders.time_s + lasts
        free = np.where(new_host, -np.inf, np.concatenate([[-np.inf], ready[:-1]])[: len(ready)])
        early = orders.time_s < free - 1e-5
        ignored = (early & ~np.concatenate([[False], early[:-1]])[: len(early)]) | (
            (old == PstateKind.SLEEP) & (new == PstateKind.SLEEP)
        )
        if not ignored.any():
            break
        orders = orders.only(~ignored)
    hosts, nth = np.arange(platform.n_hosts, dtype=np.int64), np.arange(len(orders.host))
    # a request as the switch before it ends may be dated 1e-6 s earlier, from rounding
    began = np.maximum(orders.time_s, free)
    # rows: hosts at the start; the beginning of each change; the end of each switch
    host = np.concatenate([hosts, orders.host, orders.host[switches]])
    start = np.concatenate([np.zeros(len(hosts)), began, ready[switches]])
    doing_end = np.where(new == PstateKind.SLEEP, SLEEPING, ON)
    doing_begin = np.where(down, SWITCHING_OFF, np.where(up, SWITCHING_ON, doing_end))
    doing = np.concatenate([np.full(len(hosts), ON), doing_begin, doing_end[switches]])
    pstate = np.concatenate([initial, np.where(switches, virtual, orders.target), orders.target[switches]])
    step = np.concatenate([np.full(len(hosts), -1), 2 * nth, 2 * nth[switches] + 1])
    order = np.lexsort((step, host))
    host, start, doing, pstate = host[order], start[order], doing[order], pstate[order]
    end = np.where(np.append(host[1:], -1) == host, np.append(start[1:], np.inf), np.inf)
    switching = (doing == SWITCHING_ON) | (doing == SWITCHING_OFF)
    power = np.where(switching, platform.full_w[host, pstate], platform.idle_w[host, pstate])
    return HostStates(host, start, end, doing, pstate, power, len(orders.host) > 0, notes)
