"""Exporters: what Prometheus scrapes, and the vocabulary of its metrics.

Names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.telemetry.exporters.book import Book, render
    from wattq.telemetry.exporters.node_collector import NodeCollector
    from wattq.telemetry.exporters.node_exporter import NodeExporter
    from wattq.telemetry.exporters.page import MetricsPage
    from wattq.telemetry.exporters.serving import Answer, MetricsServer, Request, json_answer, serve_until_told
    from wattq.telemetry.exporters.slurm_exporter import SlurmExporter
    from wattq.telemetry.exporters.vocabulary import METRICS, Alias, Metric, find_metric, metrics_of

__all__ = [
    "METRICS",
    "Alias",
    "Answer",
    "Book",
    "Metric",
    "MetricsPage",
    "MetricsServer",
    "NodeCollector",
    "NodeExporter",
    "Request",
    "SlurmExporter",
    "find_metric",
    "json_answer",
    "metrics_of",
    "render",
    "serve_until_told",
]

_MODULES = {
    "book": (
        "Book",
        "render",
    ),
    "node_collector": ("NodeCollector",),
    "node_exporter": ("NodeExporter",),
    "page": ("MetricsPage",),
    "serving": (
        "Answer",
        "MetricsServer",
        "Request",
        "SlurmExporter",
        "json_answer",
        "serve_until_told",
    ),
    "slurm_exporter": ("SlurmExporter",),
    "vocabulary": (
        "METRICS",
        "Alias",
        "Metric",
        "find_metric",
        "metrics_of",
    ),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
