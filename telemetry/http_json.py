"""JSON over HTTP for feeds: time-outs, repeated tries with growing pauses, answers bounded in size."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from typing import Any

from wattq.errors import InvalidInputError, WattqError

__all__ = ["FeedError", "Fetcher"]

_MAX_BYTES = 2**26
_MAX_PAUSE_S = 120.0
_AGAIN = frozenset((408, 425, 429, 500, 502, 503, 504))


class FeedError(WattqError):
    """Raised when a service cannot be reached, or does not answer as documented, after all tries."""


@dataclass(frozen=True)
class Fetcher:
    """How a service is asked.

    Attributes:
        tries: how often one address is asked at most.
        pause_s: seconds before the second try; each further pause is twice as long, 2 minutes at most. What the
            service asks for in ``Retry-After`` counts where it is longer.
        timeout_s: seconds without an answer after which a try has failed.
        sleep: waits for seconds.
    """

    tries: int = 5
    pause_s: float = 1.0
    timeout_s: float = 30.0
    sleep: Callable[[float], None] = time.sleep

    def json(self, url: str) -> Any:
        """Return the JSON document at an address.

        Tries again after network errors, answers cut off or damaged, and the codes 408, 425, 429, 500, 502, 503, 504.

        Raises:
            FeedError: after the last try, or at once for other codes (such as 400).
            InvalidInputError: for an address that is no HTTP address.
        """
        if not url.startswith(("http://", "https://")):
            raise InvalidInputError(f"{url[:200]}: no HTTP address; it begins with https:// or http://")
        why = "no try was made"
        for attempt in range(self.tries):
            try:
                return self._once(url)
            except _TryAgainError as problem:
                why = str(problem)
                if attempt + 1 < self.tries:
                    self.sleep(min(max(self.pause_s * 2**attempt, problem.wait_s), _MAX_PAUSE_S))
        raise FeedError(
            f"{url}: no usable answer in {self.tries} tries ({why}); try later, or use what is in the cache"
        )

    def _once(self, url: str) -> Any:
        try:
            request = urllib.request.Request(url, headers={"Accept": "application/json", "User-Agent": "wattq"})
            with urllib.request.urlopen(request, timeout=self.timeout_s) as answer:
                content = answer.read(_MAX_BYTES + 1)
        except urllib.error.HTTPError as error:
            with error:
                if error.code in _AGAIN:
                    raise _TryAgainError(f"HTTP {error.code}", _retry_after(error.headers)) from None
                words = error.read(300).decode("utf-8", "replace").strip()
            raise FeedError(
                f"{url}: refused with HTTP {error.code} ({words[:300]}); check the period asked for"
            ) from None
        except (OSError, http.client.HTTPException) as error:
            raise _TryAgainError(str(getattr(error, "reason", None) or error)) from None
        except ValueError as error:
            raise InvalidInputError(f"{url[:200]}: no HTTP address ({error})") from None
        if len(content) > _MAX_BYTES:
            raise FeedError(f"{url}: more than {_MAX_BYTES} bytes; ask for a shorter period")
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise _TryAgainError("the answer is no JSON") from None


class _TryAgainError(Exception):
    """Raised when the next try may succeed."""

    def __init__(self, why: str, wait_s: float = 0.0) -> None:
        super().__init__(why)
        self.wait_s = wait_s


def _retry_after(headers: Message) -> float:
    text = headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0.0
