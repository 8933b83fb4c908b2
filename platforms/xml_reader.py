"""Platform files: SimGrid XML 4.1 as Batsim 4.2 on SimGrid 3.34 sees it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from pathlib import Path

from wattq.errors import MissingFileError, at
from wattq.platforms.description import Description, HostSpec, Link, NetPoint, Zone
from wattq.platforms.findings import Findings
from wattq.platforms.model import Platform
from wattq.platforms.numbering import build_platform
from wattq.platforms.units_text import parse_bandwidth, parse_speeds, parse_time
from wattq.platforms.xml_network import NetworkReader
from wattq.platforms.xml_schema import ZONE_TAGS, check_attributes, check_schema
from wattq.platforms.xml_tree import Element, parse_tree

__all__ = ["describe", "read_content", "read_platform"]

_MAX_BYTES = 256 * 1024 * 1024
_ROUTING = {"full": "full", "cluster": "star", "vivaldi": "vivaldi", "none": "none"}
# Settings that change neither dates nor energies, or that Batsim sets itself.
_HARMLESS = ("contexts/", "host/model", "cpu/model", "network/model", "smpi/", "tracing/", "debug/", "path")


def read_platform(
    path: str | Path, *, master: str = "master_host", roles: Sequence[str] = (), mmax: int = 0
) -> Platform:
    """Read a platform file.

    Args:
        path: the file (plain XML).
        master: name of the host that runs Batsim's server (Batsim's ``-m``).
        roles: ``host1,host2:role`` entries (Batsim's ``-r``).
        mmax: keep only that many compute hosts, the first by number; 0 keeps all (Batsim's ``--mmax``).

    Returns:
        The machine, its hosts numbered as Batsim does; ``notes`` holds what was accepted with a reserve.

    Raises:
        MissingFileError: when the file cannot be read.
        PlatformError: when the file breaks a rule of SimGrid or Batsim, or asks for what wattq does not do.
    """
    content = read_content(path)
    findings = Findings(str(path), strict=True)
    description = describe(content, findings)
    return build_platform(
        description,
        findings,
        name=Path(path).stem,
        master=master,
        roles=roles,
        mmax=mmax,
        source=str(path),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def read_content(path: str | Path) -> bytes:
    """Return the bytes of a platform file.

    Raises:
        MissingFileError: when the file is absent, unreadable or larger than 256 MiB.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise MissingFileError(f"{at(path)}: cannot read the platform file ({reason}); check the path") from None
    if len(content) > _MAX_BYTES:
        raise MissingFileError(f"{at(path)}: larger than 256 MiB, which no platform needs; describe hosts by <cluster>")
    return content


def describe(content: bytes, findings: Findings) -> Description:
    """Return what a platform file says.

    Raises:
        PlatformError: when the XML is not well-formed, or, with strict findings, at the first broken rule.
    """
    root = parse_tree(content, findings.source)
    description = Description()
    if root.tag != "platform":
        findings.error(root.line, f"the root is <{root.tag}>; a SimGrid platform is inside <platform version='4.1'>")
        return description
    check_attributes(root, findings)
    check_schema(root, findings)
    _Reader(description, findings).platform(root)
    return description


class _Reader:
    """Walks the tree of one file."""

    def __init__(self, description: Description, findings: Findings) -> None:
        self.description = description
        self.findings = findings
        self.network = NetworkReader(description, findings)
        self._speeds: dict[str, tuple[float, ...]] = {}

    def platform(self, root: Element) -> None:
        """Read the whole."""
        self._version(root)
        tops: list[Element] = []
        for child in root.children:
            if child.tag == "config":
                self._config(child, late=bool(tops))
            else:
                tops.append(child)
        if len(tops) != 1:
            self.findings.error(
                root.line, f"<platform> holds {len(tops)} zones; SimGrid needs exactly one around all others"
            )
        for top in tops:
            self._any_zone(top, -1)

    def _version(self, root: Element) -> None:
        text = root.attrs.get("version", "0.0")
        try:
            version = float(text)
        except ValueError:
            version = math.nan
        if not 4.0 <= version <= 4.1:
            self.findings.error(
                root.line, f"version='{text}' of <platform>; SimGrid 3.34 reads 4 and 4.1: convert the file"
            )

    def _config(self, element: Element, *, late: bool) -> None:
        if late:
            self.findings.error(element.line, "<config> stands after the zone; SimGrid wants it before, move it")
        for prop in element.children:
            self._setting(prop)

    def _setting(self, prop: Element) -> None:
        key = prop.attrs["id"]
        described = self.description
        loopback = described.loopback
        if key == "network/loopback-bw":
            bandwidth = self._value(prop, parse_bandwidth, loopback.bandwidth_bps)
            described.loopback = Link(loopback.name, bandwidth, loopback.latency_s)
        elif key == "network/loopback-lat":
            latency = self._value(prop, parse_time, loopback.latency_s)
            described.loopback = Link(loopback.name, loopback.bandwidth_bps, latency)
        elif key.lower() in ("network/tcp-gamma", "network/tcp_gamma"):
            described.tcp_gamma = self._value(prop, parse_bandwidth, described.tcp_gamma)
        elif key == "network/coordinates":
            self.findings.error(
                prop.line, "SimGrid 3.34 aborts (Bad config key: network/coordinates); remove this line"
            )
        elif not key.startswith(_HARMLESS):
            self.findings.error(prop.line, f"the setting '{key}' is not supported, its effect would be lost; remove it")

    def _value(self, prop: Element, parse: Callable[[str], float], default: float) -> float:
        try:
            return parse(prop.attrs["value"])
        except ValueError as error:
            self.findings.error(prop.line, f"setting '{prop.attrs['id']}': {error}")
            return default

    def _any_zone(self, element: Element, parent: int) -> None:
        if element.tag in ZONE_TAGS:
            self._zone(element, parent)
        else:
            self._cluster(element, parent)

    def _new_zone(self, element: Element, kind: str, parent: int) -> int:
        index = len(self.description.zones)
        name = element.attrs["id"]
        props = _props(element)
        self.description.zones.append(Zone(name, element.line, kind, parent, props))
        self.network.add_netpoint(name, NetPoint(parent, index), element.line)
        if parent >= 0:
            self.description.zones[parent].has_zones = True
        return index

    def _zone(self, element: Element, parent: int) -> None:
        routing = element.attrs["routing"]
        kind = _ROUTING.get(routing.lower())
        if kind is None:
            message = f"routing='{routing}' of zone '{element.attrs['id']}' is not supported"
            self.findings.error(element.line, f"{message}; use Full (routes written out), Cluster or Vivaldi")
            kind = "full"
        index = self._new_zone(element, kind, parent)
        for child in element.children:
            self._zone_child(child, index)
        if kind == "star":
            self.network.star_zone(element, index)

    def _zone_child(self, child: Element, index: int) -> None:
        if child.tag == "host":
            self._host(child, index)
        elif child.tag in ("zone", "AS", "cluster"):
            self._any_zone(child, index)
        elif child.tag == "router":
            self.network.router(child, index)
            self._coordinates(child)
        elif child.tag == "link":
            self.network.link(child)
        elif child.tag in ("route", "zoneRoute", "ASroute"):
            self.network.route(child, index)
        elif child.tag != "prop" and self.description.zones[index].kind != "star":
            self.findings.error(child.line, f"<{child.tag}> works in a zone of routing 'Cluster' only; move it")

    def _cluster(self, element: Element, parent: int) -> None:
        index = self._new_zone(element, "star", parent)
        self.network.cluster(element, index, self._count(element, "core", 1))

    def _host(self, element: Element, index: int) -> None:
        name = element.attrs["id"]
        speeds = self._host_speeds(element)
        pstate = self._count(element, "pstate", 0)
        if pstate >= len(speeds):
            message = f"pstate='{pstate}', but the speeds make states 0 to {len(speeds) - 1} only"
            self.findings.error(element.line, message, name)
            pstate = 0
        for disk in element.children:
            if disk.tag == "disk":
                self.findings.warning(disk.line, "Batsim does not use the disks of a host; they are left out", name)
        cores = self._count(element, "core", 1)
        self.network.add_host(HostSpec(name, element.line, speeds, cores, pstate, _props(element), index))
        self._coordinates(element)

    def _host_speeds(self, element: Element) -> tuple[float, ...]:
        text = element.attrs["speed"]
        if text not in self._speeds:
            try:
                self._speeds[text] = parse_speeds(text)
            except ValueError as error:
                self.findings.error(element.line, f"attribute 'speed': {error}", element.attrs["id"])
                self._speeds[text] = (1.0,)
        return self._speeds[text]

    def _count(self, element: Element, name: str, default: int) -> int:
        text = element.attrs.get(name, str(default))
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (value == math.floor(value) if math.isfinite(value) else False) or not default <= value <= 1e6:
            message = f"{name}='{text}' of <{element.tag}> must be a whole number from {default} to 1000000"
            self.findings.error(element.line, message, element.attrs["id"] if element.tag == "host" else "")
            return default
        return int(value)

    def _coordinates(self, element: Element) -> None:
        text = element.attrs.get("coordinates", "")
        if not text:
            return
        try:
            x, y, z = (float(part) for part in text.split(" "))
        except ValueError:
            x = math.nan
        if not math.isfinite(x) or not math.isfinite(y + z):
            message = f"coordinates='{text}' must be three numbers (ms) separated by single blanks"
            self.findings.error(element.line, message, element.attrs["id"])
            return
        self.description.coordinates[element.attrs["id"]] = (x, y, z)


def _props(element: Element) -> dict[str, str]:
    props: dict[str, str] = {}
    for child in element.children:
        if child.tag == "prop":
            # SimGrid keeps the first of two properties with one name.
            props.setdefault(child.attrs["id"], child.attrs["value"])
    return props
