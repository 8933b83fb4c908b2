"""Which actions are legal now."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.green.states import sleep_state
from wattq.schedulers.rl.backfill import slots as p
from wattq.schedulers.rl.backfill.memory import held_at, is_echo, job_room, take_note
from wattq.schedulers.rl.backfill.power import host_w, lowest_w, note_lowest, switch_peak_w
from wattq.simulator import layout as c
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger

__all__ = ["ends_in_time", "hold_action", "legal", "may_pass", "sleep_action", "wait_action"]


@inlined
def wait_action(cfg: NDArray[np.float64]) -> int:
    """Return the number of the action to wait."""
    return int(cfg[p.WINDOW] * cfg[p.N_STATES])


@inlined
def hold_action(cfg: NDArray[np.float64]) -> int:
    """Return the number of the first action that holds a job."""
    return wait_action(cfg) + 1


@inlined
def sleep_action(cfg: NDArray[np.float64]) -> int:
    """Return the number of the action that puts hosts to sleep; the next one wakes them."""
    return int(hold_action(cfg) + cfg[p.WINDOW] * cfg[p.N_HOLDS])


@inlined
def _fill_slots(v: Ledger, cfg: NDArray[np.float64], mi: NDArray[np.int64], mf: NDArray[np.float64]) -> None:
    """Note the first waiting jobs that are not held, and how many are beyond them."""
    at = held_at(v)
    n = 0
    pos = v.head[0].q_head
    while pos < v.head[0].q_tail and n < int(cfg[p.WINDOW]):
        job = v.queue[pos]
        if job >= 0 and mf[at + job] == 0.0:
            mi[p.SLOTS_AT + n] = job
            n += 1
        pos += 1
    mi[p.N_SLOTS] = n
    mi[p.N_BEYOND] = v.head[0].n_waiting - mi[p.N_HELD] - n


@inlined
def _reserve(v: Ledger, mi: NDArray[np.int64], mf: NDArray[np.float64]) -> None:
    """Find the shadow time and the extra nodes of the first slot's job, as `easy` does.

    A job that fits has its shadow time now.
    """
    mf[p.SHADOW_S] = np.inf
    mi[p.EXTRA] = v.head[0].n_free
    if mi[p.N_SLOTS] == 0:
        return
    need = v.jobs[mi[p.SLOTS_AT]].hosts
    now_s = v.head[0].now_s
    hosts = v.head[0].n_free
    mi[p.EXTRA] = max(hosts - need, 0)
    if hosts >= need:
        mf[p.SHADOW_S] = now_s
        return
    shadow_s = np.inf
    k = 0
    while k < v.head[0].n_running and hosts < need:
        shadow_s = max(v.jobs[v.running[k]].end_s, now_s)
        hosts += v.jobs[v.running[k]].hosts
        k += 1
    while hosts >= need and k < v.head[0].n_running and v.jobs[v.running[k]].end_s <= shadow_s:
        hosts += v.jobs[v.running[k]].hosts
        k += 1
    mi[p.EXTRA] = max(hosts - need, 0)
    mf[p.SHADOW_S] = shadow_s if hosts >= need else np.inf


@inlined
def ends_in_time(v: Ledger, job: int, mf: NDArray[np.float64]) -> bool:
    """Return whether a job that starts now is expected to end by the shadow time."""
    estimate_s = v.jobs[job].estimate_s
    return bool(estimate_s < np.inf and v.head[0].now_s + estimate_s <= mf[p.SHADOW_S])


@inlined
def may_pass(v: Ledger, slot: int, mi: NDArray[np.int64], mf: NDArray[np.float64]) -> bool:
    """Return whether the job in a slot does not delay the one in the first."""
    job = mi[p.SLOTS_AT + slot]
    return bool(slot == 0 or v.jobs[job].hosts <= mi[p.EXTRA] or ends_in_time(v, job, mf))


@inlined
def _legal_starts(
    v: Ledger, cfg: NDArray[np.float64], mi: NDArray[np.int64], mf: NDArray[np.float64], mask: NDArray[np.bool_]
) -> int:
    """Mark the starts that are legal and return how many there are."""
    capped = cfg[p.CAP_W] < np.inf
    if capped:
        note_lowest(v, cfg, mf)
    states = int(cfg[p.N_STATES])
    n = 0
    for k in range(mi[p.N_SLOTS]):
        hosts = v.jobs[mi[p.SLOTS_AT + k]].hosts
        if hosts > v.head[0].n_free or (cfg[p.GUARD] != 0.0 and not may_pass(v, k, mi, mf)):
            continue
        for number in range(states):
            if not capped or mf[p.POWER_W] + lowest_w(v, mf, number, hosts) <= cfg[p.CAP_W] + 1e-6:
                mask[k * states + number] = True
                n += 1
    return n


@inlined
def _legal_holds(
    v: Ledger, cfg: NDArray[np.float64], mi: NDArray[np.int64], mf: NDArray[np.float64], mask: NDArray[np.bool_]
) -> int:
    """Mark the jobs that may be held and return how many actions do so."""
    held_s = held_at(v) + job_room(mi)
    first = hold_action(cfg)
    holds = int(cfg[p.N_HOLDS])
    n = 0
    for k in range(mi[p.N_SLOTS]):
        for number in range(holds):
            so_far_s = mf[held_s + mi[p.SLOTS_AT + k]]
            if so_far_s + cfg[int(cfg[p.HOLDS_AT]) + number] <= cfg[p.MAX_HOLD_S]:
                mask[first + k * holds + number] = True
                n += 1
    return n


@inlined
def _switch_gain_w(v: Ledger, mi: NDArray[np.int64], waking: bool) -> float:
    """Return by how much the power may rise when hosts are put to sleep, or woken, in W."""
    gain = 0.0
    for host in range(v.head[0].n_hosts):
        h = v.hosts[host]
        free = v.free[host >> 6] >> np.uint64(host & 63) & np.uint64(1)
        k = sleep_state(v, h.cls)
        if waking and h.state == c.SLEEPING and h.target < 0:
            gain += switch_peak_w(v, h.cls, 0, h.pstate) - host_w(v, host)
        elif not waking and free and k >= 0:
            gain += switch_peak_w(v, h.cls, h.pstate, k) - host_w(v, host)
    return gain


@inlined
def _hosts_that_can_sleep(v: Ledger) -> int:
    """Return how many free hosts have a state to sleep in."""
    n = 0
    for host in range(v.head[0].n_hosts):
        if v.free[host >> 6] >> np.uint64(host & 63) & np.uint64(1):
            n += sleep_state(v, v.hosts[host].cls) >= 0
    return n


@inlined
def _legal_switches(
    v: Ledger, cfg: NDArray[np.float64], mi: NDArray[np.int64], mf: NDArray[np.float64], mask: NDArray[np.bool_]
) -> int:
    """Mark whether hosts may be put to sleep, and woken; return how many of the two are legal."""
    first = sleep_action(cfg)
    room_w = cfg[p.CAP_W] - mf[p.POWER_W] + 1e-6
    n = 0
    if _hosts_that_can_sleep(v) > 0 and (room_w == np.inf or _switch_gain_w(v, mi, False) <= room_w):
        mask[first] = True
        n += 1
    if mi[p.ASLEEP] > 0 and (room_w == np.inf or _switch_gain_w(v, mi, True) <= room_w):
        mask[first + 1] = True
        n += 1
    return n


@inlined
def _something_comes(v: Ledger, cfg: NDArray[np.float64], mi: NDArray[np.int64]) -> bool:
    """Return whether there will be another message when nothing is decided."""
    head = v.head[0]
    return bool(
        head.n_running > 0
        or head.no_more_jobs == 0
        or head.switches_pending > 0
        or head.calls_pending > 0
        or mi[p.N_HELD] > 0
        or (mi[p.N_STARTS] > 0 and cfg[p.CALL_STEP_S] < np.inf)
    )


@jitted
def legal(
    v: Ledger, cfg: NDArray[np.float64], mi: NDArray[np.int64], mf: NDArray[np.float64], mask: NDArray[np.bool_]
) -> int:
    """Mark the legal actions and return how many there are.

    A message that only confirms what was decided before leaves nothing but to wait.
    """
    take_note(v, mi, mf)
    if v.head[0].n_decisions == 0 and is_echo(v):
        mask[:] = False
        mask[wait_action(cfg)] = True
        return 1
    _fill_slots(v, cfg, mi, mf)
    _reserve(v, mi, mf)
    mask[:] = False
    n_starts = _legal_starts(v, cfg, mi, mf, mask)
    mi[p.N_STARTS] = n_starts
    n = n_starts
    if cfg[p.N_HOLDS] > 0.0:
        n += _legal_holds(v, cfg, mi, mf, mask)
    if cfg[p.MAY_SLEEP] != 0.0:
        n += _legal_switches(v, cfg, mi, mf, mask)
    nothing_waits = v.head[0].n_waiting == 0
    if (n_starts == 0 or cfg[p.MAY_WAIT] != 0.0) and (nothing_waits or _something_comes(v, cfg, mi)):
        mask[wait_action(cfg)] = True
        n += 1
    return n
