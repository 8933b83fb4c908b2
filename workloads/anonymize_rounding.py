"""Coarser dates, durations and sizes, by tier."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wattq.workloads.anonymize_options import AnonymizeOptions

__all__ = ["coarse_dates", "coarse_sizes", "coarse_spans", "floor_to"]

_Numbers = NDArray[np.float64]

_LEAST_SPAN_S = 60.0


def floor_to(values: _Numbers, step: float) -> _Numbers:
    """Return values rounded down to multiples of `step`; NaN stays."""
    rounded: _Numbers = np.floor(values / step) * step
    return rounded


def coarse_spans(spans_s: _Numbers, options: AnonymizeOptions) -> _Numbers:
    """Return durations rounded up, s; NaN (unknown) and durations below 0 stay.

    Gold leaves them; silver takes multiples of its step; bronze takes two decimal digits, in multiples of 60 s.
    """
    if options.tier == "gold":
        return spans_s
    if options.tier == "silver":
        step: _Numbers = np.full(spans_s.shape, float(options.step_s))
    else:
        step = _digit_steps(spans_s)
    rounded: _Numbers = np.where(spans_s > 0, np.ceil(spans_s / step) * step, spans_s)
    return rounded


def _digit_steps(spans_s: _Numbers) -> _Numbers:
    """Return the step that leaves two digits of each duration: 60 up to 1000 s, 100 up to 10,000 s, and so on."""
    powers = 10.0 ** np.arange(1, 17)
    index = np.searchsorted(powers, spans_s, side="right").clip(1, len(powers))
    steps: _Numbers = np.maximum(powers[index - 1] / 10.0, _LEAST_SPAN_S)
    return steps


def coarse_dates(
    submit_s: _Numbers, start_s: _Numbers, end_s: _Numbers, options: AnonymizeOptions
) -> tuple[_Numbers, _Numbers, _Numbers]:
    """Return coarser submit, start and end dates that keep their order; NaN is an unknown date and stays.

    Silver rounds all dates down to its step, so that jobs that did not overlap still do not, but a job that ran ends
    one step after its start at the earliest. Bronze rounds the first known date down to the hour, and puts the others
    after it by rounded durations (`coarse_spans`).

    Args:
        submit_s: dates of submission on any axis of seconds, shape (n,).
        start_s: dates of the start on the same axis.
        end_s: dates of the end on the same axis.
        options: tier and step.
    """
    if options.tier == "gold":
        return submit_s, start_s, end_s
    if options.tier == "silver":
        submit, start, end = (floor_to(dates, options.step_s) for dates in (submit_s, start_s, end_s))
        # a job that ran must not become one that did not
        return submit, start, np.where((end_s > start_s) & (end == start), start + options.step_s, end)
    submit = floor_to(submit_s, options.step_s)
    start = _after(submit, submit_s, start_s, options)
    known = np.isnan(start_s)
    end = _after(np.where(known, submit, start), np.where(known, submit_s, start_s), end_s, options)
    return submit, start, end


def _after(coarse_s: _Numbers, first_s: _Numbers, then_s: _Numbers, options: AnonymizeOptions) -> _Numbers:
    """Return `then_s` put after the coarse form of `first_s`; alone or out of order it is rounded down."""
    gap = then_s - first_s
    put: _Numbers = np.where(gap >= 0, coarse_s + coarse_spans(gap, options), floor_to(then_s, options.step_s))
    return put


def coarse_sizes(sizes: _Numbers, options: AnonymizeOptions, *, most: float = float("inf")) -> _Numbers:
    """Return numbers of processors, nodes or bytes; bronze rounds up to powers of two, but not above `most`.

    Numbers below 2 and NaN stay.
    """
    if options.tier != "bronze":
        return sizes
    # frexp is exact where log2 is not: size = mantissa * 2**exponent with 0.5 <= mantissa < 1
    mantissa, exponent = np.frexp(sizes)
    powers = np.ldexp(1.0, np.where(mantissa == 0.5, exponent - 1, exponent))
    rounded: _Numbers = np.where(sizes >= 2, np.minimum(powers, np.maximum(most, 0)), sizes)
    return rounded
