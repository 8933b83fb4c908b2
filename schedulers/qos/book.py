"""What runs and what was used, by class and user, held against the limits of the classes."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field

from wattq.schedulers.qos.table import QosClass

__all__ = ["Book", "Entry"]


@dataclass(slots=True, eq=False)
class Entry:
    """A job that waits or runs.

    Attributes:
        number: its number.
        seq: its place in the order of submission.
        hosts: hosts asked for.
        estimate_s: expected run time, s; infinity when unknown.
        walltime_s: the run time that limits hold against, s; infinity without a walltime.
        user: -1 where unknown; all such jobs count as one user's.
        name: its class.
        qos: the rules of the class.
        start_s: start, once it runs.
        dying: whether it was killed and its end is not reported yet.
    """

    number: int
    seq: int
    hosts: int
    estimate_s: float
    walltime_s: float
    user: int
    name: str
    qos: QosClass
    start_s: float = math.nan
    dying: bool = False

    @property
    def node_mins(self) -> float:
        """Host-minutes that the job may use, charged."""
        return self.hosts * self.walltime_s / 60.0 * self.qos.usage_factor if self.qos.usage_factor else 0.0


@dataclass
class _Count:
    """Jobs and hosts that run, and jobs that wait or run."""

    jobs: int = 0
    hosts: int = 0
    known: int = 0


@dataclass
class _Use:
    """Host-minutes of a class, charged: used, and set aside for running jobs."""

    used: float = 0.0
    aside: float = 0.0


@dataclass
class Book:
    """Counts of one run."""

    _of_user: dict[tuple[str, int], _Count] = field(default_factory=lambda: defaultdict(_Count))
    _of_class: dict[str, _Count] = field(default_factory=lambda: defaultdict(_Count))
    _use: dict[str, _Use] = field(default_factory=lambda: defaultdict(_Use))

    def admits(self, job: Entry) -> bool:
        """Return whether a new job may wait: it conforms to the limits on its own, and not too many are known."""
        q = job.qos
        user, group = self._of_user[job.name, job.user], self._of_class[job.name]
        most_nodes = min(n for n in (q.max_nodes_job, q.max_nodes_user, q.grp_nodes, math.inf) if n is not None)
        return (
            (q.min_nodes_job or 0) <= job.hosts <= most_nodes
            and job.walltime_s <= (q.max_wall_s or math.inf)
            and user.known < (q.max_submit_user or math.inf)
            and group.known < (q.grp_submit or math.inf)
            and not self.is_exhausted(job)
        )

    def is_exhausted(self, job: Entry) -> bool:
        """Return whether what its class may still use will never suffice for a job."""
        limit = job.qos.grp_node_mins
        return limit is not None and not self._use[job.name].used + job.node_mins <= limit

    def holds_back(self, job: Entry) -> bool:
        """Return whether a limit forbids a waiting job to start now."""
        q = job.qos
        group = self._of_class[job.name]
        if q.max_jobs_user is not None or q.max_nodes_user is not None:
            user = self._of_user[job.name, job.user]
            if q.max_jobs_user is not None and user.jobs >= q.max_jobs_user:
                return True
            if q.max_nodes_user is not None and user.hosts + job.hosts > q.max_nodes_user:
                return True
        if q.grp_jobs is not None and group.jobs >= q.grp_jobs:
            return True
        if q.grp_nodes is not None and group.hosts + job.hosts > q.grp_nodes:
            return True
        use = self._use[job.name]
        return q.grp_node_mins is not None and use.used + use.aside + job.node_mins > q.grp_node_mins

    def enter(self, job: Entry, n: int = 1) -> None:
        """Count a job that waits; with -1 forget one that leaves."""
        for count in self._counts(job):
            count.known += n

    def start(self, job: Entry) -> None:
        """Count a job that starts."""
        self._run(job, 1)
        if job.qos.grp_node_mins is not None:
            self._use[job.name].aside += job.node_mins

    def end(self, job: Entry, used_s: float) -> float:
        """Take note of the end of a running job; return the host-seconds that it is charged."""
        self._run(job, -1)
        self.enter(job, -1)
        charged = job.hosts * used_s * job.qos.usage_factor
        if job.qos.grp_node_mins is not None:
            use = self._use[job.name]
            use.used += charged / 60.0
            # Sums of floating-point numbers leave a rest, which could hold back the last job for ever.
            use.aside = use.aside - job.node_mins if self._of_class[job.name].jobs else 0.0
        return charged

    def _run(self, job: Entry, n: int) -> None:
        for count in self._counts(job):
            count.jobs += n
            count.hosts += n * job.hosts

    def _counts(self, job: Entry) -> tuple[_Count, _Count]:
        return self._of_user[job.name, job.user], self._of_class[job.name]
