"""Reports on a period of a store: energy for work, anomalies, heat, predictions, and what to do about them.

Names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.telemetry.reports.advice import THRESHOLDS
    from wattq.telemetry.reports.build import make_report, report_types
    from wattq.telemetry.reports.grid import GridTerms, grid_terms
    from wattq.telemetry.reports.output import report_json, write_report
    from wattq.telemetry.reports.page import report_html
    from wattq.telemetry.reports.schema import REPORT_FORMAT, REPORT_TYPES, TelemetryReport, read_report
    from wattq.telemetry.reports.text import report_text

__all__ = [
    "REPORT_FORMAT",
    "REPORT_TYPES",
    "THRESHOLDS",
    "GridTerms",
    "TelemetryReport",
    "grid_terms",
    "make_report",
    "read_report",
    "report_html",
    "report_json",
    "report_text",
    "report_types",
    "write_report",
]

_MODULES = {
    "advice": ("THRESHOLDS",),
    "build": ("make_report", "report_types"),
    "grid": ("GridTerms", "grid_terms"),
    "output": ("report_json", "write_report"),
    "page": ("report_html",),
    "schema": ("REPORT_FORMAT", "REPORT_TYPES", "TelemetryReport", "read_report"),
    "text": ("report_text",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
