"""Jobs and nodes as a live Slurm tells of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["RUNNING", "Job", "Node", "Reservation", "Snapshot"]

RUNNING = frozenset({"RUNNING", "COMPLETING", "CONFIGURING", "STAGE_OUT", "SIGNALING", "STOPPED", "RESIZING"})
"""States in which a job keeps its nodes."""
_USABLE = frozenset({"idle", "mixed", "allocated", "planned", "completing", "powered_down", "powering_up"})


@dataclass(frozen=True)
class Job:
    """A record of the queue: a job, a task of an array, the waiting tasks of one, or a part of a heterogeneous job.

    Attributes:
        number: Slurm's number of the record.
        label: name that users know and commands take: ``17``, ``17_3``, ``17_[4-9]``, ``8+1``.
        state: Slurm's word, such as PENDING or RUNNING.
        reason: why it waits, in Slurm's word.
        priority: as Slurm counts; 0 for a job that is held.
        submit_s: date of submission, Unix s.
        eligible_s: date from which it may start, Unix s; None where it has none yet (held, or waiting for other jobs).
        start_s: start, or of a waiting job the expected one, Unix s; None where unknown.
        limit_s: time limit, s; infinite without one.
        nodes: number of nodes, or the least number asked for.
        cpus: CPUs, or the least number asked for.
        node_list: nodes of a running job, as Slurm writes them.
        partitions: those that it may run in.
        user: name of the user.
        account: account, empty where there is none.
        qos: quality of service, empty where there is none.
        exclusive: whether it takes whole nodes.
        dependency: what it waits for, in Slurm's words.
        reservation: reservation that it runs in.
        licenses: licences that it asks for.
        comment: what the user wrote.
        name: what the user calls it.
        tasks: waiting tasks of an array, in their order; empty for all else.
        throttle: most tasks of the array that run at once; 0: all.
        het: number of the heterogeneous job that it is a part of, 0 for all else.
    """

    number: int
    label: str
    state: str
    reason: str = ""
    priority: float = 1.0
    submit_s: float = 0.0
    eligible_s: float | None = None
    start_s: float | None = None
    limit_s: float = math.inf
    nodes: int = 1
    cpus: int = 1
    node_list: str = ""
    partitions: tuple[str, ...] = ()
    user: str = ""
    account: str = ""
    qos: str = ""
    exclusive: bool = False
    dependency: str = ""
    reservation: str = ""
    licenses: str = ""
    comment: str = ""
    name: str = ""
    tasks: tuple[int, ...] = ()
    throttle: int = 0
    het: int = 0

    @property
    def over(self) -> bool:
        """Whether it has ended; Slurm tells of such jobs for some minutes more."""
        return not (self.waits or self.runs or self.state == "SUSPENDED")

    @property
    def waits(self) -> bool:
        """Whether it is in the queue."""
        return self.state == "PENDING"

    @property
    def runs(self) -> bool:
        """Whether it keeps nodes."""
        return self.state in RUNNING

    @property
    def held(self) -> bool:
        """Whether a user or an administrator holds it."""
        return self.waits and (self.priority == 0 or self.reason.startswith("JobHeld"))

    @property
    def key(self) -> str:
        """What tells it from any other job, also from one that gets the same number later.

        The waiting tasks of an array keep it while some of them start.
        """
        return f"{self.number}@{self.submit_s:.0f}"

    @property
    def target(self) -> str:
        """What `scontrol update` is to change: the job, or the waiting tasks of an array."""
        return self.label.partition("%")[0] + "]" if "%" in self.label else self.label


@dataclass(frozen=True)
class Node:
    """A node.

    Attributes:
        name: its name.
        state: Slurm's word in full, such as ``idle``, ``mixed``, ``drained``; without flags.
        flags: signs behind it: ``*`` does not answer, ``~`` is powered down, ...
        cpus: CPUs.
        partitions: partitions that it is in and that are up.
        max_s: longest time limit of these partitions, s.
    """

    name: str
    state: str
    flags: str = ""
    cpus: int = 1
    partitions: tuple[str, ...] = ()
    max_s: float = math.inf

    @property
    def usable(self) -> bool:
        """Whether jobs can start on it, now or when those on it end."""
        return self.state in _USABLE and not set("*$@!%") & set(self.flags) and bool(self.partitions)


@dataclass(frozen=True)
class Reservation:
    """A reservation of nodes.

    Attributes:
        name: its name.
        start_s: begin, Unix s.
        end_s: end, Unix s.
        node_list: its nodes, as Slurm writes them.
        active: whether it has begun.
    """

    name: str
    start_s: float
    end_s: float
    node_list: str
    active: bool


@dataclass(frozen=True)
class Snapshot:
    """A Slurm at one moment.

    Attributes:
        now_s: the moment, Unix s.
        jobs: what is in the queue, in Slurm's order of numbers.
        nodes: nodes by name.
        reservations: reservations.
        notes: what could not be read as wished.
    """

    now_s: float
    jobs: tuple[Job, ...]
    nodes: tuple[Node, ...]
    reservations: tuple[Reservation, ...] = ()
    notes: tuple[str, ...] = ()
