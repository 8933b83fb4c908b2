"""Several logs as one, in the order of submission: partitions of a cluster, or parts of a log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError, WorkloadError
from wattq.workloads.files import sha256_hex
from wattq.workloads.merge_profiles import merged_profiles
from wattq.workloads.model import CleaningReport, Outcome, Workload
from wattq.workloads.profiles import whole

__all__ = ["MACHINES", "merge_workloads"]

MACHINES = ("sum", "max")
"""Words for the size of the machine of merged logs."""

_MOST_HOSTS = 2**31 - 1
_Floats = NDArray[np.float64]


def merge_workloads(
    workloads: Sequence[Workload],
    *,
    name: str = "w0",
    machine: str | int = "sum",
    same_people: bool = False,
    rebase: bool = True,
) -> Workload:
    """Return the jobs of several workloads as one.

    Dates: where every workload has a Unix time of date 0, jobs are aligned by it; where none has, their dates are taken
    to lie on one axis, and the report says so. Hosts: each job keeps its number of hosts, so that all logs must mean
    the same by a host. Ids: kept when no two jobs share one, else each id gets the position of its workload in front
    (``2.0017``). Profiles of one name that differ get the position too.

    Args:
        workloads: two or more.
        name: Batsim's name of the result.
        machine: hosts of the machine: ``sum`` (each log is a partition of its own), ``max`` (all logs are of one
            machine), or a number.
        same_people: whether user, group and queue 3 of one log are those of the others; when False, numbers are
            shifted so that no two logs share one.
        rebase: move the first submission to date 0.

    Raises:
        InvalidInputError: when there are fewer than two workloads, or `machine` is none of these.
        WorkloadError: when some workloads have a Unix time and others have none.
    """
    if len(workloads) < 2:
        raise InvalidInputError(f"{len(workloads)} workloads: two or more are merged; name another file")
    shifts, begin, notes = _axis(workloads)
    submit = np.concatenate([work.submit_s + shift for work, shift in zip(workloads, shifts, strict=True)])
    ids = _ids(workloads, notes)
    order = np.array(sorted(range(len(ids)), key=lambda row: (submit[row], ids[row].encode())), dtype=np.int64)
    origin = float(submit.min(initial=np.inf)) if rebase and submit.size else 0.0
    profiles, index, renamed = merged_profiles(workloads)
    dates = submit - origin
    people = {key: _numbers([getattr(work, key) for work in workloads], same_people) for key in _PEOPLE}
    if not same_people and any((work.user >= 0).any() for work in workloads):
        notes.append("users, groups and queues of different logs are taken to be different")
    offsets = {work.utc_offset_s for work in workloads}
    return Workload(
        name=name,
        nb_res=_machine_size(workloads, machine),
        job_id=tuple(ids[row] for row in order.tolist()),
        submit_s=dates[order],
        hosts=np.concatenate([work.hosts for work in workloads])[order],
        walltime_s=np.concatenate([work.walltime_s for work in workloads])[order],
        profile=index[order],
        profiles=profiles,
        user=people["user"][order],
        group=people["group"][order],
        queue=people["queue"][order],
        beta=np.concatenate([work.beta for work in workloads])[order],
        report=_report(workloads, notes),
        extra=_extra(workloads, ids, dates, people, renamed, order),
        outcome=_outcome(workloads, [shift - origin for shift in shifts], order),
        unix_start_s=None if begin is None else begin + origin,
        utc_offset_s=offsets.pop() if len(offsets) == 1 else None,
        synthetic=any(work.synthetic for work in workloads),
        listed_profiles={profile.name: profile.description for profile in profiles} if _from_json(workloads) else {},
        application=people["application"][order],
    )


_PEOPLE = ("user", "group", "queue", "application")


def _from_json(workloads: Sequence[Workload]) -> bool:
    return any(work.extra is not None for work in workloads)


def _axis(workloads: Sequence[Workload]) -> tuple[list[float], float | None, list[str]]:
    """Return what is added to the dates of each workload, the Unix time of date 0, and what to say about it."""
    begins = [work.unix_start_s for work in workloads]
    known = [begin for begin in begins if begin is not None]
    if not known:
        return [0.0] * len(workloads), None, ["no log has calendar dates: their dates are taken to lie on one axis"]
    if len(known) < len(begins):
        without = workloads[begins.index(None)].report.source or f"workload {begins.index(None) + 1}"
        raise WorkloadError(
            f"{without}: no calendar dates (Unix time of date 0), and other logs to be merged have them; "
            "give all logs the header UnixStartTime, or none"
        )
    first = min(known)
    return [begin - first for begin in known], first, []


def _ids(workloads: Sequence[Workload], notes: list[str]) -> list[str]:
    ids = [job_id for work in workloads for job_id in work.job_id]
    if len(set(ids)) == len(ids):
        return ids
    notes.append("ids repeat between the logs: each got the position of its log in front, as in 1.0017")
    width = len(str(len(workloads)))
    return [f"{k:0{width}d}.{job_id}" for k, work in enumerate(workloads, start=1) for job_id in work.job_id]


def _numbers(columns: Sequence[NDArray[np.int64]], same: bool) -> NDArray[np.int64]:
    shifted, used = [], 0
    for numbers in columns:
        shifted.append(numbers if same else np.where(numbers >= 0, numbers + used, -1))
        used += int(numbers.max(initial=-1)) + 1
    return np.concatenate(shifted)


def _machine_size(workloads: Sequence[Workload], machine: str | int) -> int:
    sizes = [work.nb_res for work in workloads]
    if machine in MACHINES:
        return min(sum(sizes) if machine == "sum" else max(sizes), _MOST_HOSTS)
    if isinstance(machine, int) and 1 <= machine <= _MOST_HOSTS:
        return machine
    raise InvalidInputError(
        f"machine {machine!r}: give sum (a partition for each log), max (one machine) or a number of hosts"
    )


def _outcome(workloads: Sequence[Workload], shifts: Sequence[float], order: NDArray[np.int64]) -> Outcome | None:
    if all(work.outcome is None for work in workloads):
        return None
    parts = [work.outcome or _unknown(work.n_jobs) for work in workloads]
    starts = [part.start_s + shift for part, shift in zip(parts, shifts, strict=True)]
    return Outcome(
        start_s=np.concatenate(starts)[order],
        run_s=np.concatenate([part.run_s for part in parts])[order],
        status=np.concatenate([part.status for part in parts])[order],
        cpu_s=np.concatenate([part.cpu_s for part in parts])[order],
    )


def _unknown(count: int) -> Outcome:
    nothing: _Floats = np.full(count, np.nan)
    return Outcome(nothing, nothing, np.full(count, -1, dtype=np.int64), nothing)


def _extra(
    workloads: Sequence[Workload],
    ids: Sequence[str],
    dates: _Floats,
    people: Mapping[str, NDArray[np.int64]],
    renamed: Sequence[Mapping[str, str]],
    order: NDArray[np.int64],
) -> tuple[Mapping[str, Any], ...] | None:
    """Return the JSON objects of the jobs under their new ids, dates and profiles, or None where none had one."""
    if not _from_json(workloads):
        return None
    objects: list[dict[str, Any]] = []
    for work, names in zip(workloads, renamed, strict=True):
        for row in range(work.n_jobs):
            given = dict(work.extra[row]) if work.extra is not None else _plain(work, row)
            place = len(objects)
            name = work.profiles[int(work.profile[row])].name
            owner = {key: int(numbers[place]) for key, numbers in people.items() if numbers[place] >= 0}
            given |= {"id": ids[place], "subtime": whole(dates[place]), "profile": names[name]}
            objects.append(given | owner)
    return tuple(objects[row] for row in order.tolist())


def _plain(work: Workload, row: int) -> dict[str, Any]:
    limit = float(work.walltime_s[row])
    job = {"id": "", "subtime": 0, "res": int(work.hosts[row])}
    beta = float(work.beta[row])
    return job | ({"walltime": whole(limit)} if limit > 0 else {}) | ({"beta": beta} if beta < 1.0 else {})


def _report(workloads: Sequence[Workload], notes: Sequence[str]) -> CleaningReport:
    reports = [work.report for work in workloads]
    warnings = [f"{report.source}: {text}" for report in reports for text in report.warnings]
    return CleaningReport(
        source=" + ".join(report.source for report in reports),
        sha256=sha256_hex("".join(report.sha256 for report in reports).encode()),
        n_read=sum(report.n_read for report in reports),
        n_kept=sum(work.n_jobs for work in workloads),
        dropped=_sums([report.dropped for report in reports]),
        repaired=_sums([report.repaired for report in reports]),
        warnings=(*warnings, *notes),
    )


def _sums(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in counts:
        for reason, number in part.items():
            total[reason] = total.get(reason, 0) + number
    return total
