"""Samples in the store."""

from __future__ import annotations

import os
from pathlib import Path

from wattq.telemetry.loggers.columns import Sample

__all__ = ["StoreSink", "spool_folder"]


class StoreSink:
    """The store, by way of a spool on disk, so that a database that is away costs no sample.

    Args:
        url: of the database, as `wattq.telemetry.store.open_store` takes it.
        spool: folder of rows that wait for it.
        patience_s: how long the end waits for the database, s; what it does not take is delivered the next time.
    """

    def __init__(self, url: str, spool: Path, *, patience_s: float = 10.0) -> None:
        from wattq.telemetry.store import SpooledWriter

        self._writer = SpooledWriter(url, spool)
        self._patience_s, self._spool = patience_s, spool
        self.rows = 0

    def write(self, sample: Sample) -> None:
        """Spool the records of a sample."""
        for table, records in sample.records().items():
            if records:
                self._writer.write(table, records)
                self.rows += len(records)

    def close(self) -> str:
        """Deliver what waits, and say what still does."""
        self._writer.close(self._patience_s)
        pending, refused = self._writer.pending, self._writer.refused
        left = f", {pending} of them still in {self._spool}, delivered when it is there again" if pending else ""
        lost = f", {refused} lost because the spool was full" if refused else ""
        return f"{self.rows} rows for the store{left}{lost}"


def spool_folder(url: str, named: str) -> Path:
    """Return the folder of rows that wait for a store.

    Args:
        url: of the store.
        named: what the settings name (`store.spool`); when empty, it lies beside an SQLite file, and in the user's
            folder of state for other databases.
    """
    from wattq.telemetry.store.address import parse_address

    file = parse_address(url).path
    if named:
        return Path(named).expanduser()
    if file is not None:
        return file.with_name(f"{file.name}.spool")
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "wattq" / "spool"
