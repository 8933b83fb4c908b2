"""The monitoring stage of the subpart sleeper: all hosts but a fixed part, or the first job's, fall asleep."""

from __future__ import annotations

from wattq.schedulers.energy_bf.act import awake_soon, carry_out, forgo, sedate_in_plan
from wattq.schedulers.energy_bf.idle import look_at_idle, nothing_rises, place_again, sedate_idle
from wattq.schedulers.energy_bf.layout import (
    BY_IDLENESS,
    BY_RULE,
    PUT_DOWN,
    SET_A,
    SET_B,
    SET_C,
    SET_D,
    SET_E,
    SET_F,
    TO_SEDATE,
    Sleepers,
)
from wattq.schedulers.host_sets import add_all, clear, copy, drop_all, keep_all, keep_lowest, size
from wattq.schedulers.timetable import FIRST as FIRST_SLICE
from wattq.schedulers.waitlist import first_job
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger

__all__ = ["call_off_sleeps", "choose_to_sedate", "free_throughout", "subpart_stage"]


@jitted
def free_throughout(e: Sleepers, row: int, from_s: float, to_s: float) -> None:
    """Write the hosts that the plan leaves free between two dates into a row of sets."""
    t = e.t
    a = int(t.head[FIRST_SLICE])
    while t.begin_s[a] < from_s:
        a = int(t.next[a])
    copy(e.rows[row], t.words[a])
    while a > 0 and t.begin_s[a] < to_s:
        keep_all(e.rows[row], t.words[a])
        a = int(t.next[a])


@jitted
def choose_to_sedate(e: Sleepers, n: int, among: int, usable: int, needed: int, chosen: int) -> None:
    """Choose n hosts to put to sleep: those free first in the plan, lowest numbers first.

    Hosts that the first job can use at its place are taken only as far as it can do without them.

    Args:
        e: the policy's memory.
        n: how many.
        among: row of the hosts to choose from.
        usable: row of the hosts that the first job can use; it is left holding those among them.
        needed: hosts that the first job asks for, 0 without one.
        chosen: row for the result.
    """
    rows = e.rows
    clear(rows[chosen])
    keep_all(rows[usable], rows[among])
    spare = size(rows[usable]) - needed
    a = int(e.t.head[FIRST_SLICE])
    while a > 0 and size(rows[chosen]) < n:
        copy(rows[SET_E], e.t.words[a])
        keep_all(rows[SET_E], rows[among])
        drop_all(rows[SET_E], rows[chosen])
        copy(rows[SET_F], rows[SET_E])
        keep_all(rows[SET_F], rows[usable])
        drop_all(rows[SET_E], rows[SET_F])
        keep_lowest(rows[SET_F], min(spare, n - size(rows[chosen])))
        spare -= size(rows[SET_F])
        drop_all(rows[usable], rows[SET_F])
        add_all(rows[chosen], rows[SET_F])
        keep_lowest(rows[SET_E], n - size(rows[chosen]))
        add_all(rows[chosen], rows[SET_E])
        a = int(e.t.next[a])


@inlined
def _sedate_surplus(v: Ledger, e: Sleepers, now_s: float, n: int, needed: int) -> None:
    """Put n hosts to sleep that are awake or will be (`SET_B`), sparing what the first job can use (`SET_C`)."""
    stolen = min(int(e.n[BY_IDLENESS]), n)
    e.n[BY_RULE] += stolen
    e.n[BY_IDLENESS] -= stolen
    choose_to_sedate(e, n, SET_B, SET_C, needed, SET_D)
    add_all(e.rows[TO_SEDATE], e.rows[SET_D])
    e.n[BY_RULE] += size(e.rows[SET_D])
    clear(e.rows[PUT_DOWN])
    sedate_in_plan(e, v.head[0].n_hosts, e.rows[TO_SEDATE], e.rows[PUT_DOWN])
    drop_all(e.rows[TO_SEDATE], e.rows[PUT_DOWN])
    carry_out(v, e, now_s)


@inlined
def call_off_sleeps(e: Sleepers) -> None:
    """Give up the sleeps that wait for room in the plan."""
    forgo(e, size(e.rows[TO_SEDATE]))
    clear(e.rows[TO_SEDATE])


@jitted
def subpart_stage(v: Ledger, e: Sleepers, now_s: float, fraction: float, idle_s: float) -> None:
    """Take the decisions of a monitoring stage, on a plan without the queue."""
    n_hosts = v.head[0].n_hosts
    call_off_sleeps(e)
    job = first_job(e.w)
    keep = int(fraction * n_hosts)
    needed = 0
    placed = True
    clear(e.rows[SET_C])
    if job >= 0:
        needed = int(v.jobs[job].hosts)
        placed = place_again(v, e, job, SET_A, True)
        if placed:
            free_throughout(e, SET_C, e.t.from_s[job], e.t.to_s[job])
    if placed:
        keep = max(keep, needed)
        surplus = awake_soon(e, e.rows[SET_B]) - keep
        if surplus > 0:
            _sedate_surplus(v, e, now_s, surplus, needed)
        look_at_idle(e, n_hosts, now_s)
        if nothing_rises(e):
            sedate_idle(v, e, now_s, idle_s, awake_soon(e, e.rows[SET_B]), needed)
    if e.n[BY_IDLENESS] > keep:
        e.n[BY_RULE] += e.n[BY_IDLENESS] - keep
        e.n[BY_IDLENESS] = keep
