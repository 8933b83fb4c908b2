"""A platform in few words: identical hosts grouped, their power states, their switching times."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wattq.platforms.model import Platform, PstateKind
from wattq.platforms.units_text import format_speed

__all__ = ["summarise", "summary_text"]

_KIND = {
    PstateKind.COMPUTE: "computes",
    PstateKind.SLEEP: "sleeps",
    PstateKind.SWITCH_OFF: "switches off",
    PstateKind.SWITCH_ON: "switches on",
}


def summarise(platform: Platform) -> dict[str, Any]:
    """Return a JSON-ready description: hosts in classes of equal ones, powers in W, times in s, speeds in flop/s."""
    messages = platform.messages
    costs = messages.latency_s + messages.transfer_s
    return {
        "name": platform.name,
        "source": platform.source,
        "sha256": platform.sha256,
        "compute_hosts": platform.n_compute,
        "storage_hosts": platform.n_hosts - platform.n_compute,
        "master": {"name": platform.master.name, "speed_flops": platform.master.speed_flops},
        "energy": platform.has_power,
        "idle_w": _total(platform, platform.idle_w),
        "full_w": _total(platform, platform.full_w),
        "control_messages": {
            "free": messages.free,
            "master_s": float(costs[-1]),
            "hosts_min_s": float(costs[:-1].min()),
            "hosts_max_s": float(costs[:-1].max()),
        },
        "classes": _classes(platform),
        "notes": list(platform.notes),
    }


def _total(platform: Platform, watts: np.ndarray[Any, np.dtype[np.float64]]) -> float | None:
    if not platform.has_power:
        return None
    hosts = np.arange(platform.n_hosts)
    return float(watts[hosts, platform.initial_pstate].sum())


def _classes(platform: Platform) -> list[dict[str, Any]]:
    groups: dict[tuple[bytes, ...], list[int]] = {}
    columns = (platform.speed_flops, platform.idle_w, platform.epsilon_w, platform.full_w)
    more = (platform.kind, platform.off_pstate, platform.on_pstate, platform.cores, platform.initial_pstate)
    for i in range(platform.n_hosts):
        storage = b"storage" if i >= platform.n_compute else b""
        groups.setdefault((storage, *(column[i].tobytes() for column in (*columns, *more))), []).append(i)
    return [_class(platform, members) for members in groups.values()]


def _class(platform: Platform, members: list[int]) -> dict[str, Any]:
    first, last = members[0], members[-1]
    return {
        "count": len(members),
        "first": platform.host_names[first],
        "last": platform.host_names[last],
        "role": "compute" if first < platform.n_compute else "storage",
        "cores": int(platform.cores[first]),
        "initial_pstate": int(platform.initial_pstate[first]),
        "states": [_state(platform, first, state) for state in range(int(platform.n_pstates[first]))],
    }


def _state(platform: Platform, host: int, state: int) -> dict[str, Any]:
    kind = PstateKind(int(platform.kind[host, state]))
    speed = float(platform.speed_flops[host, state])
    row: dict[str, Any] = {"state": state, "kind": _KIND[kind], "speed_flops": speed}
    for name, column in (("idle_w", platform.idle_w), ("epsilon_w", platform.epsilon_w), ("full_w", platform.full_w)):
        watts = float(column[host, state])
        row[name] = None if math.isnan(watts) else watts
    if kind in (PstateKind.SWITCH_OFF, PstateKind.SWITCH_ON):
        row["duration_s"] = 1.0 / speed
    if kind == PstateKind.SLEEP:
        row["off_pstate"] = int(platform.off_pstate[host, state])
        row["on_pstate"] = int(platform.on_pstate[host, state])
    return row


def summary_text(summary: dict[str, Any]) -> str:
    """Return what `summarise` found as lines of text for a terminal."""
    lines = [_headline(summary), _power_line(summary), _message_line(summary)]
    for group in summary["classes"]:
        names = group["first"] if group["count"] == 1 else f"{group['first']} .. {group['last']}"
        lines += ["", f"{group['count']} {group['role']} host(s), {group['cores']} core(s): {names}"]
        lines.append(f"  {'state':>5}  {'use':<13}{'speed':>22}{'idle W':>10}{'epsilon W':>11}{'full W':>10}  time")
        lines += [_state_line(row, row["state"] == group["initial_pstate"]) for row in group["states"]]
    lines += ["", "* power state at the start", *(f"note: {note}" for note in summary["notes"])]
    return "\n".join(lines)


def _headline(summary: dict[str, Any]) -> str:
    storage = f" and {summary['storage_hosts']} storage" if summary["storage_hosts"] else ""
    return (
        f"{summary['name']}: {summary['compute_hosts']} compute{storage} host(s), master '{summary['master']['name']}'"
    )


def _power_line(summary: dict[str, Any]) -> str:
    if not summary["energy"]:
        return "power: not stated for every host, energy cannot be counted"
    return f"power: {summary['idle_w'] / 1000:g} kW idle, {summary['full_w'] / 1000:g} kW full, in the initial states"


def _message_line(summary: dict[str, Any]) -> str:
    cost = summary["control_messages"]
    free = "free" if cost["free"] else "not free"
    hosts = f"{cost['hosts_min_s']:g} to {cost['hosts_max_s']:g} s from hosts"
    return f"control messages: {free} ({cost['master_s']:g} s from the master to itself, {hosts})"


def _state_line(row: dict[str, Any], initial: bool) -> str:
    watts = "".join(
        f"{'-' if row[name] is None else format(row[name], 'g'):>{width}}"
        for name, width in (("idle_w", 10), ("epsilon_w", 11), ("full_w", 10))
    )
    duration = f"  {row['duration_s']:g} s" if "duration_s" in row else ""
    if "off_pstate" in row:
        duration = f"  off through {row['off_pstate']}, on through {row['on_pstate']}"
    mark = "*" if initial else " "
    return f"  {row['state']:>4}{mark}  {row['kind']:<13}{format_speed(row['speed_flops']):>22}{watts}{duration}"
