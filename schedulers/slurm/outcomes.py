"""What became of jobs that were held, and what holding them saved: expected, and as the grid really was."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wattq.errors import SignalError, SlurmError
from wattq.platforms.signals import Signal
from wattq.schedulers.slurm.audit import AuditLog, Entry, entries_of
from wattq.schedulers.slurm.command import Ask
from wattq.schedulers.slurm.jobs import Job, Snapshot
from wattq.schedulers.slurm.shifting import shift_saving
from wattq.schedulers.slurm.words import date_s

__all__ = ["Totals", "note_outcomes", "totals_by_user", "totals_of"]

_KEY = re.compile(r"(?<!\S)(\w+)=(\S*)")


@dataclass(frozen=True)
class Totals:
    """What the log adds up to.

    Attributes:
        held: jobs that were held.
        holding: of them, those that are held now as far as the log knows.
        finished: jobs whose outcome is known.
        expected_g: g CO2e that holding was expected to save, of all that were held.
        expected_cost: the same in money.
        finished_expected_g: of the finished ones alone, g.
        finished_expected_cost: of the finished ones alone.
        realised_g: g CO2e that it saved, of the finished ones.
        realised_cost: the same in money.
        wait_s: mean delay of the finished ones against the start that was expected without holding, s.
    """

    held: int
    holding: int
    finished: int
    expected_g: float
    expected_cost: float
    finished_expected_g: float
    finished_expected_cost: float
    realised_g: float
    realised_cost: float
    wait_s: float


def note_outcomes(
    snapshot: Snapshot,
    book: Mapping[str, Entry],
    ask: Ask,
    log: AuditLog,
    signals: Mapping[str, Signal],
    clock: Callable[[], float],
) -> None:
    """Write to the log which of the jobs that were held have started and ended since.

    Args:
        snapshot: the Slurm now.
        book: what the log tells.
        ask: runs a command of Slurm; jobs that are gone from the queue are asked for by number.
        log: the audit log.
        signals: ``carbon`` and ``price`` as they really were, as far as files say.
        clock: tells Unix seconds.

    Raises:
        SlurmError: the log cannot be written.
    """
    jobs = {job.key: job for job in snapshot.jobs}
    tasks = {
        (job.label.partition("_")[0], round(job.submit_s)): job
        for job in snapshot.jobs
        if "_" in job.label and job.runs
    }
    for entry in book.values():
        if entry.closed or not entry.acted:
            continue
        job = jobs.get(entry.key)
        if job is None or job.runs:
            _follow(entry, job or tasks.get(_array(entry)), ask, log, signals, clock)


def _array(entry: Entry) -> tuple[str, int]:
    return entry.label.partition("_")[0], round(float(entry.key.rpartition("@")[2]))


def _follow(
    entry: Entry, job: Job | None, ask: Ask, log: AuditLog, signals: Mapping[str, Signal], clock: Callable[[], float]
) -> None:
    who = {"key": entry.key, "job": entry.label, "number": entry.number}
    if job is not None:
        if entry.started_s is None and job.start_s is not None:
            log.write("started", clock(), **who, start_s=job.start_s)
        return
    state, start_s, end_s = _gone(entry, ask)
    start_s = start_s if start_s is not None else entry.started_s
    realised = _realised(entry, start_s, end_s, signals)
    log.write(
        "outcome", clock(), **who, state=state, start_s=start_s, end_s=end_s, expected=dict(entry.expected),
        realised=realised, could_start_s=entry.could_start_s,
        note="" if realised else "start, end or the grid at these times are not known",
    )  # fmt: skip


def _gone(entry: Entry, ask: Ask) -> tuple[str, float | None, float | None]:
    """Return state, start and end of a job that has left the queue; Slurm knows them for some minutes (MinJobAge)."""
    try:
        text = ask(("scontrol", "-o", "show", "job", str(entry.number)))
    except SlurmError:
        return "unknown", None, None
    values: dict[str, str] = {}
    for key, value in _KEY.findall(text.partition("\n")[0]):
        values.setdefault(key, value)
    try:
        submit_s = date_s(values.get("SubmitTime", ""))
        if submit_s is None or f"{submit_s:.0f}" != entry.key.rpartition("@")[2]:
            return "unknown", None, None
        return values.get("JobState", "unknown"), date_s(values.get("StartTime", "")), date_s(values.get("EndTime", ""))
    except ValueError:
        return "unknown", None, None


def _realised(
    entry: Entry, start_s: float | None, end_s: float | None, signals: Mapping[str, Signal]
) -> dict[str, float] | None:
    """Return what was saved by the run that really was, against the same run at the start expected without holding."""
    if start_s is None or end_s is None or end_s < start_s or not {"carbon", "price"} <= set(signals):
        return None
    try:
        shift = shift_saving(
            signals["carbon"], signals["price"], entry.watts, entry.pue, end_s - start_s, entry.could_start_s, start_s
        )
    except SignalError:
        return None
    return {"carbon_g": shift.carbon_g, "cost": shift.cost, "delay_s": start_s - entry.could_start_s}


def totals_of(events: Sequence[Mapping[str, Any]]) -> Totals:
    """Return what a log adds up to."""
    book = [entry for entry in entries_of(events).values() if entry.acted]
    done = {str(e.get("key")): _saved(e) for e in events if e.get("event") == "outcome"}
    finished = [entry for entry in book if done.get(entry.key)]
    realised = [done[entry.key] or {} for entry in finished]
    waits = [one["delay_s"] for one in realised]
    return Totals(
        held=len(book),
        holding=sum(not entry.let_go for entry in book),
        finished=len(realised),
        expected_g=sum(entry.expected["carbon_g"] for entry in book),
        expected_cost=sum(entry.expected["cost"] for entry in book),
        finished_expected_g=sum(entry.expected["carbon_g"] for entry in finished),
        finished_expected_cost=sum(entry.expected["cost"] for entry in finished),
        realised_g=sum(one["carbon_g"] for one in realised),
        realised_cost=sum(one["cost"] for one in realised),
        wait_s=sum(waits) / len(waits) if waits else 0.0,
    )


def totals_by_user(events: Sequence[Mapping[str, Any]]) -> dict[str, Totals]:
    """Return what a log adds up to for each user, by name."""
    user_of = {str(e.get("key")): str(e.get("user", "")) for e in events if e.get("event") == "intent"}
    found = {
        user: totals_of([event for event in events if user_of.get(str(event.get("key"))) == user])
        for user in sorted(set(user_of.values()))
    }
    return {user: totals for user, totals in found.items() if totals.held}


def _saved(event: Mapping[str, Any]) -> dict[str, float] | None:
    """Return what an outcome says was saved, None where it does not."""
    try:
        return {name: float(event["realised"][name]) for name in ("carbon_g", "cost", "delay_s")}
    except (LookupError, TypeError, ValueError):
        return None
