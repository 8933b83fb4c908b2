"""Measurements: carbon and price feeds of public services, and series of the catalogue.

Names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.telemetry.answer_cache import AnswerCache
    from wattq.telemetry.carbon_feed import CARBON_URL, CarbonFeed
    from wattq.telemetry.feed import Series
    from wattq.telemetry.http_json import FeedError, Fetcher
    from wattq.telemetry.price_feed import PRICE_URL, PriceFeed
    from wattq.telemetry.series_catalogue import SERIES, PublicSeries
    from wattq.telemetry.series_store import find_series, get_series, locate_series, series_dirs

__all__ = [
    "CARBON_URL",
    "PRICE_URL",
    "SERIES",
    "AnswerCache",
    "CarbonFeed",
    "FeedError",
    "Fetcher",
    "PriceFeed",
    "PublicSeries",
    "Series",
    "find_series",
    "get_series",
    "locate_series",
    "series_dirs",
]

_MODULES = {
    "answer_cache": ("AnswerCache",),
    "carbon_feed": ("CARBON_URL", "CarbonFeed"),
    "feed": ("Series",),
    "http_json": ("FeedError", "Fetcher"),
    "price_feed": ("PRICE_URL", "PriceFeed"),
    "series_catalogue": ("SERIES", "PublicSeries"),
    "series_store": ("find_series", "get_series", "locate_series", "series_dirs"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
