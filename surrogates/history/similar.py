"""The value that agrees best with the user's similar past runs.

Each past run weighs the more, the later it is and the more its request resembles that of the job. Among the past
runs, the value v is taken that maximises the weighted mean of min(v, x) / max(v, x), which is the measure by which
predictions are judged. Two sets of weights are kept: one that looks far back, and one that follows the last runs.
Where a job with the same request already runs longer than a past run, that past run weighs less: jobs of one batch
resemble each other. The constants were chosen on the first halves of KTH-SP2, SDSC-SP2 and LLNL-Atlas.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from wattq.simulator.jit import inlined, jitted
from wattq.surrogates.history import recent as r
from wattq.surrogates.history.feature import Feature
from wattq.surrogates.history.layout import History

__all__ = ["SIMILAR_FEATURES", "describe_similar"]

SIMILAR_FEATURES = (
    Feature("similar_value_s", "s", "similar", "past run of the user that agrees best with the user's similar runs"),
    Feature("similar_agreement", "1", "similar", "how well it agrees: weighted mean of min / max, 0 to 1"),
    Feature("similar_q10_s", "s", "similar", "weighted 10 % quantile of the similar runs"),
    Feature("similar_q25_s", "s", "similar", "their weighted 25 % quantile"),
    Feature("similar_q50_s", "s", "similar", "their weighted median"),
    Feature("similar_q75_s", "s", "similar", "their weighted 75 % quantile"),
    Feature("similar_q90_s", "s", "similar", "their weighted 90 % quantile"),
    Feature("similar_weight", "1", "similar", "total weight of the similar runs: how much is known"),
    Feature("late_value_s", "s", "similar", "as similar_value_s, with weights that follow the last runs"),
    Feature("late_agreement", "1", "similar", "how well that agrees"),
    Feature("late_q50_s", "s", "similar", "median with these weights"),
    Feature("late_weight", "1", "similar", "total of these weights"),
)
_VALUE, _AGREEMENT, _Q10, _Q25, _Q50, _Q75, _Q90, _TOTAL, _LATE_VALUE, _LATE_AGREEMENT, _LATE_Q50, _LATE_TOTAL = range(
    len(SIMILAR_FEATURES)
)

_HOUR_S = 3600.0
_OUTLIVED = math.exp(-1.0)  # factor for past runs shorter than an alike job that runs
# Factor for each end since; exponents and scales of a power law in jobs submitted, and in hours passed, since; decay
# with the distances of requested times and of hosts; factor for an equal application.
_FAR = (0.988, 0.72, 0.25, 0.1, 0.1, 2.65, 2.0, 7.0)
_LATE = (0.9, 0.6, 1.0, 0.24, 2.25, 3.2, 1.5, 7.0)


@inlined
def _weigh(
    h: History, n: int, alike_s: float, p: tuple[float, float, float, float, float, float, float, float]
) -> float:
    s = h.scratch
    late, total = 1.0, 0.0
    for i in range(n):
        # One exponential of a sum of logarithms costs less than powers and exponentials one by one.
        law = p[1] * np.log1p(s[r.GAP, i] / p[2]) + p[3] * np.log1p(s[r.AGE, i] / (p[4] * _HOUR_S))
        w = late * np.exp(-law - p[5] * s[r.FAR_REQUEST, i] - p[6] * s[r.FAR_HOSTS, i])
        w *= p[7] if s[r.APPLICATION, i] > 0.0 else 1.0
        w *= _OUTLIVED if s[r.RUN, i] < alike_s else 1.0
        s[r.WEIGHT, i] = w
        total += w
        late *= p[0]
    return total


@inlined
def _best(h: History, n: int, row: NDArray[np.float32], at: int, total: float) -> None:
    """Fill in value and agreement: runs up to v add their weight x run / v, those beyond weight x v / run."""
    s = h.scratch
    above, below = 0.0, 0.0
    for i in range(n):
        above += s[r.WEIGHT, i] / max(s[r.RUN, i], 1.0)
    best, value = -1.0, np.nan
    for k in range(n):
        i = h.order[k]
        v = max(s[r.RUN, i], 1.0)
        below += s[r.WEIGHT, i] * v
        above -= s[r.WEIGHT, i] / v
        agreement = below / v + above * v
        if agreement > best:
            best, value = agreement, v
    row[at] = value
    row[at + 1] = best / total


@jitted
def describe_similar(h: History, n: int, alike_s: float, row: NDArray[np.float32], at: int) -> None:
    """Fill in what similar runs of the user say; n runs were gathered, and the row holds NaN.

    Args:
        h: the past.
        n: runs gathered.
        alike_s: time that a running job of the user with the same request has run so far, s; 0 where none runs.
        row: features of the job.
        at: first column of this group.
    """
    row[at + _TOTAL] = 0.0
    row[at + _LATE_TOTAL] = 0.0
    if n == 0:
        return
    total = _weigh(h, n, alike_s, _LATE)
    row[at + _LATE_TOTAL] = total
    row[at + _LATE_Q50] = r.quantile(h, n, total, 0.5)
    _best(h, n, row, at + _LATE_VALUE, total)
    total = _weigh(h, n, alike_s, _FAR)
    row[at + _TOTAL] = total
    row[at + _Q10] = r.quantile(h, n, total, 0.1)
    row[at + _Q25] = r.quantile(h, n, total, 0.25)
    row[at + _Q50] = r.quantile(h, n, total, 0.5)
    row[at + _Q75] = r.quantile(h, n, total, 0.75)
    row[at + _Q90] = r.quantile(h, n, total, 0.9)
    _best(h, n, row, at + _VALUE, total)
