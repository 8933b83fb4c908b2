"""The store as the service reads it: in threads of its own, within a time, opened when it is first needed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from wattq.errors import WattqError
from wattq.telemetry.api.past import JobStore, Past, read_past
from wattq.telemetry.api.spread import Spread, read_spread

__all__ = ["Opener", "Records"]

Opener = Callable[[], JobStore]
T = TypeVar("T")

_READ_S = 5.0
_LEARN_S = 60.0
_LATEST = 100


class Records:
    """A store, or none.

    Args:
        opener: opens the store; None where there is none.
    """

    def __init__(self, opener: Opener | None) -> None:
        self._opener = opener
        self._store: JobStore | None = None
        self._opening = threading.Lock()
        # Threads of their own: a store that hangs holds up nothing else.
        self._readers = ThreadPoolExecutor(2, "store")

    @property
    def there(self) -> bool:
        """Whether a store is set."""
        return self._opener is not None

    async def read(self, name: str, **how: Any) -> list[dict[str, object]]:
        """Return rows of a table; the arguments are those of the store's `read`.

        Raises:
            WattqError: when the store does not answer.
            TimeoutError: when it takes too long.
        """
        return await self._within(_READ_S, partial(self._read, name, **how))

    async def answers(self) -> bool:
        """Return whether the store answers."""
        try:
            await self.read("job_metrics", limit=1)
        except (WattqError, TimeoutError):
            return False
        return True

    async def latest(self) -> object:
        """Return the latest rows that `learn` reads, to tell whether there is something new.

        Raises:
            WattqError, TimeoutError: as `read`.
        """
        tables = ("job_metrics", "energy_predictions")
        return [await self.read(name, limit=_LATEST, newest_first=True) for name in tables]

    async def learn(self, *, past: bool) -> tuple[Past | None, Spread | None]:
        """Return what users did, where that is asked for, and how the power model's predictions turned out.

        Raises:
            WattqError, TimeoutError: as `read`.
        """
        return await self._within(_LEARN_S, partial(self._learn, past))

    async def close(self) -> None:
        """Close the store."""
        self._readers.shutdown(wait=False, cancel_futures=True)
        close = getattr(self._store, "close", None)
        if close is not None:
            await asyncio.to_thread(close)

    async def _within(self, seconds: float, work: Callable[[], T]) -> T:
        return await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(self._readers, work), seconds)

    def _read(self, name: str, **how: Any) -> list[dict[str, object]]:
        return self._opened().read(name, **how)

    def _learn(self, past: bool) -> tuple[Past | None, Spread | None]:
        store = self._opened()
        return read_past(store) if past else None, read_spread(store)

    def _opened(self) -> JobStore:
        with self._opening:
            if self._store is None:
                assert self._opener is not None
                self._store = self._opener()
            return self._store
