"""The page /metrics: read at most once per moment, however many ask for it."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable

from wattq.telemetry.exporters.book import Book, render
from wattq.telemetry.exporters.serving import Answer, Request

__all__ = ["MetricsPage"]

_MAX_TEXTS = 16
_INDEX = b"<!doctype html><title>wattq</title><p>wattq: <a href='/metrics'>metrics</a>, <a href='/healthz'>health</a>\n"


class MetricsPage:
    """Answers scrapes from a book that it brings up to date, at most every `fresh_s` seconds.

    While one scrape reads the sensors, others get the text of the moment before; only the first of all waits.

    Args:
        book: what is shown.
        update: brings the book up to date; called by one thread at a time.
        fresh_s: how long a text is good, s.
    """

    def __init__(self, book: Book, update: Callable[[], None], fresh_s: float = 1.0) -> None:
        self.book, self.fresh_s = book, fresh_s
        self._update = update
        self._reading, self._writing = threading.Lock(), threading.Lock()
        self._version = -1
        self._texts: dict[tuple[str, bool], Answer] = {}
        self._old: dict[tuple[str, bool], Answer] = {}
        self._due_s = float("-inf")

    def __call__(self, request: Request) -> Answer:
        """Answer a scrape."""
        self.refresh()
        accept = request.headers.get("accept", "")
        packed = "gzip" in request.headers.get("accept-encoding", "")
        return self._texts.get((accept, packed)) or self._written(accept, packed)

    def refresh(self) -> None:
        """Bring the book up to date where its text is old."""
        first = self._due_s == float("-inf")
        if time.monotonic() < self._due_s or not self._reading.acquire(blocking=first):
            return
        try:
            if time.monotonic() >= self._due_s:
                self._update()
                if self.book.version != self._version:
                    self._old = self._texts or self._old
                    self._version, self._texts = self.book.version, {}
                self._due_s = time.monotonic() + self.fresh_s
        finally:
            self._reading.release()

    def index(self, request: Request) -> Answer:
        """Answer the root: where the metrics are."""
        return Answer(200, _INDEX, "text/html; charset=utf-8")

    def _written(self, accept: str, packed: bool) -> Answer:
        """Write the text in a format that nobody asked for since it changed.

        One scrape does that; others meanwhile get the text of before, or wait where there is none.
        """
        old = self._old.get((accept, packed))
        if not self._writing.acquire(blocking=old is None) and old is not None:
            return old
        try:
            texts = self._texts
            answer = texts.get((accept, packed)) or self._made(accept, packed)
            if len(texts) < _MAX_TEXTS:
                texts[accept, packed] = answer
            return answer
        finally:
            self._writing.release()

    def _made(self, accept: str, packed: bool) -> Answer:
        body, content_type = render(self.book, accept)
        headers = {"Vary": "Accept, Accept-Encoding"}
        if packed:
            body, headers["Content-Encoding"] = gzip.compress(body, 1), "gzip"
        return Answer(200, body, content_type, headers)
