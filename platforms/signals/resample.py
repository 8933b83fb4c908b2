"""Signals on a regular step: half hours to hours, hours to days."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, floor

import numpy as np

from wattq.errors import SignalError
from wattq.platforms.signals.points import MAX_ROWS
from wattq.platforms.signals.series import Signal

__all__ = ["regular_signal"]


def regular_signal(signal: Signal, step_s: float) -> Signal:
    """Return the means of a signal over steps that begin at multiples of the step in Unix time (UTC).

    Means are exact (the integral over the step by its length), also where steps of the signal differ. Steps at either
    end that the signal does not cover whole are left out, and a note says so.

    Args:
        signal: the series.
        step_s: seconds, at least 1.

    Raises:
        SignalError: for a step below a second, more than 5,000,000 steps, or a signal that covers no whole step.
    """
    if not 1.0 <= step_s < float("inf"):
        raise SignalError(f"step {step_s} s: a step is a number of seconds of at least 1")
    start, end = float(signal.start_s[0]), signal.end_s
    first, last = ceil(start / step_s), floor(end / step_s)
    if last <= first:
        raise SignalError(f"{signal!r}: covers no whole step of {step_s:g} s; take a shorter one")
    if last - first > MAX_ROWS:
        raise SignalError(f"{signal!r}: more than {MAX_ROWS} steps of {step_s:g} s; take a longer one")
    edges = np.arange(first, last + 1, dtype=np.float64) * step_s
    notes = [f"means over steps of {step_s / 60:g} min"]
    left = (edges[0] - start) + (end - edges[-1])
    if left > 0.0:
        notes.append(f"{left / 60:g} min at the ends that fill no whole step left out")
    value = signal.mean(edges[:-1], edges[1:])
    return replace(signal, start_s=edges[:-1], end_s=float(edges[-1]), value=value, notes=(*signal.notes, *notes))
