"""What predictions do to the schedule: bounded slowdown with requested, predicted and exact run times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.experiments.surrogates.tables import Table

__all__ = ["ScheduleEffect"]


@dataclass(frozen=True)
class ScheduleEffect:
    """Bounded slowdowns of one log.

    Attributes:
        entries: one row each.
    """

    entries: tuple[dict[str, Any], ...]

    def as_dict(self) -> list[dict[str, Any]]:
        """Return what ``metrics.json`` holds."""
        return [dict(entry) for entry in self.entries]

    def rows(self, log: str) -> list[dict[str, Any]]:
        """Return the rows of ``schedule.csv``."""
        return [{"log": log, **entry} for entry in self.entries]

    def notes(self) -> list[str]:
        """Return sentences below the table."""
        return []

    def table(self, log: str) -> Table:
        """Return the table that people read."""
        raise NotImplementedError
