"""batsched's energy family as one compiled function, apart from the other policies: only its users compile it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers import kinds as k
from wattq.schedulers.borrowed import borrowed
from wattq.schedulers.energy_bf.layout import energy_memory, whole_memory
from wattq.schedulers.energy_bf.monitor import decide_sleepers
from wattq.schedulers.energy_bf.whole import decide_energy_bf
from wattq.simulator.jit import jitted
from wattq.simulator.kernel import advance
from wattq.simulator.layout import DECIDE, PREDICT, Kernel, Ledger
from wattq.simulator.ledger import absorb
from wattq.simulator.news import ask, note_decisions

__all__ = ["MEMORY", "decide", "run"]

MEMORY = {
    k.ENERGY_BF: whole_memory,
    k.IDLE_SLEEPER: energy_memory,
    k.SUBPART_SLEEPER: energy_memory,
    k.INERTIAL: energy_memory,
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
    """Take one round of decisions with the policy of this kind; see `wattq.schedulers.compiled.decide`."""
    par, mi, mf, mw = borrowed(par), borrowed(mi), borrowed(mf), borrowed(mw)
    if kind == k.ENERGY_BF:
        decide_energy_bf(v, par, mi, mf, mw)
    else:
        decide_sleepers(kind, v, par, mi, mf, mw)


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
    """Play a simulation with the policy of this kind; see `wattq.schedulers.compiled.run`."""
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
