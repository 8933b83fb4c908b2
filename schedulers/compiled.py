"""The built-in policies as one compiled function."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers import kinds as k
from wattq.schedulers.borrowed import borrowed
from wattq.schedulers.conservative import conservative_memory, decide_conservative
from wattq.schedulers.easy import decide_easy, easy_memory
from wattq.schedulers.easy_bf import decide_easy_bf, easy_bf_memory
from wattq.schedulers.easy_fast import decide_easy_fast, easy_fast_memory
from wattq.schedulers.fair_share import decide_fair_share, fair_share_memory
from wattq.schedulers.fcfs import decide_fcfs, fcfs_memory
from wattq.schedulers.filler import decide_filler, filler_memory
from wattq.simulator.jit import jitted
from wattq.simulator.kernel import advance
from wattq.simulator.layout import DECIDE, PREDICT, Kernel, Ledger
from wattq.simulator.ledger import absorb
from wattq.simulator.news import ask, note_decisions

__all__ = ["MEMORY", "decide", "run"]

MEMORY = {
    k.FCFS: fcfs_memory,
    k.FILLER: filler_memory,
    k.EASY: easy_memory,
    k.EASY_FAST: easy_fast_memory,
    k.EASY_BF: easy_bf_memory,
    k.CONSERVATIVE: conservative_memory,
    k.FAIR_SHARE: fair_share_memory,
}
"""Kind -> function from (jobs, hosts, words) to the sizes of the policy's memory."""


@jitted
def decide(
    kind: int,
    v: Ledger,
    par: NDArray[np.float64],
    mi: NDArray[np.int64],
    mf: NDArray[np.float64],
    mw: NDArray[np.uint64],
) -> None:
    """Take one round of decisions with the policy of this kind, after `ledger.absorb` read the message.

    Args:
        kind: which policy, one of `kinds`.
        v: the ledger; decisions are written into it.
        par: parameters, in the order in which the registry lists them.
        mi: the policy's integers, zero at the start of a run.
        mf: the policy's floats, likewise.
        mw: the policy's rows of bit words, likewise.
    """
    par, mi, mf, mw = borrowed(par), borrowed(mi), borrowed(mf), borrowed(mw)
    if kind == k.EASY:
        decide_easy(v, par, mi, mf, mw)
    elif kind == k.FCFS:
        decide_fcfs(v, par, mi, mf, mw)
    elif kind == k.FILLER:
        decide_filler(v, par, mi, mf, mw)
    elif kind == k.EASY_FAST:
        decide_easy_fast(v, par, mi, mf, mw)
    elif kind == k.EASY_BF:
        decide_easy_bf(v, par, mi, mf, mw)
    elif kind == k.CONSERVATIVE:
        decide_conservative(v, par, mi, mf, mw)
    elif kind == k.FAIR_SHARE:
        decide_fair_share(v, par, mi, mf, mw)


@jitted
def run(
    kind: int,
    s: Kernel,
    v: Ledger,
    par: NDArray[np.float64],
    mi: NDArray[np.int64],
    mf: NDArray[np.float64],
    mw: NDArray[np.uint64],
) -> int:
    """Play a simulation with the policy of this kind until the engine has nothing more to ask.

    Returns:
        what `kernel.advance` says; `layout.DECIDE` when the policy gave up, with ``v.head.error`` set; or
        `layout.PREDICT` when a predictor is to be told the news, after which the call is to be repeated.
    """
    while True:
        if v.head[0].asked == 0:
            code = advance(s, v)
            if code != DECIDE:
                return code
            absorb(v)
            if ask(v):
                return PREDICT
        v.head[0].asked = 0
        decide(kind, v, par, mi, mf, mw)
        if v.head[0].error != 0:
            return DECIDE
        note_decisions(v)
