"""Links, routes and clusters of a platform file."""

from __future__ import annotations

from collections.abc import Callable

from wattq.platforms.description import Description, HostSpec, Link, NetPoint, Route, StarRoute, Zone
from wattq.platforms.findings import Findings
from wattq.platforms.units_text import parse_bandwidth, parse_speed, parse_speeds, parse_time
from wattq.platforms.xml_tree import Element

__all__ = ["NetworkReader", "read_radicals"]

MAX_HOSTS = 1_000_000
_SPLIT = ("SPLITDUPLEX", "FULLDUPLEX")


def read_radicals(text: str) -> list[int]:
    """Return the numbers of a radical such as ``0-3,7``.

    Raises:
        ValueError: when the text has another form, or makes more than a million hosts.
    """
    numbers: list[int] = []
    for group in text.split(","):
        ends = [end.strip() for end in group.split("-")]
        if len(ends) > 2 or not all(end.isascii() and end.isdigit() and len(end) < 10 for end in ends):
            raise ValueError(f"radical '{text[:60]}' is not of the form 0-3,7,10-12")
        first, last = int(ends[0]), int(ends[-1])
        if last - first + len(numbers) >= MAX_HOSTS:
            raise ValueError(f"radical '{text[:60]}' makes more than {MAX_HOSTS:,} hosts")
        numbers.extend(range(first, last + 1))
    return numbers


class NetworkReader:
    """Adds links, routes, routers and clusters to a description."""

    def __init__(self, description: Description, findings: Findings) -> None:
        self.description = description
        self.findings = findings

    def quantity(self, element: Element, name: str, parse: Callable[[str], float], default: float) -> float:
        """Return an attribute as a number; the default where it is absent or wrong (and reported)."""
        text = element.attrs.get(name, "")
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as error:
            self.findings.error(element.line, f"attribute '{name}' of <{element.tag}>: {error}")
            return default

    def add_netpoint(self, name: str, point: NetPoint, line: int) -> bool:
        """Register a name that routes can use; False when it is taken."""
        if name in self.description.netpoints:
            self.findings.error(
                line, f"the name '{name}' is used twice; hosts, routers and zones need names of their own"
            )
            return False
        self.description.netpoints[name] = point
        return True

    def add_host(self, host: HostSpec) -> bool:
        """Register a host; False when its name is taken or there are too many."""
        if len(self.description.hosts) >= MAX_HOSTS:
            self.findings.error(host.line, f"more than {MAX_HOSTS:,} hosts; describe a smaller machine")
            return False
        if not self.add_netpoint(host.name, NetPoint(host.zone), host.line):
            return False
        self.description.hosts.append(host)
        return True

    def add_link(self, name: str, bandwidth: float, latency: float, line: int) -> Link:
        """Register a link under its name."""
        link = Link(name, bandwidth, latency)
        if name in self.description.links:
            self.findings.error(line, f"the link '{name}' is defined twice; give each link a name of its own")
        self.description.links[name] = link
        return link

    def router(self, element: Element, zone: int) -> None:
        """Read a <router>."""
        self.add_netpoint(element.attrs["id"], NetPoint(zone), element.line)

    def link(self, element: Element) -> None:
        """Read a <link> or a <backbone>; a split-duplex link becomes two, ``id_UP`` and ``id_DOWN``."""
        bandwidth = self.quantity(element, "bandwidth", parse_bandwidth, 1.0)
        latency = self.quantity(element, "latency", parse_time, 0.0)
        name = element.attrs["id"]
        if element.attrs.get("sharing_policy") in _SPLIT:
            self.add_link(f"{name}_UP", bandwidth, latency, element.line)
            self.add_link(f"{name}_DOWN", bandwidth, latency, element.line)
        else:
            self.add_link(name, bandwidth, latency, element.line)

    def route(self, element: Element, index: int) -> None:
        """Read a <route>, <zoneRoute> or <ASroute> of the zone with that index."""
        zone = self.description.zones[index]
        ends = (element.attrs["src"], element.attrs["dst"])
        gateways = (element.attrs.get("gw_src", ""), element.attrs.get("gw_dst", ""))
        there = self._links(element)
        if there is None or not self._ends_known(element, index, ends, gateways):
            return
        links, back = there
        if zone.kind == "full":
            self._full_route(element, zone, ends, gateways, links, back)
        elif ends[0] == ends[1] and zone.kind in ("star", "vivaldi"):
            zone.star.setdefault(ends[0], StarRoute()).loopback = links
        else:
            message = (
                f"a route from '{ends[0]}' to '{ends[1]}' cannot stand in zone '{zone.name}' of routing '{zone.kind}'"
            )
            self.findings.error(element.line, f"{message}; use routing 'Full' there")

    def _full_route(
        self,
        element: Element,
        zone: Zone,
        ends: tuple[str, str],
        gateways: tuple[str, str],
        links: tuple[Link, ...],
        back: tuple[Link, ...],
    ) -> None:
        routes = [(ends, Route(links, *gateways))]
        if element.attrs.get("symmetrical", "YES").upper() == "YES" and ends[0] != ends[1]:
            routes.append((ends[::-1], Route(back, *gateways[::-1])))
        for key, route in routes:
            if key in zone.routes:
                message = f"the route from '{key[0]}' to '{key[1]}' exists already, and SimGrid aborts"
                self.findings.error(element.line, f"{message} (routes are symmetrical unless symmetrical='NO')")
            else:
                zone.routes[key] = route

    def _links(self, element: Element) -> tuple[tuple[Link, ...], tuple[Link, ...]] | None:
        there: list[Link] = []
        back: list[Link] = []
        opposite = {"UP": "DOWN", "DOWN": "UP"}
        for part in element.children:
            direction = part.attrs.get("direction", "NONE")
            name = part.attrs["id"]
            suffix = opposite.get(direction)
            forward = self.description.links.get(f"{name}_{direction}" if suffix else name)
            backward = self.description.links.get(f"{name}_{suffix}" if suffix else name)
            if forward is None or backward is None:
                self.findings.error(
                    part.line, f"no link '{name}' (direction {direction}) stands above; define it first"
                )
                return None
            there.append(forward)
            back.append(backward)
        if not there:
            self.findings.error(element.line, f"<{element.tag}> holds no <link_ctn>, which SimGrid forbids; add one")
            return None
        return tuple(there), tuple(reversed(back))

    def _ends_known(self, element: Element, index: int, ends: tuple[str, str], gateways: tuple[str, str]) -> bool:
        zone = self.description.zones[index]
        wants_zones = element.tag != "route"
        for end, gateway in zip(ends, gateways, strict=True):
            point = self.description.netpoints.get(end)
            if point is None or point.zone != index or (point.itself >= 0) != wants_zones:
                what = "zone" if wants_zones else "host or router"
                self.findings.error(
                    element.line, f"'{end}' is no {what} directly inside zone '{zone.name}'; mend the name"
                )
                return False
            if wants_zones and not self._gateway_inside(gateway, point.itself):
                self.findings.error(element.line, f"gateway '{gateway}' is no host or router of zone '{end}'; name one")
                return False
        return True

    def _gateway_inside(self, gateway: str, zone: int) -> bool:
        point = self.description.netpoints.get(gateway)
        return point is not None and point.itself < 0 and zone in self.description.zone_path(point.zone)

    def star_zone(self, zone: Element, index: int) -> None:
        """Read the backbone, the host links and the cabinets of a zone whose routing is Cluster."""
        backbones = [child for child in zone.children if child.tag == "backbone"]
        backbone: tuple[Link, ...] = ()
        for element in backbones:
            self.link(element)
            backbone = (self.description.links[element.attrs["id"]],)
        for element in zone.children:
            if element.tag == "host_link":
                self._host_link(element, index, backbone)
            elif element.tag == "cabinet":
                self._cabinet(element, index, backbone)

    def _host_link(self, element: Element, index: int, backbone: tuple[Link, ...]) -> None:
        name = element.attrs["id"]
        point = self.description.netpoints.get(name)
        if point is None or point.zone != index or point.itself >= 0:
            self.findings.error(element.line, f"host_link names '{name}', which is no host of this zone; mend the name")
            return
        found = [self.description.links.get(element.attrs[key]) for key in ("up", "down")]
        if found[0] is None or found[1] is None:
            self.findings.error(
                element.line, f"host_link of '{name}' names a link that does not stand above; define it"
            )
            return
        self._join(index, name, (found[0], *backbone), (*backbone, found[1]))

    def _join(self, index: int, name: str, up: tuple[Link, ...], down: tuple[Link, ...]) -> None:
        star = self.description.zones[index].star.setdefault(name, StarRoute())
        star.up, star.down = up, down

    def _cabinet(self, element: Element, index: int, backbone: tuple[Link, ...]) -> None:
        speed = self.quantity(element, "speed", parse_speed, 1.0)
        bandwidth = self.quantity(element, "bw", parse_bandwidth, 1.0)
        latency = self.quantity(element, "lat", parse_time, 0.0)
        for name, _ in self._names(element):
            if self.add_host(HostSpec(name, element.line, (speed,), 1, 0, {}, index)):
                up = self.add_link(f"link_{name}_UP", bandwidth, latency, element.line)
                down = self.add_link(f"link_{name}_DOWN", bandwidth, latency, element.line)
                self._join(index, name, (up, *backbone), (*backbone, down))

    def _names(self, element: Element) -> list[tuple[str, int]]:
        try:
            radicals = read_radicals(element.attrs["radical"])
        except ValueError as error:
            self.findings.error(element.line, f"attribute 'radical' of <{element.tag}>: {error}")
            return []
        prefix, suffix = element.attrs["prefix"], element.attrs["suffix"]
        return [(f"{prefix}{number}{suffix}", number) for number in radicals]

    def cluster(self, element: Element, index: int, cores: int) -> None:
        """Read a <cluster> into the (star) zone with that index, which the caller made."""
        line, name = element.line, element.attrs["id"]
        try:
            speeds = parse_speeds(element.attrs["speed"])
        except ValueError as error:
            self.findings.error(line, f"attribute 'speed' of <cluster>: {error}")
            speeds = (1.0,)
        props = self.description.zones[index].props
        backbone = self._cluster_backbone(element)
        for host, number in self._names(element):
            if self.add_host(HostSpec(host, line, speeds, cores, 0, props, index)):
                self._cluster_links(element, index, host, f"{name}_link_{number}", backbone)
        router = element.attrs.get("router_id") or f"{element.attrs['prefix']}{name}_router{element.attrs['suffix']}"
        self.add_netpoint(router, NetPoint(index), line)

    def _cluster_backbone(self, element: Element) -> tuple[Link, ...]:
        bandwidth = self.quantity(element, "bb_bw", parse_bandwidth, 0.0)
        latency = self.quantity(element, "bb_lat", parse_time, 0.0)
        if bandwidth == 0 and latency == 0:
            return ()
        if bandwidth == 0:
            self.findings.error(
                element.line, "bb_lat of <cluster> without bb_bw makes a link that carries nothing; add bb_bw"
            )
        return (self.add_link(f"{element.attrs['id']}_backbone", bandwidth or 1.0, latency, element.line),)

    def _cluster_links(self, element: Element, index: int, host: str, name: str, backbone: tuple[Link, ...]) -> None:
        bandwidth = self.quantity(element, "bw", parse_bandwidth, 1.0)
        latency = self.quantity(element, "lat", parse_time, 0.0)
        line = element.line
        limiter: tuple[Link, ...] = ()
        if element.attrs.get("limiter_link"):
            limit = self.quantity(element, "limiter_link", parse_bandwidth, 1.0)
            limiter = (self.add_link(f"{name}_limiter", limit, 0.0, line),)
        if element.attrs.get("sharing_policy", "SPLITDUPLEX") in _SPLIT:
            up = self.add_link(f"{name}_UP", bandwidth, latency, line)
            down = self.add_link(f"{name}_DOWN", bandwidth, latency, line)
        else:
            up = down = self.add_link(name, bandwidth, latency, line)
        self._join(index, host, (*limiter, up, *backbone), (*backbone, down, *limiter))
        if element.attrs.get("loopback_bw") or element.attrs.get("loopback_lat"):
            bandwidth = self.quantity(element, "loopback_bw", parse_bandwidth, 1.0)
            latency = self.quantity(element, "loopback_lat", parse_time, 0.0)
            link = self.add_link(f"{name}_loopback", bandwidth, latency, line)
            self.description.zones[index].star[host].loopback = (link,)
