"""Advice as a table for people and as JSON for programs."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from typing import Any

from wattq.platforms.signals.rules import utc_text
from wattq.schedulers.slurm.advise import Advice, JobAdvice, Measured, PoolAdvice

__all__ = ["advice_json", "advice_text", "columns"]

_MOST_ROWS = 50


def columns(rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """Return rows of cells as lines, a rule below the first; the first `left` columns begin at the left."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if k < left else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]


def advice_text(advice: Advice, most_rows: int = _MOST_ROWS) -> str:
    """Return the advice as text, at most so many jobs of each machine."""
    parts = [line for pool in advice.pools for line in _pool_lines(advice, pool, most_rows)]
    if not advice.pools:
        parts = ["Nothing waits and nothing runs."]
    if advice.left_out:
        parts += ["", "Left out:"] + [f"  {one.what}: {one.why}" for one in advice.left_out]
    parts += ["", "Not modelled:"] + [f"  {limit}" for limit in advice.limits]
    parts += [f"note: {note}" for note in advice.notes]
    return "\n".join(parts)


def _pool_lines(advice: Advice, pool: PoolAdvice, most_rows: int) -> list[str]:
    machine = pool.pool
    head = (
        f"{machine.name}: {machine.hosts} {machine.unit}s, {len(machine.running)} jobs run, "
        f"{len(machine.waiting)} wait; run times: {pool.source}"
    )
    if not pool.jobs:
        return [head, ""]
    sums = [
        ["Policy", "Wait mean", "kWh", "kg CO2e", pool.base.currency],
        _sum_row(advice.baseline, pool.base, pool.base_wait_s),
        _sum_row(advice.policy, pool.policy, pool.policy_wait_s),
    ]
    rows = [_headings(pool), *(_row(job, advice, pool) for job in pool.jobs[:most_rows])]
    more = len(pool.jobs) - most_rows
    rest = [f"... and {more} more jobs (--rows, --json)"] if more > 0 else []
    return [head, "", *columns(sums), "", *columns(rows, 2), *rest]


def _sum_row(name: str, measured: Measured, wait_s: float) -> list[str]:
    return [name, _span(wait_s), f"{measured.kwh:,.3f}", f"{measured.carbon_kg:,.3f}", f"{measured.cost:,.3f}"]


def _headings(pool: PoolAdvice) -> list[str]:
    unit, money = pool.pool.unit.capitalize() + "s", pool.base.currency
    return [
        "Job",
        "User",
        unit,
        "Run",
        "Base",
        "Start",
        "kWh",
        "g CO2e",
        money,
        "Saves g",
        f"Saves {money}",
        "Hold best",
        "Saves g",
        f"Saves {money}",
    ]


def _row(job: JobAdvice, advice: Advice, pool: PoolAdvice) -> list[str]:
    shift, (hour, best) = job.shift, _best(job)
    cells = [job.label, job.user, str(job.hosts), _span(job.run_s)]
    cells += [_after(job.base_s, advice.now_s), _after(job.start_s, advice.now_s)]
    cells += [f"{job.kwh:.3f}", f"{job.carbon_g:,.0f}", f"{job.cost:.3f}"]
    cells += [_signed(shift.carbon_g, 0), _signed(shift.cost, 3)] if shift else ["", ""]
    if best is None:
        return [*cells, "", "", ""]
    return [*cells, f"{hour:g} h", f"{best.carbon_g:,.0f}", f"{best.cost:.3f}"]


def _signed(value: float, digits: int) -> str:
    """Return a saving; one that rounds to nothing has no sign."""
    return f"{round(value, digits) + 0.0:,.{digits}f}"


def _best(job: JobAdvice) -> tuple[float, Any]:
    """Return the hour at which most CO2e is saved, or most money where no CO2e is; nothing where none is."""
    for name in ("carbon_g", "cost"):
        found = [(getattr(shift, name), -hour, shift) for hour, shift in job.held.items()]
        if found and max(found)[0] > 1e-9:
            saved = max(found, key=lambda one: one[:2])
            return -saved[1], saved[2]
    return 0.0, None


def _after(date_s: float | None, now_s: float) -> str:
    if date_s is None:
        return "never"
    after_s = max(date_s - now_s, 0.0)
    return "now" if after_s < 1.0 else "+" + _span(after_s)


def _span(seconds: float) -> str:
    """Return a duration, such as 45 s, 12 min, 3.5 h or 4.2 d."""
    for size, unit, most in ((1.0, "s", 120.0), (60.0, "min", 7200.0), (3600.0, "h", 172800.0)):
        if seconds < most:
            return f"{seconds / size:.{1 if unit == 'h' else 0}f} {unit}"
    return f"{seconds / 86400.0:.1f} d"


def advice_json(advice: Advice) -> str:
    """Return all of the advice as JSON; dates are Unix s, hours of `held` are from now on."""
    content = {
        "now_s": advice.now_s,
        "now": utc_text(round(advice.now_s)),
        "policy": advice.policy,
        "baseline": advice.baseline,
        "machines": [_machine(pool) for pool in advice.pools],
        "left_out": [dataclasses.asdict(one) for one in advice.left_out],
        "limits": list(advice.limits),
        "notes": list(advice.notes),
    }
    return json.dumps(content, indent=1, allow_nan=False)


def _machine(pool: PoolAdvice) -> dict[str, Any]:
    return {
        "partitions": list(pool.pool.partitions),
        "unit": pool.pool.unit,
        "hosts": pool.pool.hosts,
        "running": len(pool.pool.running),
        "run_times": pool.source,
        "measured_until_s": pool.until_s,
        "base": {**dataclasses.asdict(pool.base), "mean_wait_s": pool.base_wait_s},
        "policy": {**dataclasses.asdict(pool.policy), "mean_wait_s": pool.policy_wait_s},
        "jobs": [_job(job) for job in pool.jobs],
    }


def _job(job: JobAdvice) -> dict[str, Any]:
    content = dataclasses.asdict(job)
    content["held"] = [{"hours": hour, **dataclasses.asdict(shift)} for hour, shift in job.held.items()]
    return {key: value for key, value in content.items() if not (isinstance(value, float) and not math.isfinite(value))}
