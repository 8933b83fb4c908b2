"""Several machines as one: hosts keep their site as a property, and their numbers follow from their names."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import PlatformError
from wattq.platforms.model import ControlMessages, Platform, PstateKind
from wattq.platforms.xml_network import MAX_HOSTS
from wattq.platforms.xml_writer import platform_xml

__all__ = ["join_platforms"]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_PADDED: dict[str, float] = {
    "speed_flops": np.nan,
    "idle_w": np.nan,
    "epsilon_w": np.nan,
    "full_w": np.nan,
    "kind": int(PstateKind.NONE),
    "off_pstate": -1,
    "on_pstate": -1,
}


def join_platforms(sites: Mapping[str, Platform], *, name: str = "sites") -> Platform:
    """Return one machine with the hosts of several.

    A host called ``h0`` at site ``gb`` becomes ``gb.h0`` and gets the property ``site`` with the value ``gb``. Since
    Batsim numbers hosts by the bytes of their names, the hosts of a site follow each other, in their order; sites come
    in byte order of their names (not in the order given). Storage hosts come after all compute hosts.

    Args:
        sites: machines by the names of their sites (letters, digits, ``_``, ``-``).
        name: name of the whole.

    Raises:
        PlatformError: for no site, a bad name, hosts that have a site already, masters that differ, powers that only
            some of the machines state, or too many hosts.
    """
    _check(sites, name)
    ordered = [(site, sites[site]) for site in sorted(sites, key=lambda site: f"{site}.".encode())]
    rows = [(site, platform, range(platform.n_compute)) for site, platform in ordered]
    rows += [(site, platform, range(platform.n_compute, platform.n_hosts)) for site, platform in ordered]
    first = ordered[0][1]
    joined = Platform(
        name=name,
        host_names=tuple(f"{site}.{platform.host_names[i]}" for site, platform, part in rows for i in part),
        n_compute=sum(platform.n_compute for _, platform in ordered),
        **_arrays(rows),
        has_power=first.has_power,
        properties=tuple({**platform.properties[i], "site": site} for site, platform, part in rows for i in part),
        zone_properties=tuple(platform.zone_properties[i] for _, platform, part in rows for i in part),
        master=first.master,
        messages=_messages([(platform, part) for _, platform, part in rows], first.messages),
        source=", ".join(f"{site}={platform.source}" for site, platform in ordered),
        notes=tuple(f"site {site}: {note}" for site, platform in ordered for note in platform.notes),
    )
    return replace(joined, sha256=hashlib.sha256(platform_xml(joined).encode()).hexdigest())


def _check(sites: Mapping[str, Platform], name: str) -> None:
    if not sites:
        raise PlatformError(f"platform '{name}': no machine to join; give one per site")
    for site, platform in sites.items():
        if not _NAME.fullmatch(site):
            raise PlatformError(f"site '{site}': a name has 1 to 64 letters, digits, '_' or '-'; write NAME=PLATFORM")
        if any("site" in props for props in (*platform.properties, *platform.zone_properties)):
            raise PlatformError(f"site '{site}': hosts have the property 'site' already; join all machines at once")
    if sum(platform.n_hosts for platform in sites.values()) > MAX_HOSTS:
        raise PlatformError(f"platform '{name}': more than {MAX_HOSTS:,} hosts; join less")
    for (one, platform), (other, more) in pairwise(sites.items()):
        for what, ours, theirs in (
            ("master", platform.master, more.master),
            ("cost of the master's messages to itself", _own_cost(platform), _own_cost(more)),
            ("statement of powers", platform.has_power, more.has_power),
        ):
            if ours != theirs:
                raise PlatformError(
                    f"sites '{one}' and '{other}': {what} differs ({ours}, {theirs}), and a machine has one; "
                    "make them equal"
                )


def _own_cost(platform: Platform) -> tuple[float, float]:
    return float(platform.messages.latency_s[-1]), float(platform.messages.transfer_s[-1])


def _arrays(rows: Sequence[tuple[str, Platform, range]]) -> dict[str, Any]:
    """Return the columns of all hosts, padded to the host with the most power states."""
    width = max(platform.speed_flops.shape[1] for _, platform, _ in rows)
    arrays: dict[str, Any] = {}
    for column in ("cores", "initial_pstate", "n_pstates"):
        arrays[column] = np.concatenate([getattr(platform, column)[part] for _, platform, part in rows])
    for column, fill in _PADDED.items():
        arrays[column] = np.concatenate(
            [_wide(getattr(platform, column)[part], width, fill) for _, platform, part in rows]
        )
    return arrays


def _wide(column: NDArray[Any], width: int, fill: float) -> NDArray[Any]:
    wide = np.full((column.shape[0], width), fill, dtype=column.dtype)
    wide[:, : column.shape[1]] = column
    return wide


def _messages(parts: Sequence[tuple[Platform, range]], own: ControlMessages) -> ControlMessages:
    """Return what messages cost: from each host what it cost at its site."""
    latency = [platform.messages.latency_s[part] for platform, part in parts]
    transfer = [platform.messages.transfer_s[part] for platform, part in parts]
    return ControlMessages(
        np.concatenate([*latency, own.latency_s[-1:]]), np.concatenate([*transfer, own.transfer_s[-1:]])
    )
