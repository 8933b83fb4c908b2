"""Sites: which hosts belong to each, and what is known of its grid."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.errors import PolicyError
from wattq.platforms import Platform
from wattq.schedulers.outlook import Outlook

__all__ = ["PROPERTY", "Site", "hosts_named", "read_hosts", "site_numbers"]

PROPERTY = "site"
"""Property of a host, or of its zone, that names its site."""

_RANGES = re.compile(r"\d{1,9}(-\d{1,9})?(,\d{1,9}(-\d{1,9})?)*", re.ASCII)
_MOST_HOSTS = 10_000_000


@dataclass(frozen=True, eq=False)
class Site:
    """Hosts that share a place.

    Attributes:
        name: as the user wrote it.
        hosts: int64[n], their numbers, ascending; None for all of the machine.
        outlook: the signal of its grid; None where nothing is known.
    """

    name: str
    hosts: NDArray[np.int64] | None
    outlook: Outlook | None = None


def read_hosts(text: str) -> NDArray[np.int64] | None:
    """Return the hosts in ranges such as ``0-3,8``, ascending; None for a text that does not consist of ranges.

    Raises:
        PolicyError: a range is reversed, or a host is named twice.
    """
    if not _RANGES.fullmatch(text):
        return None
    parts = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if int(last or first) < int(first):
            raise PolicyError(f"policy 'sites', site '{text}': {part} is reversed; write the lower number first")
        if int(last or first) >= _MOST_HOSTS:
            raise PolicyError(f"policy 'sites', site '{text}': {part}: hosts have numbers below {_MOST_HOSTS:,}")
        parts.append(np.arange(int(first), int(last or first) + 1, dtype=np.int64))
    hosts = np.concatenate(parts)
    hosts.sort()
    _check_once(hosts, text)
    return hosts


def _check_once(hosts: NDArray[np.int64], text: str) -> None:
    twice = hosts[1:][np.diff(hosts) == 0]
    if twice.size:
        raise PolicyError(f"policy 'sites', site '{text}': host {twice[0]} is named twice; name each host once")


def hosts_named(platform: Platform, name: str) -> NDArray[np.int64]:
    """Return the compute hosts whose property `PROPERTY` has a value; the host's own wins over that of its zone.

    Raises:
        PolicyError: there is none.
    """
    named = [own.get(PROPERTY, zone.get(PROPERTY, "")) for own, zone in _properties(platform)]
    hosts = np.flatnonzero(np.array(named, dtype=object) == name)
    if not hosts.size:
        there = ", ".join(sorted(set(named) - {""})) or "no host has the property"
        raise PolicyError(
            f"policy 'sites', site '{name}': no host of platform '{platform.name}' has the property {PROPERTY} of this "
            f"value ({there}); name one of these, or give the hosts by their numbers"
        )
    return hosts.astype(np.int64)


def _properties(platform: Platform) -> list[tuple[dict[str, str], dict[str, str]]]:
    n = platform.n_compute
    pairs = zip(platform.properties[:n], platform.zone_properties[:n], strict=True)
    return [(dict(own), dict(zone)) for own, zone in pairs]


def site_numbers(sites: Sequence[Site], n_hosts: int) -> NDArray[np.int64]:
    """Return the number of each host's site, int64[n_hosts].

    Raises:
        PolicyError: a host belongs to two sites or to none, or a site has hosts that the machine lacks.
    """
    number = np.full(n_hosts, -1, dtype=np.int64)
    for k, site in enumerate(sites):
        hosts = np.arange(n_hosts) if site.hosts is None else site.hosts
        if hosts[-1] >= n_hosts:
            raise PolicyError(
                f"policy 'sites', site '{site.name}': it has host {hosts[-1]}, but the machine has {n_hosts} hosts, "
                f"0 to {n_hosts - 1}; correct the parameter 'sites'"
            )
        taken = hosts[number[hosts] >= 0]
        if taken.size:
            raise PolicyError(
                f"policy 'sites', site '{site.name}': host {taken[0]} belongs to site '{sites[number[taken[0]]].name}' "
                "as well; give each host one site"
            )
        number[hosts] = k
    alone = np.flatnonzero(number < 0)
    if alone.size:
        raise PolicyError(
            f"policy 'sites': host {alone[0]} belongs to no site ({alone.size} of {n_hosts} hosts do not); "
            "give each host one site"
        )
    return number
