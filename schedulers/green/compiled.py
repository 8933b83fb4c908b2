"""The energy-aware policies as one compiled function and one compiled loop; see `wattq.schedulers.compiled`.

They stand apart from the other policies so that each is compiled when it is first used, not before.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers import kinds
from wattq.schedulers.borrowed import borrowed
from wattq.schedulers.green.policy import decide_green
from wattq.schedulers.green.state import green_memory
from wattq.simulator.jit import jitted
from wattq.simulator.kernel import advance
from wattq.simulator.layout import DECIDE, PREDICT, Kernel, Ledger
from wattq.simulator.ledger import absorb
from wattq.simulator.news import ask, note_decisions

__all__ = ["MEMORY", "decide", "run"]

MEMORY = {kinds.GREEN: green_memory}
"""As `compiled.MEMORY`."""


@jitted
def decide(
    kind: int,
    v: Ledger,
    par: NDArray[np.float64],
    mi: NDArray[np.int64],
    mf: NDArray[np.float64],
    mw: NDArray[np.uint64],
) -> None:
    """Take one round of decisions, after `ledger.absorb` read the message; arguments as in `compiled.decide`."""
    decide_green(v, borrowed(par), borrowed(mi), borrowed(mf), borrowed(mw))


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
    """Play a simulation until the engine has nothing more to ask; as `compiled.run`."""
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
