"""What a request means: defaults filled in, values outside the limits flagged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from wattq.settings import Settings
from wattq.telemetry.api.answers import Flag
from wattq.telemetry.api.requests import JobRequest, unix_time
from wattq.telemetry.slurm.pattern import classify
from wattq.telemetry.store.tables import PATTERN_ROWS
from wattq.units import DAY_S

__all__ = ["LIMITS", "Resolved", "resolve"]

DEFAULTS = {
    "duration_seconds": 300.0,
    "cpu_usage_percent": 50.0,
    "memory_usage_percent": 30.0,
    "io_read_mbps": 10.0,
    "io_write_mbps": 5.0,
}
"""Documented defaults; a job type replaces those of the processor and the memory."""

LIMITS = {
    "duration_seconds": (1.0, 86_400.0),
    "cpu_usage_percent": (0.0, 100.0),
    "memory_usage_percent": (0.0, 100.0),
    "gpu_usage_percent": (0.0, 100.0),
    "io_read_mbps": (0.0, 1000.0),
    "io_write_mbps": (0.0, 1000.0),
    "cpu_cores": (1.0, 64.0),
}
"""Documented limits; a value outside is answered, with a flag."""

_CUT = ("cpu_usage_percent", "memory_usage_percent", "gpu_usage_percent")
_SUBMITTED = ("hosts", "walltime_s", "user", "group", "queue", "application", "frequency_ghz", "gpus", "submit_time")
_LOADS = ("cpu_usage_percent", "gpu_usage_percent", "job_type")
_PATTERN = ("memory_usage_percent", "io_read_mbps", "io_write_mbps")
_LEARNED = ("walltime_s", "user", "group", "queue", "application", "frequency_ghz", "gpus")
_TYPES = {str(row["pattern_name"]): row for row in PATTERN_ROWS}
_SHORT = {"cpu": "cpu_intensive", "io": "io_intensive", "memory": "memory_intensive"}
_AHEAD_S = 366 * DAY_S


@dataclass
class Resolved:
    """A request with all that the models need.

    Attributes:
        request: what was asked.
        now_s: when it was asked, Unix s.
        issued_s: date whose knowledge counts for forecasts: the submission where that lies in the past, else now.
        start_s: when the job would start at the earliest: its submission, or now.
        run_s: run time where it is known, else NaN.
        nodes: nodes whose power is counted.
        share: share of them that the job is charged with, above 0 and at most 1.
        by_load: whether power follows from the utilisation.
        cpu_load, gpu_load: utilisation, 0 to 1.
        pattern: class of the job by its utilisation, None where that is not given.
        flags, notes: for the answer.
    """

    request: JobRequest
    now_s: float
    issued_s: float
    start_s: float
    run_s: float
    nodes: int
    share: float
    by_load: bool
    cpu_load: float
    gpu_load: float
    pattern: str | None
    flags: list[Flag] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def resolve(request: JobRequest, settings: Settings, now_s: float, *, learned_power: bool) -> Resolved:
    """Return what a request means at a date.

    Args:
        request: as it was validated.
        settings: node and limits.
        now_s: Unix s.
        learned_power: whether a model of power is loaded.
    """
    flags: list[Flag] = []
    values = _within_limits(request, flags)
    submitted_s = _submission(request, now_s, flags)
    nodes, share, notes = _nodes(request, settings.api.node_cores)
    filled = _filled(request, values)
    described = any(getattr(request, name) is not None for name in _SUBMITTED)
    by_load = not learned_power or not described or any(getattr(request, name) is not None for name in _LOADS)
    if by_load and request.cpu_usage_percent is None and request.job_type is None:
        notes.append(f"cpu_usage_percent is not given; {filled['cpu_usage_percent']:g} is assumed")
    known = not described or request.duration_seconds is not None
    notes += _unused(request, settings, known=known, by_load=by_load)
    return Resolved(
        request=request,
        now_s=now_s,
        issued_s=min(now_s, submitted_s),
        start_s=submitted_s,
        run_s=filled["duration_seconds"] if known else math.nan,
        nodes=nodes,
        share=share,
        by_load=by_load,
        cpu_load=filled["cpu_usage_percent"] / 100.0,
        gpu_load=filled.get("gpu_usage_percent", 0.0) / 100.0,
        pattern=_pattern(request, filled),
        flags=flags,
        notes=notes,
    )


def _unused(request: JobRequest, settings: Settings, *, known: bool, by_load: bool) -> list[str]:
    """Say which of the fields that were given change no energy."""
    notes = []
    pattern = [name for name in _PATTERN if getattr(request, name) is not None]
    if pattern:
        notes.append(f"{', '.join(pattern)}: of use to workload_pattern alone")
    unread = [name for name in _LEARNED if getattr(request, name) is not None] if known and by_load else []
    if request.gpu_usage_percent is not None and not settings.node.gpus:
        unread.append("gpu_usage_percent")
    if unread:
        why = "the run time is given, and the power is that of the node in the settings"
        notes.append(f"{', '.join(unread)}: not used, as {why}")
    return notes


def _within_limits(request: JobRequest, flags: list[Flag]) -> dict[str, float]:
    """Return the values that were given, utilisations cut at 100 %, and flag those outside the documented limits."""
    values: dict[str, float] = {}
    for name, (low, high) in LIMITS.items():
        given = getattr(request, name)
        if given is None:
            continue
        value = float(given)
        values[name] = min(value, high) if name in _CUT else value
        if not low <= value <= high:
            does = f"{high:g} is used" if name in _CUT else "it is used as it is, beyond what was documented"
            message = f"{name} {value:g} lies outside {low:g} to {high:g}; {does}"
            flags.append(Flag(field=name, value=value, low=low, high=high, used=values[name], message=message))
    return values


def _submission(request: JobRequest, now_s: float, flags: list[Flag]) -> float:
    if request.submit_time is None:
        return now_s
    given_s = unix_time(request.submit_time)
    low, high = 0.0, now_s + _AHEAD_S
    if low < given_s <= high:
        return given_s
    message = "submit_time lies before 1970 or more than a year ahead; now is used"
    value = request.submit_time if isinstance(request.submit_time, str) else given_s
    flags.append(Flag(field="submit_time", value=value, low=low, high=high, used=now_s, message=message))
    return now_s


def _nodes(request: JobRequest, node_cores: int) -> tuple[int, float, list[str]]:
    """Return nodes, the share of them that the job is charged with, and what was assumed."""
    cores, hosts = request.cpu_cores, request.hosts
    if not node_cores:
        note = "the cores of a node are not set (api.node_cores); the job is charged with whole nodes"
        return hosts or 1, 1.0, [] if cores is None or hosts is not None else [note]
    if cores is None:
        return hosts or 1, 1.0, []
    nodes = max(hosts or 0, math.ceil(cores / node_cores))
    return nodes, cores / (nodes * node_cores), []


def _filled(request: JobRequest, values: Mapping[str, float]) -> dict[str, float]:
    """Return the values with defaults for what is missing; a job type says its utilisation."""
    filled = {**DEFAULTS, **values}
    if request.job_type is not None:
        row = _TYPES[_SHORT.get(request.job_type, request.job_type)]
        for name, column in (("cpu_usage_percent", "avg_cpu_usage"), ("memory_usage_percent", "avg_memory_usage")):
            filled[name] = values.get(name, float(str(row[column])))
        if "io_read_mbps" not in values and "io_write_mbps" not in values:
            filled["io_read_mbps"], filled["io_write_mbps"] = float(str(row["avg_io_usage"])), 0.0
    return filled


def _pattern(request: JobRequest, values: Mapping[str, float]) -> str | None:
    """Return the class of a job; None where nothing is known of its utilisation."""
    if all(getattr(request, name) is None for name in (*_PATTERN, "cpu_usage_percent", "job_type")):
        return None
    io = values["io_read_mbps"] + values["io_write_mbps"]
    return classify(values["cpu_usage_percent"], values["memory_usage_percent"], io)
