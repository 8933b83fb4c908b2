"""Scores that order a queue: the job with the lowest score goes first; jobs with equal scores keep their order.

r is the requested time (s), n the number of processors, s the submit time (s since the log's start) and w the waiting
time (s). WFP3 and UNICEP: W. Tang, Z. Lan, N. Desai, D. Buettner, Fault-aware, utility-based job scheduling on Blue
Gene/P systems, CLUSTER 2009. F1: D. Carastan-Santos, R. Y. de Camargo, Obtaining dynamic scheduling policies with
simulation and machine learning, SC'17. The constants that keep logarithms finite are those of RLScheduler (SC'20).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from wattq.simulator.jit import inlined

__all__ = ["F1", "FCFS", "SCORES", "SINCE_SUBMISSION", "SJF", "UNICEP", "UNSET_START", "WAITS", "WFP3", "score", "wait"]

FCFS, SJF, F1, WFP3, UNICEP = range(5)
SCORES: Mapping[str, int] = MappingProxyType({"fcfs": FCFS, "sjf": SJF, "f1": F1, "wfp3": WFP3, "unicep": UNICEP})
"""Names of the scores: fcfs s; sjf (r, s); f1 log10(r) n + 870 log10(s); wfp3 -(w/r)^3 n; unicep -w/(log2(n) r)."""

SINCE_SUBMISSION, UNSET_START = range(2)
WAITS: Mapping[str, int] = MappingProxyType({"since_submission": SINCE_SUBMISSION, "unset_start": UNSET_START})
"""What w is: the time since submission, or -1 - s (a start time of -1, that of queued jobs, taken for the clock)."""

_LEAST = 0.1
_TINY = 1e-15


@inlined
def wait(kind: int, now_s: float, submit_s: float) -> float:
    """Return w, s, by one of `WAITS`."""
    return -1.0 - submit_s if kind == UNSET_START else now_s - submit_s


@inlined
def score(kind: int, waited_s: float, submit_s: float, request_s: float, processors: float) -> float:
    """Return the score of a job by one of `SCORES`; of ``sjf`` only the first key, r."""
    if kind == SJF:
        return request_s
    if kind == F1:
        r = request_s if request_s > 0 else _LEAST
        s = submit_s if submit_s > 0 else _LEAST
        return math.log10(r) * processors + 870.0 * math.log10(s)
    if kind == WFP3:
        return -math.pow(waited_s / request_s, 3.0) * processors
    if kind == UNICEP:
        return -(waited_s + _TINY) / (math.log2(processors + _TINY) * request_s)
    return submit_s
