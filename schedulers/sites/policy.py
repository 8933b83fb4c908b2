"""Placement over several sites, with EASY backfilling at each of them.

A job runs within one site. Jobs wait in one queue, in the order of submission. One round, job by job:

1. The job may start at the sites where enough hosts are free for it now and where it does not delay the job that the
   site keeps hosts for: it is expected to end by that one's shadow time, or asks for no more than the extra nodes
   (see `wattq.schedulers.easy`). It starts at that one of them where the forecast mean of the signal over its expected
   run time is lowest; on equal ones, and without signals, at the one with the lowest hosts.
2. Where ``max_wait`` lets the job wait, it may pass up this start: if another site can take it within ``max_wait`` of
   the date at which it could first have started, and is forecast to be better over the time that it would run there
   by more than ``min_gain`` of the value here, then that site keeps hosts for it.
3. A job that may start nowhere gets the reservation of the site at which it can start first, among the sites that keep
   hosts for nobody yet. So every site protects one job, and the first job that waits is never delayed beyond what it
   was promised, as long as jobs keep to their walltimes. With one site this is `easy`.

Within a site jobs take the free hosts with the lowest numbers. A job without hosts, or larger than the largest site, is
rejected. How long a job runs is expected by its walltime; beyond two days, and for a job without walltime, the mean is
that of two days.

The idea of sending a job to the cluster that is best among those where it can start: G. Sabin, R. Kettimuthu, A. Rajan
and P. Sadayappan, Scheduling of parallel jobs in a heterogeneous multi-site environment, JSSPP 2003.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SignalError
from wattq.schedulers.sites.room import Entry, Reservation, Room, Running
from wattq.schedulers.sites.site import Site, site_numbers
from wattq.simulator.interface import Actions, View

__all__ = ["Sites"]

_ROUNDING_S = 1e-6


class Sites:
    """The policy; one object plays one run.

    Args:
        sites: the sites; each host of the machine belongs to one.
        max_wait: longest extra wait by queue number, s; under None that of other queues.
        min_gain: by how much a site must be better for a job to wait for it, as a share.

    Attributes:
        params: the parameters as given, for reports.
        sites: the sites, in the order of their lowest hosts.
        site_of_job: site number of each job that was started.
    """

    name = "sites"

    def __init__(self, sites: Sequence[Site], max_wait: Mapping[int | None, float], min_gain: float = 0.0) -> None:
        self.params: dict[str, object] = {}
        self.sites = sorted(sites, key=lambda site: 0 if site.hosts is None else int(site.hosts[0]))
        self.site_of_job: dict[int, int] = {}
        self._max_wait = max_wait
        self._min_gain = min_gain
        self._waiting: list[Entry] = []
        self._running: list[list[Running]] = [[] for _ in self.sites]
        self._site_of: NDArray[np.int64] | None = None
        self._sizes: list[int] = []

    def decide(self, view: View, actions: Actions) -> None:
        """Take one round of decisions; see the module."""
        if self._site_of is None:
            self._site_of = site_numbers(self.sites, view.n_hosts)
            self._sizes = np.bincount(self._site_of, minlength=len(self.sites)).tolist()
        self._take_ended(view)
        if view.ends_moved:
            self._look_again(view)
        self._take_submitted(view, actions)
        if not self._waiting or not view.n_free:
            return
        self._check_covered(view.now)
        room = Room(view.now, view.free_hosts, self._site_of, self._running)
        self._waiting = self._left(room, view, actions)

    def _take_ended(self, view: View) -> None:
        """Forget the jobs that ended."""
        ended = set(view.ended)
        for k in {self.site_of_job[number] for number in ended}:
            self._running[k] = [job for job in self._running[k] if job.number not in ended]

    def _look_again(self, view: View) -> None:
        """Read the expected ends of the running jobs again: a predictor moved some."""
        for k, running in enumerate(self._running):
            self._running[k] = sorted(replace(job, end_s=view.expected_end_of(job.number)) for job in running)

    def _take_submitted(self, view: View, actions: Actions) -> None:
        """Queue the new jobs, or reject them."""
        for number in view.submitted:
            hosts = view.hosts_of(number)
            if 0 < hosts <= max(self._sizes):
                self._waiting.append(Entry(number, hosts, view.estimate_of(number), int(view.jobs[number]["queue"])))
            else:
                actions.reject(number)

    def _check_covered(self, now_s: float) -> None:
        """Refuse to go on where a signal does not cover this date, though there be no choice to make."""
        for site in self.sites:
            if site.outlook is None:
                continue
            try:
                site.outlook.at(now_s)
            except SignalError as error:
                raise SignalError(f"policy 'sites', site '{site.name}', at {now_s} s: {error}") from None

    def _left(self, room: Room, view: View, actions: Actions) -> list[Entry]:
        """Start jobs, and return those that go on waiting."""
        left: list[Entry] = []
        for place, job in enumerate(self._waiting):
            if not any(room.n_free):
                return left + self._waiting[place:]
            if not self._serve(job, room, view, actions):
                left.append(job)
        return left

    def _serve(self, job: Entry, room: Room, view: View, actions: Actions) -> bool:
        """Start a job where that is best, or let a site keep hosts for it; return whether it started."""
        sites = [k for k in range(len(self.sites)) if room.may_start(k, job)]
        if not sites:
            self._keep_first(job, room)
            return False
        now_s = view.now
        value, best = min((self._mean(k, now_s, now_s, job), k) for k in sites) if len(sites) > 1 else (None, sites[0])
        if self._may_wait(job) and self._waits(job, best, value, room, now_s, actions):
            return False
        walltime_s = view.walltime_of(job.number)
        last_s = now_s + walltime_s if walltime_s >= 0 else math.inf
        actions.start(job.number, room.take(best, job, last_s))
        self.site_of_job[job.number] = best
        return True

    def _mean(self, site: int, now_s: float, start_s: float, job: Entry) -> float:
        """Return the forecast mean of a site's signal while a job runs there."""
        outlook = self.sites[site].outlook
        if outlook is None:
            return 0.0
        try:
            return outlook.mean(now_s, start_s, job.estimate_s)
        except SignalError as error:
            raise SignalError(f"policy 'sites', site '{self.sites[site].name}', at {now_s} s: {error}") from None

    def _others(self, job: Entry, room: Room) -> list[tuple[int, Reservation]]:
        """Return the sites that keep hosts for nobody, where a job could start later."""
        return [
            (k, room.reservation(k, job))
            for k, size in enumerate(self._sizes)
            if room.reserved[k] is None and room.n_free[k] < job.hosts <= size
        ]

    def _keep_first(self, job: Entry, room: Room) -> None:
        """Let the site where a job can start first keep hosts for it."""
        others = self._others(job, room)
        if others:
            site, kept = min(others, key=lambda other: (other[1].shadow_s, other[0]))
            room.reserved[site] = kept

    def _may_wait(self, job: Entry) -> float:
        """Return how long a job may wait for a better site, s."""
        most_s = self._max_wait.get(job.queue)
        return self._max_wait.get(None, 0.0) if most_s is None else most_s

    def _waits(self, job: Entry, best: int, value: float | None, room: Room, now_s: float, actions: Actions) -> bool:
        """Let a better site keep hosts for a job that could start now, if there is one; return whether there is."""
        since_s = now_s if math.isnan(job.held_since_s) else job.held_since_s
        until_s = since_s + self._may_wait(job)
        if now_s >= until_s - _ROUNDING_S:
            return False
        others = [(k, kept) for k, kept in self._others(job, room) if kept.shadow_s <= until_s]
        if not others:
            return False
        here = self._mean(best, now_s, now_s, job) if value is None else value
        found = [(self._mean(k, now_s, kept.shadow_s, job), kept.shadow_s, k, kept) for k, kept in others]
        there, _, site, kept = min(found, key=lambda other: other[:3])
        if not there < here - self._min_gain * abs(here):
            return False
        room.reserved[site] = kept
        job.held_since_s = since_s
        if kept.last_s > until_s and not job.called:
            # Jobs may outlive what a predictor expects of them, and then nothing happens by then.
            actions.wake_me_at(round(until_s, 6))
            job.called = True
        return True
