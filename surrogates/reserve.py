"""Upper estimates that reserve the least time for a given share of jobs that outlive them.

The 0.9 quantile promises each job the same. Who reserves machine time for many jobs wants something else: few jobs that
outlive their estimate, and little time reserved in all. An estimate u of a job then costs u + price P(run > u), and the
least of that is taken, between the model's quantiles (straight lines of the logarithm) and up to the requested time.
So long jobs of which little is known are the ones that are outlived: they would cost most. The price follows the jobs
that end: it rises after one that outlived its estimate, and falls a little after any other, so that the share is kept
while jobs change (as in `wattq.surrogates.conformal`).

Source of the rule: the threshold of R. Koenker and G. Bassett, Regression quantiles, Econometrica 46(1), 1978, with the
loss of an outlived job counted once in place of second by second.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.simulator.jit import inlined, jitted
from wattq.surrogates.jobs import Jobs, Outcomes
from wattq.surrogates.model import LEVELS, Prediction

__all__ = ["SHARE", "reservations"]

SHARE = 0.11
"""Share of jobs that may outlive their estimate."""

_RATE = 0.02
"""How far one job moves the logarithm of the price."""

_BEGIN = 3.0
"""The price at the begin, in mean requested times."""

_STEPS = 4
"""Parts into which the span between two quantiles is cut."""

_LEVELS = np.array(LEVELS)


@inlined
def _cheapest(quantile_s: NDArray[np.float64], levels: NDArray[np.float64], request_s: float, price_s: float) -> float:
    """Return the estimate of least cost of a job; a job is killed at its requested time (NaN: never)."""
    last = levels.shape[0] - 1
    best_s = quantile_s[last]
    least = best_s + price_s * (1.0 - levels[last])
    if request_s == request_s and request_s < least:
        best_s, least = request_s, request_s
    for q in range(last):
        low, high = np.log(max(quantile_s[q], 1.0)), np.log(max(quantile_s[q + 1], 1.0))
        for step in range(_STEPS):
            part = step / _STEPS
            value_s = np.exp(low + part * (high - low))
            cost = value_s + price_s * (1.0 - levels[q] - part * (levels[q + 1] - levels[q]))
            if cost < least:
                best_s, least = value_s, cost
    return float(best_s)


@jitted
def _reserve_all(
    quantile_s: NDArray[np.float64],
    request_s: NDArray[np.float64],
    run_s: NDArray[np.float64],
    ends: NDArray[np.int64],
    known: NDArray[np.int64],
    levels: NDArray[np.float64],
    share: float,
    out: NDArray[np.float64],
) -> None:
    """Fill in the estimates of all jobs in the order of submission; NaN where nothing was predicted."""
    log_price, total_s, count, done = np.log(_BEGIN), 0.0, 0, 0
    for i in range(quantile_s.shape[0]):
        while done < known[i]:
            j = ends[done]
            done += 1
            if out[j] == out[j]:
                log_price += _RATE * (1.0 - share) if run_s[j] > out[j] else -_RATE * share
        upper_s = request_s[i] if request_s[i] == request_s[i] else quantile_s[i, levels.shape[0] - 1]
        if upper_s == upper_s:
            total_s += upper_s
            count += 1
        if quantile_s[i, 0] == quantile_s[i, 0]:
            out[i] = _cheapest(quantile_s[i], levels, request_s[i], np.exp(log_price) * total_s / count)


def reservations(made: Prediction, jobs: Jobs, outcomes: Outcomes, share: float = SHARE) -> NDArray[np.float64]:
    """Return the estimates of all jobs of a log, s, shape (n,); that of a job depends on earlier ends only.

    Args:
        made: predictions of all jobs, in the order of submission; NaN where there is none, which stays NaN.
        jobs: the jobs.
        outcomes: what became of them.
        share: share of jobs that may outlive their estimate.

    Raises:
        SurrogateError: when the share is not between 0 and 1.
    """
    if not 0.0 < share < 1.0:
        raise SurrogateError(f"share {share:g} of jobs that outlive their estimate: it must lie between 0 and 1")
    ends = np.argsort(outcomes.end_s, kind="stable")[: int(np.isfinite(outcomes.end_s).sum())]
    known = np.searchsorted(outcomes.end_s[ends], jobs.submit_s, side="left")
    out = np.full(made.n_jobs, np.nan)
    request_s = np.where(jobs.request_s > 0.0, jobs.request_s, np.nan)
    _reserve_all(made.quantile_s, request_s, outcomes.run_s, ends, known, _LEVELS, share, out)
    return np.where(out > request_s, request_s, out)
