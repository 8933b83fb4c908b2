"""How far run times follow the speed of the hosts: the column beta of a workload.

A job that takes T in power state 0 takes T (beta s0 / s + 1 - beta) at speed s: 1 for work in the processor alone, less
where memory, network or accelerators set the pace. Batsim has no such jobs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError, UnsupportedError
from wattq.workloads.model import Workload
from wattq.workloads.profiles import profile_runtime_s

__all__ = ["mean_beta", "parse_beta", "refuse_sensitive", "with_beta"]

_RULE = "give a number from 0 to 1, or one for each queue such as 1=0.9,2=0.4"


def with_beta(workload: Workload, beta: float | Mapping[int, float]) -> Workload:
    """Return a workload with other sensitivities.

    Args:
        workload: the jobs.
        beta: one number from 0 to 1 for every job, or one for each class of jobs, by the number of the queue; jobs of
            other queues keep theirs.

    Raises:
        InvalidInputError: a value is none from 0 to 1, or no job is in a queue that is named.
    """
    values = {None: beta} if isinstance(beta, int | float) else dict(beta)
    column = workload.beta.copy()
    for queue, value in values.items():
        if isinstance(value, bool) or not 0.0 <= value <= 1.0:
            raise InvalidInputError(f"beta {value!r}: {_RULE}")
        rows = np.ones(workload.n_jobs, dtype=bool) if queue is None else workload.queue == queue
        if queue is not None and not rows.any():
            present = ", ".join(map(str, np.unique(workload.queue).tolist()[:20]))
            raise InvalidInputError(f"beta for queue {queue}: no job is in it; the queues of the jobs are {present}")
        column[rows] = value
    return replace(workload, beta=column, extra=_told(workload, column))


def _told(workload: Workload, column: NDArray[np.float64]) -> tuple[Mapping[str, Any], ...] | None:
    """Return the jobs' JSON objects, if there are any, with these sensitivities."""
    if workload.extra is None:
        return None
    plain = ({key: value for key, value in job.items() if key != "beta"} for job in workload.extra)
    return tuple(
        job if beta == 1.0 else {**job, "beta": beta} for job, beta in zip(plain, column.tolist(), strict=True)
    )


def parse_beta(text: str) -> float | dict[int, float]:
    """Return the sensitivities that a text such as ``0.6`` or ``1=0.9,2=0.4`` (queue=beta) means.

    Raises:
        InvalidInputError: the text is neither.
    """
    try:
        if "=" not in text:
            return _share(text)
        pairs = [part.partition("=") for part in text.split(",")]
        found = {int(queue): _share(value) for queue, _, value in pairs}
    except ValueError:
        raise InvalidInputError(f"beta {text[:60]!r}: {_RULE}") from None
    if len(found) != len(pairs):
        raise InvalidInputError(f"beta {text[:60]!r}: a queue is named twice; {_RULE}")
    return found


def _share(text: str) -> float:
    value = float(text)
    if not 0.0 <= value <= 1.0:
        raise ValueError
    return value


def mean_beta(workload: Workload) -> float:
    """Return the mean sensitivity of the jobs, weighted by host-seconds in power state 0.

    With this one beta for all, the jobs take together the same host-seconds in any one power state as with their own,
    since each job's time is linear in beta. 1 where no job does anything.

    Raises:
        UnsupportedError: a job's run time depends on more than its profile, and the jobs do not all share one beta.
    """
    if not workload.n_jobs:
        return 1.0
    if (workload.beta == workload.beta[0]).all():
        return float(workload.beta[0])
    of_profile = np.array([_work(workload, number) for number in range(len(workload.profiles))])
    weight = of_profile[workload.profile]
    total_only = np.array([profile.type == "parallel_homogeneous_total" for profile in workload.profiles])
    weight = weight * np.where(total_only[workload.profile], 1, workload.hosts)
    if np.isnan(weight).any():
        row = int(np.flatnonzero(np.isnan(weight))[0])
        raise UnsupportedError(
            f"job {workload.name}!{workload.job_id[row]}: the run time of its profile depends on the platform, so that "
            "no mean of beta over the workload is known; give every job the same beta"
        )
    return float(weight @ workload.beta / weight.sum()) if weight.sum() > 0.0 else 1.0


def _work(workload: Workload, number: int) -> float:
    """Return the seconds at 1 Gflop/s of a profile, per host or (of a total) in all."""
    profile = workload.profiles[number]
    if profile.type == "parallel_homogeneous_total" and not profile.description["com"]:
        return float(profile.description["cpu"]) / 1e9
    return profile_runtime_s(profile)


def refuse_sensitive(workloads: Sequence[Workload], what: str) -> None:
    """Refuse jobs with beta below 1 where only Batsim's own rule holds.

    Args:
        workloads: the workloads.
        what: who cannot play them, for the message.

    Raises:
        UnsupportedError: names the first such job.
    """
    for w in workloads:
        rows = np.flatnonzero(w.beta < 1.0)
        if len(rows):
            raise UnsupportedError(
                f"job {w.name}!{w.job_id[int(rows[0])]}: beta {w.beta[int(rows[0])]:g}, which {what} cannot express; "
                "use the in-process engine, or write the workload with beta='class-mean'"
            )
