"""What a ready-made machine consists of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wattq.platforms.make import ComputeState, SleepState

__all__ = ["Preset"]


@dataclass(frozen=True)
class Preset:
    """A ready-made machine of identical hosts.

    Attributes:
        summary: one line about it.
        n_hosts: number of compute hosts.
        prefix: start of the host names.
        states: computing power states, the fastest first.
        sleep: the sleep state.
        sources: where the numbers come from.
        properties: XML properties of each host.
    """

    summary: str
    n_hosts: int
    prefix: str
    states: tuple[ComputeState, ...]
    sleep: SleepState
    sources: tuple[str, ...]
    properties: Mapping[str, str] = field(default_factory=dict)
