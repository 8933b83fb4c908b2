"""New estimates of jobs that run longer than was predicted.

A rule looks at what is known while the job runs: how long it has run, what was predicted and how often it was wrong.
None of them goes beyond the requested time, at which the job is killed.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError

__all__ = ["CORRECTIONS", "STEPS_S", "Correction", "Late", "correct", "correction_of"]

STEPS_S = (60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 18000.0, 36000.0, 72000.0, 180000.0, 360000.0)
"""What is added at the first, second, ... correction by the rule ``steps``, s; the last one again and again."""


@dataclass(frozen=True)
class Late:
    """A running job that has reached its estimated end.

    Attributes:
        elapsed_s: time since its start, s.
        estimate_s: the estimate that it outlived, s from the start.
        request_s: requested time, s; NaN where it has none.
        count: corrections made before.
        quantile_s: predicted quantiles of its run time at `LEVELS`, s; NaN where nothing was predicted.
    """

    elapsed_s: float
    estimate_s: float
    request_s: float
    count: int
    quantile_s: NDArray[np.float64]


Correction = Callable[[Late], float]
"""Returns the next estimate of a job, s from its start; NaN leaves it to the requested time."""


def to_request(late: Late) -> float:
    """Return the requested time."""
    return late.request_s


def add_step(late: Late) -> float:
    """Return the estimate and the next of `STEPS_S`.

    Source: D. Tsafrir, Y. Etsion, D. Feitelson, Backfilling using system-generated predictions rather than user
    runtime estimates, IEEE TPDS 18(6), 2007.
    """
    return late.estimate_s + STEPS_S[min(late.count, len(STEPS_S) - 1)]


def double(late: Late) -> float:
    """Return twice the estimate."""
    return 2.0 * late.estimate_s


def to_quantile(late: Late) -> float:
    """Return the lowest predicted quantile that the job has not outlived, or NaN."""
    ahead = late.quantile_s[late.quantile_s > late.elapsed_s]
    return float(ahead[0]) if len(ahead) else math.nan


CORRECTIONS: Mapping[str, Correction] = MappingProxyType(
    {"request": to_request, "steps": add_step, "double": double, "quantile": to_quantile}
)
"""Rules by name."""


def correction_of(name: str) -> Correction:
    """Return a rule by name.

    Raises:
        SurrogateError: when there is none of this name.
    """
    if name not in CORRECTIONS:
        near = difflib.get_close_matches(name, CORRECTIONS, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"take one of {', '.join(CORRECTIONS)}"
        raise SurrogateError(f"correction {name!r}: no such rule; {hint}")
    return CORRECTIONS[name]


def correct(rule: Correction, late: Late) -> tuple[float, int]:
    """Return the next estimate of a job, s, and how many corrections were made by then.

    It lies beyond the time elapsed (by less than that, the rule is applied again) and not beyond the requested time.
    Without a requested time, a rule that has nothing to say gives way to doubling.
    """
    count, estimate_s = late.count, late.estimate_s
    while True:
        now = Late(late.elapsed_s, estimate_s, late.request_s, count, late.quantile_s)
        count += 1
        estimate_s = rule(now)
        if math.isnan(estimate_s):
            estimate_s = 2.0 * max(late.elapsed_s, 0.5) if math.isnan(late.request_s) else late.request_s
        if estimate_s >= late.request_s:
            return late.request_s, count
        if estimate_s > late.elapsed_s:
            return estimate_s, count
