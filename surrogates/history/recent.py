"""The user's runs that ended last, laid out for the features that look at them."""

from __future__ import annotations

import numpy as np

from wattq.simulator.jit import inlined, jitted
from wattq.surrogates.history.layout import RECENT, History

__all__ = [
    "AGE",
    "APPLICATION",
    "FAR_HOSTS",
    "FAR_REQUEST",
    "GAP",
    "HOSTS",
    "RATIO",
    "RUN",
    "SAME",
    "WEIGHT",
    "gather",
    "quantile",
]

RUN, RATIO, HOSTS, APPLICATION, SAME, FAR_REQUEST, FAR_HOSTS, AGE, GAP, WEIGHT = range(10)
"""Rows of `History.scratch`: run, s; run over request; 1 where hosts, and where application, equal those of the job; 1
where the requested time alone, 2 where hosts too are equal; distance of the logarithms of requested times and of
hosts; time since the end, s; jobs that the user submitted in between; a weight."""

_UNLIKE = 2.0  # distance between a request with and one without a requested time


@inlined
def _distance(a: float, b: float) -> float:
    """Return the distance of two logarithms, where a number that is not above 0 stands for none."""
    if a > 0.0 and b > 0.0:
        return float(abs(np.log(a / b)))
    return 0.0 if not a > 0.0 and not b > 0.0 else _UNLIKE


@jitted
def gather(h: History, job: int, now_s: float) -> int:
    """Lay out the runs that ended last, the latest first, and their order by run time; return how many there are."""
    mine = h.jobs[job]
    user = h.users[mine.user]
    s = h.scratch
    other = user.last_ended
    n = 0
    while other >= 0 and n < RECENT:
        o = h.jobs[other]
        s[RUN, n] = o.run_s
        s[RATIO, n] = o.run_s / o.request_s if o.request_s > 0.0 else np.nan
        s[HOSTS, n] = 1.0 if o.hosts == mine.hosts else 0.0
        s[APPLICATION, n] = 1.0 if o.application == mine.application and o.application >= 0 else 0.0
        s[FAR_REQUEST, n] = _distance(mine.request_s, o.request_s)
        s[FAR_HOSTS, n] = _distance(mine.hosts, o.hosts)
        s[SAME, n] = 1.0 + s[HOSTS, n] if s[FAR_REQUEST, n] == 0.0 else 0.0
        s[AGE, n] = now_s - o.end_s
        s[GAP, n] = user.submitted - o.number
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
