"""The platform in struct-of-arrays form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

__all__ = ["ControlMessages", "MasterHost", "Platform", "PstateKind"]


class PstateKind(IntEnum):
    """What a power state of a host is for."""

    NONE = -1
    """Padding: the host has fewer power states than the widest host."""
    COMPUTE = 0
    SLEEP = 1
    SWITCH_OFF = 2
    """Virtual state held while the host goes to sleep."""
    SWITCH_ON = 3
    """Virtual state held while the host wakes up."""


@dataclass(frozen=True)
class MasterHost:
    """The host that runs Batsim's server; it computes nothing and its energy is not counted.

    Attributes:
        name: SimGrid name of the host.
        speed_flops: speed of its first power state, in flop/s.
    """

    name: str = "master_host"
    speed_flops: float = 1e9


@dataclass(frozen=True)
class ControlMessages:
    """Cost of one control message (1 byte) to the master, from each host and from the master itself.

    Attributes:
        latency_s: shape (n_hosts + 1,); the last entry is the master's message to itself.
        transfer_s: shape (n_hosts + 1,); duration of the byte once the latency is over.
    """

    latency_s: NDArray[np.float64]
    transfer_s: NDArray[np.float64]

    @property
    def free(self) -> bool:
        """Whether no message lasts longer than SimGrid's implicit loopback (1e-10 s)."""
        return bool(np.all(self.latency_s + self.transfer_s <= 1e-10))


@dataclass(frozen=True)
class Platform:
    """A machine as Batsim sees it: compute hosts in byte order of their names, then storage hosts.

    Arrays are indexed by host number, two-dimensional ones by (host, power state) and padded with NaN
    (or ``PstateKind.NONE``) where a host has fewer power states.

    Attributes:
        name: what reports call the machine.
        host_names: SimGrid names; index = Batsim's machine number.
        n_compute: number of compute hosts; hosts from this index on are storage hosts.
        cores: cores of each host.
        initial_pstate: power state at the start of a simulation.
        n_pstates: number of power states of each host.
        speed_flops: speed of one core, flop/s.
        idle_w: power without load, W.
        epsilon_w: power at the limit of zero load, W (SimGrid's "Epsilon"; idle when not given).
        full_w: power with all cores loaded, W.
        kind: `PstateKind` of each power state.
        off_pstate: for a sleep state, the virtual state used to get there; else -1.
        on_pstate: for a sleep state, the virtual state used to leave it; else -1.
        has_power: whether every compute and storage host states its powers (energy can be counted).
        properties: XML properties of each host, as text.
        zone_properties: XML properties of each host's zone, as text.
        master: the host that runs the server.
        messages: cost of control messages.
        source: where the platform comes from (file name or preset), for provenance.
        sha256: digest of the file it was read from, or of the XML it would be written as.
    """

    name: str
    host_names: tuple[str, ...]
    n_compute: int
    cores: NDArray[np.int64]
    initial_pstate: NDArray[np.int64]
    n_pstates: NDArray[np.int64]
    speed_flops: NDArray[np.float64]
    idle_w: NDArray[np.float64]
    epsilon_w: NDArray[np.float64]
    full_w: NDArray[np.float64]
    kind: NDArray[np.int64]
    off_pstate: NDArray[np.int64]
    on_pstate: NDArray[np.int64]
    has_power: bool
    properties: tuple[Mapping[str, str], ...]
    zone_properties: tuple[Mapping[str, str], ...]
    master: MasterHost
    messages: ControlMessages
    source: str = ""
    sha256: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def n_hosts(self) -> int:
        """Number of compute and storage hosts."""
        return len(self.host_names)
