"""What a place for samples does."""

from __future__ import annotations

from typing import Protocol

from wattq.telemetry.loggers.columns import Sample

__all__ = ["Sink"]


class Sink(Protocol):
    """A place for samples."""

    def write(self, sample: Sample) -> None:
        """Take a sample."""
        ...

    def close(self) -> str:
        """Finish, and return in words what was written where."""
        ...
