"""From the cells and the JSON of a table file to the Workload that it was written from."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from wattq.errors import WorkloadError
from wattq.workloads.batsim_json import document_workload, no_constant, unique_object
from wattq.workloads.model import CleaningReport, Outcome, Workload
from wattq.workloads.text_table import TextTable

__all__ = ["strict_object", "table_workload"]

_Rows = NDArray[np.float64]
_COLUMNS = ("job_id", "submit_s", "hosts", "walltime_s", "profile", "user", "group", "queue")
_LOGGED = ("logged_start_s", "logged_run_s", "logged_status", "logged_cpu_s")
_MOST_HOSTS = 2**31 - 1
_WHOLE = re.compile(r"-?\d{1,19}", re.ASCII)
_LARGEST = 2.0**53
_T = TypeVar("_T")
_FROM = "read from the table "


def table_workload(table: TextTable, about: Mapping[str, Any], name: str, base_dir: Path | None) -> Workload:
    """Return the workload of a table and of what concerns it as a whole.

    Raises:
        WorkloadError: names line or key, value and rule.
    """
    table.require(*_COLUMNS, what="a table of jobs has it")
    submit, hosts, walltime = _checked(table)
    jobs = _objects(table) if "job" in table.columns else _plain_objects(table, submit, hosts, walltime)
    listed = _mapping(about, "listed_profiles", table.source)
    described = listed if "job" in table.columns and listed else _mapping(about, "profiles", table.source)
    document = {"nb_res": about.get("nb_res"), "jobs": jobs, "profiles": described}
    workload = document_workload(document, table.sha256, table.source, name=name, base_dir=base_dir)
    names = [workload.profiles[index].name for index in workload.profile.tolist()]
    found = {"job_id": workload.job_id, "submit_s": workload.submit_s, "hosts": workload.hosts, "profile": names}
    cells = {"job_id": table.column("job_id"), "submit_s": submit, "hosts": hosts, "profile": table.column("profile")}
    for key, values in {**found, "walltime_s": workload.walltime_s}.items():
        _agree(table, key, np.asarray(values), np.asarray(cells.get(key, walltime)))
    return replace(
        workload,
        user=_whole(table, "user"),
        group=_whole(table, "group"),
        queue=_whole(table, "queue"),
        report=_report(about, table),
        extra=workload.extra if "job" in table.columns else None,
        outcome=_outcome(table),
        unix_start_s=_number_or_none(about, "unix_start_s", table.source),
        utc_offset_s=_number_or_none(about, "utc_offset_s", table.source),
        synthetic=about.get("synthetic") is True,
        listed_profiles=listed,
        beta=_beta(table, workload),
        application=_whole(table, "application") if "application" in table.columns else workload.application,
    )


def _beta(table: TextTable, workload: Workload) -> NDArray[np.float64]:
    """Return the column beta; where there is none, the jobs' objects tell."""
    if "beta" not in table.columns:
        return workload.beta
    beta = _numbers(table, "beta")
    bad = np.flatnonzero(~((beta >= 0.0) & (beta <= 1.0)))
    if bad.size:
        raise table.refusal(int(bad[0]), "beta", "the sensitivity to speed, a number from 0 to 1")
    if "job" in table.columns:
        _agree(table, "beta", workload.beta, beta)
    return beta


def _checked(table: TextTable) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    submit, hosts, walltime = (_numbers(table, key) for key in ("submit_s", "hosts", "walltime_s"))
    for key, fits, rule in (
        ("submit_s", np.isfinite(submit), "a number"),
        ("hosts", (hosts >= 0) & (hosts <= _MOST_HOSTS) & (hosts == np.floor(hosts)), "a whole number of hosts"),
        ("walltime_s", np.isnan(walltime) | (walltime > 0), "a number above 0, or empty"),
        ("submit_s", np.diff(submit, prepend=-np.inf) >= 0, "in the order of submission, sort the rows"),
    ):
        bad = np.flatnonzero(~fits)
        if bad.size:
            raise table.refusal(int(bad[0]), key, rule)
    return submit, hosts, np.where(np.isnan(walltime), -1.0, walltime)


def _plain_objects(table: TextTable, submit: _Rows, hosts: _Rows, walltime: _Rows) -> list[dict[str, Any]]:
    """Return the jobs as Batsim's JSON would hold them, so that its rules for ids and profiles apply."""
    columns = (table.column("job_id"), submit.tolist(), hosts.astype(np.int64).tolist(), walltime.tolist())
    return [
        {"id": job_id, "subtime": date, "res": size, "walltime": limit, "profile": profile}
        for job_id, date, size, limit, profile in zip(*columns, table.column("profile"), strict=True)
    ]


def _objects(table: TextTable) -> list[dict[str, Any]]:
    jobs = []
    for row, text in enumerate(table.column("job")):
        try:
            jobs.append(strict_object(text))
        except ValueError:
            raise table.refusal(row, "job", "the JSON object of a job") from None
    return jobs


def strict_object(text: str) -> dict[str, Any]:
    """Return the object of a JSON text: finite numbers, no key twice, no half characters.

    Raises:
        ValueError: when it is none.
    """
    try:
        value = json.loads(text, object_pairs_hook=unique_object, parse_constant=no_constant)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def _agree(table: TextTable, key: str, found: NDArray[Any], cells: NDArray[Any]) -> None:
    bad = np.flatnonzero(found != cells)
    if bad.size:
        raise table.refusal(int(bad[0]), key, f"{found[bad[0]]}, as the order of submission and the column 'job' say")


def _number(text: str) -> float | None:
    if text == "":
        return float("nan")
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < 1e300 else None


def _numbers(table: TextTable, key: str) -> NDArray[np.float64]:
    return table.convert(key, _number, "a finite number, or empty where unknown")


def _whole(table: TextTable, key: str) -> NDArray[np.int64]:
    """Return the whole numbers of a column, -1 where it is empty; floats would lose digits of large ones."""
    numbers = np.full(table.n_rows, -1, dtype=np.int64)
    for row, text in enumerate(table.column(key)):
        if _WHOLE.fullmatch(text) and abs(int(text)) < 2**63:
            numbers[row] = int(text)
        elif text:
            raise table.refusal(row, key, "a whole number, or empty where unknown")
    return numbers


def _outcome(table: TextTable) -> Outcome | None:
    present = [key in table.columns for key in _LOGGED]
    if not any(present):
        return None
    table.require(*_LOGGED, what="what was logged stands in four columns")
    start, run, _, cpu = (_numbers(table, key) for key in _LOGGED)
    return Outcome(start_s=start, run_s=run, status=_whole(table, "logged_status"), cpu_s=cpu)


def _mapping(about: Mapping[str, Any], key: str, source: str) -> Mapping[str, Any]:
    value = about.get(key)
    if not isinstance(value, dict):
        raise WorkloadError(f"{source}, line 1, key {key!r}: not an object; write the table again")
    return value


def _number_or_none(about: Mapping[str, Any], key: str, source: str) -> float | None:
    value = about.get(key)
    if value is None:
        return None
    if (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and abs(value) < _LARGEST
    ):
        return float(value)
    raise WorkloadError(f"{source}, line 1, key {key!r}: {str(value)[:40]}; it must be a finite number or null")


def _report(about: Mapping[str, Any], table: TextTable) -> CleaningReport:
    """Return the report of the log that the table was written from; it names the table too."""
    saved = _mapping(about, "report", table.source)
    try:
        report = CleaningReport(
            source=_kind(saved["source"], str),
            sha256=_kind(saved["sha256"], str),
            n_read=_count(saved["n_read"]),
            n_kept=_count(saved["n_kept"]),
            dropped={_kind(key, str): _count(value) for key, value in saved["dropped"].items()},
            repaired={_kind(key, str): _count(value) for key, value in saved["repaired"].items()},
            warnings=tuple(_kind(text, str) for text in _kind(saved["warnings"], list)),
        )
    except (KeyError, TypeError, AttributeError):
        raise WorkloadError(f"{table.source}, line 1, key 'report': not a report; write the table again") from None
    kept = tuple(text for text in report.warnings if not text.startswith(_FROM))
    return replace(report, warnings=(*kept, f"{_FROM}{table.source} (sha256 {table.sha256})"))


def _kind(value: object, kind: type[_T]) -> _T:
    if not isinstance(value, kind):
        raise TypeError
    return value


def _count(value: object) -> int:
    number = _kind(value, int)
    if isinstance(value, bool) or not 0 <= number < _LARGEST:
        raise TypeError
    return number
