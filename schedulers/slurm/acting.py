"""Decisions put into effect: the log first, then Slurm, then the log again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from wattq.errors import SlurmError
from wattq.schedulers.slurm.audit import AuditLog
from wattq.schedulers.slurm.command import Ask
from wattq.schedulers.slurm.holding import Decision
from wattq.schedulers.slurm.jobs import Job

__all__ = ["act", "begin_words", "release_words"]


def begin_words(job: Job, until_s: float) -> tuple[str, ...]:
    """Return the command that sets the begin time of a job; commands run in UTC."""
    date = datetime.fromtimestamp(until_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return ("scontrol", "update", f"JobId={job.target}", f"StartTime={date}")


def release_words(job: Job, begin_s: float | None = None) -> tuple[str, ...]:
    """Return the command that lets a job start at once, or at the begin time that its user gave it."""
    if begin_s is not None:
        return begin_words(job, begin_s)
    return ("scontrol", "update", f"JobId={job.target}", "StartTime=now")


def act(
    decisions: Sequence[Decision],
    ask: Ask,
    log: AuditLog,
    forecast: Mapping[str, Any],
    pue: float,
    clock: Callable[[], float],
    stopped: Callable[[], bool],
) -> tuple[int, list[str]]:
    """Put decisions into effect, one after the other.

    A begin time is written to the log before it is set, so that after a crash at any point the log names every begin
    time that may have been set. A begin time passes by itself: whatever becomes of this program, no job stays held.

    Args:
        decisions: what to do; those to keep or to skip need nothing.
        ask: runs a command of Slurm.
        log: the audit log.
        forecast: what the decisions rest on, for the log.
        pue: facility over machine power.
        clock: tells Unix seconds.
        stopped: says before each new hold whether to stop holding: the kill switch, or the end of this program.

    Returns:
        how many were put into effect, and what failed.

    Raises:
        SlurmError: the log cannot be written.
    """
    done, failed = 0, []
    for one in decisions:
        if one.kind == "lapsed":
            log.write("lapsed", clock(), **_who(one.job), until_s=one.job.eligible_s)
        elif one.kind == "release" or (one.kind in ("hold", "move") and not stopped()):
            if one.kind != "release":
                log.write("intent", clock(), **_who(one.job), **_facts(one, forecast, pue))
            problem = _change(one, ask, log, clock)
            failed += [problem] if problem else []
            done += not problem
    return done, failed


def _change(one: Decision, ask: Ask, log: AuditLog, clock: Callable[[], float]) -> str:
    """Change the begin time of a job; return what went wrong, empty when nothing did."""
    hold = one.kind != "release"
    words = begin_words(one.job, one.until_s or 0.0) if hold else release_words(one.job, one.until_s)
    before = {"begin_s": one.job.eligible_s, "reason": one.job.reason}
    try:
        ask(words)
    except SlurmError as error:
        log.write("failed", clock(), **_who(one.job), command=" ".join(words), said=str(error), before=before)
        return str(error)
    after = {"begin_s": round(clock(), 3) if one.until_s is None else one.until_s}
    name = {"hold": "held", "move": "moved", "release": "released"}[one.kind]
    log.write(name, clock(), **_who(one.job), reason=one.why, command=" ".join(words), before=before, after=after)
    return ""


def _who(job: Job) -> dict[str, Any]:
    return {"key": job.key, "job": job.label, "number": job.number, "user": job.user}


def _facts(one: Decision, forecast: Mapping[str, Any], pue: float) -> dict[str, Any]:
    """Return what a hold rests on, as the log keeps it."""
    load, choice, shift = one.load, one.choice, one.shift
    numbers = {
        "could_start_s": load.could_start_s if load else 0.0,
        "hosts": load.hosts if load else 0,
        "run_s": load.run_s if load else 0.0,
        "watts": load.watts if load else 0.0,
        "pue": pue,
        "latest_s": one.latest_s,
        "now_value": choice.now_value if choice else None,
        "then_value": choice.then_value if choice else None,
    }
    expected = {"carbon_g": shift.carbon_g if shift else 0.0, "cost": shift.cost if shift else 0.0}
    return {
        "until_s": one.until_s,
        "reason": one.why,
        "consent": one.job.comment or f"QOS {one.job.qos}",
        "numbers": numbers,
        "expected": expected,
        "forecast": dict(forecast),
        "before": {"begin_s": one.job.eligible_s, "reason": one.job.reason},
    }
