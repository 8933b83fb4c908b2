"""Machines of another size: the hosts of a homogeneous platform, more or fewer of them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np

from wattq.errors import CampaignError
from wattq.experiments.campaign.model import MachineSpec
from wattq.platforms import platform_xml
from wattq.platforms.model import ControlMessages, Platform

__all__ = ["resized"]

_BY_HOST = (
    "cores",
    "initial_pstate",
    "n_pstates",
    "speed_flops",
    "idle_w",
    "epsilon_w",
    "full_w",
    "kind",
    "off_pstate",
    "on_pstate",
)


def resized(platform: Platform, spec: MachineSpec) -> Platform:
    """Return a platform with as many hosts and cores as asked for, each host like the first one.

    Args:
        platform: one whose hosts are alike, without storage hosts and with free control messages.
        spec: what is asked for; nothing changes where it asks for nothing.

    Raises:
        CampaignError: the hosts differ, so that it is unclear what more of them are.
    """
    if spec.nodes is None and spec.cores is None:
        return platform
    if not _alike(platform):
        raise CampaignError(
            f"machine: the hosts of platform '{platform.name}' differ, or some store files, or its messages take time, "
            "so that it has no other sizes; give a platform of each size"
        )
    n = platform.n_compute if spec.nodes is None else spec.nodes
    arrays: dict[str, Any] = {name: np.repeat(getattr(platform, name)[:1], n, axis=0) for name in _BY_HOST}
    if spec.cores is not None:
        arrays["cores"] = np.full(n, spec.cores, dtype=np.int64)
    width = len(str(n - 1))
    made = replace(
        platform,
        name=f"{platform.name}-{n}x{int(arrays['cores'][0])}",
        host_names=tuple(f"h{row:0{width}d}" for row in range(n)),
        n_compute=n,
        properties=platform.properties[:1] * n,
        zone_properties=platform.zone_properties[:1] * n,
        messages=ControlMessages(
            np.repeat(platform.messages.latency_s[:1], n + 1), np.repeat(platform.messages.transfer_s[:1], n + 1)
        ),
        notes=(*platform.notes, f"Made {n} hosts of {int(arrays['cores'][0])} cores, each like the first of "
               f"{platform.name}."),
        **arrays,
    )  # fmt: skip
    return replace(made, sha256=hashlib.sha256(platform_xml(made).encode()).hexdigest())


def _alike(platform: Platform) -> bool:
    rows = (getattr(platform, name) for name in _BY_HOST)
    same = all(
        np.array_equal(row, np.repeat(row[:1], len(row), axis=0), equal_nan=row.dtype.kind == "f") for row in rows
    )
    same = same and all(properties == platform.properties[0] for properties in platform.properties)
    return same and platform.n_compute == platform.n_hosts and platform.messages.free
