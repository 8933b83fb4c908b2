"""Totals over episodes, with intervals over weeks: what policies cost, saved, served and made jobs wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wattq.experiments.rl.node_power.savings import EQUAL_WORK, Bill, saved
from wattq.experiments.study.bootstrap import Sampled, ratio, total
from wattq.experiments.table import aligned

__all__ = ["COLUMNS", "summarise", "summary_text"]

COLUMNS = (
    "prices", "rate", "policy", "episodes", "cost", "energy_mwh", "price_paid",
    "work_percent", "least_work_percent", "void",
    "saved_always_on_percent", "saved_always_on_low", "saved_always_on_high",
    "saved_idle_free_percent", "saved_idle_free_low", "saved_idle_free_high",
    "saved_queue_percent", "saved_queue_low", "saved_queue_high",
    "saved_sized_percent", "saved_sized_low", "saved_sized_high",
    "capture_liquid_percent", "capture_contiguous_percent", "liquid", "contiguous",
    "price_timing", "energy_volume", "monthly", "annual", "effective_percent",
    "mean_wait_h", "p95_wait_h", "p99_wait_h", "mean_slowdown",
    "submitted", "completed", "running", "pending", "overdue", "lost", "occupancy_percent", "nodes_on_percent",
    "cost_per_1000_delta", "energy_delta_mwh",
)  # fmt: skip
"""Columns of the summary. Savings are None where void; changes (delta) are against always-on."""

Entry = Mapping[str, Any]
_HOURS = 336.0


def summarise(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return one row for each series of prices, rate (``all`` first, then each) and policy; see `COLUMNS`.

    Intervals: 95 %, percentile bootstrap over weeks (all rates and seeds of a week together), the same resamples for
    all policies, which pairs them; None with fewer than three weeks.
    """
    rows = []
    for name in dict.fromkeys(entry["place"]["prices"] for entry in entries):
        mine = [entry for entry in entries if entry["place"]["prices"] == name]
        rates = sorted({entry["place"]["rate"] for entry in mine})
        for rate in [None, *rates] if len(rates) > 1 else rates:
            some = [entry for entry in mine if rate is None or entry["place"]["rate"] == rate]
            rows += [_row(some, name, rate, policy) for policy in [*some[0]["figures"], "idle-free"]]
    return rows


def _row(entries: Sequence[Entry], name: str, rate: float | None, policy: str) -> dict[str, Any]:
    head = {"prices": name.rpartition("/")[2], "rate": "all" if rate is None else f"{rate:g}", "policy": policy}
    base = _bill(entries, "always-on")
    mine = _bill(entries, policy)
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    row |= head | {"episodes": len(entries), "cost": mine.cost, "energy_mwh": mine.energy_mwh, "price_paid": mine.rate}
    shares = [_core_h(entry, policy) / max(_core_h(entry, "always-on"), 1e-9) for entry in entries]
    found = saved("always-on", base, mine, base.core_h)
    row |= {"work_percent": 100 * found.completion, "least_work_percent": 100 * min(shares), "void": found.void}
    row |= _jobs(entries, policy, base, mine)
    row |= _bounds(entries, policy, found.completion)
    if not found.void:
        effective = found.effective
        row |= {"price_timing": found.price_timing, "energy_volume": found.energy_volume, "monthly": found.monthly}
        row |= {"annual": found.annual, "effective_percent": None if effective is None else 100 * effective}
        for key, against in (
            ("always_on", "always-on"),
            ("idle_free", "idle-free"),
            ("queue", "queue"),
            ("sized", "sized"),
        ):
            row |= _saved_percent(entries, policy, key, against)
    return row


def _figures(entry: Entry, policy: str) -> Mapping[str, float]:
    figures: Mapping[str, float] = entry["figures"]["always-on" if policy == "idle-free" else policy]
    return figures


def _cost(entry: Entry, policy: str) -> float:
    return _figures(entry, policy)["idle_free_cost" if policy == "idle-free" else "cost"]


def _core_h(entry: Entry, policy: str) -> float:
    return _figures(entry, policy)["core_h"]


def _bill(entries: Sequence[Entry], policy: str) -> Bill:
    """Return the bill of a policy over episodes."""
    whole = Bill(0.0, 0.0, 0.0, 0.0)
    for entry in entries:
        figures = _figures(entry, policy)
        energy = figures["idle_free_mwh" if policy == "idle-free" else "energy_mwh"]
        whole += Bill(_cost(entry, policy), energy, figures["core_h"], _HOURS, figures["mean_wait_h"])
    return whole


def _jobs(entries: Sequence[Entry], policy: str, base: Bill, mine: Bill) -> dict[str, Any]:
    def mean(key: str) -> float:
        return float(np.mean([_figures(entry, policy)[key] for entry in entries]))

    def count(key: str, who: str = policy) -> int:
        return int(sum(_figures(entry, who)[key] for entry in entries))

    sums = {key: count(key) for key in ("submitted", "completed", "running", "pending", "overdue", "lost")}
    means = {key: mean(key) for key in ("mean_wait_h", "p95_wait_h", "p99_wait_h", "mean_slowdown")}
    shares = {"occupancy_percent": 100 * mean("occupancy"), "nodes_on_percent": 100 * mean("nodes_on")}
    before, after = base.cost / max(count("completed", "always-on"), 1), mine.cost / max(sums["completed"], 1)
    change = {"cost_per_1000_delta": 1000 * (after - before), "energy_delta_mwh": mine.energy_mwh - base.energy_mwh}
    return {**sums, **means, **shares, **change}


def _weekly(entries: Sequence[Entry], policy: str) -> Sampled:
    """Return the cost of a policy as a sum over weeks."""
    weeks = sorted({entry["place"]["start_h"] for entry in entries})
    return total([sum(_cost(e, policy) for e in entries if e["place"]["start_h"] == week) for week in weeks])


def _saved_percent(entries: Sequence[Entry], policy: str, key: str, against: str) -> dict[str, float | None]:
    if against != "idle-free" and against not in entries[0]["figures"]:
        return {}
    found = ratio(_weekly(entries, policy), _weekly(entries, against))
    if found is None:
        return {}
    estimate = found.estimate
    low = None if estimate.high is None else 100 * (1 - estimate.high)
    high = None if estimate.low is None else 100 * (1 - estimate.low)
    return {f"saved_{key}_percent": 100 * (1 - estimate.value), f"saved_{key}_low": low, f"saved_{key}_high": high}


def _bounds(entries: Sequence[Entry], policy: str, completion: float) -> dict[str, Any]:
    """Return the bounds, and the share of what they allow to save, below idle-free, that was saved; for equal work."""
    bounds = {kind: sum(entry["bounds"][kind] for entry in entries) for kind in ("liquid", "contiguous")}
    free, mine = (sum(_cost(entry, who) for entry in entries) for who in ("idle-free", policy))
    found: dict[str, Any] = dict(bounds)
    for kind, bound in bounds.items():
        equal = completion >= EQUAL_WORK and free - bound > 0
        found[f"capture_{kind}_percent"] = 100 * (free - mine) / (free - bound) if equal else None
    return found


def summary_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the summary as aligned text, one table for each series of prices and rate."""
    parts = []
    for key in dict.fromkeys((row["prices"], row["rate"]) for row in rows):
        mine = [row for row in rows if (row["prices"], row["rate"]) == key]
        heading = ["policy", "cost", "MWh", "work %", "wait h", "p95", "pending", "lost"]
        heading += ["vs always-on %", "vs idle-free %", "vs queue %", "capture %"]
        table = aligned([heading, *(_cells(row) for row in mine)])
        first = mine[0]
        rate = "all rates" if key[1] == "all" else f"{key[1]} jobs/h"
        bounds = f"bounds: liquid {first['liquid']:,.0f}, contiguous {first['contiguous']:,.0f}"
        parts.append(f"{key[0]}, {rate}, {first['episodes']} episodes of 336 h; {bounds}\n{table}")
    return "\n\n".join(parts)


def _cells(row: Mapping[str, Any]) -> list[str]:
    cells = [str(row["policy"]), f"{row['cost']:,.0f}", f"{row['energy_mwh']:,.1f}", f"{row['work_percent']:.2f}"]
    cells += [f"{row['mean_wait_h']:.1f}", f"{row['p95_wait_h']:.0f}", f"{row['pending']:,}", f"{row['lost']:,}"]
    if row["void"]:
        return [*cells, "void", "void", "void", "void"]
    return (
        cells
        + [_interval(row, key) for key in ("always_on", "idle_free", "queue")]
        + [_number(row["capture_contiguous_percent"])]
    )


def _interval(row: Mapping[str, Any], key: str) -> str:
    value, low, high = (row[f"saved_{key}_{end}"] for end in ("percent", "low", "high"))
    if value is None:
        return "n/a"
    return f"{value:.2f}" if low is None else f"{value:.2f} [{low:.2f}, {high:.2f}]"


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.1f}"
