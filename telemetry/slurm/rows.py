"""Rows of hooks on their way to the store; where there is no store, or no library for it, they are told in the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wattq.errors import WattqError
from wattq.settings import Settings
from wattq.telemetry.slurm.hook import OwnLog

if TYPE_CHECKING:
    from wattq.telemetry.store import SpooledWriter

__all__ = ["Rows"]


class Rows:
    """Writes rows through the spool of the settings.

    Args:
        settings: in force; without a store there is nothing to write to.
        fallback: folder of the spool where the settings name none.
        log: told once of what is wrong.
    """

    def __init__(self, settings: Settings, fallback: Path, log: OwnLog) -> None:
        self._log = log
        self._writer: SpooledWriter | None = None
        if not settings.store.url:
            log.say("settings, store.url: empty; jobs get logs but no rows")
            return
        try:
            from wattq.telemetry.store import SpooledWriter

            self._writer = SpooledWriter(settings.store.url, Path(settings.store.spool or fallback), linger_s=0.2)
        except (WattqError, OSError) as error:
            log.say(f"{error}; jobs get logs but no rows")

    def write(self, table: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Put rows into the spool; what cannot be written is told in the log."""
        if self._writer is None or not rows:
            return
        try:
            taken = self._writer.write(table, rows)
        except (WattqError, OSError) as error:
            self._log.say(f"rows of {table}: {error}")
            return
        if taken < len(rows):
            self._log.say(f"rows of {table}: the spool took {taken} of {len(rows)}; its disk or the spool is full")

    @property
    def pending(self) -> int:
        """How many rows wait for the database."""
        try:
            return 0 if self._writer is None else self._writer.pending
        except OSError:
            return 0

    def close(self, timeout_s: float) -> None:
        """Deliver what waits, within a time; the rest stays in the spool for the next keeper."""
        if self._writer is not None and not self._writer.close(timeout_s):
            self._log.say(f"{self.pending} rows wait in the spool: the database does not take them")
