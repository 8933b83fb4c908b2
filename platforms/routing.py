"""What a control message to the master costs: the route, its latency, and the time of one byte.

Batsim's actors send one byte to the server on the master host. With L the latency of the route and B its smallest
bandwidth, the message lasts L, then 1 / min(B, gamma / (2 L)); gamma is SimGrid's ``network/TCP-gamma``, 4194304 bytes.
Routes are found as SimGrid 3.34 does: inside a zone by its kind, between zones through gateways.
"""

from __future__ import annotations

import math

from wattq.platforms.description import Description, Link, Zone

__all__ = ["RouteError", "message_cost"]


class RouteError(Exception):
    """Raised when SimGrid finds no route and aborts; the message says why."""


def message_cost(description: Description, src: str, dst: str) -> tuple[float, float]:
    """Return latency and transfer time, both in s, of a one-byte message.

    Raises:
        RouteError: when SimGrid would abort for want of a route.
    """
    links: list[Link] = []
    latency = _global_route(description, src, dst, links, 0.0)
    bandwidth = min((link.bandwidth_bps for link in links), default=math.inf)
    if latency > 0:
        bandwidth = min(bandwidth, description.tcp_gamma / (2.0 * latency))
    return latency, 1.0 / bandwidth if bandwidth < math.inf else 0.0


def _global_route(description: Description, src: str, dst: str, links: list[Link], latency: float) -> float:
    netpoints = description.netpoints
    here, there = netpoints[src].zone, netpoints[dst].zone
    if here == there:
        return _local_route(description, here, src, dst, links, latency)[0]
    common, from_zone, to_zone = _ancestors(description, here, there)
    middle: list[Link] = []
    latency, gw_src, gw_dst = _local_route(description, common, from_zone, to_zone, middle, latency)
    if not gw_src or not gw_dst:
        raise RouteError(f"no zoneRoute joins zone '{from_zone}' to zone '{to_zone}', and SimGrid aborts; write one")
    if src != gw_src:
        latency = _global_route(description, src, gw_src, links, latency)
    links.extend(middle)
    if dst != gw_dst:
        latency = _global_route(description, gw_dst, dst, links, latency)
    return latency


def _ancestors(description: Description, here: int, there: int) -> tuple[int, str, str]:
    up, down = description.zone_path(here), description.zone_path(there)
    common = -1
    while up and down and up[-1] == down[-1]:
        common = up.pop()
        down.pop()
    if not up or not down:
        raise RouteError("one node stands in a zone around the other's; put hosts into zones beside each other")
    return common, description.zones[up[-1]].name, description.zones[down[-1]].name


def _local_route(
    description: Description, index: int, src: str, dst: str, links: list[Link], latency: float
) -> tuple[float, str, str]:
    zone = description.zones[index]
    if zone.kind == "none":
        raise RouteError(
            f"zone '{zone.name}' has routing 'None', and Batsim aborts at its first message (SimGrid: \"There can't be "
            "route in an Empty zone\"); use routing 'Full'"
        )
    if zone.kind == "full":
        return _full_route(description, zone, src, dst, links, latency)
    latency = _star_route(zone, src, dst, links, latency)
    if zone.kind == "vivaldi":
        latency += _distance_s(description, src, dst)
    return latency, "", ""


def _full_route(
    description: Description, zone: Zone, src: str, dst: str, links: list[Link], latency: float
) -> tuple[float, str, str]:
    route = zone.routes.get((src, dst))
    if route is None:
        # SimGrid adds its loopback only to zones without zones inside; between two hosts no link at all is left.
        if src == dst and not zone.has_zones:
            return _add((description.loopback,), links, latency), "", ""
        return latency, "", ""
    return _add(route.links, links, latency), route.gw_src, route.gw_dst


def _star_route(zone: Zone, src: str, dst: str, links: list[Link], latency: float) -> float:
    source = zone.star.get(src)
    target = zone.star.get(dst)
    if src == dst and source is not None and source.loopback is not None:
        return _add(source.loopback, links, latency)
    up = () if source is None else source.up
    down = () if target is None else target.down
    if up is None or down is None:
        alone = src if up is None else dst
        raise RouteError(
            f"'{alone}' has no links to the centre of zone '{zone.name}', and SimGrid aborts; add a host_link"
        )
    unique = dict.fromkeys((*up, *down))
    return _add(tuple(unique), links, latency)


def _add(more: tuple[Link, ...], links: list[Link], latency: float) -> float:
    for link in more:
        links.append(link)
        latency += link.latency_s
    return latency


def _distance_s(description: Description, src: str, dst: str) -> float:
    points = []
    for name in (src, dst):
        if name not in description.coordinates:
            raise RouteError(f"'{name}' has no coordinates, which routing 'Vivaldi' needs; write coordinates='0 0 0'")
        points.append(description.coordinates[name])
    (ax, ay, az), (bx, by, bz) = points
    distance_ms = math.sqrt((ax - bx) * (ax - bx) + (ay - by) * (ay - by)) + abs(az) + abs(bz)
    return distance_ms / 1000.0
