"""The answer of ``squeue --json`` as jobs; numbers and states as Slurm 22.05 writes them, and as 23.02 and later do."""

from __future__ import annotations

import json
import math
from typing import Any

from wattq.errors import SlurmError
from wattq.schedulers.slurm.jobs import Job
from wattq.schedulers.slurm.words import expand_tasks, plain

__all__ = ["parse_queue_json"]

_DAMAGED = (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)
# Greater numbers of dates and limits are Slurm's own signs for "none".
_NO_DATE_S = 4e9


def parse_queue_json(text: str) -> tuple[Job, ...]:
    """Return the jobs of ``squeue -a --json``.

    Raises:
        SlurmError: it is no JSON, or not that of squeue.
    """
    try:
        content = json.loads(text)
        rows = content["jobs"]
        if not isinstance(rows, list):
            raise TypeError("jobs is no list")
    except _DAMAGED as error:
        raise SlurmError(f"squeue --json: the answer is no list of jobs ({_words(error)}); try it by hand") from None
    return tuple(_job(row, place) for place, row in enumerate(rows))


def _job(row: Any, place: int) -> Job:
    try:
        return _parsed(row)
    except _DAMAGED as error:
        raise SlurmError(
            f"squeue --json, jobs[{place}]: cannot be understood ({_words(error)}); try `squeue --json` by hand"
        ) from None


def _parsed(row: dict[str, Any]) -> Job:
    minutes = _number(row.get("time_limit"))
    tasks = expand_tasks(str(row.get("array_task_string") or ""))
    state = _state(row["job_state"])
    shared = row.get("shared")
    exclusive = "none" in shared if isinstance(shared, list) else shared == "none"
    number = _whole(row["job_id"])
    return Job(
        number=number,
        label=_label(row, number),
        state=state,
        reason=plain(str(row.get("state_reason") or "")),
        priority=_number(row.get("priority"), 1.0),
        submit_s=_number(row["submit_time"]),
        eligible_s=_date(row.get("eligible_time")),
        start_s=_date(row.get("start_time")),
        limit_s=minutes * 60.0 if minutes > 0 else math.inf,
        nodes=max(_whole(row.get("node_count"), 1), 1),
        cpus=max(_whole(row.get("cpus"), 1), 1),
        node_list=str(row.get("nodes") or ""),
        partitions=tuple(part for part in str(row.get("partition") or "").split(",") if part),
        user=str(row.get("user_name") or row.get("user_id") or ""),
        account=plain(str(row.get("account") or "")),
        qos=plain(str(row.get("qos") or "")),
        exclusive=exclusive,
        dependency=plain(str(row.get("dependency") or "")),
        reservation=plain(str(row.get("resv_name") or "")),
        licenses=plain(str(row.get("licenses") or "")),
        comment=str(row.get("comment") or ""),
        name=str(row.get("name") or ""),
        tasks=tasks if state == "PENDING" else (),
        throttle=_whole(row.get("array_max_tasks"), 0),
        het=_whole(row.get("het_job_id"), 0),
    )


def _label(row: dict[str, Any], number: int) -> str:
    array, task = _whole(row.get("array_job_id"), 0), row.get("array_task_id")
    tasks = str(row.get("array_task_string") or "")
    if array and tasks:
        return f"{array}_[{tasks}]"
    if array and task is not None and not (isinstance(task, dict) and not task.get("set", True)):
        return f"{array}_{_whole(task)}"
    het = _whole(row.get("het_job_id"), 0)
    return f"{het}+{_whole(row.get('het_job_offset'), 0)}" if het else str(number)


def _state(value: Any) -> str:
    """Return the state; later versions give a list, the base state first."""
    found = value[0] if isinstance(value, list) else value
    if not isinstance(found, str) or not found:
        raise TypeError("a state is no text")
    return found.split()[0].upper()


def _number(value: Any, default: float = 0.0) -> float:
    """Return a number, bare or as ``{"set": true, "infinite": false, "number": 5}``."""
    if isinstance(value, dict):
        if value.get("infinite"):
            return 0.0
        value = value.get("number") if value.get("set", True) else None
    if value is None:
        return default
    if isinstance(value, bool):
        raise TypeError("a truth value where a number is expected")
    found = float(value)
    if not math.isfinite(found):
        raise ValueError("a number that is not finite")
    return found


def _whole(value: Any, default: int = 0) -> int:
    found = _number(value, float(default))
    if abs(found) > 2**53:
        raise ValueError("a number that is too large")
    return int(found)


def _date(value: Any) -> float | None:
    found = _number(value)
    return found if 0 < found < _NO_DATE_S else None


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:80]}"
