"""What a command line asks `wattq-batsim` for, checked against Batsim's rules."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wattq.errors import UnsupportedError
from wattq.simulator.batsim.grammar import UsageError, split
from wattq.simulator.batsim.log import LEVELS, thresholds_of
from wattq.simulator.batsim.simgrid import check_setting, read_threshold
from wattq.simulator.batsim.usage import OPTIONS, REFUSED

__all__ = ["ServerOptions", "context_text", "parse_options", "shown_instead"]

_INTEGER = re.compile(r"^[+-]?\d{1,9}$", re.ASCII)


@dataclass(frozen=True)
class ServerOptions:
    """A command line in order; names are those of Batsim's options.

    Attributes:
        platform, workloads, events, master_host, roles, mmax, mmax_workload: the inputs.
        energy, compute_sharing, storage_sharing, dynamic_jobs, acknowledge_dynamic_jobs, profile_reuse,
            forward_profiles, forward_unknown_events: what is simulated and told.
        endpoint: where the scheduler listens.
        sched_config: text for the scheduler.
        sched_config_file: file of the text for the scheduler, empty when there is none.
        scheduler_timeout_s: patience with the scheduler in s; None waits for ever.
        prefix: put before the names of the output files.
        schedule_trace, machine_states: whether these files are written.
        thresholds: least level that is logged, by category.
        settings: SimGrid's settings, none of which changes anything.
        redis_hostname, redis_port, redis_prefix: told to the scheduler.
        dump_context: whether only the execution context is printed.
    """

    platform: str
    workloads: tuple[str, ...]
    events: tuple[str, ...]
    master_host: str
    roles: tuple[str, ...]
    mmax: int
    mmax_workload: bool
    energy: bool
    compute_sharing: bool
    storage_sharing: bool
    dynamic_jobs: bool
    acknowledge_dynamic_jobs: bool
    profile_reuse: bool
    forward_profiles: bool
    forward_unknown_events: bool
    endpoint: str
    sched_config: str
    sched_config_file: str
    scheduler_timeout_s: float | None
    prefix: str
    schedule_trace: bool
    machine_states: bool
    thresholds: Mapping[str, int]
    settings: tuple[str, ...]
    redis_hostname: str
    redis_port: int
    redis_prefix: str
    dump_context: bool


def shown_instead(words: Sequence[str]) -> str:
    """Return ``--help``, ``--version`` or ``--simgrid-version`` when that is asked for, else nothing.

    Raises:
        UsageError: the command line cannot be taken apart.
    """
    given = split(words, OPTIONS)
    for name in ("--help", "--version"):
        if name in given:
            return name
    if "--simgrid-version" not in given:
        return ""
    if len(given) > 1:
        raise UsageError("option '--simgrid-version' stands alone")
    return "--simgrid-version"


def parse_options(words: Sequence[str]) -> ServerOptions:
    """Return the options that a command line gives.

    Raises:
        UsageError: the command line breaks a rule; Batsim ends with 255 then.
        UnsupportedError: an option of Batsim that cannot be honoured.
    """
    given = split(words, OPTIONS)
    for name in given:
        if name in REFUSED:
            raise UnsupportedError(f"option '{name}': {REFUSED[name]}")
    _check_counts(given)
    one = {option.name: given.get(option.name, [option.default])[-1] for option in OPTIONS}
    return ServerOptions(
        platform=one["--platform"],
        workloads=tuple(given.get("--workload", [])),
        events=tuple(given.get("--events", [])),
        master_host=one["--master-host"],
        roles=tuple(given.get("--add-role-to-hosts", [])),
        mmax=_integer("--mmax", one["--mmax"]),
        mmax_workload="--mmax-workload" in given,
        energy="--energy" in given,
        compute_sharing="--enable-compute-sharing" in given,
        storage_sharing="--disable-storage-sharing" not in given,
        dynamic_jobs="--enable-dynamic-jobs" in given,
        acknowledge_dynamic_jobs="--acknowledge-dynamic-jobs" in given,
        profile_reuse="--enable-profile-reuse" in given,
        forward_profiles="--forward-profiles-on-submission" in given,
        forward_unknown_events="--forward-unknown-events" in given and "--events" in given,
        endpoint=one["--socket-endpoint"],
        sched_config=one["--sched-cfg"],
        sched_config_file=one["--sched-cfg-file"],
        scheduler_timeout_s=_patience(given),
        prefix=one["--export"],
        schedule_trace="--disable-schedule-tracing" not in given,
        machine_states="--disable-machine-state-tracing" not in given,
        thresholds=_thresholds(given, one["--verbosity"]),
        settings=tuple(given.get("--sg-cfg", [])),
        redis_hostname=one["--redis-hostname"],
        redis_port=_integer("--redis-port", one["--redis-port"]),
        redis_prefix=one["--redis-prefix"],
        dump_context="--dump-execution-context" in given,
    )


def _check_counts(given: Mapping[str, list[str]]) -> None:
    """Refuse what is missing, given twice, or excludes something else; and settings of SimGrid with an effect."""
    for option in OPTIONS:
        if not option.repeat and len(given.get(option.name, [])) > 1:
            raise UsageError(f"option '{option.name}' is given {len(given[option.name])} times; give it once")
    if "--platform" not in given:
        raise UsageError("option '-p/--platform' is missing: name the platform file")
    if "--sched-cfg" in given and "--sched-cfg-file" in given:
        raise UsageError("options '--sched-cfg' and '--sched-cfg-file' exclude each other; give one of them")
    if "--enable-profile-reuse" in given and "--enable-dynamic-jobs" not in given:
        raise UsageError("option '--enable-profile-reuse' needs '--enable-dynamic-jobs'; add it")
    for text in given.get("--sg-cfg", []):
        check_setting(text)


def _integer(name: str, text: str) -> int:
    """Return the value of an option as an integer."""
    if not _INTEGER.match(text):
        raise UsageError(f"option '{name}': '{text}' is not an integer")
    return int(text)


def _patience(given: Mapping[str, list[str]]) -> float | None:
    """Return how long to wait for a reply, in s; None for ever."""
    if "--scheduler-timeout" not in given:
        return None
    text = given["--scheduler-timeout"][-1]
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 < value <= 1e6:
        raise UsageError(f"option '--scheduler-timeout': '{text}' is no number of seconds; give more than 0, up to 1e6")
    return value


def _thresholds(given: Mapping[str, list[str]], level: str) -> Mapping[str, int]:
    """Return the least level that is logged, by category."""
    if level not in LEVELS:
        raise UsageError(f"option '--verbosity': '{level}' is no level; give one of {', '.join(LEVELS)}")
    thresholds = dict(thresholds_of("quiet" if "--quiet" in given else level))
    for text in given.get("--sg-log", []):
        for category, least in read_threshold(text):
            thresholds |= dict.fromkeys(thresholds, least) if category == "root" else {category: least}
    return thresholds


def context_text(options: ServerOptions) -> str:
    """Return what --dump-execution-context prints: one line of JSON."""
    context = {
        "socket_endpoint": options.endpoint,
        "redis_enabled": False,
        "redis_hostname": options.redis_hostname,
        "redis_port": options.redis_port,
        "redis_prefix": options.redis_prefix,
        "export_prefix": options.prefix,
        "external_scheduler": True,
    }
    return json.dumps(context, ensure_ascii=False, separators=(",", ":")) + "\n"
