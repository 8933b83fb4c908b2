"""Decisions of the ledger as events of Batsim's protocol (batsim-semantics.md, 1.3)."""

from __future__ import annotations

from typing import Any

from wattq.schedulers.plugin.known_jobs import KnownJobs
from wattq.simulator import layout as c
from wattq.simulator.intervals import format_intervals

__all__ = ["reply_events"]


def reply_events(v: c.Ledger, jobs: KnownJobs) -> list[dict[str, Any]]:
    """Return the decisions of a round as the events of a reply, in order; started jobs are noted as running."""
    n = int(v.head[0]["n_decisions"])
    return [_event(v, jobs, decision) for decision in v.decisions[:n].tolist()] if n else []


def _event(v: c.Ledger, jobs: KnownJobs, decision: tuple[Any, ...]) -> dict[str, Any]:
    """Return one decision."""
    time_s, target_s, kind, job, a, b, iv, n_iv, _, _ = decision
    if kind == c.DO_EXECUTE:
        jobs.running.add(job)
        data: dict[str, Any] = {"job_id": jobs.full_ids[job], "alloc": _intervals(v, iv, n_iv)}
        return {"timestamp": time_s, "type": "EXECUTE_JOB", "data": data}
    if kind == c.DO_REJECT:
        return {"timestamp": time_s, "type": "REJECT_JOB", "data": {"job_id": jobs.full_ids[job]}}
    if kind == c.DO_KILL:
        killed = [jobs.full_ids[number] for number in v.kill_list[a : a + b].tolist()]
        return {"timestamp": time_s, "type": "KILL_JOB", "data": {"job_ids": killed}}
    if kind == c.DO_CALL:
        return {"timestamp": time_s, "type": "CALL_ME_LATER", "data": {"timestamp": target_s}}
    if kind == c.DO_SET_STATE:
        data = {"resources": _intervals(v, iv, n_iv), "state": str(a)}
        return {"timestamp": time_s, "type": "SET_RESOURCE_STATE", "data": data}
    if kind == c.DO_QUERY_ENERGY:
        return {"timestamp": time_s, "type": "QUERY", "data": {"requests": {"consumed_energy": {}}}}
    raise AssertionError(f"no policy takes decisions of kind {kind}")


def _intervals(v: c.Ledger, iv: int, n_iv: int) -> str:
    """Return the hosts of a decision as text."""
    return format_intervals((first, last) for first, last in v.iv[iv : iv + n_iv].tolist())
