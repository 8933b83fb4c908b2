"""What every request passes before and after its route: number, token, rate, size of the body, cache, log, metrics.

It is plain ASGI, so that an answer from the cache costs no more than it must.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from wattq.telemetry.api.access import Buckets
from wattq.telemetry.api.logs import say
from wattq.telemetry.api.problems import problem_bytes
from wattq.telemetry.api.service import Service

__all__ = ["FAILED", "OPEN_ROUTES", "ROUTES", "UNLIMITED_ROUTES", "Gate"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

ROUTES = (
    "/",
    "/health",
    "/ready",
    "/predict",
    "/predict/batch",
    "/schedule/recommend",
    "/recommend/schedule",
    "/model/info",
    "/jobs/recent",
    "/metrics",
    "/openapi.json",
)
"""Paths of the API; all but the last also begin with /v1."""

OPEN_ROUTES = frozenset({"/", "/health", "/ready", "/metrics", "/openapi.json"})
"""Routes that ask for no token."""

UNLIMITED_ROUTES = frozenset({"/health", "/ready", "/metrics"})
"""Routes that supervisors ask, as often as they want."""

_LABELS = {path: path for path in ROUTES} | {f"/v1{path}": path for path in ROUTES if path != "/openapi.json"}
_LABELS["/v1"] = "/"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_BODY_TIMEOUT_S = 30.0
FAILED = "the service failed; its log has this request_id"
"""What a client is told of an error of the service's own."""
_JSON = (b"content-type", b"application/json")
_CHALLENGE = (b"www-authenticate", b'Bearer realm="wattq"')


class _RefusedError(Exception):
    """A request that is answered at the gate."""

    def __init__(self, code: int, detail: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(detail)
        self.code, self.detail, self.headers = code, detail, headers


class _LeavingError(Exception):
    """The client is gone."""


class _Visit:
    """One request on its way."""

    __slots__ = ("caller", "code", "from_cache", "headers", "request_id", "route", "started", "token")

    def __init__(self, scope: Scope) -> None:
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        given = self.headers.get(b"x-request-id", b"")
        self.request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8).encode()
        self.route = _LABELS.get(scope["path"], "other")
        self.started = time.perf_counter()
        self.caller = (scope.get("client") or ("unknown", 0))[0]
        self.token: str | None = None
        self.code = 500
        self.from_cache = False


class Gate:
    """The outermost part of the service.

    Args:
        app: what answers the requests that pass.
        service: tokens, limits, cache, metrics.
    """

    def __init__(self, app: App, service: Service) -> None:
        self._app, self._service = app, service
        self._limit = service.settings.api.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let it pass."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        visit = _Visit(scope)
        scope["wattq.request_id"] = visit.request_id.decode()
        started = False

        async def answer(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                visit.code = message["status"]
                message["headers"] = [*message.get("headers", ()), *_standard(visit)]
            await send(message)

        try:
            await self._pass(visit, scope, receive, answer)
        except _RefusedError as refusal:
            await _refuse(visit, refusal, answer)
        except _LeavingError:
            visit.code = 499
        except Exception as error:
            text = "".join(traceback.format_exception(error)) if self._service.debug else None
            say("error", "failed", request_id=scope["wattq.request_id"], error=repr(error), traceback=text)
            if not started:
                await _refuse(visit, _RefusedError(500, FAILED), answer)
        finally:
            self._note(visit, scope)

    async def _pass(self, visit: _Visit, scope: Scope, receive: Receive, send: Send) -> None:
        await self._admit(visit)
        if scope["method"] in ("GET", "HEAD", "OPTIONS") and b"content-length" not in visit.headers:
            await self._app(scope, receive, send)
            return
        body = await self._timely(visit, receive)
        if visit.route == "/predict" and scope["method"] == "POST":
            found = self._service.cached(body) if _is_json(visit) else None
            if found is not None:
                visit.from_cache = True
                await _send(send, 200, found)
                return
        await self._app(scope, _replay(body, receive), send)

    async def _admit(self, visit: _Visit) -> None:
        """Check token and rate; unknown tokens count for the address that they come from."""
        service = self._service
        if visit.route in UNLIMITED_ROUTES:
            return
        if not service.asks_tokens or visit.route in OPEN_ROUTES or visit.route == "other":
            _limited(service.buckets, visit.caller)
            return
        text = _bearer(visit)
        visit.token = service.keyring.known(text) if text else None
        if visit.token is not None:
            _limited(service.buckets, visit.token)
            return
        _limited(service.buckets, visit.caller)
        visit.token = await service.keyring.verify(text) if text else None
        if visit.token is None:
            what = "the token is wrong or was revoked" if text else "a token is needed: Authorization: Bearer TOKEN"
            raise _RefusedError(401, what, _CHALLENGE)

    async def _timely(self, visit: _Visit, receive: Receive) -> bytes:
        try:
            async with asyncio.timeout(_BODY_TIMEOUT_S):
                return await self._body(visit, receive)
        except TimeoutError:
            raise _RefusedError(408, "the body did not come in time", (b"connection", b"close")) from None

    async def _body(self, visit: _Visit, receive: Receive) -> bytes:
        """Return the whole body; one that is too large is refused before it is read to its end."""
        told = visit.headers.get(b"content-length", b"0")
        if told.isdigit() and int(told) > self._limit:
            raise self._too_large()
        parts, size = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _LeavingError
            part = message.get("body", b"")
            size += len(part)
            if size > self._limit:
                raise self._too_large()
            parts.append(part)
            if not message.get("more_body"):
                return parts[0] if len(parts) == 1 else b"".join(parts)

    def _too_large(self) -> _RefusedError:
        return _RefusedError(413, f"the body is larger than {self._limit} bytes", (b"connection", b"close"))

    def _note(self, visit: _Visit, scope: Scope) -> None:
        took_s = time.perf_counter() - visit.started
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._service.count(visit.route, method, visit.code, took_s)
        say(
            "info",
            "request",
            request_id=scope["wattq.request_id"],
            method=method,
            route=visit.route,
            code=visit.code,
            duration_ms=round(took_s * 1000.0, 3),
            client=(scope.get("client") or ("unknown", 0))[0],
            token=visit.token,
            from_cache=visit.from_cache or None,
        )


def _limited(buckets: Buckets, caller: str) -> None:
    wait_s = buckets.take(caller)
    if wait_s:
        header = (b"retry-after", buckets.retry_after(wait_s).encode())
        raise _RefusedError(429, f"too many requests; ask again in {buckets.retry_after(wait_s)} s", header)


def _bearer(visit: _Visit) -> str:
    scheme, _, text = visit.headers.get(b"authorization", b"").partition(b" ")
    return text.strip().decode("latin-1") if scheme.lower() == b"bearer" else ""


def _is_json(visit: _Visit) -> bool:
    return visit.headers.get(b"content-type", b"").partition(b";")[0].strip().lower() == b"application/json"


def _standard(visit: _Visit) -> list[tuple[bytes, bytes]]:
    return [
        (b"x-request-id", visit.request_id),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
    ]


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a source that tells the body, which was read, once more."""
    told = False

    async def again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _refuse(visit: _Visit, refusal: _RefusedError, send: Send) -> None:
    body = problem_bytes(refusal.detail, visit.request_id.decode())
    await _send(send, refusal.code, body, *refusal.headers)


async def _send(send: Send, code: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": code, "headers": [_JSON, length, *headers]})
    await send({"type": "http.response.body", "body": body})
