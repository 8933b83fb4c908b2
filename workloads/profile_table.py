"""The profiles that the jobs of a Batsim workload use, sequences and usage traces resolved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from wattq.errors import UnsupportedError, WorkloadError
from wattq.workloads.model import Profile
from wattq.workloads.profiles import SUPPORTED, check_profile
from wattq.workloads.usage_trace import read_usage_trace

__all__ = ["MAX_DEPTH", "MAX_STEPS", "used_profiles"]

MAX_DEPTH = 100
"""Deepest nesting of composed profiles."""

MAX_STEPS = 10_000_000
"""Most tasks that one job may run, with all repeats of its sequences counted."""


def used_profiles(
    described: Mapping[str, Any], names: Iterable[str], source: str, base_dir: Path | None
) -> tuple[Profile, ...]:
    """Return the profiles that are used, in file order; unused ones are checked and dropped, as Batsim does.

    Args:
        described: the ``profiles`` object of the document.
        names: profile of each job.
        source: name of the file.
        base_dir: folder of the workload, which usage traces are relative to.

    Raises:
        WorkloadError: when a profile breaks a rule, a sequence names an unknown profile or contains itself.
        UnsupportedError: when a used profile has a type that is not simulated, or a sequence is too deep or too long.
    """
    profiles = {name: check_profile(name, value, source) for name, value in described.items()}
    needed = set(names)
    steps: dict[str, int] = {}
    for name in sorted(needed):
        _count_steps(name, profiles, steps, source)
    for name in steps:
        if profiles[name].type not in SUPPORTED:
            kind = profiles[name].type
            raise UnsupportedError(
                f"{source}, profile {name!r}: type {kind[:60]!r} is not simulated; use one of {', '.join(SUPPORTED)}"
            )
    return tuple(_with_trace(profile, source, base_dir) for name, profile in profiles.items() if name in steps)


def _count_steps(root: str, profiles: Mapping[str, Profile], steps: dict[str, int], source: str) -> None:
    """Add to `steps` the number of tasks of `root` and of all that it runs, depth first and without recursion."""
    path: list[tuple[str, list[str]]] = []
    _enter(root, path, profiles, source)
    while path:
        name, waiting = path[-1]
        while waiting and waiting[-1] in steps:
            waiting.pop()
        if waiting:
            part = waiting.pop()
            if any(part == above for above, _ in path):
                raise WorkloadError(f"{source}, profile {part!r}: its sequence contains itself; break the cycle")
            waiting.append(part)
            _enter(part, path, profiles, source)
            continue
        steps[name] = _steps_of(profiles[name], steps, source)
        path.pop()


def _enter(name: str, path: list[tuple[str, list[str]]], profiles: Mapping[str, Profile], source: str) -> None:
    if name not in profiles:
        owner = path[-1][0]
        raise WorkloadError(
            f"{source}, profile {owner!r}, key 'seq': there is no profile {name!r}; add it or mend the name"
        )
    if len(path) >= MAX_DEPTH:
        raise UnsupportedError(f"{source}, profile {name!r}: sequences nested more than {MAX_DEPTH} deep; flatten them")
    profile = profiles[name]
    parts = list(dict.fromkeys(profile.description["seq"])) if profile.type == "composed" else []
    path.append((name, parts))


def _steps_of(profile: Profile, steps: Mapping[str, int], source: str) -> int:
    if profile.type != "composed":
        return 1
    total = int(profile.description.get("repeat", 1)) * sum(steps[part] for part in profile.description["seq"])
    if total > MAX_STEPS:
        raise UnsupportedError(
            f"{source}, profile {profile.name!r}: {total} tasks with all repeats; at most {MAX_STEPS} are simulated, "
            "merge some"
        )
    return total


def _with_trace(profile: Profile, source: str, base_dir: Path | None) -> Profile:
    if profile.type != "usage_trace":
        return profile
    if base_dir is None:
        raise WorkloadError(
            f"{source}, profile {profile.name!r}: a usage trace is read from a file beside the workload; give a path"
        )
    return replace(
        profile, trace=read_usage_trace(base_dir, profile.description["trace"], f"{source}, profile {profile.name!r}")
    )
