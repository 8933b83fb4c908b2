"""Platforms as SimGrid XML 4.1, for Batsim 4.2 on SimGrid 3.34."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import quoteattr

from wattq.errors import PlatformError, at
from wattq.platforms.model import Platform, PstateKind
from wattq.platforms.states import StateTable, read_states
from wattq.platforms.units_text import format_bandwidth, format_number, format_speed

__all__ = ["platform_xml", "write_platform"]

_HEAD = (
    "<?xml version='1.0'?>\n"
    '<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">\n'
    "{comments}"
    '<platform version="4.1">\n'
)
_FREE_LINK = "1e300Bps"
_TCP_GAMMA = 4194304.0


def platform_xml(platform: Platform) -> str:
    """Return the platform as an XML text that reads back equal, notes and provenance aside.

    The text holds hosts, power states, properties and the cost of control messages. It does not hold the network
    between compute hosts, which a `Platform` does not know: jobs that communicate need the original file. Where hosts
    carry different zone properties, or the master's message to itself costs nothing while others do cost, a message
    without cost is written as one of 1e-300 s, because SimGrid wants a link between zones.
    """
    comments = "".join(f"<!-- {_comment(note)} -->\n" for note in platform.notes)
    zones = list(dict.fromkeys(_items(props) for props in platform.zone_properties))
    body = _one_zone(platform) if len(zones) <= 1 else _many_zones(platform, zones)
    return _HEAD.format(comments=comments) + "\n".join(body) + "\n</platform>\n"


def write_platform(platform: Platform, path: str | Path) -> None:
    """Write the platform as XML; the file appears whole or not at all.

    Raises:
        PlatformError: when the file cannot be written.
    """
    path = Path(path)
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(platform_xml(platform), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise PlatformError(f"{at(path)}: cannot write ({error.strerror}); check the folder") from None


def _comment(text: str) -> str:
    # Two hyphens in a row would end the comment.
    return text.replace("--", "- -").rstrip("-")


def _items(props: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(props.items()))


def _props(props: Mapping[str, str], indent: str) -> list[str]:
    return [f"{indent}<prop id={_quote(key)} value={_quote(value)}/>" for key, value in props.items()]


def _quote(text: str) -> str:
    # A parser turns a bare line break or tab inside an attribute into a blank.
    return quoteattr(text, {"\n": "&#10;", "\t": "&#9;", "\r": "&#13;"})


def _one_zone(platform: Platform) -> list[str]:
    messages = platform.messages
    free = not messages.latency_s.any() and not messages.transfer_s.any()
    zone_props = platform.zone_properties[0] if platform.zone_properties else {}
    routing = "Vivaldi" if free else "Full"
    # Only a Vivaldi (star) zone adds no loopback to the master; all coordinates 0 make every latency 0.
    coordinates = ' coordinates="0 0 0"' if free else ""
    lines = [f'<zone id="{_zone_name(platform)}" routing="{routing}">', *_props(zone_props, " ")]
    lines += [_master(platform, coordinates), *_hosts(platform, range(platform.n_hosts), coordinates)]
    links, routes = _routes(platform, range(platform.n_hosts), platform.master.name)
    loop_links, loop_routes = ([], []) if free else _loopback(platform)
    return [*lines, *loop_links, *links, *loop_routes, *routes, "</zone>"]


def _many_zones(platform: Platform, zones: list[tuple[tuple[str, str], ...]]) -> list[str]:
    taken = {*platform.host_names, platform.master.name}
    base = _fresh("zone", taken)
    members: dict[tuple[tuple[str, str], ...], list[int]] = {zone: [] for zone in zones}
    for i, props in enumerate(platform.zone_properties):
        members[_items(props)].append(i)
    lines = [f'<zone id="{base}_root" routing="Full">', f' <zone id="{base}_master" routing="Full">']
    links, routes = _loopback(platform)
    lines += [_master(platform, ""), *links, *routes, " </zone>"]
    for number, zone in enumerate(zones):
        router = f"{base}_{number}_router"
        lines += [f' <zone id="{base}_{number}" routing="Full">', *_props(dict(zone), "  ")]
        lines += [*_hosts(platform, members[zone], ""), f'  <router id="{router}"/>']
        links, routes = _routes(platform, members[zone], router)
        lines += [*links, *routes, " </zone>"]
    lines.append(f' <link id="{base}_link" bandwidth="{_FREE_LINK}" latency="0s" sharing_policy="FATPIPE"/>')
    for number in range(len(zones)):
        lines.append(
            f' <zoneRoute src="{base}_{number}" dst="{base}_master" gw_src="{base}_{number}_router" '
            f'gw_dst={_quote(platform.master.name)}><link_ctn id="{base}_link"/></zoneRoute>'
        )
    return [*lines, "</zone>"]


def _zone_name(platform: Platform) -> str:
    return _fresh("main", {*platform.host_names, platform.master.name})


def _fresh(base: str, taken: set[str]) -> str:
    while any(name.startswith(base) for name in taken):
        base += "_"
    return base


def _master(platform: Platform, coordinates: str) -> str:
    master = platform.master
    speed = format_speed(master.speed_flops)
    return f' <host id={_quote(master.name)} speed="{speed}"{coordinates}{_master_role(master.name)}'


def _master_role(name: str) -> str:
    # A property role='master' on the host that -m names as well would make Batsim abort.
    return "/>" if name == "master_host" else '><prop id="role" value="master"/></host>'


def _hosts(platform: Platform, numbers: range | list[int], coordinates: str) -> list[str]:
    tails: dict[tuple[bytes, ...], str] = {}
    arrays = (platform.speed_flops, platform.idle_w, platform.epsilon_w, platform.full_w, platform.kind)
    more = (platform.off_pstate, platform.on_pstate)
    lines = []
    for i in numbers:
        counts = platform.cores[i].tobytes() + platform.initial_pstate[i].tobytes() + platform.n_pstates[i].tobytes()
        key = (counts, *(array[i].tobytes() for array in (*arrays, *more)), repr(platform.properties[i]).encode())
        if key not in tails:
            tails[key] = _host_tail(platform, i, coordinates)
        lines.append(f" <host id={_quote(platform.host_names[i])} {tails[key]}")
    return lines


def _host_tail(platform: Platform, i: int, coordinates: str) -> str:
    n = int(platform.n_pstates[i])
    speeds = ",".join(format_speed(speed) for speed in platform.speed_flops[i, :n])
    attributes = f'speed="{speeds}"'
    if platform.cores[i] != 1:
        attributes += f' core="{platform.cores[i]}"'
    if platform.initial_pstate[i]:
        attributes += f' pstate="{platform.initial_pstate[i]}"'
    props = "".join(_props(_host_props(platform, i), ""))
    return f"{attributes}{coordinates}>{props}</host>" if props else f"{attributes}{coordinates}/>"


def _host_props(platform: Platform, i: int) -> dict[str, str]:
    """Return the properties to write: as they were read, but for what the arrays contradict."""
    props = {key: value for key, value in platform.properties[i].items() if (key, value) != ("role", "")}
    if i >= platform.n_compute:
        props["role"] = "storage"
    table = _row(platform, i)
    problems: list[str] = []
    written = read_states(table.speed_flops, props, problems.append, computes=i < platform.n_compute)
    # repr, because a NaN is not equal to itself.
    if not problems and repr(written) == repr(table):
        return props
    for key in ("wattage_per_state", "watt_per_state", "sleep_pstates"):
        props.pop(key, None)
    return props | _state_props(table)


def _row(platform: Platform, i: int) -> StateTable:
    n = int(platform.n_pstates[i])
    speed, idle, epsilon, full = (
        tuple(array[i, :n].tolist())
        for array in (platform.speed_flops, platform.idle_w, platform.epsilon_w, platform.full_w)
    )
    kind, off, on = (tuple(array[i, :n].tolist()) for array in (platform.kind, platform.off_pstate, platform.on_pstate))
    return StateTable(speed, idle, epsilon, full, kind, off, on)


def _state_props(table: StateTable) -> dict[str, str]:
    props = {}
    if table.has_power:
        powers = zip(table.idle_w, table.epsilon_w, table.full_w, strict=True)
        props["wattage_per_state"] = ",".join(":".join(format_number(watt) for watt in power) for power in powers)
    sleep = [state for state, kind in enumerate(table.kind) if kind == PstateKind.SLEEP]
    if sleep:
        triplets = (f"{state}:{table.off_pstate[state]}:{table.on_pstate[state]}" for state in sleep)
        props["sleep_pstates"] = ",".join(triplets)
    return props


def _loopback(platform: Platform) -> tuple[list[str], list[str]]:
    latency, transfer = float(platform.messages.latency_s[-1]), float(platform.messages.transfer_s[-1])
    if (latency, transfer) == (0.0, 1e-10):
        return [], []
    name = _quote(platform.master.name)
    link = f' <link id="loopback" {_link(latency, transfer)} sharing_policy="FATPIPE"/>'
    return [link], [f' <route src={name} dst={name}><link_ctn id="loopback"/></route>']


def _routes(platform: Platform, numbers: range | list[int], target: str) -> tuple[list[str], list[str]]:
    links, routes = [], []
    for i in numbers:
        latency, transfer = float(platform.messages.latency_s[i]), float(platform.messages.transfer_s[i])
        if latency == 0 and transfer == 0:
            continue
        links.append(f' <link id="up_{i}" {_link(latency, transfer)}/>')
        ends = f"src={_quote(platform.host_names[i])} dst={_quote(target)}"
        routes.append(f' <route {ends}><link_ctn id="up_{i}"/></route>')
    return links, routes


def _link(latency: float, transfer: float) -> str:
    return f'bandwidth="{_bandwidth(latency, transfer)}" latency="{format_number(latency)}s"'


def _bandwidth(latency: float, transfer: float) -> str:
    if transfer == 0 or (latency > 0 and 1.0 / (_TCP_GAMMA / (2.0 * latency)) >= transfer):
        return _FREE_LINK
    guess = 1.0 / transfer
    # The inverse of an inverse can be one step off; a neighbour then has exactly this inverse.
    for value in (guess, math.nextafter(guess, 0.0), math.nextafter(guess, math.inf)):
        if 1.0 / value == transfer:
            return format_bandwidth(value)
    return format_bandwidth(guess)
