"""What a simulation begins with: machine, jobs, events; cut short, or with more hosts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.platforms.model import ControlMessages, Platform
from wattq.simulator.external import ExternalEvents, parse_events
from wattq.workloads.model import Workload

__all__ = ["World", "rows_of", "submitted_until", "with_more_hosts"]


@dataclass(frozen=True)
class World:
    """Machine, jobs and events of a simulation.

    Attributes:
        platform: the machine.
        workloads: w0, w1, ... in this order.
        energy: whether energy is counted.
        events: lines of the events files, one after the other, in Batsim's format.
    """

    platform: Platform
    workloads: tuple[Workload, ...]
    energy: bool = False
    events: tuple[str, ...] = ()

    @property
    def externals(self) -> ExternalEvents:
        """The events as the simulator takes them."""
        if not self.events:
            return ExternalEvents.none()
        return parse_events("\n".join(self.events).encode(), "events", self.platform.n_hosts)

    @property
    def n_jobs(self) -> int:
        """Number of jobs."""
        return sum(workload.n_jobs for workload in self.workloads)

    @property
    def keys(self) -> list[str]:
        """Full ids, by job number."""
        return [f"{workload.name}!{job}" for workload in self.workloads for job in workload.job_id]

    def joined(self, name: str) -> NDArray[np.float64]:
        """Return a column of the workloads, by job number."""
        return np.concatenate([np.asarray(getattr(workload, name), dtype=float) for workload in self.workloads])


def rows_of(workload: Workload, rows: NDArray[np.int64]) -> Workload:
    """Return a workload with some of its jobs, on the same time axis."""
    n = workload.n_jobs
    columns: dict[str, Any] = {
        field.name: value[rows]
        for field in dataclasses.fields(workload)
        if isinstance(value := getattr(workload, field.name), np.ndarray) and len(value) == n
    }
    ids = tuple(workload.job_id[row] for row in rows)
    return dataclasses.replace(workload, job_id=ids, extra=None, outcome=None, **columns)


def submitted_until(workloads: Sequence[Workload], date_s: float) -> tuple[Workload, ...]:
    """Return the workloads with the jobs submitted up to a date, and with the first one after it.

    What a scheduler knows up to the date stays the same: jobs of later are unknown to it, and that none is to come is
    told to it with the last job only, which is one of after the date.
    """
    later = [w.submit_s[w.submit_s > date_s] for w in workloads]
    next_s = min((float(dates.min()) for dates in later if len(dates)), default=date_s)
    return tuple(rows_of(w, np.flatnonzero(w.submit_s <= max(next_s, date_s))) for w in workloads)


def with_more_hosts(world: World, count: int, from_s: float) -> World:
    """Return a world with more compute hosts, alike the last one, that are not available before a date.

    Args:
        world: as it was.
        count: number of hosts added, 1 or more.
        from_s: date at which they come, s.
    """
    old = world.platform
    n = old.n_compute
    events = list(world.events)
    if from_s > 0.0:
        for date, kind in ((0.0, "machine_unavailable"), (float(from_s), "machine_available")):
            events.append(f'{{"timestamp": {date!r}, "type": "{kind}", "resources": "{n}-{n + count - 1}"}}')
    return dataclasses.replace(world, platform=_larger(old, count), events=tuple(events))


def _larger(old: Platform, count: int) -> Platform:
    n = old.n_compute
    rows = np.concatenate([np.arange(n), np.full(count, n - 1), np.arange(n, old.n_hosts)])
    columns: dict[str, Any] = {
        field.name: value[rows]
        for field in dataclasses.fields(old)
        if isinstance(value := getattr(old, field.name), np.ndarray)
    }
    ends = np.append(rows, old.n_hosts)
    names = [*old.host_names[:n], *(f"{old.host_names[n - 1]}+{k + 1}" for k in range(count)), *old.host_names[n:]]
    return dataclasses.replace(
        old,
        host_names=tuple(names),
        n_compute=n + count,
        properties=tuple(old.properties[row] for row in rows),
        zone_properties=tuple(old.zone_properties[row] for row in rows),
        messages=ControlMessages(old.messages.latency_s[ends], old.messages.transfer_s[ends]),
        **columns,
    )
