"""From a description to the platform: roles, Batsim's numbering, arrays, message costs."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.platforms.description import Description, HostSpec
from wattq.platforms.findings import Findings
from wattq.platforms.model import ControlMessages, MasterHost, Platform, PstateKind
from wattq.platforms.routing import RouteError, message_cost
from wattq.platforms.states import StateTable, read_states

__all__ = ["Numbering", "build_platform", "message_costs", "number_hosts", "state_tables"]

_ROLES = ("", "compute_node", "storage", "master")
_MAX_CELLS = 20_000_000
_STATE_PROPERTIES = ("wattage_per_state", "watt_per_state", "wattage_off", "sleep_pstates")
_FREE_LOOPBACK = (0.0, 1e-10)


@dataclass(frozen=True)
class Numbering:
    """Hosts by role, in byte order of their names; no master when the platform has none.

    Attributes:
        compute: the compute hosts in use.
        left_out: the compute hosts that mmax leaves out.
        storage: the storage hosts.
        master: the host of the server.
        role: role of each host by name, as Batsim forwards it.
    """

    compute: list[HostSpec]
    left_out: list[HostSpec]
    storage: list[HostSpec]
    master: HostSpec | None
    role: Mapping[str, str]

    @property
    def hosts(self) -> list[HostSpec]:
        """Compute hosts, then storage hosts: the order of Batsim's numbers."""
        return self.compute + self.storage


def build_platform(
    description: Description,
    findings: Findings,
    *,
    name: str,
    master: str = "master_host",
    roles: Sequence[str] = (),
    mmax: int = 0,
    source: str = "",
    sha256: str = "",
) -> Platform:
    """Return the platform that a description makes; arguments as in `read_platform`.

    Raises:
        PlatformError: at the first rule that is broken (the findings are strict).
    """
    numbering = number_hosts(description, findings, master=master, roles=roles, mmax=mmax)
    hosts, server = numbering.hosts, numbering.master
    tables = state_tables(numbering, findings)
    if server is None or not numbering.compute:
        raise AssertionError("number_hosts refuses platforms without master or compute hosts")
    zone_properties = _zone_properties(description)
    notes = tuple(f"{finding.place}: {finding.message}" for finding in findings.list())
    arrays = _arrays(hosts, tables, findings)
    return Platform(
        name=name,
        host_names=tuple(host.name for host in hosts),
        n_compute=len(numbering.compute),
        cores=np.array([host.cores for host in hosts], dtype=np.int64),
        initial_pstate=np.array([host.pstate for host in hosts], dtype=np.int64),
        **arrays,
        has_power=all(tables[host.name].has_power for host in hosts),
        properties=_properties(hosts, numbering.role),
        zone_properties=tuple(zone_properties[host.zone] for host in hosts),
        master=MasterHost(server.name, server.speeds[0]),
        messages=_messages(description, findings, hosts, server),
        source=source,
        sha256=sha256,
        notes=notes,
    )


def number_hosts(
    description: Description, findings: Findings, *, master: str, roles: Sequence[str], mmax: int
) -> Numbering:
    """Return the hosts by role and number; a broken rule is reported."""
    given = _given_roles(description, findings, master, roles)
    by_role: dict[str, list[HostSpec]] = {role: [] for role in _ROLES}
    role_text: dict[str, str] = {}
    for host in sorted(description.hosts, key=lambda host: host.name.encode()):
        role = _role(host, given)
        role_text[host.name] = role
        if role in _ROLES:
            by_role[role].append(host)
        else:
            message = f"role '{role}': Batsim 4.2 knows master, compute_node and storage, one per host, and aborts"
            findings.error(host.line, f"{message}; mend the property 'role' or the options", host.name)
    servers = by_role["master"]
    _check_master(description, findings, servers, master)
    compute = sorted(by_role[""] + by_role["compute_node"], key=lambda host: host.name.encode())
    if not compute and description.hosts:
        findings.error(None, "no compute host is left besides the master; add a <host> or a <cluster>")
    if mmax < 0 or mmax > len(compute):
        findings.error(
            None, f"mmax {mmax}, but the platform has {len(compute)} compute hosts; use 0 (all) to {len(compute)}"
        )
    kept = mmax if mmax > 0 else len(compute)
    return Numbering(compute[:kept], compute[kept:], by_role["storage"], servers[0] if servers else None, role_text)


def _given_roles(description: Description, findings: Findings, master: str, roles: Sequence[str]) -> dict[str, str]:
    names = {host.name for host in description.hosts}
    given = {master: "master"}
    for entry in roles:
        hosts, colon, role = entry.partition(":")
        if not colon or ":" in role:
            findings.error(None, f"role option '{entry}' is not of the form host1,host2:role")
            continue
        for name in hosts.split(","):
            if name not in names:
                near = difflib.get_close_matches(name, names, n=3)
                findings.error(None, f"role option '{entry}': no host '{name}'; nearest: {', '.join(near) or 'none'}")
            given[name] = role
    return given


def _role(host: HostSpec, given: Mapping[str, str]) -> str:
    own = host.props.get("role")
    if host.name not in given:
        return own or ""
    # Batsim appends the option to the property, so that any two roles abort.
    return given[host.name] if own is None else f"{own},{given[host.name]}"


def _check_master(description: Description, findings: Findings, servers: list[HostSpec], master: str) -> None:
    if len(servers) > 1:
        names = ", ".join(host.name for host in servers[:4])
        findings.error(servers[1].line, f"{len(servers)} master hosts ({names}), and Batsim aborts; keep one")
    if not servers:
        near = difflib.get_close_matches(master, [host.name for host in description.hosts], n=3)
        hint = f"; nearest names: {', '.join(near)}" if near else ""
        message = f"no master host: no host is named '{master}' or has the property role='master', and Batsim aborts"
        findings.error(None, f'{message}; add <host id="{master}" speed="1Gf"/> or name another (-m){hint}')


def state_tables(numbering: Numbering, findings: Findings) -> dict[str, StateTable]:
    """Return the table of power states of each host by name, equal hosts sharing one; broken rules are reported.

    Batsim and SimGrid check every host: the master and those that mmax leaves out as well.
    """
    computing = numbering.compute + numbering.left_out
    others = numbering.storage + ([numbering.master] if numbering.master else [])
    return _tables(computing, findings, computes=True) | _tables(others, findings, computes=False)


def _tables(hosts: Sequence[HostSpec], findings: Findings, *, computes: bool) -> dict[str, StateTable]:
    known: dict[tuple[object, ...], tuple[StateTable, list[str]]] = {}
    tables = {}
    for host in hosts:
        props = host.props
        key = (host.speeds, *(props.get(name) for name in _STATE_PROPERTIES))
        if key not in known:
            problems: list[str] = []
            known[key] = read_states(host.speeds, props, problems.append, computes=computes), problems
        tables[host.name], problems = known[key]
        for problem in problems:
            findings.error(host.line, problem, host.name)
        if "watt_per_state" in props and "wattage_per_state" not in props:
            message = "'watt_per_state' is the older name, which SimGrid 3.34 ignores: 0 W; use 'wattage_per_state'"
            findings.warning(host.line, message, host.name)
    return tables


def _arrays(hosts: Sequence[HostSpec], tables: Mapping[str, StateTable], findings: Findings) -> dict[str, Any]:
    distinct = list({id(tables[host.name]): tables[host.name] for host in hosts}.values())
    rank = {id(table): i for i, table in enumerate(distinct)}
    row = np.array([rank[id(tables[host.name])] for host in hosts])
    counts = np.array([len(table.speed_flops) for table in distinct], dtype=np.int64)
    width = int(counts.max())
    if width * len(hosts) > _MAX_CELLS:
        findings.error(None, f"{len(hosts)} hosts with up to {width} power states need too much memory; describe fewer")
    arrays: dict[str, Any] = {"n_pstates": counts[row]}
    for column in ("speed_flops", "idle_w", "epsilon_w", "full_w"):
        arrays[column] = _column(distinct, column, np.full((len(distinct), width), np.nan))[row]
    for column, fill in (("kind", PstateKind.NONE), ("off_pstate", -1), ("on_pstate", -1)):
        empty = np.full((len(distinct), width), int(fill), dtype=np.int64)
        arrays[column] = _column(distinct, column, empty)[row]
    return arrays


def _column(tables: Sequence[StateTable], column: str, values: NDArray[Any]) -> NDArray[Any]:
    for i, table in enumerate(tables):
        states = getattr(table, column)
        values[i, : len(states)] = states
    return values


def _properties(hosts: Sequence[HostSpec], role: Mapping[str, str]) -> tuple[Mapping[str, str], ...]:
    # Batsim forwards 'role' for every host, empty where unset; hosts of a cluster share one mapping.
    shared: dict[tuple[int, str], Mapping[str, str]] = {}
    result = []
    for host in hosts:
        key = (id(host.props), role[host.name])
        if key not in shared:
            shared[key] = {**host.props, "role": role[host.name]}
        result.append(shared[key])
    return tuple(result)


def _zone_properties(description: Description) -> list[Mapping[str, str]]:
    inherited: list[Mapping[str, str]] = []
    for zone in description.zones:
        above = inherited[zone.parent] if zone.parent >= 0 else {}
        inherited.append({**above, **zone.props})
    return inherited


def _messages(
    description: Description, findings: Findings, hosts: Sequence[HostSpec], master: HostSpec
) -> ControlMessages:
    costs = [message_costs(description, findings, host, master) for host in (*hosts, master)]
    latency, transfer = zip(*costs, strict=True)
    return ControlMessages(np.array(latency, dtype=np.float64), np.array(transfer, dtype=np.float64))


def message_costs(
    description: Description, findings: Findings, host: HostSpec, master: HostSpec
) -> tuple[float, float]:
    """Return latency and transfer time of a host's message to the master; a missing route is reported."""
    try:
        return message_cost(description, host.name, master.name)
    except RouteError as error:
        zone = description.zones[host.zone]
        findings.error(zone.line, f"no route to the master '{master.name}': {error}", host.name)
        return _FREE_LOOPBACK
