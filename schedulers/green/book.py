"""Which hosts a job may count on, and the claims of jobs that wait for hosts to wake up.

A job that may start but lacks awake hosts *claims* its hosts: those asleep are woken, none of them goes to another job,
and the job starts once all are up. Scheduling counts hosts that are asleep or waking like free ones.
"""

from __future__ import annotations

import numpy as np

from wattq.schedulers.green import state as g
from wattq.schedulers.green.power import state_now
from wattq.schedulers.green.state import State
from wattq.schedulers.green.states import FULL, state_of
from wattq.schedulers.host_sets import clear, drop_all, has, put, size_without, take_lowest
from wattq.simulator import layout as c
from wattq.simulator.jit import jitted
from wattq.simulator.layout import Ledger
from wattq.simulator.ledger import set_power_state, start_set

__all__ = [
    "begin_job",
    "choose_hosts",
    "count_hosts",
    "drop_broken_claims",
    "look_at_hosts",
    "start_claims",
    "wake_hosts",
]


@jitted
def look_at_hosts(v: Ledger, st: State) -> None:
    """Note which hosts are asleep or waking."""
    clear(st.rows[g.SLEEPERS])
    clear(st.rows[g.COMING])
    for host in range(v.head[0].n_hosts):
        h = v.hosts[host]
        if h.away != 0:
            continue
        if h.state == c.SLEEPING and h.target < 0:
            put(st.rows[g.SLEEPERS], host)
        elif h.state == c.SWITCHING_ON:
            put(st.rows[g.COMING], host)


@jitted
def count_hosts(v: Ledger, st: State) -> None:
    """Count the hosts that a job may count on: free, waking or asleep, and unclaimed."""
    st.i[g.AWAKE] = size_without(v.free, st.rows[g.CLAIMED])
    st.i[g.ASLEEP] = size_without(st.rows[g.SLEEPERS], st.rows[g.CLAIMED])
    st.i[g.AVAILABLE] = st.i[g.AWAKE] + st.i[g.ASLEEP] + size_without(st.rows[g.COMING], st.rows[g.CLAIMED])


@jitted
def choose_hosts(v: Ledger, st: State, n: int) -> bool:
    """Write n hosts into the row CHOSEN, free ones first, then waking ones, then those asleep; are all of them free?"""
    chosen = st.rows[g.CHOSEN]
    clear(chosen)
    found = take_lowest(v.free, st.rows[g.CLAIMED], n, chosen)
    if found == n:
        return True
    found += take_lowest(st.rows[g.COMING], st.rows[g.CLAIMED], n - found, chosen)
    take_lowest(st.rows[g.SLEEPERS], st.rows[g.CLAIMED], n - found, chosen)
    return False


@jitted
def _set_states(v: Ledger, st: State, how: int, bound: float, beta: float) -> None:
    """Bring the hosts of the row CHOSEN into the power state that a job runs in."""
    for cls in range(v.pstates.shape[0]):
        k = state_of(v, cls, how, bound, beta)
        clear(st.rows[g.SOME])
        n = 0
        for host in range(v.head[0].n_hosts):
            if has(st.rows[g.CHOSEN], host) and v.hosts[host].cls == cls and state_now(v, host) != k:
                put(st.rows[g.SOME], host)
                n += 1
        if n > 0:
            set_power_state(v, st.rows[g.SOME], k)


@jitted
def wake_hosts(v: Ledger, st: State, n: int, how: int, bound: float) -> None:
    """Wake the n lowest unclaimed hosts that are asleep, into the power state in which jobs begin."""
    chosen = st.rows[g.CHOSEN]
    clear(chosen)
    take_lowest(st.rows[g.SLEEPERS], st.rows[g.CLAIMED], n, chosen)
    _wake_chosen(v, st, how, bound, 1.0)
    count_hosts(v, st)


@jitted
def _wake_chosen(v: Ledger, st: State, how: int, bound: float, beta: float) -> None:
    """Wake those hosts of the row CHOSEN that are asleep."""
    for cls in range(v.pstates.shape[0]):
        k = state_of(v, cls, how, bound, beta)
        clear(st.rows[g.SOME])
        n = 0
        for host in range(v.head[0].n_hosts):
            if has(st.rows[g.CHOSEN], host) and has(st.rows[g.SLEEPERS], host) and v.hosts[host].cls == cls:
                put(st.rows[g.SOME], host)
                put(st.rows[g.COMING], host)
                n += 1
        if n > 0:
            drop_all(st.rows[g.SLEEPERS], st.rows[g.SOME])
            set_power_state(v, st.rows[g.SOME], k)


@jitted
def begin_job(v: Ledger, st: State, job: int, how: int, bound: float) -> None:
    """Start a job that leaves the queue, at once or when the hosts that it claims are awake."""
    hosts = v.jobs[job].hosts
    if choose_hosts(v, st, hosts):
        _set_states(v, st, how, bound, v.jobs[job].beta)
        start_set(v, job, st.rows[g.CHOSEN])
        st.i[g.AWAKE] -= hosts
        st.i[g.AVAILABLE] -= hosts
        return
    claim = st.i[g.N_CLAIMS]
    st.i[g.N_CLAIMS] += 1
    st.claim_job[claim] = job
    st.claim_how[claim] = how
    st.claim_end_s[claim] = v.head[0].now_s + st.f[g.BOOT_S] + v.jobs[job].estimate_s
    st.rows[g.CLAIM_ROWS + claim, :] = st.rows[g.CHOSEN]
    for k in range(v.free.shape[0]):
        st.rows[g.CLAIMED, k] |= st.rows[g.CHOSEN, k]
    _wake_chosen(v, st, how, bound, v.jobs[job].beta)
    count_hosts(v, st)


@jitted
def _drop_claim(st: State, claim: int) -> None:
    """Forget a claim; its hosts are anybody's again."""
    drop_all(st.rows[g.CLAIMED], st.rows[g.CLAIM_ROWS + claim])
    st.i[g.N_CLAIMS] -= 1
    for k in range(claim, st.i[g.N_CLAIMS]):
        st.claim_job[k] = st.claim_job[k + 1]
        st.claim_how[k] = st.claim_how[k + 1]
        st.claim_end_s[k] = st.claim_end_s[k + 1]
        st.rows[g.CLAIM_ROWS + k, :] = st.rows[g.CLAIM_ROWS + k + 1]


@jitted
def start_claims(v: Ledger, st: State, bound: float) -> None:
    """Start the jobs whose hosts are all awake."""
    claim = 0
    while claim < st.i[g.N_CLAIMS]:
        job = st.claim_job[claim]
        row = st.rows[g.CLAIM_ROWS + claim]
        ready = True
        for k in range(v.free.shape[0]):
            ready = ready and row[k] & ~v.free[k] == np.uint64(0)
        if not ready:
            claim += 1
            continue
        st.rows[g.CHOSEN, :] = row
        how = st.claim_how[claim]
        _drop_claim(st, claim)
        _set_states(v, st, FULL if st.i[g.FAST] else how, bound, v.jobs[job].beta)
        start_set(v, job, st.rows[g.CHOSEN])


@jitted
def drop_broken_claims(v: Ledger, st: State) -> int:
    """Forget the first claim on a host that has left the machine; return its job, -1 when there is none."""
    for claim in range(st.i[g.N_CLAIMS]):
        for host in range(v.head[0].n_hosts):
            if v.hosts[host].away != 0 and has(st.rows[g.CLAIM_ROWS + claim], host):
                job = st.claim_job[claim]
                _drop_claim(st, claim)
                return int(job)
    return -1
