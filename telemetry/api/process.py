"""The service as a process: where it listens, and how it ends."""

from __future__ import annotations

import gc
import ipaddress
import socket
import time
from collections.abc import Callable
from typing import Any

import uvicorn

from wattq.errors import TelemetryError
from wattq.settings import Settings
from wattq.telemetry.api.app import create_app
from wattq.telemetry.api.logs import say, set_level
from wattq.telemetry.api.service import Service
from wattq.telemetry.api.tokens import read_tokens

__all__ = ["check_address", "make_service", "serve"]

_LAST_REQUESTS_S = 10
_MOST_AT_ONCE = 1000
_KEEP_ALIVE_S = 30
_BACKLOG = 2048


def make_service(settings: Settings, *, clock: Callable[[], float] = time.time, debug: bool = False) -> Service:
    """Return the service that the settings describe; its store is opened when it is first asked.

    Raises:
        WattqError: a bundle, a signal, the store's address or the file of tokens is not what it must be.
    """
    url = settings.store.url
    if not url:
        return Service(settings, clock=clock, debug=debug)
    from wattq.telemetry.store import open_store

    return Service(settings, lambda: open_store(url), clock=clock, debug=debug)


def check_address(host: str, tokens: str, *, no_tokens: bool) -> None:
    """Refuse to listen where others can reach the service, while it lets everybody in.

    Args:
        host: address to listen at.
        tokens: file of tokens, empty for none.
        no_tokens: whether letting everybody in was asked for.

    Raises:
        TelemetryError: the address is not this machine alone, and there are no tokens.
    """
    if no_tokens or _is_loopback(host) or (tokens and read_tokens(tokens)):
        return
    missing = f"the file {tokens} holds none" if tokens else "no file of tokens is set"
    raise TelemetryError(
        f"--host {host}: others can reach this address, and {missing}; make a token (wattq api token create) and give "
        "--tokens FILE, listen at 127.0.0.1, or let everybody in with --no-tokens"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def serve(settings: Settings, *, no_tokens: bool = False, debug: bool = False) -> None:
    """Answer requests until the process is told to end (SIGTERM, SIGINT); requests under way are finished.

    Args:
        settings: of the service.
        no_tokens: let everybody in, wherever it listens.
        debug: log more, with tracebacks.

    Raises:
        WattqError: as `make_service` and `check_address`.
        TelemetryError: the address is taken.
    """
    api = settings.api
    check_address(api.host, api.tokens, no_tokens=no_tokens)
    if no_tokens:
        settings = settings.model_copy(update={"api": api.model_copy(update={"tokens": ""})})
    set_level("debug" if debug else "info")
    service = make_service(settings, debug=debug)
    with _listen(api.host, api.port) as listener:
        host, port = listener.getsockname()[:2]
        say("info", "listening", host=host, port=port, tokens=service.asks_tokens)
        server = uvicorn.Server(_config(service, settings))
        # What is loaded by now stays: the collector, which needs 50 ms to look through it, need not do so again.
        gc.collect()
        gc.freeze()
        server.run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, because only then asyncio sends answers at once (TCP_NODELAY); else they wait 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host.strip("[]"), port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        why = error.strerror or str(error)
        raise TelemetryError(f"--host {host} --port {port}: cannot listen there ({why}); take another") from None
    return listener


def _config(service: Service, settings: Settings) -> uvicorn.Config:
    api = settings.api
    return uvicorn.Config(
        create_app(service),
        host=api.host,
        port=api.port,
        log_config=_LOGGING,
        access_log=False,
        server_header=False,
        # What a proxy says of the client's address is not believed: limits go by address, or by token.
        proxy_headers=False,
        limit_concurrency=_MOST_AT_ONCE,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_LAST_REQUESTS_S,
        lifespan="on",
    )


_LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "wattq.telemetry.api.logs.JsonFormatter"}},
    "handlers": {"json": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}},
    "loggers": {"uvicorn": {"handlers": ["json"], "level": "INFO", "propagate": False}},
}
