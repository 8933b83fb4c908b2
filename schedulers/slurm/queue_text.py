"""The answer of ``squeue -O``, for a Slurm that was built without JSON."""

from __future__ import annotations

import math

from wattq.errors import SlurmError
from wattq.schedulers.slurm.jobs import Job
from wattq.schedulers.slurm.words import date_s, duration_s, expand_tasks, plain

__all__ = ["QUEUE_WORDS", "parse_queue_text"]

# No user can write this sign into a comment or a name without meaning it.
_SIGN = "\x1f"
_FIELDS = (
    "JobID", "ArrayJobID", "ArrayTaskID", "HetJobID", "HetJobOffset", "State", "Reason", "PriorityLong", "SubmitTime",
    "EligibleTime", "StartTime", "TimeLimit", "NumNodes", "NumCPUs", "NodeList", "Partition", "QOS", "Account",
    "UserName", "OverSubscribe", "Dependency", "Reservation", "Licenses", "Comment", "Name",
)  # fmt: skip
QUEUE_WORDS = ("squeue", "-a", "-h", "-O", ",".join(f"{name}:{_SIGN}" for name in _FIELDS))
"""The command whose answer is parsed."""


def parse_queue_text(text: str) -> tuple[Job, ...]:
    """Return the jobs of `QUEUE_WORDS`.

    Raises:
        SlurmError: a line has another number of fields, or a field cannot be understood.
    """
    jobs: list[Job] = []
    for line, row in enumerate(text.split(f"{_SIGN}\n"), 1):
        if row.strip("\n\x1f "):
            jobs.append(_job(row.split(_SIGN), line))
    return tuple(jobs)


def _job(cells: list[str], line: int) -> Job:
    if len(cells) != len(_FIELDS):
        raise SlurmError(
            f"squeue -O, job {line}: {len(cells)} fields where {len(_FIELDS)} are expected; this Slurm may know fewer "
            "fields: install its JSON support, so that `squeue --json` answers"
        )
    row = dict(zip(_FIELDS, cells, strict=True))
    try:
        return _parsed(row)
    except (ValueError, OverflowError) as error:
        raise SlurmError(f"squeue -O, job {line}: cannot be understood ({str(error)[:80]}); try it by hand") from None


def _parsed(row: dict[str, str]) -> Job:
    number, array, task = int(row["JobID"]), plain(row["ArrayJobID"]), plain(row["ArrayTaskID"])
    het, state = plain(row["HetJobID"]), row["State"].strip().split(" ")[0].upper()
    label = f"{het}+{plain(row['HetJobOffset']) or 0}" if het else str(number)
    if task:
        label = f"{array}_{task}" if task.isdecimal() and state != "PENDING" else f"{array}_[{task}]"
    share, throttle = row["OverSubscribe"].strip().upper(), task.rpartition("%")[2] if "%" in task else "0"
    limit_s = duration_s(row["TimeLimit"])
    return Job(
        number=number,
        label=label,
        state=state,
        reason=_reason(row["Reason"]),
        priority=float(plain(row["PriorityLong"]) or 0),
        submit_s=date_s(row["SubmitTime"]) or 0.0,
        eligible_s=date_s(row["EligibleTime"]),
        start_s=date_s(row["StartTime"]),
        limit_s=limit_s if limit_s > 0 else math.inf,
        nodes=max(int(row["NumNodes"].partition("-")[0]), 1),
        cpus=max(int(row["NumCPUs"].partition("-")[0]), 1),
        node_list=plain(row["NodeList"]),
        partitions=tuple(part for part in plain(row["Partition"]).split(",") if part),
        user=row["UserName"].strip(),
        account=plain(row["Account"]),
        qos=plain(row["QOS"]),
        exclusive=share in ("NO", "EXCLUSIVE"),
        dependency=plain(row["Dependency"]),
        reservation=plain(row["Reservation"]),
        licenses=plain(row["Licenses"]),
        comment="" if row["Comment"] == "(null)" else row["Comment"],
        name=row["Name"],
        tasks=expand_tasks(task) if state == "PENDING" else (),
        throttle=int(throttle.strip("]")),
        het=int(het or 0),
    )


def _reason(text: str) -> str:
    """Return the word of the reason, without the sentence that may follow it."""
    return plain(text).partition(",")[0]
