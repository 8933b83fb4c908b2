"""From platform and workloads to the arrays of a simulation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import WorkloadError
from wattq.platforms.model import Platform
from wattq.simulator import codes as x
from wattq.simulator import kernel_records as r
from wattq.simulator import layout as c
from wattq.simulator.external import ExternalEvents
from wattq.simulator.new_ledger import host_classes, new_ledger
from wattq.simulator.profile_nodes import ProfileNodes
from wattq.simulator.room import link_free_actors, link_free_slots
from wattq.simulator.sensitive_jobs import check_sensitive
from wattq.workloads.model import Workload

__all__ = ["build"]


def _zeros(n: int, dtype: Any) -> NDArray[Any]:
    """Return a zeroed array of at least one element (numba needs the memory to exist)."""
    return np.zeros(max(n, 1), dtype=dtype)


def _hosts(platform: Platform, cls: NDArray[np.int64], pstates: NDArray[np.void]) -> dict[str, NDArray[Any]]:
    """Return the arrays of the hosts at date 0."""
    n = platform.n_hosts
    hosts = {f"h_{name}": _zeros(n, np.float64) for name in ("energy_j", "at_s", "power_w", "usage_flops", "since_s")}
    hosts |= {f"h_{name}": _zeros(n, np.int32) for name in ("state", "pstate", "cls", "cores", "n_jobs", "n_tasks")}
    hosts["h_pstate"][:n] = platform.initial_pstate
    hosts["h_cls"][:n] = cls
    hosts["h_cores"][:n] = platform.cores
    # SimGrid's energy count takes every host for being in state 0 until it is first updated.
    hosts["h_power_w"][:n] = pstates["idle_w"][cls, 0]
    return hosts


def _uniform(platform: Platform, pstates: NDArray[np.void]) -> bool:
    """Return whether all hosts are alike and in the same computing power state."""
    states = np.unique(platform.initial_pstate)
    alike = len(pstates) == 1 and len(states) == 1 and len(np.unique(platform.cores)) == 1
    return bool(alike and pstates["kind"][0, states[0]] == c.PS_COMPUTE)


def _links(platform: Platform) -> NDArray[np.float64]:
    """Return latency and rate of control messages from each host, and last from the master to itself."""
    transfer_s = platform.messages.transfer_s
    rate = np.divide(1.0, transfer_s, out=np.zeros(len(transfer_s)), where=transfer_s > 0.0)
    return np.ascontiguousarray(np.column_stack([platform.messages.latency_s, rate]))


def _jobs(workloads: Sequence[Workload], nodes: ProfileNodes) -> NDArray[np.void]:
    """Return the jobs of all workloads, one after the other."""
    jobs = _zeros(sum(w.n_jobs for w in workloads), r.job_t)
    at = 0
    for number, w in enumerate(workloads):
        part = jobs[at : at + w.n_jobs]
        part["submit_s"] = w.submit_s
        part["walltime_s"] = w.walltime_s
        part["hosts"] = w.hosts
        part["beta"] = w.beta
        roots, total_only = nodes.add_workload(w)
        part["node"] = roots[w.profile] if w.n_jobs else 0
        part["total_only"] = total_only[w.profile] if w.n_jobs else 0
        part["workload"] = number
        at += w.n_jobs
    jobs["return_code"] = -1
    jobs["actor"] = -1
    return jobs


def _id_ranks(workloads: Sequence[Workload]) -> NDArray[np.int64]:
    """Return the rank of each full id (``w0!7``) among all, by bytes (which is the order of code points)."""
    if len(workloads) == 1:
        ids = np.array(workloads[0].job_id)
    else:
        ids = np.array([f"{w.name}!{job_id}" for w in workloads for job_id in w.job_id])
    ranks = np.arange(len(ids))
    if not (ids[:-1] < ids[1:]).all():
        ranks[np.argsort(ids, kind="stable")] = np.arange(len(ids))
    return ranks


def _job_views(workloads: Sequence[Workload], jobs: NDArray[np.void]) -> NDArray[np.void]:
    """Return what a scheduler will know of the jobs."""
    views = np.zeros(len(jobs), dtype=c.job_view_t)
    for name in ("hosts", "beta"):
        views[name] = jobs[name]
    for name in ("submit_s", "walltime_s"):
        views[name] = np.rint(jobs[name] * 1e6) / 1e6  # as printed in a message
    views["walltime_s"][views["walltime_s"] <= 0.0] = -1.0
    views["estimate_s"] = np.where(views["walltime_s"] > 0.0, views["walltime_s"], np.inf)
    views["q_pos"] = -1
    if sum(w.n_jobs for w in workloads):
        views["id_rank"] = _id_ranks(workloads)
        for name in ("user", "group", "queue", "application"):
            views[name] = np.concatenate([getattr(w, name) for w in workloads])
    return views


def _submitters(workloads: Sequence[Workload], externals: ExternalEvents) -> NDArray[np.void]:
    """Return one submitter per workload, then one per file of external events."""
    sizes = [w.n_jobs for w in workloads]
    parts = [(x.SUBMITTER, sizes), (x.EVENTS, externals.sizes)]
    submitters = _zeros(len(sizes) + len(externals.sizes), r.submitter_t)
    number = 0
    for kind, counts in parts:
        at = 0
        for count in counts:
            submitters[number]["kind"] = kind
            for name in ("first", "pos", "sent"):
                submitters[number][name] = at
            at += count
            submitters[number]["last"] = at
            number += 1
    return submitters


def _start_actors(s: c.Kernel, n_submitters: int) -> None:
    """Create the first actors in Batsim's order: submitters, event submitters, server."""
    k = s.head[0]
    link_free_actors(k, s.actors, 0)
    link_free_slots(k, s.actions, 0)
    kinds = [int(kind) for kind in s.submitters["kind"][:n_submitters]] + [x.SERVER]
    for number, kind in enumerate(kinds):
        actor = int(k["free_actor"])
        a = s.actors[actor]
        k["free_actor"] = a["next_free"]
        k["n_free_actors"] -= 1
        a["kind"] = kind
        a["idx"] = number
        for name in ("host", "task", "timer", "sleep", "first", "parent"):
            a[name] = -1
        s.run[0, number] = actor
    k["server"] = s.run[0, len(kinds) - 1]
    k["n_run"] = len(kinds)


def build(
    platform: Platform,
    workloads: Sequence[Workload],
    *,
    energy: bool,
    externals: ExternalEvents,
    sharing: bool = False,
    storage_sharing: bool = True,
    registering: bool = False,
    acknowledging: bool = False,
) -> tuple[c.Kernel, c.Ledger, ProfileNodes]:
    """Return the arrays of a simulation at its start, and the names of its profile nodes.

    Raises:
        WorkloadError: a workload has no job that can be represented, or names a profile it lacks.
        UnsupportedError: a profile communicates between hosts, or a job with beta below 1 has none to be timed by.
    """
    check_sensitive(platform, workloads)
    pstates, cls = host_classes(platform)
    hosts = _hosts(platform, cls, pstates)
    nodes = ProfileNodes()
    jobs = _jobs(workloads, nodes)
    if len({w.name for w in workloads}) != len(workloads):
        raise WorkloadError("workloads must have different names; give each its own name, such as w0 and w1")
    n_jobs = sum(w.n_jobs for w in workloads)
    views = _job_views(workloads, jobs)
    event_iv = np.zeros((len(externals.intervals) + 2 * platform.n_hosts + 256, 2), dtype=np.int32)
    event_iv[: len(externals.intervals)] = externals.intervals
    v = new_ledger(platform, views, cls, pstates, event_iv, energy=energy)
    v.head["n_jobs"] = n_jobs
    n_actors = 3 * platform.n_hosts + nodes.max_ranks + 256
    n_slots = 2 * n_actors + 256
    head = np.zeros(1, dtype=r.kernel_head_t)
    k = head[0]
    k["express"] = True
    k["uniform"] = _uniform(platform, pstates)
    k["energy"] = energy
    k["sharing"] = sharing
    k["storage_sharing"] = storage_sharing
    k["registering"] = registering
    k["acknowledge"] = acknowledging
    k["shared"] = sharing or nodes.has_trace
    k["n_hosts"] = platform.n_hosts
    k["n_compute"] = platform.n_compute
    k["n_jobs"] = n_jobs
    k["max_ranks"] = nodes.max_ranks
    k["max_depth"] = nodes.max_depth
    k["n_submitters"] = len(workloads)
    k["n_event_submitters"] = len(externals.sizes)
    k["external_iv"] = k["n_event_iv"] = len(externals.intervals)
    k["free_actor"] = k["free_slot"] = -1
    k["first_job_j"] = k["last_end_j"] = -1.0
    initial = pstates[cls, platform.initial_pstate]
    k["power_w"] = hosts["h_power_w"][: platform.n_hosts].sum()
    k["initial_left"] = bool((platform.initial_pstate > 0).any())
    k["wattmin_w"] = initial["epsilon_w"].sum()
    sums = np.zeros((4, 6))
    sums[c.SUM_STATE_N, c.IDLE] = platform.n_compute
    sums[c.SUM_EXACT_W, c.IDLE] = initial["idle_w"].sum()
    node_t, children, amounts = nodes.arrays()
    s = c.Kernel(
        head=head,
        jobs=jobs,
        **hosts,
        links=_links(platform),
        pstates=pstates,
        nodes=node_t,
        children=children,
        amounts=amounts,
        actors=np.zeros(n_actors, dtype=r.actor_t),
        stack=np.zeros((n_actors, nodes.max_depth + 1, 2), dtype=np.int32),
        run=np.zeros((2, n_actors), dtype=np.int32),
        ended=np.zeros(n_slots, dtype=np.int32),
        cancelled=np.zeros(n_actors, dtype=np.int32),
        fresh=np.zeros(n_slots, dtype=np.int32),
        left=np.zeros(n_slots),
        rate=np.ones(n_slots),
        snap=np.zeros(n_slots),
        slot=np.zeros(n_slots, dtype=np.int32),
        actions=np.zeros(n_slots, dtype=r.action_t),
        mail=np.zeros(2 * n_actors, dtype=r.mail_t),
        submitters=_submitters(workloads, externals),
        externals=externals.records,
        groups=np.zeros(256, dtype=r.group_t),
        members=np.zeros(2 * platform.n_hosts + 256, dtype=np.int32),
        kills=np.zeros(256, dtype=r.kill_t),
        paths=np.zeros(1024, dtype=np.int32),
        sums=sums,
        out_jobs=np.zeros(len(jobs) + 1, dtype=np.int32),
        out_states=np.zeros(2 * len(jobs) + 1024, dtype=r.state_row_t),
        out_energy=np.zeros(2 * len(jobs) + 1024 if energy else 1, dtype=r.energy_row_t),
        out_pstates=np.zeros(1024 if energy else 1, dtype=r.pstate_row_t),
        events=v.events,
        event_iv=v.event_iv,
        alloc=v.iv,
        decisions=v.decisions,
        kill_list=v.kill_list,
    )
    _start_actors(s, len(workloads) + len(externals.sizes))
    return s, v, nodes
