"""The user's runs that ended last, laid out for the features that look at them."""

from __future__ import annotations

import numpy as np

from wattq.simulator.jit import inlined, jitted
from wattq.surrogates.history.layout import RECENT, History

__all__ = ["APPLICATION", "HOSTS", "RATIO", "REQUEST", "RUN", "SAME", "WEIGHT", "gather", "quantile"]

RUN, REQUEST, HOSTS, APPLICATION, RATIO, WEIGHT, SAME = range(7)
"""Rows of `History.scratch`: run, s; request, s; 1 where hosts, and where application, equal those of the job; run over
request; a weight; how alike the request is (2 hosts and requested time, 1 requested time alone, else 0)."""


@jitted
def gather(h: History, job: int) -> int:
    """Lay out the runs that ended last, the latest first, and their order by run time; return how many there are."""
    mine = h.jobs[job]
    s = h.scratch
    other = h.users[mine.user].last_ended
    n = 0
    while other >= 0 and n < RECENT:
        o = h.jobs[other]
        s[RUN, n] = o.run_s
        s[REQUEST, n] = o.request_s
        s[HOSTS, n] = 1.0 if o.hosts == mine.hosts else 0.0
        s[APPLICATION, n] = 1.0 if o.application == mine.application and o.application >= 0 else 0.0
        s[RATIO, n] = o.run_s / o.request_s if o.request_s > 0.0 else np.nan
        same = o.request_s == mine.request_s or (not o.request_s > 0.0 and not mine.request_s > 0.0)
        s[SAME, n] = 1.0 + s[HOSTS, n] if same else 0.0
        other = o.ended_before
        n += 1
    _sort(h, n)
    return n


@inlined
def _sort(h: History, n: int) -> None:
    """Put the numbers of the first n runs into `History.order`, by run time (insertion: runs of a user repeat)."""
    run = h.scratch[RUN]
    for i in range(n):
        k = i
        while k > 0 and run[h.order[k - 1]] > run[i]:
            h.order[k] = h.order[k - 1]
            k -= 1
        h.order[k] = i


@inlined
def quantile(h: History, n: int, total: float, level: float) -> float:
    """Return the smallest run time whose weight and that of all shorter runs reach a share of the total weight."""
    part = 0.0
    for k in range(n):
        part += h.scratch[WEIGHT, h.order[k]]
        if part >= level * total:
            return float(h.scratch[RUN, h.order[k]])
    return float(h.scratch[RUN, h.order[n - 1]]) if n else np.nan
