"""The power model of a machine, fitted to telemetry."""

from __future__ import annotations

from wattq.platforms.calibrate.calibration import CalibratedState, Calibration, FitOptions, calibrate_power
from wattq.platforms.calibrate.fit import Fit, Residuals, Value, fit_loads, fit_quantiles
from wattq.platforms.calibrate.report import calibration_json, calibration_text, calibration_yaml, curve_yaml
from wattq.platforms.calibrate.samples import ReadOptions, Samples, read_samples

__all__ = [
    "CalibratedState",
    "Calibration",
    "Fit",
    "FitOptions",
    "ReadOptions",
    "Residuals",
    "Samples",
    "Value",
    "calibrate_power",
    "calibration_json",
    "calibration_text",
    "calibration_yaml",
    "curve_yaml",
    "fit_loads",
    "fit_quantiles",
    "read_samples",
]
