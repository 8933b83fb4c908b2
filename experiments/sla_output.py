"""Reports on service-level targets as JSON, CSV and text."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from wattq.experiments.folders import json_text
from wattq.experiments.sla import SlaReport, Violation

__all__ = ["UNITS", "sla_csv", "sla_json", "sla_text"]

UNITS = {
    "deadline_s": "s after submission",
    "wait_max_s": "s",
    "wait_p95_s": "s",
    "wait_p99_s": "s",
    "bounded_slowdown_p95": "1",
    "bounded_slowdown_p99": "1",
    "preemptions_max": "jobs",
    "jain_min": "1",
    "start": "s waited so far",
}
"""Target -> unit of its limit, value and excess."""

_SHOWN = 20


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"


def _cell(value: str | bool | float | None) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else _number(value)


def sla_json(reports: Sequence[tuple[str, SlaReport]]) -> str:
    """Return the reports on runs, given with their names, as JSON."""
    runs: list[dict[str, Any]] = [
        {
            "run": name,
            "policy": report.policy,
            "met": not report.violations,
            "preempted": report.preempted,
            "fairness": report.fairness,
            "classes": [asdict(one) for one in report.classes],
            "violations": [asdict(one) for one in report.violations],
        }
        for name, report in reports
    ]
    return json_text({"units": UNITS, "runs": runs})


def sla_csv(reports: Sequence[tuple[str, SlaReport]]) -> str:
    """Return one row per violation; empty cells where a number is not known."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    names = [field.name for field in fields(Violation)]
    writer.writerow(["run", *("class" if name == "sla" else name for name in names)])
    for name, report in reports:
        for one in report.violations:
            writer.writerow([name, *(_cell(getattr(one, key)) for key in names)])
    return stream.getvalue()


def sla_text(reports: Sequence[tuple[str, SlaReport]]) -> str:
    """Return a table of classes per run, and the first violations."""
    blocks = []
    for name, report in reports:
        lines = [f"{name} ({report.policy}): {_count(len(report.violations), 'violation')}"]
        lines += _class_table(report)
        lines += [f"  {_sentence(one)}" for one in report.violations[:_SHOWN]]
        if len(report.violations) > _SHOWN:
            lines.append(f"  and {len(report.violations) - _SHOWN} more; -o writes all")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _class_table(report: SlaReport) -> list[str]:
    head = ["class", "jobs", "violations", "never started", "rejected", "preempted", "wait p95", "wait p99", "bsld p95"]
    keys = ("wait_p95_s", "wait_p99_s", "bounded_slowdown_p95")
    rows = [head]
    for one in report.classes:
        numbers = (one.jobs, one.violations, one.never_started, one.rejected, one.preempted)
        spread = [one.values[key] for key in keys]
        cells = ["n/a" if value is None else f"{'>= ' if one.never_started else ''}{value:.6g}" for value in spread]
        rows.append([one.name, *map(str, numbers), *cells])
    widths = [max(len(row[k]) for row in rows) for k in range(len(head))]
    return [_line(row, widths) for row in rows]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    numbers = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
    return "  ".join(["", cells[0].ljust(widths[0]), *numbers])


def _sentence(one: Violation) -> str:
    """Return a violation in words."""
    who = one.job or (f"class {one.sla}" if one.sla else "all users")
    inside = f" (class {one.sla})" if one.job else ""
    if one.target == "start":
        return f"{who}{inside}: never started, waited at least {_number(one.value)} s"
    came = f"{_number(one.value)}" if one.value is not None else "nothing"
    bound = "at least " if one.lower_bound else ""
    more = f", missed by {bound}{_number(one.excess)}" if one.excess is not None else ""
    return f"{who}{inside}: {one.target} {_number(one.limit)}, came {came}{more} ({one.reason})"


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
