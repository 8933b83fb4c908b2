"""Speeds, powers and sensitivities under lower clocks and power caps, from public measurements."""

from __future__ import annotations

from wattq.platforms.measured.archer2 import read_archer2
from wattq.platforms.measured.curve import (
    CurvePoint,
    MeasuredCurves,
    PowerCurve,
    cap_states,
    runtime_ratio,
    sensitivity,
)
from wattq.platforms.measured.read import is_curve_file, read_curves
from wattq.platforms.measured.table import curves_csv, curves_text, measured_curves, parse_curves
from wattq.platforms.measured.zeus import read_zeus

__all__ = [
    "CurvePoint",
    "MeasuredCurves",
    "PowerCurve",
    "cap_states",
    "curves_csv",
    "curves_text",
    "is_curve_file",
    "measured_curves",
    "parse_curves",
    "read_archer2",
    "read_curves",
    "read_zeus",
    "runtime_ratio",
    "sensitivity",
]
