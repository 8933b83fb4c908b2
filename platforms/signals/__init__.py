"""Grid signals of a machine's site: carbon intensity, price, PUE and temperature over time, and their forecasts.

Names are imported when they are first used, so that a signal is read without loading the forecasts, and so on.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.platforms.signals.emission_factors import EMISSION_FACTORS
    from wattq.platforms.signals.forecast import FORECAST_MODELS, Forecaster
    from wattq.platforms.signals.gaps import GAP_RULES
    from wattq.platforms.signals.interval_csv import write_signal
    from wattq.platforms.signals.pue import PueModel, check_pue, constant_pue
    from wattq.platforms.signals.read import SIGNAL_FORMATS, parse_signal, read_signal
    from wattq.platforms.signals.resample import regular_signal
    from wattq.platforms.signals.series import Signal
    from wattq.platforms.signals.synthetic import (
        SYNTHETIC,
        daily_sinusoid,
        noisy_two_level,
        synthetic_signal,
        two_level,
    )
    from wattq.platforms.signals.table import ForecastTable, forecast_table

__all__ = [
    "EMISSION_FACTORS",
    "FORECAST_MODELS",
    "GAP_RULES",
    "SIGNAL_FORMATS",
    "SYNTHETIC",
    "ForecastTable",
    "Forecaster",
    "PueModel",
    "Signal",
    "check_pue",
    "constant_pue",
    "daily_sinusoid",
    "forecast_table",
    "noisy_two_level",
    "parse_signal",
    "read_signal",
    "regular_signal",
    "synthetic_signal",
    "two_level",
    "write_signal",
]

_MODULES = {
    "forecast": ("FORECAST_MODELS", "Forecaster"),
    "emission_factors": ("EMISSION_FACTORS",),
    "gaps": ("GAP_RULES",),
    "interval_csv": ("write_signal",),
    "read": ("SIGNAL_FORMATS", "parse_signal", "read_signal"),
    "pue": ("PueModel", "check_pue", "constant_pue"),
    "resample": ("regular_signal",),
    "series": ("Signal",),
    "synthetic": ("SYNTHETIC", "daily_sinusoid", "noisy_two_level", "synthetic_signal", "two_level"),
    "table": ("ForecastTable", "forecast_table"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
