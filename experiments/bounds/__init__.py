"""Lower bounds of energy, cost and carbon for the same served work, and the share of the possible saving reached."""

from __future__ import annotations

from wattq.experiments.bounds.bound import Bound, Capture, capture_rate
from wattq.experiments.bounds.contiguous import contiguous_bound
from wattq.experiments.bounds.liquid import liquid_bound
from wattq.experiments.bounds.report import KINDS, Comparison, bound_runs, bound_text
from wattq.experiments.bounds.work import Work, served_jobs, with_max_wait, work_of

__all__ = [
    "KINDS",
    "Bound",
    "Capture",
    "Comparison",
    "Work",
    "bound_runs",
    "bound_text",
    "capture_rate",
    "contiguous_bound",
    "liquid_bound",
    "served_jobs",
    "with_max_wait",
    "work_of",
]
