"""The platform linter: what makes Batsim 4.2 abort or count wrong energy, all of it at once.

Errors are the rules that `read_platform` enforces, reported together rather than one by one, and powers that are
missing for some hosts or 0 where work is done. Warnings are what runs, but probably not as meant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from wattq.errors import PlatformError
from wattq.platforms.description import Description, HostSpec
from wattq.platforms.findings import Finding, Findings
from wattq.platforms.model import PstateKind
from wattq.platforms.numbering import message_costs, number_hosts, state_tables
from wattq.platforms.states import StateTable, power_property
from wattq.platforms.xml_reader import describe, read_content

__all__ = ["lint_platform"]

_LONG_SWITCH_S = 3600.0
_FREE_MESSAGE_S = 1e-10


def lint_platform(path: str | Path, *, master: str = "master_host", roles: Sequence[str] = ()) -> list[Finding]:
    """Return everything that is wrong or doubtful with a platform file, errors first.

    Args:
        path: the file; it may be one that `read_platform` refuses.
        master: name of the master host.
        roles: as in `read_platform`.

    Raises:
        MissingFileError: when the file cannot be read.
    """
    content = read_content(path)
    findings = Findings(str(path), strict=False)
    try:
        description = describe(content, findings)
    except PlatformError as error:
        return [_not_xml(error)]
    if description.hosts or not findings.list():
        _lint_description(description, findings, master, roles)
    return findings.list()


def _not_xml(error: PlatformError) -> Finding:
    place, _, message = str(error).partition(": ")
    return Finding("error", place, message)


def _lint_description(description: Description, findings: Findings, master: str, roles: Sequence[str]) -> None:
    numbering = number_hosts(description, findings, master=master, roles=roles, mmax=0)
    hosts = numbering.hosts
    tables = state_tables(numbering, findings)
    by_host = [(host, tables[host.name]) for host in hosts]
    _missing_powers(by_host, findings)
    for host, table in by_host:
        _powers(host, table, findings)
        _sleep(host, table, findings)
        _cores(host, findings)
    _name_order(numbering.compute, findings)
    _name_order(numbering.storage, findings)
    if numbering.master is not None:
        _messages(description, findings, hosts, numbering.master)


def _missing_powers(by_host: Sequence[tuple[HostSpec, StateTable]], findings: Findings) -> None:
    without = [host for host, _ in by_host if not power_property(host.props)]
    if len(without) == len(by_host):
        if without:
            message = "no host has 'wattage_per_state': energy cannot be counted, and Batsim -E aborts; add it"
            findings.warning(without[0].line, message)
        return
    for host in without:
        message = "has no 'wattage_per_state' while others have, and Batsim -E aborts at its first energy query; add it"
        findings.error(host.line, message, host.name)


def _powers(host: HostSpec, table: StateTable, findings: Findings) -> None:
    if not table.has_power:
        return
    rows = zip(table.kind, table.idle_w, table.epsilon_w, table.full_w, strict=True)
    for state, (kind, idle, epsilon, full) in enumerate(rows):
        if kind == PstateKind.COMPUTE:
            if full == 0:
                message = f"computing state {state} draws 0 W under full load: its work costs nothing; state it"
                findings.error(host.line, message, host.name)
            elif idle == 0:
                findings.warning(host.line, f"computing state {state} draws 0 W when idle: waiting is free", host.name)
            if full < epsilon or full < idle:
                message = f"state {state} draws less under load ({full:g} W) than without ({max(idle, epsilon):g} W)"
                findings.warning(host.line, f"{message}; the order is Idle:Epsilon:AllCores", host.name)
        elif idle != full and kind == PstateKind.SLEEP:
            message = f"sleep state {state} has a power under load ({full:g} W), which no job can reach"
            findings.warning(host.line, message, host.name)
        elif full == 0:
            message = f"virtual state {state} draws 0 W: switching costs nothing; state its power under load"
            findings.warning(host.line, message, host.name)


def _sleep(host: HostSpec, table: StateTable, findings: Findings) -> None:
    computing = [table.idle_w[state] for state, kind in enumerate(table.kind) if kind == PstateKind.COMPUTE]
    for state, kind in enumerate(table.kind):
        if kind == PstateKind.SLEEP:
            if table.has_power and computing and table.idle_w[state] >= min(computing):
                message = f"sleep state {state} draws {table.idle_w[state]:g} W, as much as an idle host"
                findings.warning(host.line, f"{message}; sleeping never pays", host.name)
            _switching(host, table, state, findings)
    if not computing:
        findings.error(host.line, "has no computing state: every state sleeps or switches; add one", host.name)
    elif table.kind[host.pstate] != PstateKind.COMPUTE:
        message = f"starts in state {host.pstate}, which does not compute: Batsim calls it idle, but a job on it aborts"
        findings.warning(host.line, f"{message} until it is woken; use pstate='0'", host.name)
    if "sleep_pstates" not in host.props and any(speed < 1000 for speed in table.speed_flops):
        message = "has a computing state below 1 kf: a sleep or virtual state that 'sleep_pstates' does not name?"
        findings.warning(host.line, message, host.name)


def _switching(host: HostSpec, table: StateTable, sleep: int, findings: Findings) -> None:
    for what, state in (("off", table.off_pstate[sleep]), ("on", table.on_pstate[sleep])):
        speed = table.speed_flops[state]
        if speed > 0 and 1.0 / speed > _LONG_SWITCH_S:
            message = f"switching {what} takes {1.0 / speed:g} s (1 flop at the speed of state {state}); that long?"
            findings.warning(host.line, message, host.name)
        if speed >= 1000:
            message = f"switching {what} takes {1.0 / speed:g} s only (1 flop at the speed of state {state})"
            findings.warning(host.line, f"{message}; use 1/(seconds of the switch)", host.name)


def _cores(host: HostSpec, findings: Findings) -> None:
    if host.cores > 1 and power_property(host.props):
        message = (
            f"has {host.cores} cores, but a job puts one executor on a host: it loads 1/{host.cores} of it and "
            "is charged so; use core='1' with the speed of the whole host, or an executor mapping"
        )
        findings.warning(host.line, message, host.name)


def _name_order(hosts: Sequence[HostSpec], findings: Findings) -> None:
    # Batsim numbers hosts in byte order: h10 comes before h2, and "the first hosts" are not those one thinks of.
    numeric = sorted(hosts, key=lambda host: _natural(host.name))
    for byte_wise, natural in zip(hosts, numeric, strict=True):
        if byte_wise is not natural:
            message = (
                f"byte order of the names is not their numeric order ('{byte_wise.name}' gets the number that "
                f"'{natural.name}' seems to have); pad the numbers with zeros"
            )
            findings.warning(byte_wise.line, message)
            return


def _natural(name: str) -> list[tuple[int, int, str]]:
    # Digits of other scripts are letters here: int() would read them, Batsim does not. Numbers compare by their
    # length first, so that they may be longer than int() accepts.
    parts = re.split(r"([0-9]+)", name)
    return [(1, len(part.lstrip("0")), part.lstrip("0")) if i % 2 else (0, 0, part) for i, part in enumerate(parts)]


def _messages(description: Description, findings: Findings, hosts: Sequence[HostSpec], master: HostSpec) -> None:
    costs = [sum(message_costs(description, findings, host, master)) for host in (*hosts, master)]
    slowest = max(costs)
    if slowest > _FREE_MESSAGE_S:
        message = (
            f"control messages to the master take up to {slowest:.3g} s, so that dates shift and events that "
            "coincide are told one by one; put the master into the hosts' zone without routes to make them free"
        )
        findings.warning(master.line, message)
    if master.props.get("wattage_per_state"):
        findings.warning(master.line, "the master's powers are not counted: Batsim leaves it out of the energy")
    _check_unused(description, findings, master)


def _check_unused(description: Description, findings: Findings, master: HostSpec) -> None:
    hosts: Mapping[str, HostSpec] = {host.name: host for host in description.hosts if host is not master}
    for host in hosts.values():
        if "wattage_off" in host.props:
            message = "'wattage_off' is never used: Batsim switches no host off; sleep is a power state (sleep_pstates)"
            findings.warning(host.line, message, host.name)
