"""A platform from numbers: identical hosts, their power states, how they sleep."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from wattq.errors import PlatformError
from wattq.platforms.description import Description, HostSpec, NetPoint, Zone
from wattq.platforms.findings import Findings
from wattq.platforms.model import Platform
from wattq.platforms.numbering import build_platform
from wattq.platforms.units_text import format_number
from wattq.platforms.xml_network import MAX_HOSTS
from wattq.platforms.xml_writer import platform_xml

__all__ = ["ComputeState", "SleepState", "make_platform"]


@dataclass(frozen=True)
class ComputeState:
    """A power state that computes, reached by DVFS or by a power cap.

    Attributes:
        speed_flops: effective speed for the work at hand, flop/s.
        idle_w: power without load, W.
        full_w: power with all cores loaded, W.
        epsilon_w: power at the limit of zero load, W; the idle power when None.
    """

    speed_flops: float = 1e9
    idle_w: float | None = None
    full_w: float | None = None
    epsilon_w: float | None = None


@dataclass(frozen=True)
class SleepState:
    """A sleep state, with what it takes to enter and to leave it.

    Attributes:
        power_w: power while asleep, W.
        off_s: time to fall asleep, s.
        off_w: power meanwhile, W.
        on_s: time to wake up, s.
        on_w: power meanwhile, W.
        off_idle_w: power of the state used to fall asleep without load, W; the power under load when None. A switch is
            a load of 1, so that this shows only in the ``wattmin`` column of Batsim's energy file.
        on_idle_w: the same for waking up.
    """

    power_w: float
    off_s: float
    off_w: float
    on_s: float
    on_w: float
    off_idle_w: float | None = None
    on_idle_w: float | None = None

    @classmethod
    def from_energy(cls, power_w: float, *, off_s: float, off_j: float, on_s: float, on_j: float) -> SleepState:
        """Return the state whose switches take the given times and joules, at constant power.

        Raises:
            PlatformError: when a time is not above 0.
        """
        for what, value in (("time to fall asleep", off_s), ("time to wake up", on_s)):
            if not (math.isfinite(value) and value > 0):
                raise PlatformError(f"sleep state: {what} {value} s; it must be above 0 and finite")
        return cls(power_w, off_s, off_j / off_s, on_s, on_j / on_s)


def make_platform(
    n_hosts: int,
    states: Sequence[ComputeState] = (ComputeState(),),
    sleep: Sequence[SleepState] = (),
    *,
    name: str = "machine",
    prefix: str = "h",
    cores: int = 1,
    properties: Mapping[str, str] | None = None,
    zone_properties: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
    master: str = "master_host",
    roles: Sequence[str] = (),
    mmax: int = 0,
) -> Platform:
    """Return a machine of identical hosts whose control messages cost nothing.

    Hosts are called prefix + number, padded with zeros so that byte order is numeric order. Power states come in this
    order: the computing ones, then, for each sleep state, the state itself and its virtual states off and on (whose
    speed is the inverse of the switching time).

    Args:
        n_hosts: number of compute hosts.
        states: the computing power states, fastest first by custom.
        sleep: the sleep states.
        name: name of the machine.
        prefix: start of the host names.
        cores: cores of each host; a job puts one executor on a host, which loads one core.
        properties: XML properties of each host.
        zone_properties: XML properties of the zone.
        notes: where the numbers come from; written into the file as comments.
        master: name of the master host.
        roles: as in `read_platform`.
        mmax: as in `read_platform`.

    Raises:
        PlatformError: when a number is out of range, or powers are given for some states only.
    """
    findings = Findings(f"platform '{name}'", strict=True)
    if not 1 <= n_hosts <= MAX_HOSTS:
        raise PlatformError(f"platform '{name}': {n_hosts} hosts; use 1 to {MAX_HOSTS:,}")
    if not states:
        raise PlatformError(f"platform '{name}': no computing power state; give at least one")
    if not 1 <= cores <= 1_000_000:
        raise PlatformError(f"platform '{name}': {cores} cores; use 1 to 1,000,000")
    speeds = _speeds(name, states, sleep)
    props = dict(properties or {}) | _state_props(name, states, sleep)
    description = Description(zones=[Zone(f"{name}_zone", 0, "full", -1, dict(zone_properties or {}))])
    width = len(str(n_hosts - 1))
    names = [f"{prefix}{i:0{width}d}" for i in range(n_hosts)]
    for host in (*names, master):
        if host in description.netpoints:
            raise PlatformError(f"platform '{name}': prefix '{prefix}' makes a host named like the master; use another")
        description.netpoints[host] = NetPoint(0)
    description.hosts = [HostSpec(host, 0, speeds, cores, 0, props, 0) for host in names]
    description.hosts.append(HostSpec(master, 0, (1e9,), 1, 0, {}, 0))
    platform = build_platform(description, findings, name=name, master=master, roles=roles, mmax=mmax, source=name)
    platform = replace(platform, notes=tuple(notes))
    return replace(platform, sha256=hashlib.sha256(platform_xml(platform).encode()).hexdigest())


def _speeds(name: str, states: Sequence[ComputeState], sleep: Sequence[SleepState]) -> tuple[float, ...]:
    speeds = [_positive(name, "speed", state.speed_flops, "flop/s") for state in states]
    for state in sleep:
        off_s = _positive(name, "time to fall asleep", state.off_s, "s")
        on_s = _positive(name, "time to wake up", state.on_s, "s")
        speeds += [1.0, 1.0 / off_s, 1.0 / on_s]
    return tuple(speeds)


def _positive(name: str, what: str, value: float, unit: str) -> float:
    # Beyond these bounds the inverse is no ordinary double any more.
    if not (math.isfinite(value) and 1e-300 < value < 1e300):
        raise PlatformError(f"platform '{name}': {what} {value} {unit}; it must be above 0 and finite")
    return value


def _state_props(name: str, states: Sequence[ComputeState], sleep: Sequence[SleepState]) -> dict[str, str]:
    stated = [state for state in states if state.idle_w is not None and state.full_w is not None]
    mentioned = [state for state in states if (state.idle_w, state.full_w, state.epsilon_w) != (None, None, None)]
    if not mentioned and not sleep:
        return {}
    if len(stated) != len(states):
        raise PlatformError(f"platform '{name}': give idle and full power for every computing state, or for none")
    watts = [_watts(name, state) for state in states]
    triplets = []
    for i, state in enumerate(sleep):
        pairs = ((state.power_w, None), (state.off_w, state.off_idle_w), (state.on_w, state.on_idle_w))
        watts += [f"{_power(name, full if idle is None else idle)}:{_power(name, full)}" for full, idle in pairs]
        first = len(states) + 3 * i
        triplets.append(f"{first}:{first + 1}:{first + 2}")
    props = {"wattage_per_state": ",".join(watts)}
    return props | {"sleep_pstates": ",".join(triplets)} if triplets else props


def _watts(name: str, state: ComputeState) -> str:
    powers = (state.idle_w, state.full_w) if state.epsilon_w is None else (state.idle_w, state.epsilon_w, state.full_w)
    return ":".join(_power(name, power) for power in powers if power is not None)


def _power(name: str, value: float) -> str:
    if not math.isfinite(value) or value < 0:
        raise PlatformError(f"platform '{name}': power {value} W; it must be finite and not negative")
    return format_number(value)
