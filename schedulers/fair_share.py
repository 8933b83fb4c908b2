"""Fair share: users who used little of late come first; EASY backfilling behind them.

The usage of a user is the host-seconds of the user's jobs, those running included, where what was used ``half_life``
seconds ago counts half: between two messages ``t`` seconds apart it becomes ``usage x 2^(-t/h) + hosts x h/ln 2 x
(1 - 2^(-t/h))``, with the hosts that the user's jobs held meanwhile. Slurm's fair-share factor follows from it:

    F = 2^(-U/S),  U = usage / usage of all users,  S = share / shares of all users,

1 for who used nothing, 1/2 for who used exactly the own share. At each message the queue is sorted by F, the largest
first; jobs with equal F keep the order of submission. The head of this queue gets EASY's reservation and the others are
backfilled in the queue's order (see `easy`), so that nobody delays the head; the head may change as usage does. What
decides is ``usage / share``, which orders users as F does (F itself is 0 in a computer's numbers when U/S is large).

Users are those of the job view. Jobs of unknown user (-1) count as jobs of one more user.

Parameters:
    half_life: s after which use counts half (604800: 7 days); 0: use never fades.
    shares: ``user:share`` pairs separated by commas; who is not named has 1, all are equal without it. ``-1`` names the
        unknown user.

Sources: SchedMD, Slurm's Classic Fairshare Algorithm (the factor F, ``PriorityDecayHalfLife``), here with one level of
users, use of whole hosts, and usage that fades continuously instead of every ``PriorityCalcPeriod``; J. Kay and
P. Lauder, A fair share scheduler, CACM 31(1), 1988 (the idea).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers import orders as o
from wattq.schedulers.borrowed import borrowed
from wattq.schedulers.easy import decide_easy, easy_memory
from wattq.schedulers.message import new_job
from wattq.simulator import layout as c
from wattq.simulator.jit import inlined, jitted
from wattq.simulator.layout import Ledger

__all__ = ["HALF_LIFE", "SHARES", "decide_fair_share", "fair_share_memory"]

HALF_LIFE, SHARES = 2, 3  # where the parameters lie: half-life, then user and share by turns

# The policy's own numbers: users known; then per user number, hosts held, place in the order by F, rank of F; then per
# job its user's place. In floats: the orders that EASY is to use, date of the last message; per user usage and share.
_USERS, _OWN_I = 0, 1
_NOW, _OWN_F = 2, 3


def fair_share_memory(n_jobs: int, n_hosts: int, n_words: int) -> tuple[int, int, tuple[int, int]]:
    """Return the sizes of the policy's memory: integers, floats, rows of bit words."""
    len_i, len_f, rows = easy_memory(n_jobs, n_hosts, n_words)
    return _OWN_I + 5 * n_jobs + len_i, _OWN_F + 2 * n_jobs + len_f, rows


@inlined
def _share_of(par: NDArray[np.float64], user: int) -> float:
    """Return the share of a user."""
    for k in range(SHARES, par.shape[0], 2):
        if par[k] == user:
            return float(par[k + 1])
    return 1.0


@jitted
def _meet(
    v: Ledger, par: NDArray[np.float64], mi: NDArray[np.int64], users: NDArray[np.int64], shares: NDArray[np.float64]
) -> None:
    """Note the users of the jobs of this message; `users` holds number, hosts, order, rank and place by rows."""
    for e in range(v.head[0].n_events):
        job = new_job(v, e)
        if job < 0:
            continue
        user = v.jobs[job].user
        place = 0
        while place < mi[_USERS] and users[0, place] != user:
            place += 1
        users[4, job] = place
        if place == mi[_USERS]:
            mi[_USERS] += 1
            users[0, place] = user
            users[2, place] = place
            shares[place] = _share_of(par, user)


@jitted
def _fade(
    v: Ledger, par: NDArray[np.float64], mi: NDArray[np.int64], mf: NDArray[np.float64], users: NDArray[np.int64]
) -> None:
    """Bring the usage to the date of this message, then take note of the jobs that ended."""
    head = v.head[0]
    gone_s = head.now_s - mf[_NOW]
    mf[_NOW] = head.now_s
    keep = 1.0
    gain_s = gone_s
    if par[HALF_LIFE] > 0.0:
        rate = math.log(2.0) / par[HALF_LIFE]
        keep = math.exp(-rate * gone_s)
        gain_s = -math.expm1(-rate * gone_s) / rate
    for place in range(mi[_USERS]):
        mf[_OWN_F + place] = mf[_OWN_F + place] * keep + users[1, place] * gain_s
    for e in range(head.first_event, head.first_event + head.n_events):
        if v.events[e].kind == c.EV_COMPLETED:
            job = v.events[e].job
            users[1, users[4, job]] -= v.jobs[job].hosts


@jitted
def _rank(n: int, users: NDArray[np.int64], usage: NDArray[np.float64], shares: NDArray[np.float64]) -> None:
    """Sort the users by usage per share and number them by it; equal ones have equal ranks."""
    # The order hardly changes from one message to the next.
    for k in range(1, n):
        place = users[2, k]
        key = usage[place] / shares[place]
        at = k
        while at > 0 and key < usage[users[2, at - 1]] / shares[users[2, at - 1]]:
            users[2, at] = users[2, at - 1]
            at -= 1
        users[2, at] = place
    rank = 0
    for k in range(n):
        place = users[2, k]
        if k > 0:
            before = users[2, k - 1]
            rank += usage[before] / shares[before] < usage[place] / shares[place]
        users[3, place] = rank


@jitted
def decide_fair_share(
    v: Ledger, par: NDArray[np.float64], mi: NDArray[np.int64], mf: NDArray[np.float64], mw: NDArray[np.uint64]
) -> None:
    """Take one round of decisions; see the module."""
    # Integers: own 1 + 5 n, and easy's 2 + 2 (4 + 3 n).
    n = (mi.shape[0] - _OWN_I - 10) // 11
    users = borrowed(mi[_OWN_I : _OWN_I + 5 * n]).reshape((5, n))
    usage = borrowed(mf[_OWN_F : _OWN_F + n])
    shares = borrowed(mf[_OWN_F + n : _OWN_F + 2 * n])
    _fade(v, par, mi, mf, users)
    _meet(v, par, mi, users, shares)
    _rank(mi[_USERS], users, usage, shares)
    head = v.head[0]
    for pos in range(head.q_head, head.q_tail):
        job = v.queue[pos]
        if job >= 0:
            v.jobs[job].mark = users[3, users[4, job]]
    mf[0] = o.MARK
    mf[1] = o.MARK
    decide_easy(v, borrowed(mf[0:2]), borrowed(mi[_OWN_I + 5 * n :]), borrowed(mf[_OWN_F + 2 * n :]), mw)
    for d in range(head.n_decisions):
        if v.decisions[d].kind == c.DO_EXECUTE:
            job = v.decisions[d].job
            users[1, users[4, job]] += v.jobs[job].hosts
