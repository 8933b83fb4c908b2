"""Workloads out: Batsim JSON, SWF, and the table of jobs as CSV; ``.gz`` and ``.xz`` names are compressed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError, UnsupportedError
from wattq.workloads.files import compress_for, write_whole
from wattq.workloads.model import Workload
from wattq.workloads.profiles import check_form, convert_profile, number_text, profile_runtime_s
from wattq.workloads.report import report_lines
from wattq.workloads.sensitivity import mean_beta, refuse_sensitive, with_beta
from wattq.workloads.swf_header import GENERATED_NOTE

__all__ = [
    "batsim_json",
    "job_runtimes_s",
    "jobs_columns",
    "jobs_csv",
    "swf_text",
    "write_batsim_json",
    "write_jobs_csv",
    "write_swf",
]


def write_batsim_json(
    workload: Workload,
    path: str | Path,
    *,
    form: str | None = None,
    speed_flops: float = 1e9,
    beta: str | None = None,
) -> Path:
    """Write a workload in Batsim's JSON.

    Args:
        workload: the jobs; those that were read from JSON are written as they were, all keys in their order.
        path: the file.
        form: ``delay`` or ``parallel_homogeneous`` turns the profiles into that form; None keeps them.
        speed_flops: speed of a host, flop/s, at which work and time are exchanged when the form changes.
        beta: what becomes of jobs with a sensitivity below 1, which Batsim cannot express: None refuses them,
            ``class-mean`` writes them without, for a platform whose power states have the effective speeds of the
            jobs' mean (`wattq.platforms.effective_platform`); the key ``class_mean_beta`` of the document holds it.
            Jobs with effects far apart are better written as a file for each class.

    Raises:
        InvalidInputError: when the form, the speed or the word for beta cannot be used.
        UnsupportedError: when a profile cannot be written in that form, or a job has a beta below 1.
        MissingFileError: when the file cannot be written.
    """
    text = batsim_json(workload, form=form, speed_flops=speed_flops, beta=beta)
    return write_whole(path, compress_for(path, text.encode()))


def batsim_json(
    workload: Workload, *, form: str | None = None, speed_flops: float = 1e9, beta: str | None = None
) -> str:
    """Return the document that `write_batsim_json` writes, one job or profile a line."""
    workload, mean = _without_beta(workload, beta)
    descriptions: list[Mapping[str, Any]] = [profile.description for profile in workload.profiles]
    if form is not None:
        check_form(form, speed_flops)
        descriptions = [convert_profile(profile, form, speed_flops) for profile in workload.profiles]
    names = [json.dumps(profile.name, ensure_ascii=False) for profile in workload.profiles]
    jobs = ",\n".join(_job_lines(workload, names))
    lines = (f"{name}: {_dumps(value)}" for name, value in zip(names, descriptions, strict=True))
    profiles = ",\n".join(lines)
    mark = (' "synthetic": true,\n' if workload.synthetic else "") + mean
    return f'{{"nb_res": {workload.nb_res},\n{mark} "jobs": [\n{jobs}\n ],\n "profiles": {{\n{profiles}\n }}\n}}\n'


def _without_beta(workload: Workload, beta: str | None) -> tuple[Workload, str]:
    """Return a workload that Batsim can express, and the line that tells the mean sensitivity of its jobs."""
    if beta not in (None, "class-mean"):
        raise InvalidInputError(f"beta {beta!r}: give 'class-mean', or leave it out to have such jobs refused")
    if beta is None:
        refuse_sensitive([workload], "Batsim's JSON")
        return workload, ""
    return with_beta(workload, 1.0), f' "class_mean_beta": {_dumps(mean_beta(workload))},\n'


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _job_lines(workload: Workload, names: list[str]) -> Iterator[str]:
    if workload.extra is not None:
        yield from (_dumps(job) for job in workload.extra)
        return
    columns = (
        _texts(workload.submit_s),
        _texts(workload.hosts),
        _texts(workload.walltime_s),
        workload.profile.tolist(),
        _owners(workload),
    )
    for job_id, submit, hosts, walltime, profile, owner in zip(workload.job_id, *columns, strict=True):
        limit = "" if walltime == "-1" else f', "walltime": {walltime}'
        head = f'{{"id": {_dumps(job_id)}, "subtime": {submit}, "res": {hosts}'
        yield f'{head}{limit}, "profile": {names[profile]}{owner}}}'


def _owners(workload: Workload) -> Iterator[str]:
    """Yield the keys of each job that schedulers and predictors look at, where they are known."""
    keys = ("user", "group", "queue", "application")
    for numbers in zip(*(getattr(workload, key).tolist() for key in keys), strict=True):
        yield "".join(f', "{key}": {number}' for key, number in zip(keys, numbers, strict=True) if number >= 0)


def job_runtimes_s(workload: Workload, speed_flops: float = 1e9) -> NDArray[np.float64]:
    """Return the run time that each job's profile means on hosts of one speed, s; NaN where it depends on more."""
    of_profile = [profile_runtime_s(profile, speed_flops) for profile in workload.profiles]
    return np.array(of_profile, dtype=np.float64)[workload.profile]


def write_swf(workload: Workload, path: str | Path, *, speed_flops: float = 1e9) -> Path:
    """Write a workload as SWF: one processor for each host, cleaned run times, recorded waits where they are known.

    Args:
        workload: the jobs.
        path: the file.
        speed_flops: speed of a host, flop/s, at which computing profiles are turned into run times.

    Raises:
        UnsupportedError: when a job's run time cannot be told from its profile, or it has a beta below 1.
        MissingFileError: when the file cannot be written.
    """
    return write_whole(path, compress_for(path, swf_text(workload, speed_flops=speed_flops).encode()))


def swf_text(workload: Workload, *, speed_flops: float = 1e9) -> str:
    """Return the log that `write_swf` writes."""
    if (workload.beta < 1.0).any():
        row = int(np.flatnonzero(workload.beta < 1.0)[0])
        raise UnsupportedError(
            f"job {workload.name}!{workload.job_id[row]}: beta {workload.beta[row]:g}; SWF has no column for the "
            "sensitivity to speed, write a table (.csv)"
        )
    run = job_runtimes_s(workload, speed_flops)
    if np.isnan(run).any():
        profile = workload.profiles[int(workload.profile[int(np.flatnonzero(np.isnan(run))[0])])]
        raise UnsupportedError(
            f"profile {profile.name!r}: the run time of a {profile.type} profile depends on the platform; "
            "SWF holds run times only, write Batsim JSON"
        )
    rows = "\n".join(map(" ".join, zip(*_swf_columns(workload, run), strict=True)))
    return "\n".join([*_swf_header(workload), rows, ""])


def _swf_columns(workload: Workload, run: NDArray[np.float64]) -> list[list[str]]:
    unknown = ["-1"] * workload.n_jobs
    outcome = workload.outcome
    wait, cpu, status = unknown, unknown, unknown
    if outcome is not None:
        wait = _texts(np.nan_to_num(outcome.start_s - workload.submit_s, nan=-1.0))
        cpu, status = _texts(np.nan_to_num(outcome.cpu_s, nan=-1.0)), _texts(outcome.status)
    numbers, hosts = [str(number) for number in _job_numbers(workload.job_id)], _texts(workload.hosts)
    head = [numbers, _texts(workload.submit_s), wait, _texts(run), hosts, cpu, unknown, hosts]
    owner = [_texts(getattr(workload, key)) for key in ("user", "group", "application", "queue")]
    return [*head, _texts(workload.walltime_s), unknown, status, *owner, unknown, unknown, unknown]


def _job_numbers(ids: tuple[str, ...]) -> list[int]:
    if all(job_id.isascii() and job_id.isdigit() and len(job_id) < 16 for job_id in ids):
        numbers = [int(job_id) for job_id in ids]
        if len(set(numbers)) == len(numbers):
            return numbers
    return list(range(1, len(ids) + 1))


def _swf_header(workload: Workload) -> list[str]:
    fields = [("Version", "2.2"), ("MaxJobs", workload.n_jobs), ("MaxRecords", workload.n_jobs)]
    if workload.unix_start_s is not None:
        fields.append(("UnixStartTime", number_text(workload.unix_start_s)))
    if workload.utc_offset_s is not None:
        fields.append(("TimeZone", number_text(workload.utc_offset_s)))
    fields += [("MaxNodes", workload.nb_res), ("MaxProcs", workload.nb_res)]
    notes = [GENERATED_NOTE] if workload.synthetic else []
    notes += report_lines(workload.report) if workload.report.source else []
    fields += [("Note", note.replace("\n", " ").replace("\r", " ").strip()) for note in notes]
    return [f"; {key}: {value}" for key, value in fields]


def write_jobs_csv(workload: Workload, path: str | Path, *, speed_flops: float = 1e9) -> Path:
    """Write the table of jobs as CSV; unknown values are empty.

    Columns: job_id, submit_s, hosts, walltime_s, profile, profile_type, run_s (of the profile), user, group, queue,
    application where a job has one, beta where a job has one below 1, and what the log recorded: logged_start_s,
    logged_run_s, logged_status, logged_cpu_s.
    """
    return write_whole(path, compress_for(path, jobs_csv(workload, speed_flops=speed_flops).encode()))


def jobs_csv(workload: Workload, *, speed_flops: float = 1e9) -> str:
    """Return the text that `write_jobs_csv` writes."""
    columns = jobs_columns(workload, speed_flops)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return out.getvalue()


def jobs_columns(workload: Workload, speed_flops: float) -> dict[str, list[Any]]:
    """Return the columns that `write_jobs_csv` writes, as exact texts, empty where unknown."""
    profiles = [workload.profiles[index] for index in workload.profile.tolist()]
    columns: dict[str, list[Any]] = {
        "job_id": list(workload.job_id),
        "submit_s": _texts(workload.submit_s),
        "hosts": workload.hosts.tolist(),
        "walltime_s": _texts(workload.walltime_s, unknown=-1),
        "profile": [profile.name for profile in profiles],
        "profile_type": [profile.type for profile in profiles],
        "run_s": _texts(job_runtimes_s(workload, speed_flops)),
        "user": _texts(workload.user, unknown=-1),
        "group": _texts(workload.group, unknown=-1),
        "queue": _texts(workload.queue, unknown=-1),
    }
    if (workload.application >= 0).any():
        columns["application"] = _texts(workload.application, unknown=-1)
    if (workload.beta < 1.0).any():
        columns["beta"] = _texts(workload.beta)
    if workload.outcome is not None:
        outcome = workload.outcome
        columns["logged_start_s"] = _texts(outcome.start_s)
        columns["logged_run_s"] = _texts(outcome.run_s)
        columns["logged_status"] = _texts(outcome.status, unknown=-1)
        columns["logged_cpu_s"] = _texts(outcome.cpu_s)
    return columns


def _texts(values: NDArray[Any], *, unknown: float = float("nan")) -> list[str]:
    """Return the shortest exact text of each number, empty where it is NaN or `unknown`."""
    if (
        values.dtype.kind == "f"
        and values.size
        and np.all(values == np.floor(values))
        and np.abs(values).max() <= 2**53
    ):
        values = values.astype(np.int64)
    numbers = values.tolist()
    if values.dtype.kind in "iu":
        return ["" if value == unknown else str(value) for value in numbers]
    return ["" if value != value or value == unknown else number_text(value) for value in numbers]
