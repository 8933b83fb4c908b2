"""Errors of the store that callers tell apart."""

from __future__ import annotations

from wattq.errors import TelemetryError

__all__ = ["RowRefusedError", "StoreAwayError"]


class StoreAwayError(TelemetryError):
    """Raised when a database does not answer; the same call may succeed later."""


class RowRefusedError(TelemetryError):
    """Raised when a database refuses the values of a row; the same row is refused again."""
