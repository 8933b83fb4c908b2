"""Classes of service: priorities, limits and preemption, with EASY backfilling behind them.

A job belongs to a class (see `table`). Jobs are ordered by the ``Priority`` of their class; within equal priority the
users who were charged least come first (what was charged ``half_life`` seconds ago counts half), and then the order of
submission. A class charges host-seconds times its ``UsageFactor``, when a job ends.

One round, with the jobs in this order:

1. A job that a limit of its class holds back is passed over; it keeps nobody else from starting.
2. The first others start while they fit. The first one that does not fit is the *head*.
3. If running jobs of classes that the head's class preempts suffice to make room, they are killed: those of the lowest
   priority first, among them those started last, and none that is not needed. Their hosts come back with the report of
   their ends, and until then no other job can take what the head needs.
4. The head gets EASY's reservation (see `wattq.schedulers.easy`), for which killed jobs end now; later jobs that no
   limit holds back start if that does not delay the head.

A job is rejected at submission if it is larger than the machine, breaks a limit of its class on its own, or would be
one job too many for ``MaxSubmitJobsPerUser`` or ``GrpSubmitJobs``: all classes behave as with Slurm's flag
DenyOnLimit, since a job that can never start would wait for ever. So is a job whose class has used up ``GrpTRESMins``.
A job without walltime breaks ``MaxWall`` and ``GrpTRESMins``.

Sources: SchedMD, Slurm's QOS and preemption guides (names and meaning of limits; ``PreemptType=preempt/qos``) and
multifactor priority plugin (usage factor, half-life); D. Lifka, The ANL/IBM SP scheduling system, JSSPP 1995.
"""

from __future__ import annotations

import math
from bisect import insort
from collections import defaultdict
from collections.abc import Callable

from wattq.schedulers.qos.book import Book, Entry
from wattq.schedulers.qos.table import QosTable
from wattq.simulator.interface import Actions, View

__all__ = ["Qos"]

_MOST_DOUBLINGS = 500.0


class Qos:
    """The policy; one object plays one run.

    Args:
        classes: the table of classes.
        within: what comes first among jobs of equal priority: ``usage`` (least charged users), or ``fcfs``.
        half_life: s after which what was charged counts half; 0: it never fades.

    Attributes:
        params: the parameters as given, for reports.
    """

    name = "qos"

    def __init__(self, classes: QosTable, within: str, half_life: float) -> None:
        self.params: dict[str, object] = {}
        self._table = classes
        self._by_usage = within == "usage"
        self._half_life = half_life
        self._book = Book()
        self._waiting: list[Entry] = []
        self._running: dict[int, Entry] = {}
        self._charged: defaultdict[int, float] = defaultdict(float)
        self._epoch_s = 0.0
        self._n_seen = 0
        self._key: Callable[[Entry], tuple[float, float, int]] = self._rank

    def decide(self, view: View, actions: Actions) -> None:
        """Take one round of decisions; see the module."""
        self._take_ended(view, actions)
        self._take_submitted(view, actions)
        at, free = self._start_first(view, actions)
        if at < len(self._waiting):
            head = self._waiting[at]
            self._preempt(head, free, actions)
            if free > 0:
                self._backfill(head, at, free, view, actions)

    def _rank(self, job: Entry) -> tuple[float, float, int]:
        """Return the sort key of a waiting job."""
        return -job.qos.priority, self._charged[job.user] if self._by_usage else 0.0, job.seq

    def _take_ended(self, view: View, actions: Actions) -> None:
        """Take note of the jobs that ended."""
        ended = [self._running.pop(number) for number in view.ended]
        for job in ended:
            self._charge(job.user, self._book.end(job, view.now - job.start_s), view.now)
        if ended and self._by_usage:
            self._waiting.sort(key=self._key)
        if any(job.qos.grp_node_mins is not None for job in ended):
            for job in [job for job in self._waiting if self._book.is_exhausted(job)]:
                self._book.enter(job, -1)
                self._waiting.remove(job)
                actions.reject(job.number)

    def _charge(self, user: int, host_s: float, now_s: float) -> None:
        """Charge a user. Charges fade alike, so that it is enough to let later ones count more."""
        if self._half_life <= 0.0:
            self._charged[user] += host_s
            return
        doublings = (now_s - self._epoch_s) / self._half_life
        if doublings > _MOST_DOUBLINGS:
            # Before later charges outgrow a floating-point number, count from now on.
            for other in self._charged:
                self._charged[other] *= 0.5 ** min(doublings, 2000.0)
            self._epoch_s, doublings = now_s, 0.0
        self._charged[user] += host_s * 2.0**doublings

    def _take_submitted(self, view: View, actions: Actions) -> None:
        """Queue the new jobs, or reject them."""
        for number in view.submitted:
            job = self._entry(number, view)
            if not 0 < job.hosts <= view.n_hosts or not self._book.admits(job):
                actions.reject(number)
                continue
            self._book.enter(job)
            insort(self._waiting, job, key=self._key)

    def _entry(self, number: int, view: View) -> Entry:
        """Return a new job with its class."""
        row = view.jobs[number]
        hosts, user, walltime_s = int(row["hosts"]), int(row["user"]), float(row["walltime_s"])
        if walltime_s < 0.0:
            walltime_s = math.inf
        name = self._table.class_of(hosts, walltime_s, user, int(row["group"]), int(row["queue"]))
        self._n_seen += 1
        qos, estimate_s = self._table.classes[name], float(row["estimate_s"])
        return Entry(number, self._n_seen, hosts, estimate_s, walltime_s, user, name, qos)

    def _start_first(self, view: View, actions: Actions) -> tuple[int, int]:
        """Start jobs in order while they fit; return the place of the head and the number of free hosts."""
        free, at, started = view.n_free, len(self._waiting), False
        for place, job in enumerate(self._waiting):
            if self._book.holds_back(job):
                continue
            if job.hosts > free:
                at = place
                break
            free -= self._start(job, view.now, actions)
            started = True
        if started:
            self._waiting[:at] = kept = [job for job in self._waiting[:at] if math.isnan(job.start_s)]
            at = len(kept)
        return at, free

    def _start(self, job: Entry, now_s: float, actions: Actions) -> int:
        """Start a job and return how many hosts it takes."""
        job.start_s = now_s
        self._running[job.number] = job
        self._book.start(job)
        actions.start(job.number)
        return job.hosts

    def _preempt(self, head: Entry, free: int, actions: Actions) -> None:
        """Kill running jobs for the head, if enough of them may be killed."""
        if not head.qos.preempt:
            return
        lacking = head.hosts - free - sum(job.hosts for job in self._running.values() if job.dying)
        victims: list[Entry] = []
        may = [job for job in self._running.values() if job.name in head.qos.preempt and not job.dying]
        for job in sorted(may, key=lambda job: (job.qos.priority, -job.start_s, -job.seq)):
            if lacking <= 0:
                break
            victims.append(job)
            lacking -= job.hosts
        if lacking > 0:
            return
        for job in reversed(victims):
            if job.hosts <= -lacking:
                lacking += job.hosts
                continue
            job.dying = True
            actions.kill(job.number)

    def _reserve(self, head: Entry, free: int, view: View) -> tuple[float, int]:
        """Return the shadow time of the head, and how many hosts it leaves over then."""
        now_s, shadow_s, extra = view.now, view.now, free - head.hosts
        extra += sum(job.hosts for job in self._running.values() if job.dying)
        for number in view.running.tolist():
            job = self._running[number]
            if job.dying:
                continue
            end_s = max(view.expected_end_of(number), now_s)
            if extra >= 0 and end_s > shadow_s:
                break
            shadow_s, extra = end_s, extra + job.hosts
        return (shadow_s, extra) if extra >= 0 else (math.inf, 0)

    def _backfill(self, head: Entry, at: int, free: int, view: View, actions: Actions) -> None:
        """Start later jobs that do not delay the head."""
        now_s, started = view.now, False
        shadow_s = -math.inf
        for job in self._waiting[at + 1 :]:
            if job.hosts > free or self._book.holds_back(job):
                continue
            if shadow_s == -math.inf:
                shadow_s, extra = self._reserve(head, free, view)
            in_time = job.estimate_s < math.inf and now_s + job.estimate_s <= shadow_s
            if not in_time and job.hosts > extra:
                continue
            extra -= 0 if in_time else job.hosts
            free -= self._start(job, now_s, actions)
            started = True
            if free == 0:
                break
        if started:
            self._waiting = [job for job in self._waiting if math.isnan(job.start_s)]
