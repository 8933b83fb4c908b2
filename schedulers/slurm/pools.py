"""A live Slurm as machines that share no node, with the work on each; what does not fit is left out by name."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from wattq.errors import SlurmError
from wattq.schedulers.slurm.jobs import Job, Node, Snapshot
from wattq.schedulers.slurm.words import node_names

__all__ = ["UNITS", "LeftOut", "Pool", "Task", "nodes_in", "pools_of", "remaining_s"]

UNITS = ("auto", "node", "core")
"""What a job is given: whole nodes, cores of any nodes, or whichever of both the queue uses."""
_LEAST_S = 60.0
_MOST_TASKS = 20_000
_MOST_CORES = 50_000


@dataclass(frozen=True)
class Task:
    """What is simulated: a job, a task of an array, or a heterogeneous job as a whole.

    Attributes:
        job: the record of the queue that it comes from.
        label: what it is called.
        hosts: nodes or cores that it takes.
        begin_s: date from which it may start, Unix s; of a running one, its start.
        limit_s: time limit, s; infinite without one.
    """

    job: Job
    label: str
    hosts: int
    begin_s: float
    limit_s: float


@dataclass(frozen=True)
class LeftOut:
    """What is not simulated, and why.

    Attributes:
        what: the job, node or reservation.
        why: the reason.
    """

    what: str
    why: str


@dataclass(frozen=True)
class Pool:
    """Nodes that share partitions, and the work on them.

    Attributes:
        partitions: their partitions.
        nodes: the nodes that jobs can start on.
        unit: ``node`` or ``core``.
        hosts: how many there are.
        running: tasks on them.
        waiting: tasks that wait for them, in Slurm's order of priorities.
        left_out: what of them is not simulated.
    """

    partitions: tuple[str, ...]
    nodes: tuple[Node, ...]
    unit: str
    hosts: int
    running: tuple[Task, ...]
    waiting: tuple[Task, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def name(self) -> str:
        """The names of its partitions."""
        return "+".join(self.partitions)


def pools_of(snapshot: Snapshot, unit: str = "auto") -> tuple[tuple[Pool, ...], tuple[LeftOut, ...]]:
    """Return the machines of a Slurm, and what belongs to none of them.

    Nodes whose partitions share a node are one machine, on which any of its jobs may run.

    Raises:
        SlurmError: a list of nodes cannot be understood, or the unit is unknown.
    """
    if unit not in UNITS:
        raise SlurmError(f"unit '{unit}' is none of {', '.join(UNITS)}; take one of them")
    reserved = _reserved(snapshot)
    usable = [node for node in snapshot.nodes if node.usable and node.name not in reserved]
    left = [_lost(node, reserved) for node in snapshot.nodes if node not in usable]
    groups = _groups(usable)
    jobs: dict[int, list[Job]] = defaultdict(list)
    for job in snapshot.jobs:
        place = next((k for k, (names, _) in enumerate(groups) if names & set(job.partitions)), None)
        if place is None and (job.waits or job.runs):
            left.append(LeftOut(f"job {job.label}", "no node of its partition takes jobs now"))
        elif place is not None:
            jobs[place].append(job)
    pools = [
        _pool(tuple(sorted(names)), tuple(nodes), jobs[k], snapshot, unit) for k, (names, nodes) in enumerate(groups)
    ]
    later = [LeftOut(f"reservation {r.name}", "it has not begun") for r in snapshot.reservations if not r.active]
    return tuple(pools), (*left, *later)


def _reserved(snapshot: Snapshot) -> Mapping[str, str]:
    """Return the reservation of each node that is in one now."""
    return {name: r.name for r in snapshot.reservations if r.active for name in nodes_in(r.node_list)}


def nodes_in(text: str) -> tuple[str, ...]:
    """Return the names in a list of nodes.

    Raises:
        SlurmError: it cannot be understood.
    """
    try:
        return node_names(text)
    except ValueError:
        raise SlurmError(
            f"list of nodes '{text[:80]}' cannot be understood; try `scontrol show hostnames` on it"
        ) from None


def _lost(node: Node, reserved: Mapping[str, str]) -> LeftOut:
    if node.name in reserved:
        return LeftOut(f"node {node.name}", f"in reservation {reserved[node.name]}")
    return LeftOut(f"node {node.name}", node.state + node.flags if node.partitions else "its partitions are down")


def _groups(nodes: Sequence[Node]) -> list[tuple[set[str], list[Node]]]:
    """Return partitions and nodes that hang together."""
    groups: list[tuple[set[str], list[Node]]] = []
    for node in nodes:
        names, members = set(node.partitions), [node]
        for group in [group for group in groups if group[0] & names]:
            groups.remove(group)
            names |= group[0]
            members = [*group[1], *members]
        groups.append((names, members))
    return groups


class _Sorting:
    """Sorts the jobs of a pool into running, waiting and left out."""

    def __init__(self, nodes: Sequence[Node], snapshot: Snapshot, unit: str, jobs: Sequence[Job]) -> None:
        self.now_s = snapshot.now_s
        self.cpus = {node.name: node.cpus for node in nodes}
        self.cores = sum(self.cpus.values())
        # Of waiting jobs nobody knows the nodes: they are taken to be of the commonest kind.
        self.usual = Counter(self.cpus.values()).most_common(1)[0][0]
        self.partition_s = max(node.max_s for node in nodes)
        self.unit = self._unit(unit, jobs)
        self.hosts = len(nodes) if self.unit == "node" else self.cores
        self.left: list[LeftOut] = []

    def _unit(self, unit: str, jobs: Sequence[Job]) -> str:
        if unit != "auto":
            return unit
        whole = all(job.exclusive or job.cpus >= job.nodes * self.usual for job in jobs if job.waits or job.runs)
        return "node" if whole or self.cores > _MOST_CORES else "core"

    def drop(self, job: Job, why: str) -> None:
        self.left.append(LeftOut(f"job {job.label}", why))

    def limit_s(self, job: Job) -> float:
        return min(job.limit_s, self.partition_s)

    def running(self, job: Job) -> Task | None:
        """Return a running job with the hosts that it has here."""
        names = [name for name in nodes_in(job.node_list) if name in self.cpus]
        if not names or job.start_s is None:
            self.drop(job, "its nodes take no jobs now")
            return None
        whole = sum(self.cpus[name] for name in names)
        hosts = len(names) if self.unit == "node" else (whole if job.exclusive else min(job.cpus, whole))
        return Task(job, job.label, hosts, job.start_s, self.limit_s(job))

    def waiting(self, job: Job) -> list[Task]:
        """Return what waits under a record of the queue; nothing, with a reason, for what cannot be simulated."""
        hosts = job.nodes if self.unit == "node" else max(job.cpus, job.nodes * self.usual if job.exclusive else 1)
        why = self._why_not(job, hosts)
        if why:
            self.drop(job, why)
            return []
        begin_s = self.now_s if job.eligible_s is None else max(job.eligible_s, self.now_s)
        task = Task(job, job.label, hosts, begin_s, self.limit_s(job))
        if len(job.tasks) < 2:
            return [task]
        array = job.label.partition("_")[0]
        return [replace(task, label=f"{array}_{number}") for number in job.tasks]

    def _why_not(self, job: Job, hosts: int) -> str:
        if job.held:
            return "held by its user or an administrator"
        if job.dependency and job.eligible_s is None:
            return f"waits for other jobs ({job.dependency})"
        if job.reservation:
            return f"waits for reservation {job.reservation}"
        if job.licenses:
            return f"asks for licences ({job.licenses})"
        if hosts > self.hosts:
            return f"asks for {hosts} {self.unit}s, {self.hosts} take jobs now"
        return ""


def _pool(names: tuple[str, ...], nodes: tuple[Node, ...], jobs: list[Job], snapshot: Snapshot, unit: str) -> Pool:
    whole = _whole(jobs)
    sort = _Sorting(nodes, snapshot, unit, whole)
    running, free = [], sort.hosts
    for job in whole:
        if job.state == "SUSPENDED":
            sort.drop(job, "it is suspended")
    for job in whole:
        task = sort.running(job) if job.runs else None
        if task is not None and task.hosts <= free:
            free -= task.hosts
            running.append(task)
        elif task is not None:
            sort.drop(job, f"shares its {sort.unit}s with other jobs")
    waiting: list[Task] = []
    for job in sorted((job for job in whole if job.waits), key=lambda job: (-job.priority, job.number)):
        tasks = sort.waiting(job)
        room = max(_MOST_TASKS - len(waiting), 0)
        if len(tasks) > room:
            sort.drop(job, f"{len(tasks) - room} of its tasks are beyond the first {_MOST_TASKS} of the queue")
        waiting.extend(tasks[:room])
    return Pool(names, nodes, sort.unit, sort.hosts, tuple(running), tuple(waiting), tuple(sort.left))


def _whole(jobs: Sequence[Job]) -> list[Job]:
    """Return the jobs with the parts of heterogeneous ones put together, which start together."""
    parts: dict[tuple[int, bool], list[Job]] = defaultdict(list)
    found: list[Job] = []
    for job in jobs:
        if job.het:
            parts[job.het, job.waits].append(job)
        else:
            found.append(job)
    return [*found, *(_joined(group) for group in parts.values())]


def _joined(group: list[Job]) -> Job:
    first = group[0]
    dates = [job.eligible_s for job in group]
    return replace(
        first,
        label=str(first.het),
        nodes=sum(job.nodes for job in group),
        cpus=sum(job.cpus for job in group),
        node_list=",".join(job.node_list for job in group if job.node_list),
        limit_s=max(job.limit_s for job in group),
        eligible_s=None if None in dates else max(date for date in dates if date is not None),
    )


def remaining_s(task: Task, now_s: float, unlimited_s: float) -> float:
    """Return how long a running task may go on, s; one without a limit runs for `unlimited_s` in all."""
    limit_s = unlimited_s if math.isinf(task.limit_s) else task.limit_s
    return max(task.begin_s + limit_s - now_s, _LEAST_S)
