"""Errors of the store that callers tell apart."""

from __future__ import annotations

from wattq.errors import TelemetryError

__all__ = ["StoreAwayError"]


class StoreAwayError(TelemetryError):
    """Raised when a database does not answer; the same call may succeed later."""
