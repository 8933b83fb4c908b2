"""Service-level targets: which jobs are in which class, and what each class was promised."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from wattq.experiments.catalogue import DEFAULT_TAU_S
from wattq.yaml_model import read_model

__all__ = ["JOB_TARGETS", "PERCENTILE_TARGETS", "SlaClass", "SlaTargets", "read_targets"]

PERCENTILE_TARGETS = {
    "wait_p95_s": ("wait", 95.0),
    "wait_p99_s": ("wait", 99.0),
    "bounded_slowdown_p95": ("bounded_slowdown", 95.0),
    "bounded_slowdown_p99": ("bounded_slowdown", 99.0),
}
"""Target of a class -> what it is about, and which percentile."""

JOB_TARGETS = ("deadline_s", "wait_max_s")
"""Targets that each job of a class is held against."""

_WHAT = "service-level targets are a mapping with the key 'classes' (and 'deadlines')"
_Owner = Annotated[int, Field(ge=-1, le=2**53)]
_Hosts = Annotated[int, Field(ge=1, le=2**53)]
_Positive = Annotated[float, Field(gt=0)]
_NotNegative = Annotated[float, Field(ge=0)]
_OWNERS = ("queue", "user")
_TIMES = ("walltime_min_s", "walltime_max_s", "deadline_s", "wait_max_s", *PERCENTILE_TARGETS)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


def _float(value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


class SlaClass(_Strict):
    """Jobs for which all that is given holds, and their targets. A job is in the first class that it matches.

    Attributes:
        name: what reports call it.
        queue, user: numbers; one of each that is given.
        hosts_min, hosts_max: hosts asked for, bounds included.
        walltime_min_s, walltime_max_s: requested time, bounds included; a job without one has an endless one.
        deadline_s: each job is finished so many seconds after its submission.
        wait_max_s: each job starts so many seconds after its submission.
        wait_p95_s, wait_p99_s: percentiles of the waits, s.
        bounded_slowdown_p95, bounded_slowdown_p99: percentiles of the bounded slowdowns.
        preemptions_max: most jobs that the scheduler kills.
    """

    name: str = Field(max_length=60, pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]*$")
    queue: list[_Owner] | None = None
    user: list[_Owner] | None = None
    hosts_min: _Hosts | None = None
    hosts_max: _Hosts | None = None
    walltime_min_s: _Positive | None = None
    walltime_max_s: _Positive | None = None
    deadline_s: _Positive | None = None
    wait_max_s: _NotNegative | None = None
    wait_p95_s: _NotNegative | None = None
    wait_p99_s: _NotNegative | None = None
    bounded_slowdown_p95: Annotated[float, Field(ge=1)] | None = None
    bounded_slowdown_p99: Annotated[float, Field(ge=1)] | None = None
    preemptions_max: Annotated[int, Field(ge=0)] | None = None

    @field_validator(*_OWNERS, mode="before")
    @classmethod
    def _one_number(cls, value: Any) -> Any:
        return [value] if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator(*_TIMES, mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        return _float(value)

    def matches(self, hosts: int, requested_s: float, user: int, queue: int) -> bool:
        """Return whether a job is in the class; ``requested_s`` is -1 without a requested time."""
        wall_s = requested_s if requested_s > 0 else float("inf")
        return (
            (self.queue is None or queue in self.queue)
            and (self.user is None or user in self.user)
            and (self.hosts_min is None or hosts >= self.hosts_min)
            and (self.hosts_max is None or hosts <= self.hosts_max)
            and (self.walltime_min_s is None or wall_s >= self.walltime_min_s)
            and (self.walltime_max_s is None or wall_s <= self.walltime_max_s)
        )


class SlaTargets(_Strict):
    """What a run is held against.

    Attributes:
        classes: tried in order.
        deadlines: full id of a job (``w0!7``) -> date, s, by which it is finished; it goes before the class's.
        jain_min: least Jain index of the users' mean bounded slowdowns.
        tau_s: bound of the bounded slowdown, s.
    """

    classes: list[SlaClass] = Field(default_factory=list, max_length=1000)
    deadlines: dict[str, _NotNegative] = Field(default_factory=dict)
    jain_min: Annotated[float, Field(gt=0, le=1)] | None = None
    tau_s: _Positive = DEFAULT_TAU_S

    @field_validator("jain_min", "tau_s", mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        return _float(value)

    @field_validator("deadlines", mode="before")
    @classmethod
    def _whole_dates(cls, value: Any) -> Any:
        return {key: _float(date) for key, date in value.items()} if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _consistent(self) -> SlaTargets:
        names = [one.name for one in self.classes]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two classes are called '{twice}'; give them different names")
        if not self.classes and not self.deadlines and self.jain_min is None:
            raise ValueError("no target is given; give classes, deadlines or jain_min")
        return self


def read_targets(path: str | Path) -> SlaTargets:
    """Return the targets in a YAML file.

    Raises:
        MissingFileError: the file cannot be read.
        InvalidInputError: it breaks a rule; the message names file, line, key, value and rule.
    """
    return read_model(path, SlaTargets, _WHAT)
