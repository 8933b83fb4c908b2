"""Prolog and epilog: what must be done at once, while slurmd waits; the keeper does the rest."""

from __future__ import annotations

import time
from contextlib import suppress

from wattq.errors import WattqError
from wattq.telemetry.slurm.ask import ask_scontrol
from wattq.telemetry.slurm.facts import JobFacts, facts_from_environment
from wattq.telemetry.slurm.gpu_cap import DOCUMENT, GpuCaps, caps_by_qos, wanted_cap_w
from wattq.telemetry.slurm.hook import Hook
from wattq.telemetry.slurm.keeper_process import ensure_keeper
from wattq.telemetry.slurm.marks import gpu_mark, take_mark

__all__ = ["epilog", "prolog"]


def prolog(hook: Hook) -> None:
    """Note that a job starts on this node, and the counters of that moment; cap its GPUs where that is wanted.

    What is quick and sure comes first; what could hang (the driver of GPUs) comes last.

    Raises:
        WattqError, OSError: something failed; what came before it is done.
    """
    facts = facts_from_environment(hook.environ, hook.node)
    state, now_s = hook.state, time.time()
    state.put(facts.job_id, "facts", facts.document())
    state.put(facts.job_id, "holding", _holding(facts, now_s, None))
    state.drop(facts.job_id, "stats")
    state.mark(take_mark(now_s, "start", facts.job_id, hook.root))
    state.put(facts.job_id, "running", {"since_s": now_s})
    ensure_keeper(hook)
    if facts.gpus:
        _cap_gpus(hook, facts)
        _mark_gpus(hook, facts)


def epilog(hook: Hook) -> None:
    """Note that a job has ended, and the counters of that moment; undo the cap of its GPUs.

    Raises:
        WattqError, OSError: something failed; what came before it is done.
    """
    facts = facts_from_environment(hook.environ, hook.node)
    state, now_s = hook.state, time.time()
    known = state.get(facts.job_id, "facts")
    if known is not None:
        facts = facts.filled(JobFacts.of_document(known))
    held = state.get(facts.job_id, "holding") or {}
    start_s = held.get("start_s") if held.get("end_s") is None else None
    state.mark(take_mark(now_s, "end", facts.job_id, hook.root))
    ended = {**_holding(facts, start_s, now_s), "facts": facts.document()}
    state.put(facts.job_id, "ended", ended)
    if start_s is not None:
        state.put(facts.job_id, "holding", _holding(facts, start_s, now_s))
    state.drop(facts.job_id, "running")
    ensure_keeper(hook)
    if facts.gpus or state.get(facts.job_id, DOCUMENT):
        _mark_gpus(hook, facts)
        _restore_gpus(hook, facts.job_id)


def _holding(facts: JobFacts, start_s: float | None, end_s: float | None) -> dict[str, object]:
    return {"start_s": start_s, "end_s": end_s, "cores": facts.cores, "gpus": list(facts.gpus)}


def _mark_gpus(hook: Hook, facts: JobFacts) -> None:
    # A node may have no driver, or the job's GPUs may be of another make.
    with suppress(WattqError):
        hook.state.mark(gpu_mark(time.time(), facts.job_id))


def _cap_gpus(hook: Hook, facts: JobFacts) -> None:
    caps = caps_by_qos(hook.settings.slurm.gpu_caps)
    if caps and not facts.qos:
        limit_s = min(1.5, hook.settings.slurm.time_box_s / 3)
        try:
            facts = facts.filled(ask_scontrol(facts.job_id, facts.node, hook.environ, limit_s))
        except WattqError as error:
            hook.log.say(f"job {facts.name}: its QoS is not known ({error}); no cap by QoS")
    cap_w = wanted_cap_w(facts, caps)
    with suppress(WattqError):
        gpus = GpuCaps(hook.state)
        try:
            for gpu, limit_w in gpus.restore_forgotten().items():
                hook.log.say(f"GPU {gpu}: has its cap of {limit_w:g} W again, after a job that left another")
            if cap_w is not None:
                _told(hook, facts, cap_w, gpus.apply(facts.job_id, facts.gpus, cap_w))
        finally:
            gpus.close()


def _told(hook: Hook, facts: JobFacts, cap_w: float, done: dict[int, float]) -> None:
    for gpu in facts.gpus:
        what = f"capped at {done[gpu]:g} W" if gpu in done else "not capped: the driver refuses"
        hook.log.say(f"job {facts.name}: GPU {gpu} {what} ({cap_w:g} W wanted)")


def _restore_gpus(hook: Hook, job_id: str) -> None:
    with suppress(WattqError):
        gpus = GpuCaps(hook.state)
        try:
            for gpu, limit_w in gpus.restore(job_id).items():
                hook.log.say(f"job {job_id}: GPU {gpu} has its cap of {limit_w:g} W again")
        finally:
            gpus.close()
