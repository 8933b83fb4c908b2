"""From options to what is simulated: workloads, events, machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wattq.errors import SimulationAbortError
from wattq.simulator.batsim.ending import MISSING_LIST, MISSING_PLATFORM, FilesMissingError
from wattq.simulator.batsim.log import Log
from wattq.simulator.batsim.options import ServerOptions
from wattq.simulator.batsim.surrogates import has_half_pair

if TYPE_CHECKING:
    from wattq.platforms.model import Platform
    from wattq.simulator.external import ExternalEvents
    from wattq.simulator.protocol import ProtocolOptions
    from wattq.workloads.model import Workload

__all__ = ["Inputs", "check_files", "read_inputs"]


@dataclass(frozen=True)
class Inputs:
    """What a simulation is made of.

    Attributes:
        platform: the machine, cut to the hosts in use.
        workloads: the workloads, w0 first.
        externals: external events of all files.
        protocol: what the scheduler is told of the options.
    """

    platform: Platform
    workloads: tuple[Workload, ...]
    externals: ExternalEvents
    protocol: ProtocolOptions


def check_files(options: ServerOptions) -> None:
    """Make sure that the input files exist.

    Raises:
        FilesMissingError: some do not; its exit code is Batsim's.
    """
    missing, code = [], 0
    for kind, paths, bit in (
        ("platform", (options.platform,), MISSING_PLATFORM),
        ("workload", options.workloads, MISSING_LIST),
        ("events", options.events, MISSING_LIST),
    ):
        for path in paths:
            if not _exists(path):
                missing.append(f"{kind} file '{path}' does not exist")
                code |= bit
    if missing:
        raise FilesMissingError(f"{'; '.join(missing)}; check the path", code)


def _exists(path: str) -> bool:
    """Return whether there is something of this name."""
    try:
        return Path(path).exists()
    except OSError:
        return False


def _absolute(path: str) -> str:
    """Return a path as Batsim tells it to the scheduler: the folder put before it, nothing tidied up."""
    return path if path.startswith("/") else f"{Path.cwd()}/{path}"


def read_inputs(options: ServerOptions, log: Log) -> Inputs:
    """Read the files of a simulation, in Batsim's order.

    Raises:
        WattqError: one of them breaks a rule, or asks for what is not simulated.
    """
    from wattq.platforms import read_platform
    from wattq.simulator.external import read_events
    from wattq.workloads import read_workload
    from wattq.workloads.sensitivity import refuse_sensitive

    config = _sched_config(options)
    workloads = []
    for number, path in enumerate(options.workloads):
        workloads.append(read_workload(_absolute(path), name=f"w{number}"))
        log.info(f"workload 'w{number}': {workloads[-1].n_jobs} jobs from '{path}'")
    refuse_sensitive(workloads, "Batsim")
    mmax = _limit(options, workloads)
    platform = read_platform(options.platform, master=options.master_host, roles=options.roles, mmax=mmax)
    log.info(f"platform '{options.platform}': {platform.n_compute} compute hosts, {platform.n_hosts} in all")
    externals = read_events(options.events, platform.n_hosts, forward_unknown=options.forward_unknown_events)
    if any(map(has_half_pair, externals.texts)):
        raise SimulationAbortError("an external event holds half of a surrogate pair, which is no text; mend its file")
    if options.events:
        log.info(f"external events: {len(externals.texts)}")
    return Inputs(platform, tuple(workloads), externals, _protocol(options, config))


def _limit(options: ServerOptions, workloads: Sequence[Workload]) -> int:
    """Return how many compute hosts are used at most, 0 for all."""
    limits = [options.mmax] if options.mmax > 0 else []
    if options.mmax_workload:
        limits += [max(w.nb_res for w in workloads)] if workloads else []
    return min(limits, default=0)


def _sched_config(options: ServerOptions) -> str:
    """Return the text for the scheduler."""
    if not options.sched_config_file:
        return options.sched_config
    try:
        return Path(options.sched_config_file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise SimulationAbortError(
            f"scheduler configuration file '{options.sched_config_file}' cannot be read ({reason}); check the path"
        ) from None


def _protocol(options: ServerOptions, sched_config: str) -> ProtocolOptions:
    """Return what the first message tells of the options."""
    from wattq.simulator.protocol import ProtocolOptions

    return ProtocolOptions(
        sched_config=sched_config,
        forward_profiles=options.forward_profiles,
        forward_unknown_events=options.forward_unknown_events,
        dynamic_jobs=options.dynamic_jobs,
        acknowledge_dynamic_jobs=options.acknowledge_dynamic_jobs,
        profile_reuse=options.profile_reuse,
        compute_sharing=options.compute_sharing,
        storage_sharing=options.storage_sharing,
        redis=(options.redis_hostname, options.redis_port, options.redis_prefix),
    )
