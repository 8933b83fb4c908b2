"""Numbers of any size brought to a scale from 0 to 1."""

from __future__ import annotations

import numpy as np

from wattq.simulator.jit import inlined

__all__ = ["many_scale", "span_scale", "work_scale"]

_LOG_WEEK = np.log(1.0 + 604800.0)
_LOG_THOUSAND = np.log(1.0 + 1000.0)
_LOG_HOURS = np.log(1.0 + 168.0)


@inlined
def span_scale(time_s: float) -> float:
    """Return a duration on a scale from 0 to 1, logarithmic from a second to a week."""
    return float(min(np.log(1.0 + max(time_s, 0.0)) / _LOG_WEEK, 1.0))


@inlined
def many_scale(n: float) -> float:
    """Return a number or a ratio on a scale from 0 to 1, logarithmic up to a thousand."""
    return float(min(np.log(1.0 + max(n, 0.0)) / _LOG_THOUSAND, 1.0))


@inlined
def work_scale(area_s: float, hosts: int) -> float:
    """Return host-seconds on a scale from 0 to 1, logarithmic up to a week of the whole machine."""
    return float(min(np.log(1.0 + max(area_s, 0.0) / (3600.0 * hosts)) / _LOG_HOURS, 1.0))
