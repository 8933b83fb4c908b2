"""Exporters: what Prometheus scrapes, and the vocabulary of its metrics.

Names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.telemetry.exporters.book import Book, render
    from wattq.telemetry.exporters.vocabulary import METRICS, Alias, Metric, find_metric, metrics_of

__all__ = ["METRICS", "Alias", "Book", "Metric", "find_metric", "metrics_of", "render"]

_MODULES = {
    "book": ("Book", "render"),
    "vocabulary": ("METRICS", "Alias", "Metric", "find_metric", "metrics_of"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
