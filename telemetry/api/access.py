"""Who may ask, and how often: tokens verified once and remembered, buckets of requests by caller."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import math
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from wattq.telemetry.api.tokens import TokenEntry, matches, split_token

__all__ = ["Buckets", "Keyring"]

_MOST_VERIFIED = 10_000
_MOST_CALLERS = 50_000


class Keyring:
    """The tokens that are let in.

    A token is checked against its slow hash once; then a keyed hash of it, with a key that this process made up, is
    remembered. A wrong one is checked each time anew, one after the other.

    Args:
        entries: what is kept of the tokens.
    """

    def __init__(self, entries: Sequence[TokenEntry] = ()) -> None:
        self._key = secrets.token_bytes(32)
        self._lock = asyncio.Lock()
        self.replace(entries)

    def replace(self, entries: Sequence[TokenEntry]) -> None:
        """Take other tokens; those that are gone are refused from now on."""
        self._entries: Mapping[str, TokenEntry] = {entry.id: entry for entry in entries}
        self._verified: dict[bytes, str] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def known(self, text: str) -> str | None:
        """Return the id of a token that was verified before, else None; takes no time."""
        return self._verified.get(self._digest(text))

    def maybe(self, text: str) -> bool:
        """Return whether a text is worth the slow check: a token with the id of an entry."""
        token = split_token(text)
        return token is not None and token.id in self._entries

    async def verify(self, text: str) -> str | None:
        """Return the id of a token, or None where it is wrong; the slow hash runs in a thread."""
        known = self.known(text)
        token = split_token(text)
        entry = self._entries.get(token.id) if token is not None else None
        if known is not None or token is None or entry is None:
            return known
        async with self._lock:
            good = await asyncio.get_running_loop().run_in_executor(None, matches, entry, token.secret)
        if not good or self._entries.get(entry.id) is not entry:
            return None
        if len(self._verified) >= _MOST_VERIFIED:
            self._verified.clear()
        self._verified[self._digest(text)] = entry.id
        return entry.id

    def _digest(self, text: str) -> bytes:
        return hmac.digest(self._key, text.encode("utf-8", "surrogateescape"), hashlib.sha256)


class Buckets:
    """Requests by caller: a bucket of `burst` that is filled by `rate_per_s`.

    Args:
        rate_per_s: requests per second in the long run.
        burst: requests at once.
        clock: seconds that never fall.
        most: callers that are remembered; the one not seen for longest is forgotten first.
    """

    def __init__(
        self,
        rate_per_s: float,
        burst: int,
        clock: Callable[[], float] = time.monotonic,
        most: int = _MOST_CALLERS,
    ) -> None:
        self._rate, self._burst, self._clock, self._most = rate_per_s, float(burst), clock, most
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> float:
        """Take a request out of a caller's bucket; return 0, or the seconds after which there will be one."""
        now_s = self._clock()
        left, seen_s = self._left.pop(caller, (self._burst, now_s))
        left = min(self._burst, left + (now_s - seen_s) * self._rate)
        wait_s = 0.0 if left >= 1.0 else (1.0 - left) / self._rate
        self._left[caller] = (left - 1.0 if left >= 1.0 else left, now_s)
        if len(self._left) > self._most:
            self._left.popitem(last=False)
        return wait_s

    @staticmethod
    def retry_after(wait_s: float) -> str:
        """Return the header that says when to ask again: whole seconds, at least 1."""
        return str(max(math.ceil(wait_s), 1))
