"""What clients ask the API: fields, units and limits; anything else in a body is refused."""

from __future__ import annotations

import datetime
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

__all__ = ["MOST_JOBS", "BatchRequest", "JobRequest", "JobType", "Objective", "RecommendJob", "RecommendRequest"]

MOST_JOBS = 1000
"""Most jobs of one request."""

_MOST_S = 366 * 86_400.0
_LEAP = re.compile(r"(T\d\d:\d\d):60", re.IGNORECASE)

JobType = Literal["mixed", "cpu", "cpu_intensive", "io", "io_intensive", "memory", "memory_intensive"]
"""Kinds of jobs; the short and the long names mean the same."""
Objective = Literal["cost", "carbon"]
"""What a later start is to save."""


def _check_date(text: str) -> str:
    try:
        datetime.datetime.fromisoformat(_LEAP.sub(r"\1:59", text))
    except ValueError:
        raise ValueError("is no date such as 2026-11-21T14:30:00Z") from None
    return text


def _whole(value: Any) -> Any:
    """Return 4.0 as 4: in JSON it is a whole number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = BeforeValidator(_whole)
Name = Annotated[str, Field(strict=True, min_length=1, max_length=100)]
Code = Annotated[int, Field(strict=True, ge=0, le=2**31 - 1), Whole]
Date = Annotated[
    str,
    Field(strict=True, max_length=64, json_schema_extra={"format": "date-time"}),
    AfterValidator(_check_date),
]
UnixTime = Annotated[float, Field(strict=True, ge=0, le=4_102_444_800)]
Percent = Annotated[float, Field(strict=True, ge=0, le=1e6)]
Rate = Annotated[float, Field(strict=True, ge=0, le=1e9)]
Seconds = Annotated[float, Field(strict=True, gt=0, le=_MOST_S)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class JobRequest(_Body):
    """A job, as it is submitted, or as it is known to run.

    With `duration_seconds` (or without any field that describes a submission) the run time is known. Otherwise the
    model of run times predicts it from what is known at submission: `walltime_s`, `hosts`, `user` and so on.
    """

    job_id: Name | None = Field(default=None, description="name of the job, repeated in the answer")
    hosts: Annotated[int, Field(strict=True, ge=1, le=1_000_000), Whole] | None = Field(
        default=None, description="nodes requested; without it, as many as the cores need"
    )
    cpu_cores: Annotated[int, Field(strict=True, ge=1, le=100_000_000), Whole] | None = Field(
        default=None, description="cores requested, on all nodes"
    )
    walltime_s: Seconds | None = Field(default=None, description="requested time, s")
    user: Name | Code | None = Field(default=None, description="user, by name or by number in the log")
    group: Name | Code | None = Field(default=None, description="group or account")
    queue: Name | Code | None = Field(default=None, description="queue or partition")
    application: Name | Code | None = Field(default=None, description="application or job name")
    frequency_ghz: Annotated[float, Field(strict=True, gt=0, le=100)] | None = Field(
        default=None, description="requested clock, GHz"
    )
    gpus: Annotated[int, Field(strict=True, ge=0, le=1024), Whole] | None = Field(
        default=None, description="GPUs per node"
    )
    submit_time: UnixTime | Date | None = Field(
        default=None, description="submission: Unix seconds, or an ISO 8601 date (UTC without an offset); default: now"
    )
    duration_seconds: Seconds | None = Field(default=None, description="run time, where it is known, s")
    cpu_usage_percent: Percent | None = Field(default=None, description="mean utilisation of the job's cores, percent")
    memory_usage_percent: Percent | None = Field(default=None, description="mean share of memory in use, percent")
    io_read_mbps: Rate | None = Field(default=None, description="mean rate of reading, MB/s")
    io_write_mbps: Rate | None = Field(default=None, description="mean rate of writing, MB/s")
    gpu_usage_percent: Percent | None = Field(default=None, description="mean utilisation of the GPUs, percent")
    job_type: JobType | None = Field(default=None, description="kind of job; says the utilisation where none is given")


class BatchRequest(_Body):
    """Several jobs."""

    jobs: Annotated[list[JobRequest], Field(min_length=1, max_length=MOST_JOBS)]


class RecommendJob(JobRequest):
    """A job that may start later."""

    deadline_hours: Annotated[float, Field(strict=True, gt=0, le=168)] | None = Field(
        default=None,
        description="hours from the submission until which the job must have ended; default: that of the request",
    )


class RecommendRequest(_Body):
    """Jobs that may start later, and what that is to save."""

    jobs: Annotated[list[RecommendJob], Field(min_length=1, max_length=100)]
    deadline_hours: Annotated[float, Field(strict=True, gt=0, le=168)] = Field(
        default=24.0, description="hours from its submission (or now) until which a job must have ended"
    )
    objective: Objective | None = Field(
        default=None, description="what to save; default: cost where prices are known, else carbon"
    )
    least_saving_percent: Annotated[float, Field(strict=True, ge=0, le=100)] = Field(
        default=1.0, description="a job is deferred only for a saving of at least so much, percent"
    )


def unix_time(value: float | str) -> float:
    """Return a date of a request as Unix seconds; a leap second counts as the one before it."""
    if not isinstance(value, str):
        return value
    date = datetime.datetime.fromisoformat(_LEAP.sub(r"\1:59", value))
    try:
        return (date if date.tzinfo else date.replace(tzinfo=datetime.UTC)).timestamp()
    except OverflowError:
        return 0.0 if date.year < 1970 else 4_102_444_800.0
