"""What one look at a live Slurm found and did, and what the log adds up to, in words and as JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from wattq.schedulers.slurm.advice_text import columns
from wattq.schedulers.slurm.holder import Look
from wattq.schedulers.slurm.holding import Decision
from wattq.schedulers.slurm.outcomes import Totals

__all__ = ["look_json", "look_text", "totals_json", "totals_text"]

_HEADINGS = ["Job", "User", "What", "Until", "Latest", "Saves g", "Saves money", "Why"]


def look_text(look: Look, signal: str) -> str:
    """Return a look as a table: every waiting job with the reason for what is done or left."""
    when = _date(look.now_s)
    if not look.decisions:
        return f"{when}: no job waits"
    what = f"{look.done} of them done" if look.done else "nothing was changed"
    kinds = [one.kind for one in look.decisions]
    counts = ", ".join(f"{kinds.count(kind)} to {kind}" for kind in dict.fromkeys(kinds))
    head = f"{when}: {len(kinds)} jobs wait for nodes or {signal}: {counts}; {what}"
    lines = [line.rstrip() for line in columns([_HEADINGS, *(_row(one) for one in look.decisions)], 8)]
    return "\n".join([head, *([look.stopped] if look.stopped else []), *lines])


def _row(one: Decision) -> list[str]:
    shift = one.shift
    return [
        one.job.label,
        one.job.user,
        one.kind,
        _date(one.until_s),
        _date(one.latest_s),
        f"{shift.carbon_g:,.1f}" if shift else "",
        f"{shift.cost:,.4f}" if shift else "",
        one.why,
    ]


def _date(date_s: float | None) -> str:
    if date_s is None:
        return ""
    try:
        return datetime.fromtimestamp(date_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return "none"


def look_json(look: Look) -> str:
    """Return a look as one line of JSON."""
    content = {
        "now_s": look.now_s,
        "done": look.done,
        "stopped": look.stopped,
        "problems": list(look.problems),
        "jobs": [_content(one) for one in look.decisions],
    }
    return json.dumps(content, separators=(",", ":"))


def _content(one: Decision) -> dict[str, Any]:
    return {
        "job": one.job.label,
        "user": one.job.user,
        "what": one.kind,
        "why": one.why,
        "until_s": one.until_s,
        "latest_s": one.latest_s if one.latest_s is not None and abs(one.latest_s) < 1e15 else None,
        "could_start_s": one.load.could_start_s if one.load else None,
        "expected": dataclasses.asdict(one.shift) if one.shift else None,
    }


def totals_text(totals: Totals, users: Mapping[str, Totals], currency: str) -> str:
    """Return what the log adds up to, for all and for each user."""
    head = ["User", "Held", "Ended"]
    head += [f"{what} {unit}" for what in ("Expected", "Realised") for unit in ("kg CO2e", currency)]
    rows = [_totals_row(user, one) for user, one in users.items()]
    lines = columns([[*head, "Mean delay h"], *rows, _totals_row("all", totals)])
    return "\n".join(
        [*lines, "", f"{totals.holding} held now; expected and realised savings are of the jobs that ended"]
    )


def _totals_row(name: str, totals: Totals) -> list[str]:
    return [
        name,
        str(totals.held),
        str(totals.finished),
        f"{totals.finished_expected_g / 1e3:.3f}",
        f"{totals.finished_expected_cost:.3f}",
        f"{totals.realised_g / 1e3:.3f}",
        f"{totals.realised_cost:.3f}",
        f"{totals.wait_s / 3600.0:.2f}",
    ]


def totals_json(totals: Totals, users: Mapping[str, Totals]) -> str:
    """Return what the log adds up to as JSON, for all and for each user."""
    by_user = {user: dataclasses.asdict(one) for user, one in users.items()}
    return json.dumps({"all": dataclasses.asdict(totals), "users": by_user}, indent=1)
