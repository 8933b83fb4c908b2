"""A platform whose power states have the speeds that jobs of one sensitivity to speed see."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from wattq.errors import PlatformError
from wattq.platforms.model import Platform, PstateKind
from wattq.platforms.xml_writer import platform_xml

__all__ = ["effective_platform"]


def effective_platform(platform: Platform, beta: float) -> Platform:
    """Return a platform on which plain jobs take as long as jobs of sensitivity beta do on the given one.

    A job that takes T in power state 0 takes T (beta s0 / s + 1 - beta) in a state of speed s: its effective speed is
    s0 / (beta s0 / s + 1 - beta). Powers, sleep states and switching times stay.

    Args:
        platform: the machine, its speeds those of work in the processor alone.
        beta: sensitivity of the work, 0 to 1 (1 changes nothing); `wattq.workloads.mean_beta` is that of a workload.

    Raises:
        PlatformError: beta is no number from 0 to 1, or power state 0 of a host does not compute.
    """
    if not 0.0 <= beta <= 1.0:
        raise PlatformError(f"platform '{platform.name}': beta {beta!r}; give a number from 0 to 1")
    computing = platform.kind == PstateKind.COMPUTE
    full = platform.speed_flops[:, :1]
    bad = np.flatnonzero(~(computing[:, 0] & (full[:, 0] > 0.0)))
    if len(bad):
        raise PlatformError(
            f"platform '{platform.name}', host {platform.host_names[int(bad[0])]}: power state 0 does not compute; "
            "make the full speed state 0"
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        speeds = full / (beta * full / platform.speed_flops + (1.0 - beta))
    # State 0, and every state at beta 1, keep their number to the last bit.
    moved = computing & (platform.speed_flops != full) & (beta < 1.0)
    note = f"speeds of states other than 0: effective ones for a sensitivity (beta) of {beta!r}"
    notes = (*platform.notes, note) if beta < 1.0 else platform.notes
    changed = replace(
        platform, speed_flops=np.where(moved, speeds, platform.speed_flops), source=platform.name, notes=notes
    )
    return replace(changed, sha256=hashlib.sha256(platform_xml(changed).encode()).hexdigest())
