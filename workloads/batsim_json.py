"""Workloads in Batsim's JSON: what Batsim 4.2 accepts is read, what makes it abort is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from wattq.errors import WorkloadError
from wattq.workloads.files import sha256_hex
from wattq.workloads.model import CleaningReport, Profile, Workload
from wattq.workloads.profile_table import used_profiles
from wattq.workloads.rapid_numbers import parse_number

__all__ = ["FORBIDDEN", "document_workload", "no_constant", "parse_batsim_json", "unique_object", "whole_number"]

_INT_LIMIT = 2**31
FORBIDDEN = re.compile(r'[,()|}"\\!\x00-\x1f]')
"""What no id may hold, because Batsim cannot forward it."""
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def parse_batsim_json(data: bytes, source: str, *, name: str = "w0", base_dir: Path | None = None) -> Workload:
    """Return the workload of a Batsim JSON document given as plain bytes.

    Args:
        data: the document.
        source: name of the file, for messages and the report.
        name: Batsim's name of the workload (``w0`` for the first one given).
        base_dir: folder that the paths of usage traces are relative to; None refuses them.

    Raises:
        WorkloadError: when the document breaks a rule; the message names job or profile, key, value and rule.
        UnsupportedError: when a job uses a profile of a type that is not simulated.
    """
    document = _load(data, source)
    return document_workload(document, sha256_hex(data), source, name=name, base_dir=base_dir)


def document_workload(
    document: Mapping[str, Any], sha256: str, source: str, *, name: str = "w0", base_dir: Path | None = None
) -> Workload:
    """Return the workload of a document whose JSON is parsed already; see `parse_batsim_json`.

    Args:
        document: the object with ``nb_res``, ``jobs`` and ``profiles``.
        sha256: digest for the report.
        source: name of the file, for messages and the report.
        name: Batsim's name of the workload.
        base_dir: folder that the paths of usage traces are relative to; None refuses them.
    """
    nb_res: Any = document.get("nb_res")
    if not _is_int(nb_res) or nb_res < 1:
        _refuse(f"{source}, key 'nb_res'", _found(document, "nb_res"), "the number of hosts, an integer of at least 1")
    jobs = document.get("jobs")
    if not isinstance(jobs, list):
        _refuse(f"{source}, key 'jobs'", _found(document, "jobs"), "a list of jobs")
    described = document.get("profiles")
    if not isinstance(described, Mapping):
        _refuse(f"{source}, key 'profiles'", _found(document, "profiles"), "an object of profiles")
    ids = _ids(jobs, name, source)
    profiles = used_profiles(described, _named_profiles(jobs, ids, described, source), source, base_dir)
    report = CleaningReport(source, sha256, len(jobs), len(jobs))
    workload = _workload(name, nb_res, jobs, ids, profiles, described, report)
    return replace(workload, synthetic=document.get("synthetic") is True)


def _load(data: bytes, source: str) -> dict[str, Any]:
    try:
        document = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=unique_object,
            parse_constant=no_constant,
            parse_float=parse_number,
        )
        if _SURROGATE.search(data):
            json.dumps(document, ensure_ascii=False).encode()
    except RecursionError:
        raise WorkloadError(f"{source}: nested too deeply; a workload needs few levels, check the file") from None
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        raise WorkloadError(f"{source}: not UTF-8 text ({error.reason}); save the file as UTF-8") from None
    except json.JSONDecodeError as error:
        raise WorkloadError(f"{source}, line {error.lineno}: not JSON ({error.msg}); mend the file") from None
    except ValueError as error:
        raise WorkloadError(f"{source}: {error}") from None
    if not isinstance(document, dict):
        raise WorkloadError(
            f"{source}: the document is not a JSON object; a workload has 'nb_res', 'jobs' and 'profiles'"
        )
    return document


def unique_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of some pairs, for `json.loads`; a key that stands twice is a ValueError."""
    result = dict(pairs)
    if len(result) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"key {twice[:60]!r} is given twice in one object; keep one of them")
    return result


def no_constant(text: str) -> NoReturn:
    """Refuse NaN and Infinity, for `json.loads`."""
    raise ValueError(f"{text} is not a JSON number; every number must be finite")


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -_INT_LIMIT <= value < _INT_LIMIT


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e300 < value < 1e300


def _found(mapping: Mapping[str, Any], key: str) -> str:
    if key not in mapping:
        return "is missing"
    value = mapping[key]
    huge = isinstance(value, int) and abs(value) > 10**30
    text = "a huge number" if huge else repr(value)
    return f"is {text[:60]}"


def _refuse(place: str, found: str, rule: str) -> NoReturn:
    raise WorkloadError(f"{place} {found}; it must be {rule}")


def _ids(jobs: list[Any], name: str, source: str) -> list[str]:
    ids = [_job_id(job, number, name, source) for number, job in enumerate(jobs)]
    if len(set(ids)) != len(ids):
        seen: set[str] = set()
        for number, job_id in enumerate(ids):
            if job_id in seen:
                text = f'{source}, jobs[{number}]: id {job_id!r} is given to two jobs (1 and "1" are the same id)'
                raise WorkloadError(f"{text}; ids must differ, rename one")
            seen.add(job_id)
    return ids


def _job_id(job: Any, number: int, name: str, source: str) -> str:
    place = f"{source}, jobs[{number}]"
    if not isinstance(job, Mapping):
        raise WorkloadError(
            f"{place}: {str(job)[:60]!r} is not an object; a job is an object with id, subtime, res and profile"
        )
    given = job.get("id")
    if _is_int(given):
        return str(given)
    if not isinstance(given, str):
        _refuse(f"{place}, key 'id'", _found(job, "id"), "a text or a 32-bit integer")
    local = given
    if name in given:
        prefix, _, local = given.partition("!")
        if prefix != name:
            _refuse(
                f"{place}, key 'id'",
                _found(job, "id"),
                f"of the form '{name}!x' because it holds the workload's name '{name}'",
            )
    if FORBIDDEN.search(local):
        _refuse(
            f"{place}, key 'id'",
            _found(job, "id"),
            'free of , ( ) | } " \\ ! and control characters, which Batsim cannot forward',
        )
    return local


def _named_profiles(jobs: list[Any], ids: list[str], described: Mapping[str, Any], source: str) -> list[str]:
    names = []
    for number, (job, job_id) in enumerate(zip(jobs, ids, strict=True)):
        _check_job(job, f"{source}, jobs[{number}] (id {job_id!r})")
        if job["profile"] not in described:
            place = f"{source}, jobs[{number}] (id {job_id!r}), key 'profile'"
            _refuse(place, _found(job, "profile"), "the name of one of the workload's profiles")
        names.append(job["profile"])
    return names


def _check_job(job: Mapping[str, Any], place: str) -> None:
    if not _is_number(job.get("subtime")):
        _refuse(f"{place}, key 'subtime'", _found(job, "subtime"), "the submit time, a number of seconds")
    hosts = job.get("res")
    if not isinstance(hosts, int) or not _is_int(hosts) or hosts < 0:
        _refuse(
            f"{place}, key 'res'", _found(job, "res"), "the number of hosts, an integer of at least 0 (1.0 is not one)"
        )
    if "walltime" in job:
        walltime = job["walltime"]
        if not _is_number(walltime) or not (walltime == -1 or walltime > 0):
            _refuse(f"{place}, key 'walltime'", _found(job, "walltime"), "greater than 0 s, or -1 for none")
    if "beta" in job:
        beta = job["beta"]
        if not _is_number(beta) or not 0 <= beta <= 1:
            _refuse(f"{place}, key 'beta'", _found(job, "beta"), "the sensitivity to speed, a number from 0 to 1")
    if not isinstance(job.get("profile"), str):
        _refuse(f"{place}, key 'profile'", _found(job, "profile"), "the name of one of the workload's profiles")
    if "smpi_ranks_to_hosts_mapping" in job:
        _check_mapping(job["smpi_ranks_to_hosts_mapping"], job["res"], place)


def _check_mapping(mapping: object, hosts: int, place: str) -> None:
    if not isinstance(mapping, list) or not all(_is_int(host) and 0 <= host < hosts for host in mapping):
        raise WorkloadError(
            f"{place}, key 'smpi_ranks_to_hosts_mapping': it must be a list of host numbers from 0 to res - 1"
        )


def _workload(
    name: str,
    nb_res: int,
    jobs: list[dict[str, Any]],
    ids: list[str],
    profiles: tuple[Profile, ...],
    listed_profiles: Mapping[str, Any],
    report: CleaningReport,
) -> Workload:
    order = _submission_order(jobs, ids)
    rows = [jobs[row] for row in order]
    position = {profile.name: number for number, profile in enumerate(profiles)}
    return Workload(
        name=name,
        nb_res=nb_res,
        job_id=tuple(ids[row] for row in order),
        submit_s=np.array([job["subtime"] for job in rows], dtype=np.float64),
        hosts=np.array([job["res"] for job in rows], dtype=np.int64),
        walltime_s=np.array([job.get("walltime", -1) for job in rows], dtype=np.float64),
        profile=np.array([position[job["profile"]] for job in rows], dtype=np.int64),
        profiles=profiles,
        user=_numbers(rows, "user"),
        group=_numbers(rows, "group"),
        queue=_numbers(rows, "queue"),
        report=report,
        extra=tuple(rows),
        listed_profiles=listed_profiles,
        beta=np.array([job.get("beta", 1) for job in rows], dtype=np.float64),
        application=_numbers(rows, "application"),
    )


def whole_number(value: object) -> int:
    """Return a user, group, queue or application number of a job's description; -1 when it is none."""
    return value if _is_int(value) and isinstance(value, int) and 0 <= value < 2**63 else -1


def _numbers(rows: list[dict[str, Any]], key: str) -> NDArray[np.int64]:
    return np.array([whole_number(job.get(key)) for job in rows], dtype=np.int64)


def _submission_order(jobs: list[dict[str, Any]], ids: list[str]) -> list[int]:
    # The full id starts with the same prefix in every job, so the bytes of the rest decide.
    keys = [(float(job["subtime"]), job_id.encode()) for job, job_id in zip(jobs, ids, strict=True)]
    return sorted(range(len(jobs)), key=keys.__getitem__)
