"""A writer that never waits for the database: rows go to a spool on disk, and from there into the store."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from wattq.errors import TelemetryError
from wattq.telemetry.store.address import parse_address
from wattq.telemetry.store.rows import check_rows
from wattq.telemetry.store.spool import Spool, SpoolFullError, pending_rows

if TYPE_CHECKING:
    from wattq.telemetry.store.store import Store

__all__ = ["SpooledWriter"]

_LOG = logging.getLogger("wattq.telemetry.store")
_REMIND_S = 300.0
_FULL_S = 60.0
_POLL_S = 0.05


class SpooledWriter:
    """Writes rows to a spool at once, and delivers them in the background, in order, each once in effect.

    Rows survive the end of the process, `kill -9` included; what a power cut may take is at most the last `linger_s`.
    Several processes may use one folder: they add to one queue, and one at a time delivers. Memory holds one batch.

    Args:
        url: the store, as `open_store` takes it; it may be away.
        spool: folder of rows that wait.
        batch: most rows of a transaction.
        linger_s: how long rows may wait for others to join them, in seconds.
        retry_s: shortest and longest time between tries while the database is away, in seconds.
        max_bytes: most bytes that may wait; rows beyond are refused, counted and logged.

    Raises:
        TelemetryError: the address is wrong, or the folder cannot be written.
        MissingDependencyError: a library is missing.
    """

    def __init__(
        self,
        url: str,
        spool: Path,
        *,
        batch: int = 500,
        linger_s: float = 1.0,
        retry_s: tuple[float, float] = (1.0, 30.0),
        max_bytes: int = 2**30,
    ) -> None:
        if batch < 1:
            raise TelemetryError(f"spool {spool}: batch {batch}; must be 1 or more")
        self._url, self._shown = url, parse_address(url).shown
        self._spool = Spool(Path(spool), max_bytes=max_bytes)
        self._batch, self._linger_s, self._retry_s = batch, linger_s, retry_s
        self.refused = 0
        self._refused_logged_s = -_FULL_S
        self._store: Store | None = None
        self._away_since_s: float | None = None
        self._reminded_s = 0.0
        self._unsynced = 0
        self._wake, self._hurry, self._stop = threading.Event(), threading.Event(), threading.Event()
        self._moved = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="wattq-spool", daemon=True)
        self._thread.start()

    def write(self, table: str, rows: Sequence[Mapping[str, object]]) -> int:
        """Put rows into the spool; never fails for a database that is away.

        Args:
            table: name of a table.
            rows: as `Store.write` takes them.

        Returns:
            How many rows the spool took; fewer than given only when the disk or the spool is full (`refused`).

        Raises:
            TelemetryError: unknown names, or values of the wrong kind; nothing is written then.
        """
        clean = check_rows(table, rows)
        taken = 0
        try:
            for start in range(0, len(clean), self._batch):
                piece = clean[start : start + self._batch]
                self._spool.append(table, piece)
                taken += len(piece)
        except SpoolFullError as problem:
            self._refuse(len(clean) - taken, problem)
        self._unsynced += taken
        if self._unsynced >= self._batch:
            self._sync()
        self._wake.set()
        return taken

    @property
    def pending(self) -> int:
        """Rows in the spool that have not been delivered; 0 when its folder has gone."""
        with suppress(FileNotFoundError):
            return pending_rows(self._spool.folder)
        return 0

    def flush(self, timeout_s: float) -> bool:
        """Deliver everything that has been written up to now.

        Args:
            timeout_s: longest wait, in seconds.

        Returns:
            Whether it was delivered in time; if not, it is on the disk.
        """
        limit_s = time.monotonic() + timeout_s
        self._sync()
        try:
            end = self._spool.end()
        except OSError as problem:
            _LOG.error("spool %s: cannot be read (%s)", self._spool.folder, problem)
            return False
        while self._spool.position() < end:
            left_s = limit_s - time.monotonic()
            if left_s <= 0.0 or self._stop.is_set():
                return False
            self._hurry.set()
            self._wake.set()
            with self._moved:
                self._moved.wait(min(_POLL_S, left_s))
        return True

    def close(self, timeout_s: float = 5.0) -> bool:
        """Deliver what waits, within a time, and stop; returns as `flush` does. What is left stays in the spool."""
        limit_s = time.monotonic() + timeout_s
        done = self.flush(timeout_s)
        self._stop.set()
        self._wake.set()
        self._hurry.set()
        self._thread.join(max(limit_s - time.monotonic(), _POLL_S))
        return done

    def __enter__(self) -> SpooledWriter:
        """Return the writer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def _refuse(self, rows: int, problem: SpoolFullError) -> None:
        self.refused += rows
        now_s = time.monotonic()
        if now_s - self._refused_logged_s >= _FULL_S:
            self._refused_logged_s = now_s
            _LOG.error("%s; %d rows have been refused and are lost", problem, self.refused)

    def _sync(self) -> None:
        self._unsynced = 0
        try:
            self._spool.sync()
        except OSError as problem:
            _LOG.error("spool %s: cannot be brought to the disk (%s)", self._spool.folder, problem)

    def _run(self) -> None:
        pause_s = self._retry_s[0]
        self._wake.set()  # rows of an earlier process may wait
        while not self._stop.is_set():
            self._wake.wait()
            self._wake.clear()
            if self._stop.is_set():
                break
            self._hurry.wait(self._linger_s)
            self._hurry.clear()
            if self._try():
                pause_s = self._retry_s[0]
                continue
            self._sync()
            self._hurry.wait(pause_s)
            pause_s = min(2.0 * pause_s, self._retry_s[1])
            self._wake.set()
        self._drop_store()

    def _try(self) -> bool:
        """Deliver what waits; return False when it should be tried again later."""
        try:
            with self._spool.delivering() as held:
                if not held:
                    return self._spool.position() >= self._spool.end()
                delivered = self._deliver()
        except Exception as problem:
            # Whatever it is, rows stay on the disk and the thread goes on: it is all that delivers them.
            self._drop_store()
            self._note_away(problem)
            return False
        finally:
            with self._moved:
                self._moved.notify_all()
        self._note_back(delivered)
        return True

    def _deliver(self) -> int:
        from wattq.telemetry.store.delivery import deliver
        from wattq.telemetry.store.store import open_store

        if self._spool.position() >= self._spool.end():
            return 0
        if self._store is None:
            self._store = open_store(self._url)
        return deliver(self._store, self._spool, self._batch)

    def _drop_store(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    def _note_away(self, problem: Exception) -> None:
        now_s = time.monotonic()
        if self._away_since_s is None:
            self._away_since_s = self._reminded_s = now_s
            _LOG.warning("%s; rows wait in %s and will be delivered", problem, self._spool.folder)
        elif now_s - self._reminded_s >= _REMIND_S:
            self._reminded_s = now_s
            away_s, waiting = now_s - self._away_since_s, self.pending
            _LOG.warning("store %s: away for %.0f s, %d rows wait: %s", self._shown, away_s, waiting, problem)

    def _note_back(self, delivered: int) -> None:
        if self._away_since_s is not None and delivered:
            away_s = time.monotonic() - self._away_since_s
            self._away_since_s = None
            _LOG.warning("store %s: back after %.0f s, %d rows delivered", self._shown, away_s, delivered)
