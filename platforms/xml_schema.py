"""Which elements and attributes a SimGrid 4.1 platform may hold, and which of them wattq refuses, with the reason.

After SimGrid 3.34's platform format (its DTD): an element or attribute that is not in it makes SimGrid stop.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from wattq.platforms.findings import Findings
from wattq.platforms.xml_tree import Element

__all__ = ["ZONE_TAGS", "check_schema"]

ZONE_TAGS = ("zone", "AS")


@dataclass(frozen=True)
class _Tag:
    required: frozenset[str]
    optional: frozenset[str]
    children: frozenset[str]


def _tag(required: str = "", optional: str = "", children: str = "") -> _Tag:
    return _Tag(frozenset(required.split()), frozenset(optional.split()), frozenset(children.split()))


_ZONE = _tag(
    "id routing",
    children="prop zone AS cluster link backbone cabinet host router host_link route zoneRoute ASroute",
)
_ZONE_ROUTE = _tag("src dst gw_src gw_dst", "symmetrical", "link_ctn")
_SCHEMA = {
    "platform": _tag(optional="version", children="config zone AS cluster"),
    "config": _tag(optional="id", children="prop"),
    "prop": _tag("id value"),
    "zone": _ZONE,
    "AS": _ZONE,
    "host": _tag("id speed", "core pstate coordinates", "prop disk"),
    "disk": _tag("read_bw write_bw", "id", "prop"),
    "router": _tag("id", "coordinates"),
    "link": _tag("id bandwidth", "latency sharing_policy", "prop"),
    "backbone": _tag("id bandwidth latency"),
    "host_link": _tag("id up down"),
    "cabinet": _tag("id prefix suffix radical speed bw lat"),
    "cluster": _tag(
        "id prefix suffix radical speed bw lat",
        "core sharing_policy topology topo_parameters bb_bw bb_lat bb_sharing_policy router_id limiter_link "
        "loopback_bw loopback_lat",
        "prop",
    ),
    "route": _tag("src dst", "symmetrical", "link_ctn"),
    "zoneRoute": _ZONE_ROUTE,
    "ASroute": _ZONE_ROUTE,
    "link_ctn": _tag("id", "direction"),
}
_VALUES = {
    "symmetrical": ("YES", "NO", "yes", "no"),
    "direction": ("UP", "DOWN", "NONE"),
    "bb_sharing_policy": ("SHARED", "FATPIPE"),
    "sharing_policy": ("SHARED", "SPLITDUPLEX", "FULLDUPLEX", "FATPIPE"),
    "topology": ("FLAT",),
}
_REFUSED_TAGS = {
    "include": "was removed from SimGrid; paste the other file here",
    "storage": "was removed from SimGrid; give a <host> the property role='storage'",
    "storage_type": "was removed from SimGrid; give a <host> the property role='storage'",
    "mount": "was removed from SimGrid; remove it",
    "peer": "is not supported; write a <host> with its links and routes",
    "bypassRoute": "is not supported; write the route itself",
    "bypassZoneRoute": "is not supported; write the zoneRoute itself",
    "bypassASroute": "is not supported; write the zoneRoute itself",
    "trace": "is not supported: speeds and links that change by themselves would be ignored; remove it",
    "trace_connect": "is not supported: speeds and links that change by themselves would be ignored; remove it",
    "actor": "starts a program that Batsim does not have; remove it",
    "process": "starts a program that Batsim does not have; remove it",
    "random": "does nothing in SimGrid; remove it",
    "model_prop": "does nothing in SimGrid; remove it",
}
_TRACE_FILE = "is not supported: what changes during the simulation would be ignored; remove it"
_REFUSED_ATTRIBUTES = {
    "speed_file": _TRACE_FILE,
    "availability_file": _TRACE_FILE,
    "state_file": _TRACE_FILE,
    "bandwidth_file": _TRACE_FILE,
    "latency_file": _TRACE_FILE,
}
_RANK = {"prop": 0, "route": 2, "zoneRoute": 2, "ASroute": 2}


def check_schema(element: Element, findings: Findings) -> None:
    """Report what the format does not know, or wattq does not honour, and take it out of the tree."""
    kept = []
    for child in element.children:
        if _allowed(element, child, findings):
            check_schema(child, findings)
            kept.append(child)
    element.children = kept
    if element.tag in ZONE_TAGS:
        _check_zone_content(element, findings)


def _allowed(parent: Element, child: Element, findings: Findings) -> bool:
    tag = child.tag
    if tag in _REFUSED_TAGS:
        findings.error(child.line, f"<{tag}> {_REFUSED_TAGS[tag]}")
        return False
    if tag not in _SCHEMA:
        findings.error(child.line, f"<{tag}> is no element of a SimGrid 4.1 platform{_nearest(tag, _SCHEMA)}")
        return False
    if tag not in _SCHEMA[parent.tag].children:
        findings.error(child.line, f"<{tag}> cannot stand inside <{parent.tag}>; move it or remove it")
        return False
    return check_attributes(child, findings)


def check_attributes(element: Element, findings: Findings) -> bool:
    """Report missing, unknown and refused attributes; return whether all required ones are there."""
    known = _SCHEMA[element.tag]
    missing = sorted(known.required - element.attrs.keys())
    if missing:
        findings.error(element.line, f"<{element.tag}> lacks the attribute '{missing[0]}'; add it")
    for name in sorted(element.attrs.keys() - known.required - known.optional):
        _unknown_attribute(element, name, known, findings)
    for name in sorted(element.attrs.keys() & _VALUES.keys()):
        _check_value(element, name, findings)
    return not missing


def _unknown_attribute(element: Element, name: str, known: _Tag, findings: Findings) -> None:
    if name in _REFUSED_ATTRIBUTES:
        if element.attrs[name]:
            findings.error(element.line, f"attribute '{name}' of <{element.tag}> {_REFUSED_ATTRIBUTES[name]}")
        return
    hint = _nearest(name, known.required | known.optional)
    findings.error(element.line, f"'{name}' is no attribute of <{element.tag}>{hint}")


def _check_value(element: Element, name: str, findings: Findings) -> None:
    value = element.attrs[name]
    if value in _VALUES[name]:
        return
    allowed = ", ".join(_VALUES[name])
    findings.error(element.line, f"{name}='{value}' of <{element.tag}> is not supported; use {allowed}")


def _check_zone_content(zone: Element, findings: Findings) -> None:
    tags = {child.tag for child in zone.children}
    if tags & {"host", "router"} and tags & {"zone", "AS", "cluster"}:
        message = "holds both hosts and zones, which SimGrid forbids; put the hosts into a zone of their own"
        findings.error(zone.line, f"zone '{zone.attrs['id']}' {message}")
    rank = 0
    for child in zone.children:
        now = _RANK.get(child.tag, 1)
        if now < rank:
            message = "stands too late: SimGrid wants properties first, routes last"
            findings.error(child.line, f"<{child.tag}> {message}; move it")
        rank = max(rank, now)


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else "; remove it"
