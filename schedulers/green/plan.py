"""EASY's reservation where hosts may be asleep and power may be short.

As in `easy`, the first job of the queue that cannot start gets a shadow time, and whoever passes it must end by then
or be content with what is left over. Three things differ: hosts asleep or waking count as free; jobs that claim hosts
count as running; and with a power cap the shadow time is when hosts *and* power suffice, and power is left over as
hosts are.
"""

from __future__ import annotations

import numpy as np

from wattq.schedulers.green import state as g
from wattq.schedulers.green.power import give_back_w
from wattq.schedulers.green.state import State
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger

__all__ = ["ends_in_time", "may_pass", "reserve"]


@inlined
def _next_end(v: Ledger, st: State, k: int) -> int:
    """Return which job ends next: -1 for the k-th running one, the number of a claim, or -2 for none."""
    best = -2
    end_s = np.inf
    if k < v.head[0].n_running:
        best = -1
        end_s = v.jobs[v.running[k]].end_s
    for claim in range(st.i[g.N_CLAIMS]):
        if st.claim_used[claim] == 0 and st.claim_end_s[claim] < end_s:
            best = claim
            end_s = st.claim_end_s[claim]
    return best


@jitted
def reserve(v: Ledger, st: State, need: int, need_w: float) -> None:
    """Find shadow time, extra nodes and extra power of the queue's first job.

    Args:
        v: the ledger.
        st: the policy's memory; the results go there, with the hosts that the job needs beyond those that come back.
        need: hosts that the job asks for.
        need_w: power that it adds, W; 0 without a cap.
    """
    now_s = v.head[0].now_s
    hosts = st.i[g.AVAILABLE]
    room_w = st.f[g.ROOM_W]
    shadow_s = now_s if hosts >= need and room_w >= need_w else np.inf
    back = 0
    k = 0
    st.claim_used[: st.i[g.N_CLAIMS]] = 0
    while True:
        which = _next_end(v, st, k)
        if which == -2:
            break
        job = v.running[k] if which == -1 else st.claim_job[which]
        end_s = max(v.jobs[job].end_s if which == -1 else st.claim_end_s[which], now_s)
        if end_s > shadow_s:
            break
        if which == -1:
            k += 1
            if room_w < np.inf:
                room_w += give_back_w(v, job)
        else:
            st.claim_used[which] = 1
        hosts += v.jobs[job].hosts
        back += v.jobs[job].hosts
        if shadow_s == np.inf and hosts >= need and room_w >= need_w:
            shadow_s = end_s
    st.f[g.SHADOW_S] = shadow_s
    st.i[g.EXTRA] = max(hosts - need, 0)
    st.f[g.EXTRA_W] = max(room_w - need_w, 0.0)
    st.i[g.NEEDED] = max(need - back, 0)


@inlined
def ends_in_time(v: Ledger, st: State, run_s: float) -> bool:
    """Return whether a job that starts now is expected to end by the shadow time."""
    return bool(run_s < np.inf and v.head[0].now_s + run_s <= st.f[g.SHADOW_S])


@inlined
def may_pass(v: Ledger, st: State, hosts: int, power_w: float, run_s: float) -> bool:
    """Return whether a job that fits may start before the first one; it takes what is left over at once."""
    if ends_in_time(v, st, run_s):
        return True
    if hosts <= st.i[g.EXTRA] and power_w <= st.f[g.EXTRA_W]:
        st.i[g.EXTRA] -= hosts
        st.f[g.EXTRA_W] -= power_w
        return True
    return False
