"""The profiles of several workloads under names that do not clash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from wattq.workloads.model import Profile, Workload

__all__ = ["merged_profiles"]


def merged_profiles(
    workloads: Sequence[Workload],
) -> tuple[tuple[Profile, ...], NDArray[np.int64], list[Mapping[str, str]]]:
    """Return the profiles of all workloads, the index of each job's, and old name -> new name for each workload.

    Equal profiles of one name become one. Where a name stands for different profiles, all profiles of the later
    workload get its position in front (``2.p60``), in sequences too.
    """
    table: dict[str, Profile] = {}
    renamed: list[Mapping[str, str]] = []
    for position, work in enumerate(workloads, start=1):
        names: Mapping[str, str] = {profile.name: profile.name for profile in work.profiles}
        if any(profile.name in table and table[profile.name] != profile for profile in work.profiles):
            names = _free_names(work, position, table)
        for profile in work.profiles:
            table[names[profile.name]] = _renamed(profile, names)
        renamed.append(names)
    place = {name: index for index, name in enumerate(table)}
    parts = []
    for work, names in zip(workloads, renamed, strict=True):
        places = np.array([place[names[profile.name]] for profile in work.profiles], dtype=np.int64)
        parts.append(places[work.profile])
    return tuple(table.values()), np.concatenate(parts), renamed


def _free_names(work: Workload, position: int, table: Mapping[str, Profile]) -> dict[str, str]:
    prefix = f"{position}."
    while any(prefix + profile.name in table for profile in work.profiles):
        prefix += "."
    return {profile.name: prefix + profile.name for profile in work.profiles}


def _renamed(profile: Profile, names: Mapping[str, str]) -> Profile:
    if names[profile.name] == profile.name:
        return profile
    description = dict(profile.description)
    if profile.type == "composed":
        description["seq"] = [names[part] for part in description["seq"]]
    return replace(profile, name=names[profile.name], description=description)
