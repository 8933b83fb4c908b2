"""What Batsim says when it aborts."""

from __future__ import annotations

from collections.abc import Sequence

from wattq.platforms.model import Platform
from wattq.simulator import codes as x
from wattq.simulator import layout as c
from wattq.simulator.outputs import JOB_STATES
from wattq.workloads.model import Workload

__all__ = ["abort_message"]

_MACHINE_STATES = ("idle", "computing", "sleeping", "switching_on", "switching_off", "unavailable")


def _job_name(workloads: Sequence[Workload], job: int) -> str:
    """Return the full id of a job."""
    for w in workloads:
        if 0 <= job < w.n_jobs:
            return f"{w.name}!{w.job_id[job]}"
        job -= w.n_jobs
    return f"job {job}"


def abort_message(s: c.Kernel, platform: Platform, workloads: Sequence[Workload], why: str = "") -> str:
    """Return why the simulation aborted: date, job or machine, and the rule of Batsim that was broken.

    Args:
        s: the simulation.
        platform: the machine.
        workloads: static workloads, then registered jobs.
        why: what is wrong with the refused decision, where its reader knows more than the code says.
    """
    k = s.head[0]
    first, second = int(k["abort_a"]), int(k["abort_b"])
    job = _job_name(workloads, first)
    name = platform.host_names[second] if 0 <= second < platform.n_hosts else ""
    machine = platform.host_names[first] if 0 <= first < platform.n_hosts else ""
    state = _MACHINE_STATES[int(s.h_state[second])] if 0 <= second < platform.n_hosts else ""
    job_state = JOB_STATES[second] if 0 <= second < len(JOB_STATES) else ""
    texts = {
        x.AB_NOT_SUBMITTED: f"job '{job}' cannot be executed: its state is {job_state}, not SUBMITTED",
        x.AB_BAD_HOST: f"machine {second} does not exist",
        x.AB_BUSY: f"job '{job}' was given machine {second} ('{name}'), which is computing another job",
        x.AB_NOT_READY: f"job '{job}' was given machine {second} ('{name}'), which is {state}",
        x.AB_NOT_COMPUTING_PSTATE: f"job '{job}' was given machine {second} ('{name}'), which is in no computing "
        "power state",
        x.AB_SIZE: f"job '{job}' was given {second} machines, not the number that it asked for",
        x.AB_VECTOR_SIZE: f"job '{job}' was given {second} machines, but its parallel profile describes another number",
        x.AB_UNKNOWN_JOB: f"job '{job}' does not exist (any more)"
        if first >= 0
        else "a job was named that does not exist",
        x.AB_REJECT: f"job '{job}' cannot be rejected: its state is {job_state}",
        x.AB_KILL: f"job '{job}' cannot be killed: it was not started",
        x.AB_PAST_CALL: "a call was asked for at a date that is not in the future",
        x.AB_NO_ENERGY: "a power state or an energy was asked for in a simulation without energy",
        x.AB_SLEEP_TO_SLEEP: f"machine {first} ('{machine}') sleeps and was asked for power state {second}, which "
        "does not compute",
        x.AB_SWITCH_BUSY: f"jobs are running on machine {first} ('{machine}'), which was asked to sleep",
        x.AB_BAD_PSTATE: f"machine {first} ('{machine}') has no power state {second}",
        x.AB_UNAVAILABLE_TWICE: f"machine {first} ('{machine}') became unavailable twice",
        x.AB_AVAILABLE_TWICE: f"machine {first} ('{machine}') became available while it was",
        x.AB_CALL_AT_END: "a call was asked for after the end of the simulation",
        x.AB_DATE: "a decision is dated after the reply that holds it",
        x.AB_UNKNOWN_DECISION: why or "a decision is of no known type, or malformed",
        x.AB_STORAGE_WORK: f"job '{job}' would compute on machine {second} ('{name}'), which is a storage host",
        x.AB_RETURN_CODE: f"job '{job}' ended with code {second}; 'ret' of a profile must be -2 or more",
        x.AB_REGISTRATION: why or "a job or profile cannot be registered",
    }
    return f"the simulation aborts at {float(k['clock_s']):.6f} s: {texts[int(k['abort'])]}"
