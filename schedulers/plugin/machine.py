"""The machine as a scheduler learns of it: from SIMULATION_BEGINS, and from a platform file where one is named."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np

from wattq.errors import InvalidInputError, PlatformError
from wattq.platforms import PRESETS, ControlMessages, MasterHost, Platform, PstateKind, load_platform, platform_xml
from wattq.platforms.description import HostSpec
from wattq.platforms.findings import Findings
from wattq.platforms.states import StateTable, power_property, read_states
from wattq.platforms.xml_reader import describe, read_content

__all__ = ["read_machine"]

_MOST_CELLS = 64_000_000


@dataclass(frozen=True)
class _Host:
    """A compute host: name, power states, initial power state, cores, properties."""

    name: str
    states: StateTable
    pstate: int
    cores: int
    properties: Mapping[str, str]


def read_machine(begins: Mapping[str, Any], platform: str | None = None) -> Platform:
    """Return the compute hosts that Batsim announces.

    Batsim tells names and properties: powers and kinds of the power states follow, but neither speeds (they are 0 then)
    nor the power state in which a host begins (0 then). A platform file tells these, too.

    Args:
        begins: data of SIMULATION_BEGINS.
        platform: the platform file that Batsim was given, or the preset that it was written from.

    Raises:
        InvalidInputError: the data breaks the protocol.
        PlatformError: the properties of a host break Batsim's rules, or the platform file lacks a host.
        MissingFileError: the platform file cannot be read.
    """
    try:
        named = [(str(host["name"]), _texts(host["properties"])) for host in _in_order(begins["compute_resources"])]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InvalidInputError(
            f"SIMULATION_BEGINS, key 'compute_resources': not a list of hosts with id, name and properties ({error}); "
            "this scheduler speaks the protocol of Batsim 4"
        ) from None
    if not named:
        raise InvalidInputError("SIMULATION_BEGINS, key 'compute_resources': no host; a machine needs at least one")
    if platform is None:
        known: dict[tuple[str | None, ...], StateTable] = {}
        return _platform("the machine that Batsim announced", [_announced(*host, known) for host in named])
    return _platform(platform, _described(platform, named))


def _in_order(hosts: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Return the compute hosts, whose numbers must be 0, 1, 2, ..."""
    ordered = sorted(hosts, key=lambda host: int(host["id"]))
    if [host["id"] for host in ordered] != list(range(len(ordered))):
        raise ValueError("ids other than 0, 1, 2, ...")
    return ordered


def _texts(properties: Mapping[str, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in properties.items()}


def _failing(place: str) -> Callable[[str], NoReturn]:
    """Return a function that refuses a host for a reason."""

    def fail(message: str) -> NoReturn:
        raise PlatformError(f"{place}: {message}; mend its properties in the platform file")

    return fail


def _key(properties: Mapping[str, str]) -> tuple[str | None, ...]:
    """Return what the power states of a host depend on, but for the speeds."""
    return tuple(properties.get(name) for name in ("wattage_per_state", "watt_per_state", "sleep_pstates"))


def _announced(name: str, properties: Mapping[str, str], known: dict[tuple[str | None, ...], StateTable]) -> _Host:
    """Return a host as its properties describe it; equal hosts share one table of states."""
    key = _key(properties)
    if key not in known:
        watts = power_property(properties)
        parts = properties.get("sleep_pstates", "").replace(",", ":").split(":")
        numbers = [int(part) for part in parts if re.fullmatch(r"\s*\d{1,3}\s*", part, re.ASCII)]
        n = len(properties[watts].split(",")) if watts else max([*numbers, 0]) + 1
        # Any speed serves: what is read from the properties does not depend on it.
        states = read_states([1.0] * n, properties, _failing(f"host '{name}', as Batsim announced it"))
        known[key] = replace(states, speed_flops=(math.nan,) * n)
    return _Host(name, known[key], 0, 1, properties)


def _described(platform: str, named: Sequence[tuple[str, Mapping[str, str]]]) -> list[_Host]:
    """Return the hosts of a platform file that Batsim announced."""
    content = platform_xml(load_platform(platform)).encode() if platform in PRESETS else read_content(platform)
    specs = {host.name: host for host in describe(content, Findings(platform, strict=True)).hosts}
    missing = [name for name, _ in named if name not in specs]
    if missing:
        raise PlatformError(
            f"{platform}: no host '{missing[0]}', which Batsim announced ({len(missing)} of {len(named)} hosts are "
            "missing); name the platform file that Batsim was given"
        )
    known: dict[tuple[Any, ...], StateTable] = {}
    return [_from_file(platform, specs[name], properties, known) for name, properties in named]


def _from_file(
    platform: str, spec: HostSpec, properties: Mapping[str, str], known: dict[tuple[Any, ...], StateTable]
) -> _Host:
    """Return a host of a platform file; equal hosts share one table of states."""
    key = (spec.speeds, *_key(spec.props))
    if key not in known:
        known[key] = read_states(spec.speeds, spec.props, _failing(f"{platform}, line {spec.line}: {spec.name}"))
    return _Host(spec.name, known[key], spec.pstate, spec.cores, properties)


def _platform(name: str, hosts: Sequence[_Host]) -> Platform:
    """Return the hosts as a platform; nothing is known about messages, which only the engine asks for."""
    width = max(len(host.states.speed_flops) for host in hosts)
    if width * len(hosts) > _MOST_CELLS:
        raise PlatformError(f"{name}: {len(hosts)} hosts with up to {width} power states are too many; describe fewer")
    arrays: dict[str, Any] = {}
    for column in ("speed_flops", "idle_w", "epsilon_w", "full_w"):
        arrays[column] = np.full((len(hosts), width), np.nan)
    for column, fill in (("kind", PstateKind.NONE), ("off_pstate", -1), ("on_pstate", -1)):
        arrays[column] = np.full((len(hosts), width), int(fill), dtype=np.int64)
    for column, table in arrays.items():
        for row, host in enumerate(hosts):
            values = getattr(host.states, column)
            table[row, : len(values)] = values
    return Platform(
        name=name,
        host_names=tuple(host.name for host in hosts),
        n_compute=len(hosts),
        cores=np.array([host.cores for host in hosts], dtype=np.int64),
        initial_pstate=np.array([host.pstate for host in hosts], dtype=np.int64),
        n_pstates=np.array([len(host.states.speed_flops) for host in hosts], dtype=np.int64),
        **arrays,
        has_power=all(host.states.has_power for host in hosts),
        properties=tuple(host.properties for host in hosts),
        zone_properties=tuple({} for _ in hosts),
        master=MasterHost(),
        messages=ControlMessages(np.zeros(len(hosts) + 1), np.zeros(len(hosts) + 1)),
    )
