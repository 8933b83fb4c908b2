"""One round at the sites: hosts that are free, jobs that run, and the reservation that each site may hold."""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Entry", "Reservation", "Room", "Running"]


@dataclass(slots=True, eq=False)
class Entry:
    """A job that waits.

    Attributes:
        number: its number.
        hosts: hosts asked for.
        estimate_s: expected run time, s; infinity when unknown.
        queue: number of its queue, -1 when unknown.
        held_since_s: when it could have started and waited for a better site instead; NaN when it never did.
        called: whether a call at the end of that wait was asked for.
    """

    number: int
    hosts: int
    estimate_s: float
    queue: int
    held_since_s: float = math.nan
    called: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Running:
    """A job that runs at a site, in the order of expected ends.

    Attributes:
        end_s: expected end.
        number: its number.
        hosts: hosts that it holds.
        last_s: when it is killed if it has not ended before; infinity without walltime.
    """

    end_s: float
    number: int
    hosts: int
    last_s: float


@dataclass(slots=True)
class Reservation:
    """What a site keeps for a job.

    Attributes:
        job: number of the job.
        shadow_s: when enough hosts will be free for it.
        extra: hosts that will be left over then.
        last_s: when that is certain, because jobs are killed at their walltimes.
    """

    job: int
    shadow_s: float
    extra: int
    last_s: float


class Room:
    """The sites in one round.

    Args:
        now_s: date.
        free: numbers of the free hosts, ascending.
        site_of: site of each host.
        running: jobs that run, per site, sorted.

    Attributes:
        reserved: reservation of each site, None while it has none.
        n_free: free hosts per site.
    """

    def __init__(
        self, now_s: float, free: NDArray[np.int64], site_of: NDArray[np.int64], running: Sequence[list[Running]]
    ) -> None:
        self.reserved: list[Reservation | None] = [None] * len(running)
        self._now_s = now_s
        self._running = running
        self._hosts: list[list[int]] = [free[site_of[free] == k].tolist() for k in range(len(running))]
        self.n_free = [len(hosts) for hosts in self._hosts]

    def may_start(self, site: int, job: Entry) -> bool:
        """Return whether a job fits at a site now and does not delay the one that the site keeps hosts for."""
        if job.hosts > self.n_free[site]:
            return False
        kept = self.reserved[site]
        return kept is None or self._in_time(kept, job) or job.hosts <= kept.extra

    def _in_time(self, kept: Reservation, job: Entry) -> bool:
        """Return whether a job that starts now is expected to end before the reservation begins."""
        return job.estimate_s < math.inf and self._now_s + job.estimate_s <= kept.shadow_s

    def take(self, site: int, job: Entry, last_s: float) -> list[int]:
        """Return the hosts for a job that starts at a site: the free ones with the lowest numbers."""
        kept = self.reserved[site]
        if kept is not None and not self._in_time(kept, job):
            kept.extra -= job.hosts
        hosts, self._hosts[site] = self._hosts[site][: job.hosts], self._hosts[site][job.hosts :]
        self.n_free[site] -= job.hosts
        insort(self._running[site], Running(self._now_s + job.estimate_s, job.number, job.hosts, last_s))
        return hosts

    def reservation(self, site: int, job: Entry) -> Reservation:
        """Return when a job can start at a site that keeps hosts for nobody else, as `easy` finds it."""
        running, hosts, k = self._running[site], self.n_free[site], 0
        shadow_s = last_s = self._now_s
        while k < len(running) and hosts < job.hosts:
            shadow_s = max(running[k].end_s, self._now_s)
            last_s = max(last_s, running[k].last_s)
            hosts += running[k].hosts
            k += 1
        if hosts < job.hosts:
            return Reservation(job.number, math.inf, 0, math.inf)
        while k < len(running) and running[k].end_s <= shadow_s:
            hosts += running[k].hosts
            k += 1
        return Reservation(job.number, shadow_s, hosts - job.hosts, last_s)
