"""The store of measurements: one schema for SQLite, PostgreSQL and TimescaleDB, and writers that lose nothing.

Names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.telemetry.store.derived import ROLLUPS, VIEWS
    from wattq.telemetry.store.maintenance import Maintenance
    from wattq.telemetry.store.problems import StoreAwayError
    from wattq.telemetry.store.spooled_writer import SpooledWriter
    from wattq.telemetry.store.store import Store, open_store
    from wattq.telemetry.store.tables import TABLES

__all__ = ["ROLLUPS", "TABLES", "VIEWS", "Maintenance", "SpooledWriter", "Store", "StoreAwayError", "open_store"]

_MODULES = {
    "derived": ("ROLLUPS", "VIEWS"),
    "maintenance": ("Maintenance",),
    "problems": ("StoreAwayError",),
    "spooled_writer": ("SpooledWriter",),
    "store": ("Store", "open_store"),
    "tables": ("TABLES",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}
# Modules whose libraries an extra installs.
_NEEDS = dict.fromkeys(("maintenance", "store"), ("sqlalchemy", "the store"))


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = _HOME[name]
    if module in _NEEDS:
        from wattq.telemetry.extras import need

        need(_NEEDS[module][0], "telemetry", _NEEDS[module][1])
    return getattr(import_module(f"{__name__}.{module}"), name)
