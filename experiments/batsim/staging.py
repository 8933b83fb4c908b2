"""The inputs of a simulation as Batsim reads them: platform, workloads with their usage traces, events."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from wattq.errors import InvalidInputError, MissingFileError, UnsupportedError, WattqError
from wattq.experiments.batsim.number_text import exact_json
from wattq.platforms import platform_xml, read_platform
from wattq.platforms.model import Platform
from wattq.workloads.files import read_plain, write_whole
from wattq.workloads.model import Profile, Workload
from wattq.workloads.sensitivity import refuse_sensitive
from wattq.workloads.writer import batsim_json

__all__ = ["Inputs", "check_inputs", "stage"]

_TALKERS = ("parallel", "parallel_homogeneous", "parallel_homogeneous_total")


@dataclass(frozen=True)
class Inputs:
    """Files that were written for Batsim, relative to their folder.

    Attributes:
        platform: SimGrid XML.
        workloads: Batsim JSON, w0 first.
        events: external events, or None.
    """

    platform: str
    workloads: tuple[str, ...]
    events: str | None = None


def check_inputs(platform: Platform, workloads: Sequence[Workload], *, energy: bool) -> None:
    """Refuse, by name, what Batsim would not do with these inputs.

    Raises:
        InvalidInputError: no workload, workloads out of order, or energy on a machine that states no powers.
        UnsupportedError: a job communicates, and the platform carries no network; or it has a beta below 1.
    """
    if not workloads:
        raise InvalidInputError("no workload was given; name at least one")
    for index, workload in enumerate(workloads):
        if workload.name != f"w{index}":
            raise InvalidInputError(
                f"workload {workload.name}: Batsim calls workload number {index} 'w{index}'; read it under that name"
            )
    if energy and not platform.has_power:
        raise InvalidInputError(
            f"platform {platform.name}: energy was asked for, but a host states no powers; add the property "
            "'wattage_per_state' to every host, or run without energy"
        )
    refuse_sensitive(workloads, "Batsim")
    if _original(platform) is None:
        for workload in workloads:
            for profile in workload.profiles:
                _check_silent(profile, workload, platform)


def _check_silent(profile: Profile, workload: Workload, platform: Platform) -> None:
    amount: Any = profile.description.get("com", 0)
    if profile.type in _TALKERS and any(amount if isinstance(amount, list) else [amount]):
        raise UnsupportedError(
            f"workload {workload.name}, profile {profile.name!r}, key 'com': the platform {platform.name} describes no "
            "network between its hosts; set it to 0, or give a SimGrid XML file with links and routes"
        )


def stage(platform: Platform, workloads: Sequence[Workload], events: Path | None, folder: Path) -> Inputs:
    """Write the inputs below a folder.

    A platform that was read from a file is copied, with its network; another one is written. Workloads are written
    as they are after cleaning, each in a folder of its own, with the numbers that Batsim must read.

    Raises:
        MissingFileError: a file cannot be read or written.
        UnsupportedError: a usage trace lies outside of its workload's folder.
    """
    original = _original(platform)
    content = platform_xml(platform).encode() if original is None else original
    files = [write_whole(folder / "platform.xml", content)]
    files += [_stage_workload(workload, folder / workload.name) for workload in workloads]
    files += [] if events is None else [write_whole(folder / "events.txt", _events(events))]
    names = [path.relative_to(folder).as_posix() for path in files]
    return Inputs(names[0], tuple(names[1 : 1 + len(workloads)]), names[-1] if events is not None else None)


def _events(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise MissingFileError(f"{path}: cannot be read ({reason}); give a file of external events") from None


def _original(platform: Platform) -> bytes | None:
    """Return the file that a platform was read from, when Batsim's default options read the same hosts in it."""
    if not platform.source.endswith(".xml"):
        return None
    try:
        content = read_plain(platform.source)
        again = read_platform(platform.source)
    except WattqError:
        return None
    same = again.host_names == platform.host_names and again.n_compute == platform.n_compute
    return content if same and hashlib.sha256(content).hexdigest() == platform.sha256 else None


def _stage_workload(workload: Workload, folder: Path) -> Path:
    for profile in workload.profiles:
        if profile.type == "usage_trace":
            _stage_trace(profile, workload, folder)
    return write_whole(folder / "workload.json", exact_json(batsim_json(workload)).encode())


def _stage_trace(profile: Profile, workload: Workload, folder: Path) -> None:
    """Write a usage trace: the list of its ranks' files, and those files beside it."""
    name = PurePosixPath(str(profile.description["trace"]))
    if name.is_absolute() or ".." in name.parts:
        raise UnsupportedError(
            f"workload {workload.name}, profile {profile.name!r}, key 'trace': '{name}' lies outside of the workload's "
            "folder; Batsim gets a copy of workload and traces, so move the trace below that folder"
        )
    listing = folder / name
    ranks = [listing.with_name(f"{listing.name}.rank{rank}") for rank in range(len(profile.trace))]
    for rank, (path, phases) in enumerate(zip(ranks, profile.trace, strict=True)):
        lines = [f"{rank} m_usage {usage!r} {flops!r}\n" for usage, flops in phases]
        write_whole(path, "".join(lines).encode())
    write_whole(listing, "".join(f"{path.name}\n" for path in ranks).encode())
