"""The value that agrees best with the user's similar past runs.

Each past run weighs the more, the later it ended and the more its request resembles that of the job. Among the past
runs, the value v is taken that maximises the weighted mean of min(v, x) / max(v, x), which is the measure by which
predictions are judged.
"""

from __future__ import annotations

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
    Feature("similar_q50_s", "s", "similar", "their weighted median"),
    Feature("similar_q90_s", "s", "similar", "their weighted 90 % quantile"),
    Feature("similar_weight", "1", "similar", "total weight of the similar runs: how much is known"),
)
_VALUE, _AGREEMENT, _Q10, _Q50, _Q90, _TOTAL = range(len(SIMILAR_FEATURES))

_DECAY = 0.95  # per run that ended later
_REQUEST, _SIZE, _APPLICATION = 8.0, 2.0, 4.0  # factors for equal requested time, hosts and application


@inlined
def _weigh(h: History, n: int) -> float:
    s = h.scratch
    late, total = 1.0, 0.0
    for i in range(n):
        w = late
        w *= _REQUEST if s[r.SAME, i] > 0.0 else 1.0
        w *= _SIZE if s[r.HOSTS, i] > 0.0 else 1.0
        w *= _APPLICATION if s[r.APPLICATION, i] > 0.0 else 1.0
        s[r.WEIGHT, i] = w
        total += w
        late *= _DECAY
    return total


@inlined
def _best(h: History, n: int, row: NDArray[np.float32], at: int, total: float) -> None:
    """Find the value: runs up to v add their weight x run / v, those beyond weight x v / run."""
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
    row[at + _VALUE] = value
    row[at + _AGREEMENT] = best / total


@jitted
def describe_similar(h: History, n: int, row: NDArray[np.float32], at: int) -> None:
    """Fill in what similar runs of the user say; n runs were gathered, and the row holds NaN."""
    row[at + _TOTAL] = 0.0
    if n == 0:
        return
    total = _weigh(h, n)
    row[at + _TOTAL] = total
    _best(h, n, row, at, total)
    row[at + _Q10] = r.quantile(h, n, total, 0.1)
    row[at + _Q50] = r.quantile(h, n, total, 0.5)
    row[at + _Q90] = r.quantile(h, n, total, 0.9)
