"""Profiles as a table of nodes that the kernel walks through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import UnsupportedError, WorkloadError
from wattq.simulator import kernel_records as r
from wattq.simulator import layout as c
from wattq.simulator.room import grown
from wattq.workloads.model import Profile, Workload

__all__ = ["ProfileNodes", "refuse_communication"]


# Profiles that one number describes: its key, and the kind of node.
_AMOUNTS = {
    "delay": ("delay", c.N_DELAY),
    "parallel_homogeneous": ("cpu", c.N_HOMOGENEOUS),
    "parallel_homogeneous_total": ("cpu", c.N_TOTAL),
}


class ProfileNodes:
    """Collects the profiles of the workloads of a simulation.

    Attributes:
        names: name of the profile of each node.
        max_depth: deepest nesting of composed profiles.
        max_ranks: largest number of ranks of a usage trace.
        has_trace: whether a usage trace is among them (its ranks share hosts).
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.max_depth = 1
        self.max_ranks = 0
        self.has_trace = False
        self._ranges: list[tuple[str, int, int]] = []
        self._by_name: dict[tuple[str, str], int] = {}
        self._total: set[int] = set()
        self._n_written = 0
        self._parts: list[NDArray[np.void]] = []
        self._children: list[int] = []
        self._amounts: list[float] = []

    def add_workload(self, workload: Workload) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Add the profiles of a workload.

        Returns:
            Per profile, the node that stands for it, and whether jobs with it may be given another number of
            hosts than they asked for (batsim-semantics.md, 1.4).

        Raises:
            UnsupportedError: a profile communicates between hosts.
            WorkloadError: a composed profile names a profile that is not there.
        """
        first = len(self.names)
        roots, total_only = self._add_all(workload)
        self._ranges.append((workload.name, first, len(self.names)))
        self._total.update(roots[total_only != 0].tolist())
        return roots, total_only

    def _add_all(self, workload: Workload) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Add the profiles of a workload in the way that suits them."""
        if all(profile.type in _AMOUNTS for profile in workload.profiles):
            return self._add_simple(workload)
        by_name = {profile.name: profile for profile in workload.profiles}
        done: dict[str, tuple[int, int]] = {}
        hosts = _largest_request(workload)
        roots = np.zeros(len(workload.profiles), dtype=np.int64)
        total_only = np.zeros(len(workload.profiles), dtype=np.int64)
        _check_vectors(workload)
        for number, profile in enumerate(workload.profiles):
            roots[number], depth = self._add(profile, by_name, done, workload.name, hosts[number])
            self.max_depth = max(self.max_depth, depth)
            total_only[number] = _only_total(profile, by_name)
        return roots, total_only

    def _add_simple(self, workload: Workload) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Add profiles of which each is one node, as in a workload made from a log."""
        profiles = workload.profiles
        first = len(self.names)
        described = [profile.description for profile in profiles]
        if any(d.get("com") for d in described):
            for profile, hosts in zip(profiles, _largest_request(workload).tolist(), strict=True):
                refuse_communication(profile, workload.name, hosts)
        types = [profile.type for profile in profiles]
        kinds = np.array([_AMOUNTS[name][1] for name in types], dtype=np.int64)
        nodes = np.zeros(len(profiles), dtype=r.node_t)
        nodes["amount"] = [d[_AMOUNTS[name][0]] for name, d in zip(types, described, strict=True)]
        nodes["kind"] = kinds
        nodes["repeat"] = 1
        nodes["code"] = [d.get("ret", 0) for d in described]
        self._parts.append(nodes)
        self.names.extend([profile.name for profile in profiles])
        return np.arange(first, len(self.names)), (kinds == c.N_TOTAL).astype(np.int64)

    def _add(
        self, profile: Profile, by_name: Mapping[str, Profile], done: dict[str, tuple[int, int]], place: str, hosts: int
    ) -> tuple[int, int]:
        """Add one profile and those it is made of; return its node and depth."""
        if profile.name in done:
            return done[profile.name]
        description = profile.description
        code = int(description.get("ret", 0))
        depth = 1
        if profile.type == "composed":
            parts = []
            for name in description["seq"]:
                if name not in by_name:
                    raise WorkloadError(
                        f"workload {place}: composed profile '{profile.name}' names '{name}', which does not exist; "
                        "add that profile"
                    )
                node, below = self._add(by_name[name], by_name, done, place, hosts)
                parts.append(node)
                depth = max(depth, below + 1)
            first = len(self._children)
            self._children.extend(parts)
            row = (0.0, c.N_COMPOSED, first, len(parts), int(description.get("repeat", 1)), code)
        else:
            row = self._leaf(profile, place, hosts, code)
        self._parts.append(np.array([(*row, 0)], dtype=r.node_t))
        self.names.append(profile.name)
        done[profile.name] = (len(self.names) - 1, depth)
        return done[profile.name]

    def _leaf(self, profile: Profile, place: str, hosts: int, code: int) -> tuple[float, int, int, int, int, int]:
        """Return the node of a profile that is not composed."""
        d = profile.description
        if profile.type == "delay":
            return (float(d["delay"]), c.N_DELAY, 0, 0, 1, code)
        if profile.type == "usage_trace":
            return self._trace(profile, code)
        if profile.type not in ("parallel", "parallel_homogeneous", "parallel_homogeneous_total"):
            raise UnsupportedError(
                f"workload {place}, profile '{profile.name}': type '{profile.type}' is not simulated; use delay, "
                "parallel, parallel_homogeneous, parallel_homogeneous_total, composed or usage_trace"
            )
        refuse_communication(profile, place, hosts)
        if profile.type == "parallel":
            first = len(self._amounts)
            self._amounts.extend(float(flops) for flops in d["cpu"])
            return (0.0, c.N_PARALLEL, first, len(d["cpu"]), 1, code)
        kind = c.N_HOMOGENEOUS if profile.type == "parallel_homogeneous" else c.N_TOTAL
        return (float(d["cpu"]), kind, 0, 0, 1, code)

    def _trace(self, profile: Profile, code: int) -> tuple[float, int, int, int, int, int]:
        """Return the node of a usage trace."""
        self.has_trace = True
        first = len(self._children)
        self.max_ranks = max(self.max_ranks, len(profile.trace))
        for lines in profile.trace:
            self._children.extend((len(self._amounts), len(lines)))
            for usage, flops in lines:
                self._amounts.extend((usage, flops))
        return (0.0, c.N_TRACE, first, len(profile.trace), 1, code)

    def arrays(self) -> tuple[NDArray[np.void], NDArray[np.int32], NDArray[np.float64]]:
        """Return nodes, children and amounts for the kernel."""
        nodes = np.concatenate(self._parts) if self.names else np.zeros(1, dtype=r.node_t)
        nodes["name"] = np.arange(len(nodes))
        self._n_written = len(self.names)
        children = np.array(self._children or [0], dtype=np.int32)
        return nodes, children, np.array(self._amounts or [0.0], dtype=np.float64)

    def has(self, workload: str, profile: str) -> bool:
        """Return whether a profile stands in the table."""
        return (workload, profile) in self._known()

    def node_of(self, job: Workload) -> tuple[int, bool]:
        """Return the node of a registered job, added when it is new, and whether only its total work counts."""
        (profile,) = job.profiles
        known = self._known()
        key = (job.name, profile.name)
        if key not in known:
            self._add(profile, {}, {}, job.name, int(job.hosts[0]))
            known[key] = len(self.names) - 1
        return known[key], known[key] in self._total or profile.type == "parallel_homogeneous_total"

    def _known(self) -> dict[tuple[str, str], int]:
        """Return the node of each profile by workload and name."""
        for workload, first, last in self._ranges:
            self._by_name.update(((workload, self.names[node]), node) for node in range(first, last))
        self._ranges.clear()
        return self._by_name

    def extend(self, s: c.Kernel) -> c.Kernel:
        """Return the kernel with the nodes that registered jobs added."""
        n_new = len(self.names) - self._n_written
        if n_new == 0:
            return s
        new = self._parts[-n_new:]  # each of one node
        nodes = grown(s.nodes, len(self.names))
        nodes[self._n_written : len(self.names)] = np.concatenate(new)
        nodes["name"][: len(self.names)] = np.arange(len(self.names))
        self._n_written = len(self.names)
        return s.replaced(nodes=nodes, amounts=np.array(self._amounts or [0.0], dtype=np.float64))


def refuse_communication(profile: Profile, place: str, hosts: int) -> None:
    """Refuse a profile whose bytes would travel; on a single host Batsim ignores them.

    Raises:
        UnsupportedError: bytes would travel.
    """
    com = profile.description.get("com", 0)
    amounts = com if isinstance(com, list) else [com]
    single = hosts <= 1 and profile.type != "parallel_homogeneous_total"
    if any(bytes_ > 0 for bytes_ in amounts) and not single:
        raise UnsupportedError(
            f"workload {place}, profile '{profile.name}', key 'com': communication between hosts is not "
            "simulated; set it to 0, or run real Batsim"
        )


def _largest_request(workload: Workload) -> NDArray[np.int64]:
    """Return, per profile, the largest number of hosts that a job with it asks for."""
    largest = np.zeros(len(workload.profiles), dtype=np.int64)
    if workload.n_jobs:
        np.maximum.at(largest, workload.profile, workload.hosts)
    parts = {profile.name: number for number, profile in enumerate(workload.profiles)}
    for number, profile in reversed(list(enumerate(workload.profiles))):
        if profile.type == "composed":
            for name in profile.description["seq"]:
                if name in parts:
                    largest[parts[name]] = max(largest[parts[name]], largest[number])
    return largest


def _check_vectors(workload: Workload) -> None:
    """Refuse a job that asks for another number of hosts than its parallel profile describes, as Batsim does."""
    sizes = np.array([len(p.description["cpu"]) if p.type == "parallel" else -1 for p in workload.profiles])
    if workload.n_jobs == 0 or not (sizes >= 0).any():
        return
    described = sizes[workload.profile]
    wrong = np.flatnonzero((described >= 0) & (described != workload.hosts))
    if len(wrong):
        job = int(wrong[0])
        raise WorkloadError(
            f"workload {workload.name}, job '{workload.job_id[job]}': it asks for {workload.hosts[job]} hosts, but its "
            f"profile '{workload.profiles[workload.profile[job]].name}' describes {described[job]}; make them equal"
        )


def _only_total(profile: Profile, by_name: Mapping[str, Profile]) -> bool:
    """Return whether Batsim skips the size check: total profiles, and sequences made only of them."""
    if profile.type == "composed":
        parts: list[Any] = [by_name[name] for name in profile.description["seq"]]
        return all(part.type == "parallel_homogeneous_total" for part in parts)
    return profile.type == "parallel_homogeneous_total"
