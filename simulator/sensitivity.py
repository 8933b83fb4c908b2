"""Jobs whose run time does not follow the speed of their hosts alone: the sensitivity beta.

A job of sensitivity beta that takes T on hosts in power state 0 takes T (beta s0 / s + 1 - beta) in a state of speed s.
That is the time of ``beta + (1 - beta) s / s0`` as much work at speed s, with the core busy throughout, and so it is
simulated: the work left keeps its fraction when the state changes, and load and power stay those of a computing host.
Batsim has no such jobs; a sensitivity of 1 is its rule.
"""

from __future__ import annotations

from wattq.simulator.jit import inlined
from wattq.simulator.layout import Kernel

__all__ = ["stretch"]


@inlined
def stretch(s: Kernel, job: int, host: int) -> float:
    """Return how many times a job's work a host has to do in its present power state: 1 in state 0, or for beta 1."""
    beta = s.jobs[job].beta
    if beta == 1.0:
        return 1.0
    cls = s.h_cls[host]
    return beta + (1.0 - beta) * (s.pstates[cls, s.h_pstate[host]].speed_flops / s.pstates[cls, 0].speed_flops)
