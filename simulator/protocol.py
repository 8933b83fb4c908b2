"""Messages of Batsim's JSON protocol, as text (batsim-semantics.md, section 1)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.platforms.model import Platform
from wattq.simulator import layout as c
from wattq.simulator.external import ExternalEvents
from wattq.simulator.hash_order import hash_order
from wattq.simulator.intervals import format_intervals
from wattq.simulator.json_text import as_forwarded, forwarded_text, json_text
from wattq.simulator.outputs import JOB_STATES
from wattq.workloads.model import Workload

__all__ = ["MessageWriter", "ProtocolOptions", "forwarded_profiles"]


@dataclass(frozen=True)
class ProtocolOptions:
    """Options of Batsim that a scheduler is told of in SIMULATION_BEGINS.

    Attributes:
        sched_config: text for the scheduler.
        forward_profiles: whether JOB_SUBMITTED carries the profile.
        forward_unknown_events: whether external events of unknown type are passed on.
        dynamic_jobs, acknowledge_dynamic_jobs, profile_reuse, compute_sharing, storage_sharing: as Batsim's options
            of these names.
        redis: host, port and prefix of a Redis server that is not used.
    """

    sched_config: str = ""
    forward_profiles: bool = False
    forward_unknown_events: bool = False
    dynamic_jobs: bool = False
    acknowledge_dynamic_jobs: bool = False
    profile_reuse: bool = False
    compute_sharing: bool = False
    storage_sharing: bool = True
    redis: tuple[str, int, str] = ("127.0.0.1", 6379, "default")


class MessageWriter:
    """Writes the messages of a simulation.

    Args:
        platform: the machine.
        workloads: the workloads, in Batsim's order.
        node_names: profile name of each node of the kernel.
        externals: external events.
        options: what SIMULATION_BEGINS tells.
    """

    def __init__(
        self,
        platform: Platform,
        workloads: Sequence[Workload],
        node_names: Sequence[str],
        externals: ExternalEvents,
        options: ProtocolOptions,
    ) -> None:
        self._platform = platform
        self._workloads = workloads
        self._node_names = node_names
        self._externals = externals
        self._options = options
        self.full_ids = [f"{w.name}!{job_id}" for w in workloads for job_id in w.job_id]
        self._places = [(w, i) for w in workloads for i in range(w.n_jobs)]
        self._kernel: c.Kernel | None = None
        self._pending: NDArray[Any] = np.zeros(0)
        self._ends: NDArray[Any] = np.zeros(0)

    def add_job(self, w: Workload) -> None:
        """Take a job that was registered meanwhile, as a workload of its own."""
        self.full_ids.append(f"{w.name}!{w.job_id[0]}")
        self._places.append((w, 0))

    def message(self, s: c.Kernel) -> str:
        """Return the pending events as one message."""
        if s is not self._kernel:
            # Views of just the fields that messages need: reading a record field by field takes far longer.
            self._kernel = s
            self._pending = s.head[["clock_s", "ev_first", "ev_n"]]
            self._ends = s.jobs[["iv", "n_iv", "state", "return_code"]]
        clock_s, first, n = self._pending.item(0)
        if n == 1:
            return f'{{"now":{clock_s:.6f},"events":[{self._event(s, *s.events.item(first))}]}}'
        events = [self._event(s, *row) for row in s.events[first : first + n].tolist()]
        return f'{{"now":{clock_s:.6f},"events":[{",".join(events)}]}}'

    def _event(
        self, s: c.Kernel, time_s: float, value: float, kind: int, job: int, a: int, b: int, iv: int, n_iv: int
    ) -> str:
        """Return one event; the arguments are the fields of its record."""
        if kind == c.EV_SUBMITTED:
            name, data = "JOB_SUBMITTED", self._submitted(job)
        elif kind == c.EV_COMPLETED:
            name, data = "JOB_COMPLETED", self._completed(s, job)
        elif kind == c.EV_KILLED:
            name, data = "JOB_KILLED", self._killed(s, a, b)
        elif kind == c.EV_STATE_CHANGED:
            name, data = "RESOURCE_STATE_CHANGED", f'{{"resources":"{_hosts(s, iv, n_iv)}","state":"{a}"}}'
        elif kind == c.EV_ENERGY:
            name, data = "ANSWER", f'{{"consumed_energy":{value:.6f}}}'
        elif kind == c.EV_BEGINS:
            name, data = "SIMULATION_BEGINS", json_text(self._begins())
        elif kind in (c.EV_CALL, c.EV_ENDS):
            name, data = ("REQUESTED_CALL" if kind == c.EV_CALL else "SIMULATION_ENDS"), "{}"
        else:
            name, data = "NOTIFY", self._notice(s, kind, a, iv, n_iv)
        return f'{{"timestamp":{time_s:.6f},"type":"{name}","data":{data}}}'

    def _notice(self, s: c.Kernel, kind: int, number: int, iv: int, n_iv: int) -> str:
        """Return the data of a NOTIFY."""
        if kind == c.EV_NO_MORE_JOBS:
            return '{"type":"no_more_static_job_to_submit"}'
        if kind == c.EV_NO_MORE_EVENTS:
            return '{"type":"no_more_external_event_to_occur"}'
        if kind == c.EV_GENERIC:
            return json_text(json.loads(self._externals.texts[number]))
        name = "event_machine_available" if kind == c.EV_AVAILABLE else "event_machine_unavailable"
        return f'{{"type":"{name}","resources":"{_hosts(s, iv, n_iv)}"}}'

    def _submitted(self, job: int) -> str:
        """Return the data of a JOB_SUBMITTED."""
        w, index = self._places[job]
        full_id = self.full_ids[job]
        text = json_text(_job_object(w, index, full_id)) if w.extra is None else forwarded_text(w.extra[index], full_id)
        profile = ""
        if self._options.forward_profiles:
            profile = f',"profile":{json_text(as_forwarded(w.profiles[int(w.profile[index])].description))}'
        return f'{{"job_id":{encode_basestring(full_id)},"job":{text}{profile}}}'

    def _completed(self, s: c.Kernel, job: int) -> str:
        """Return the data of a JOB_COMPLETED."""
        first, n, state, code = self._ends.item(job)
        job_id, alloc = encode_basestring(self.full_ids[job]), format_intervals(s.alloc[first : first + n].tolist())
        return f'{{"job_id":{job_id},"job_state":"{JOB_STATES[state]}","return_code":{code},"alloc":"{alloc}"}}'

    def _killed(self, s: c.Kernel, first: int, n: int) -> str:
        """Return the data of a JOB_KILLED, in the order of the request; jobs that had ended before have no progress."""
        records = s.kills[first : first + n]
        progress = {
            self.full_ids[int(r["job"])]: self._progress(s, int(r["path"]), int(r["n_path"]), r)
            for r in records
            if r["n_path"] > 0
        }
        order = [self.full_ids[int(job)] for job in records["job"]]
        return json_text({"job_ids": order, "job_progress": progress})

    def _progress(self, s: c.Kernel, path: int, depth: int, record: Any) -> dict[str, Any]:
        """Return the progress tree of a job from its path through the profile."""
        node, position = (int(value) for value in s.paths[2 * path : 2 * path + 2])
        name = self._node_names[node]
        if depth > 1:
            below = self._progress(s, path + 1, depth - 1, record)
            return {"profile_name": name, "current_task_index": position, "current_task": below}
        if not record["known"]:
            return {"profile_name": name, "current_task_index": -1}
        return {"profile_name": name, "progress": float(record["progress"])}

    def _begins(self) -> dict[str, Any]:
        """Return the data of SIMULATION_BEGINS."""
        p, o = self._platform, self._options
        resources = [
            {
                "id": host,
                "name": p.host_names[host],
                "state": "idle",
                "properties": dict(p.properties[host]),
                "zone_properties": dict(p.zone_properties[host]),
            }
            for host in range(p.n_hosts)
        ]
        return {
            "nb_resources": p.n_hosts,
            "nb_compute_resources": p.n_compute,
            "nb_storage_resources": p.n_hosts - p.n_compute,
            "allow_compute_sharing": o.compute_sharing,
            "allow_storage_sharing": o.storage_sharing,
            "config": {
                "redis-enabled": False,
                "redis-hostname": o.redis[0],
                "redis-port": o.redis[1],
                "redis-prefix": o.redis[2],
                "profiles-forwarded-on-submission": o.forward_profiles,
                "dynamic-jobs-enabled": o.dynamic_jobs,
                "dynamic-jobs-acknowledged": o.acknowledge_dynamic_jobs,
                "profile-reuse-enabled": o.profile_reuse,
                "sched-config": o.sched_config,
                "forward-unknown-events": o.forward_unknown_events,
            },
            "compute_resources": resources[: p.n_compute],
            "storage_resources": resources[p.n_compute :],
            "workloads": {w.name: w.report.source for w in self._workloads},
            "profiles": {w.name: forwarded_profiles(w) for w in self._workloads},
        }


def _hosts(s: c.Kernel, first: int, n: int) -> str:
    """Return the hosts of an event as text."""
    return format_intervals(s.event_iv[first : first + n].tolist())


def _job_object(w: Workload, index: int, full_id: str) -> dict[str, Any]:
    """Return a job that was not read from JSON as a workload file would have it."""
    job: dict[str, Any] = {
        "id": full_id,
        "subtime": float(w.submit_s[index]),
        "res": int(w.hosts[index]),
        "profile": w.profiles[int(w.profile[index])].name,
    }
    if w.walltime_s[index] > 0:
        job["walltime"] = float(w.walltime_s[index])
    owners = {key: int(getattr(w, key)[index]) for key in ("user", "group", "queue", "application")}
    return job | {key: number for key, number in owners.items() if number >= 0}


def forwarded_profiles(w: Workload) -> dict[str, Any]:
    """Return the profiles that Batsim forwards, in its order.

    Batsim goes once over its table and drops a profile that nothing refers to; a part of a composed profile stays
    when it is met before the composed profile is dropped.
    """
    described = dict(w.listed_profiles) or {profile.name: profile.description for profile in w.profiles}
    references = dict.fromkeys(described, 0)
    for number in set(w.profile.tolist()):
        references[w.profiles[number].name] += 1
    for description in described.values():
        for part in _parts(description):
            if part in references:
                references[part] += 1
    kept = {}
    for name in hash_order(described):
        if references[name] > 0:
            kept[name] = as_forwarded(described[name])
            continue
        for part in _parts(described[name]):
            if part in references:
                references[part] -= 1
    return kept


def _parts(description: Any) -> list[str]:
    """Return the names that a composed profile is made of."""
    if isinstance(description, Mapping) and description.get("type") == "composed":
        sequence = description.get("seq")
        if isinstance(sequence, list):
            return [part for part in sequence if isinstance(part, str)]
    return []
