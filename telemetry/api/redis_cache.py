"""Answers that several services share, in Redis; one that is away is left alone, and never breaks a request."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from wattq.settings import shown
from wattq.telemetry.api.logs import say
from wattq.telemetry.extras import need

__all__ = ["RedisCache"]

_PREFIX = "wattq:api:"
_TIMEOUT_S = 0.25
_AWAY_S = 5.0


class RedisCache:
    """Answers in Redis.

    Args:
        url: such as ``redis://127.0.0.1:6379/0``.
        ttl_s: how long an answer is kept, s.

    Raises:
        MissingDependencyError: when the library redis is not installed.
    """

    def __init__(self, url: str, ttl_s: float) -> None:
        library = need("redis.asyncio", "redis", "a cache in Redis")
        self._client: Any = library.Redis.from_url(
            url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S, max_connections=32
        )
        self._url, self._ttl_ms = shown(url), int(ttl_s * 1000.0)
        self._away_until_s = 0.0
        self.connected = False

    async def get(self, key: str) -> tuple[bytes, float] | None:
        """Return an answer and how long it will still be kept, s; None without one, or without Redis."""
        found = await self._ask("get", lambda: self._get(key))
        return found if isinstance(found, tuple) else None

    async def put(self, key: str, answer: bytes) -> None:
        """Keep an answer, where Redis is there."""
        if self._ttl_ms > 0:
            await self._ask("set", lambda: self._client.set(_PREFIX + key, answer, px=self._ttl_ms))

    async def ping(self) -> bool:
        """Return whether Redis answers."""
        self._away_until_s = 0.0
        await self._ask("ping", lambda: self._client.ping())
        return self.connected

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _get(self, key: str) -> tuple[bytes, float] | None:
        pipe = self._client.pipeline(transaction=False)
        answer, left_ms = await pipe.get(_PREFIX + key).pttl(_PREFIX + key).execute()
        return (bytes(answer), left_ms / 1000.0) if answer is not None and left_ms > 0 else None

    async def _ask(self, what: str, work: Callable[[], Awaitable[Any]]) -> Any:
        if time.monotonic() < self._away_until_s:
            return None
        try:
            found = await work()
        # What a network, a server or a wrong address raises is of many kinds, and none may break a request.
        except Exception as error:
            if self.connected or not self._away_until_s:
                say("warning", "redis is away", url=self._url, command=what, error=type(error).__name__)
            self.connected, self._away_until_s = False, time.monotonic() + _AWAY_S
            return None
        self.connected = True
        return found
