"""Jobs and profiles that the scheduler registers while the simulation runs (batsim-semantics.md, 1.6 and 2.6)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from wattq.errors import UnsupportedError, WorkloadError
from wattq.simulator import codes as x
from wattq.simulator import layout as c
from wattq.simulator.profile_nodes import ProfileNodes, refuse_communication
from wattq.simulator.protocol import MessageWriter, ProtocolOptions, forwarded_profiles
from wattq.simulator.refusal import RefusedError
from wattq.simulator.room import grown
from wattq.workloads.batsim_json import parse_batsim_json
from wattq.workloads.model import Profile, Workload
from wattq.workloads.profile_table import used_profiles
from wattq.workloads.sensitivity import refuse_sensitive

__all__ = ["Registrations"]

_SOURCE = "the scheduler's registration"
_STAND_IN: Mapping[str, Any] = {"type": "delay", "delay": 1}


def _refuse(why: str) -> RefusedError:
    return RefusedError(x.AB_REGISTRATION, why=why)


class Registrations:
    """What the scheduler may register, and what it registered.

    A profile is forgotten once a job with it was reported as ended, unless profiles may be reused; its name stays
    taken. A registered job becomes a workload of its own, of the name that it was registered in.

    Args:
        workloads: the static workloads.
        nodes: their profiles.
        options: whether registration is enabled, and whether profiles may be reused.
    """

    def __init__(self, workloads: Sequence[Workload], nodes: ProfileNodes, options: ProtocolOptions) -> None:
        self.workloads = list(workloads)
        self._nodes = nodes
        self._enabled = options.dynamic_jobs
        self._closed = False
        self._collects = options.dynamic_jobs and not options.profile_reuse
        self._first_job = [0]
        for w in workloads:
            self._first_job.append(self._first_job[-1] + w.n_jobs)
        self._profiles: dict[str, dict[str, Profile]] = {}
        self._gone: set[tuple[str, str]] = set()
        if self._enabled:
            for w in workloads:
                self._profiles[w.name] = _listed_profiles(w)
                kept = forwarded_profiles(w)
                self._gone.update((w.name, name) for name in self._profiles[w.name] if name not in kept)
        self._reported: list[int] = []
        self._n_reported = 0
        self._n_applied = len(self.workloads)

    @property
    def n_jobs(self) -> int:
        """Number of jobs, static and registered."""
        return self._first_job[-1]

    def close(self) -> bool:
        """Take the end of registration; return whether it changes anything."""
        self._closed = True
        return self._enabled

    def reopen(self) -> bool:
        """Take the continuation of registration; return whether it changes anything."""
        self._closed = False
        return self._enabled

    def _check_open(self, what: str) -> None:
        if not self._enabled:
            raise _refuse(f"a {what} was registered, but dynamic registration is off; run with --enable-dynamic-jobs")
        if self._closed:
            raise _refuse(f"a {what} was registered after 'registration_finished'; send 'continue_registration' first")

    def add_profile(self, data: Mapping[str, Any]) -> None:
        """Take a REGISTER_PROFILE.

        Raises:
            RefusedError: Batsim would abort.
            UnsupportedError: the profile is of a kind that cannot be registered.
        """
        self._check_open("profile")
        workload, name, described = (data.get(key) for key in ("workload_name", "profile_name", "profile"))
        if not isinstance(workload, str) or not isinstance(name, str) or not isinstance(described, Mapping):
            raise _refuse("REGISTER_PROFILE needs texts 'workload_name' and 'profile_name' and an object 'profile'")
        if name in self._profiles.get(workload, {}):
            raise _refuse(f"profile '{name}' of workload '{workload}' was registered twice; choose another name")
        if described.get("type") == "composed":
            raise UnsupportedError(
                f"the scheduler registered the composed profile '{name}', which makes Batsim crash when a job uses it; "
                "put it into the workload file"
            )
        try:
            (profile,) = used_profiles({name: described}, [name], _SOURCE, None)
        except WorkloadError as error:
            raise _refuse(str(error)) from None
        self._profiles.setdefault(workload, {})[name] = profile

    def add_job(self, data: Mapping[str, Any], taken: Mapping[str, int]) -> Workload:
        """Take a REGISTER_JOB and return the job as a workload of its own.

        Args:
            data: the data of the event.
            taken: full ids of all jobs so far.

        Raises:
            RefusedError: Batsim would abort.
            UnsupportedError: the job's profile communicates between hosts, or the job has a beta below 1.
        """
        self._check_open("job")
        full_id, described = data.get("job_id"), data.get("job")
        if not isinstance(full_id, str) or not isinstance(described, Mapping):
            raise _refuse("REGISTER_JOB needs a text 'job_id' and an object 'job'")
        workload, mark, job_id = full_id.partition("!")
        if not mark or "!" in job_id:
            raise _refuse(f"REGISTER_JOB: job_id '{full_id}' is not of the form 'workload!job'")
        if workload not in self._profiles:
            raise _refuse(f"job '{full_id}' was registered in workload '{workload}', which does not exist")
        if full_id in taken:
            raise _refuse(f"job '{full_id}' was registered twice; choose another id")
        job = _read_job(workload, described)
        if job.job_id != (job_id,):
            raise _refuse(f"job '{full_id}' was registered, but its description has the id '{job.job_id[0]}'")
        job = _with_profile(job, self._profile(workload, full_id, str(described["profile"])))
        self._check_supported(workload, job.profiles[0], full_id, int(job.hosts[0]))
        refuse_sensitive([job], "Batsim's protocol")
        self.workloads.append(job)
        self._first_job.append(self._first_job[-1] + 1)
        return job

    def _profile(self, workload: str, full_id: str, name: str) -> Profile:
        if name not in self._profiles[workload]:
            raise _refuse(f"job '{full_id}' names the profile '{name}', which does not exist; register it first")
        if (workload, name) in self._gone:
            raise _refuse(
                f"job '{full_id}' names the profile '{name}', which existed some time ago but is no longer accessible; "
                "run with --enable-profile-reuse"
            )
        return self._profiles[workload][name]

    def _check_supported(self, workload: str, profile: Profile, full_id: str, hosts: int) -> None:
        """Refuse a job with a sequence or trace that the engine has not loaded, or that sends bytes between hosts."""
        if profile.type in ("composed", "usage_trace") and not self._nodes.has(workload, profile.name):
            raise UnsupportedError(
                f"job '{full_id}' was registered with profile '{profile.name}' of type '{profile.type}', which no job "
                "of the workload file uses; let one use it"
            )
        if profile.type != "composed":
            refuse_communication(profile, workload, hosts)
            return
        for part in profile.description["seq"]:
            self._check_supported(workload, self._profiles[workload][part], full_id, hosts)

    def note_reported(self, s: c.Kernel) -> None:
        """Note the jobs whose end the last message reported; their profiles go at the next `forget_reported`."""
        if self._collects:
            n = int(s.head[0]["n_out_jobs"])
            self._reported = s.out_jobs[self._n_reported : n].tolist()
            self._n_reported = n

    def forget_reported(self) -> None:
        """Forget the profiles of reported jobs; Batsim does so after it read the first event of a reply."""
        for job in self._reported:
            number = int(np.searchsorted(self._first_job, job, side="right")) - 1
            w = self.workloads[number]
            profile = w.profiles[int(w.profile[job - self._first_job[number]])]
            self._forget(w.name, profile.name)
        self._reported.clear()

    def _forget(self, workload: str, name: str) -> None:
        if (workload, name) in self._gone:
            return
        profile = self._profiles[workload][name]
        if profile.type == "composed":
            for part in profile.description["seq"]:
                self._forget(workload, part)
        self._gone.add((workload, name))

    def apply(self, s: c.Kernel, v: c.Ledger, writer: MessageWriter) -> tuple[c.Kernel, c.Ledger]:
        """Return the bundles with the jobs registered since the last call, as submitted ones; tell the writer."""
        if self._n_applied == len(self.workloads):
            return s, v
        s, v = self._with_room(s, v)
        for number in range(self._n_applied, len(self.workloads)):
            self._write(s, v, number)
            writer.add_job(self.workloads[number])
        self._n_applied = len(self.workloads)
        s.head["n_jobs"] = v.head["n_jobs"] = self.n_jobs
        return self._nodes.extend(s), v

    def _with_room(self, s: c.Kernel, v: c.Ledger) -> tuple[c.Kernel, c.Ledger]:
        n = self.n_jobs + 1
        views = {"jobs": grown(v.jobs, n), "queue": grown(v.queue, n)}
        return s.replaced(jobs=grown(s.jobs, n), out_jobs=grown(s.out_jobs, n)), v.replaced(**views)

    def _write(self, s: c.Kernel, v: c.Ledger, number: int) -> None:
        """Write one registered job into both bundles."""
        w, at = self.workloads[number], self._first_job[number]
        node, total_only = self._nodes.node_of(w)
        for record in (s.jobs[at], v.jobs[at]):
            record["submit_s"] = w.submit_s[0]
            record["walltime_s"] = w.walltime_s[0]
            record["hosts"] = w.hosts[0]
            record["beta"] = w.beta[0]
            record["state"] = c.SUBMITTED
        s.jobs[at]["return_code"] = s.jobs[at]["actor"] = -1
        s.jobs[at]["node"] = node
        s.jobs[at]["total_only"] = total_only
        s.jobs[at]["workload"] = number
        v.jobs[at]["q_pos"] = -1


def _listed_profiles(w: Workload) -> dict[str, Profile]:
    """Return all profiles of a static workload by name, used or not."""
    loaded = {profile.name: profile for profile in w.profiles}
    for name, described in w.listed_profiles.items():
        loaded.setdefault(name, Profile(name, str(described["type"]), described))
    return loaded


def _read_job(workload: str, described: Mapping[str, Any]) -> Workload:
    """Return a registered job, with a stand-in for its profile."""
    document = {"nb_res": 1, "jobs": [described], "profiles": {str(described.get("profile")): _STAND_IN}}
    try:
        job = parse_batsim_json(json.dumps(document).encode(), _SOURCE, name=workload)
    except WorkloadError as error:
        raise _refuse(str(error)) from None
    # Numbers are read once by Batsim, and reading what was read can move them by a last digit.
    submit_s, walltime_s = (np.array([described.get(key, -1)], np.float64) for key in ("subtime", "walltime"))
    return replace(job, submit_s=submit_s, walltime_s=walltime_s, extra=(dict(described),))


def _with_profile(job: Workload, profile: Profile) -> Workload:
    """Return a registered job with its profile; a parallel one must describe as many hosts as are asked for."""
    if profile.type == "parallel" and len(profile.description["cpu"]) != job.hosts[0]:
        raise _refuse(
            f"job '{job.name}!{job.job_id[0]}' asks for {job.hosts[0]} hosts, but its profile '{profile.name}' "
            f"describes {len(profile.description['cpu'])}"
        )
    return replace(job, profiles=(profile,), listed_profiles={profile.name: profile.description})
