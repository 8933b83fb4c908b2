"""A platform file once read: hosts, zones, links and routes by name, before Batsim's numbering."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Description", "HostSpec", "Link", "NetPoint", "Route", "StarRoute", "Zone"]

DEFAULT_LOOPBACK_BPS = 10e9
DEFAULT_TCP_GAMMA = 4194304.0


@dataclass(frozen=True, slots=True)
class Link:
    """A network link: bandwidth in bytes/s, latency in s."""

    name: str
    bandwidth_bps: float
    latency_s: float


@dataclass(frozen=True, slots=True)
class Route:
    """The links between two nodes, or, with gateways, between two zones."""

    links: tuple[Link, ...]
    gw_src: str = ""
    gw_dst: str = ""


@dataclass(slots=True)
class StarRoute:
    """The links of one node of a star zone to its centre; None where nothing was said."""

    up: tuple[Link, ...] | None = None
    down: tuple[Link, ...] | None = None
    loopback: tuple[Link, ...] | None = None


@dataclass(slots=True)
class HostSpec:
    """A host as written.

    Attributes:
        name: its id.
        line: line of the file.
        speeds: flop/s of each power state.
        cores: number of cores.
        pstate: initial power state.
        props: its properties.
        zone: index of its zone.
    """

    name: str
    line: int
    speeds: tuple[float, ...]
    cores: int
    pstate: int
    props: Mapping[str, str]
    zone: int


@dataclass(slots=True)
class Zone:
    """A zone as written; `kind` is ``full``, ``star``, ``vivaldi`` or ``none``, `parent` an index (-1 for the root)."""

    name: str
    line: int
    kind: str
    parent: int
    props: dict[str, str] = field(default_factory=dict)
    has_zones: bool = False
    routes: dict[tuple[str, str], Route] = field(default_factory=dict)
    star: dict[str, StarRoute] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NetPoint:
    """Anything a route can name: the zone it stands in, and, for a zone, its own index (else -1)."""

    zone: int
    itself: int = -1


@dataclass
class Description:
    """Everything that a platform file says.

    Attributes:
        hosts: in the order of the file.
        zones: in the order of the file; the root comes first.
        netpoints: hosts, routers and zones by name (they share one name space).
        coordinates: Vivaldi coordinates (ms) of the nodes that have some.
        links: by name, over all zones.
        loopback: the link from a host to itself where none is written.
        tcp_gamma: SimGrid's ``network/TCP-gamma``, bytes.
    """

    hosts: list[HostSpec] = field(default_factory=list)
    zones: list[Zone] = field(default_factory=list)
    netpoints: dict[str, NetPoint] = field(default_factory=dict)
    coordinates: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    loopback: Link = Link("__loopback__", DEFAULT_LOOPBACK_BPS, 0.0)
    tcp_gamma: float = DEFAULT_TCP_GAMMA

    def zone_path(self, zone: int) -> list[int]:
        """Return the indices from a zone up to the root."""
        path = []
        while zone >= 0:
            path.append(zone)
            zone = self.zones[zone].parent
        return path
