"""A service in this process, and a client that speaks to it without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest

from wattq.settings import Settings
from wattq.telemetry.api import Service, create_app


class Client:
    """Asks an application, which is started and stopped as by a server."""

    def __init__(self, service: Service, caller: str = "127.0.0.1") -> None:
        self.service = service
        self.app = create_app(service)
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(caller, 1))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://wattq.test")

    def run(self, work: Any) -> Any:
        return self._runner.run(work)

    def ask(self, method: str, path: str, **how: Any) -> httpx.Response:
        found: httpx.Response = self.run(self._client.request(method, path, **how))
        return found

    def get(self, path: str, **how: Any) -> httpx.Response:
        return self.ask("GET", path, **how)

    def post(self, path: str, body: Any, **how: Any) -> httpx.Response:
        return self.ask("POST", path, json=body, **how)

    def close(self) -> None:
        self.run(self._client.aclose())
        self._runner.close()


def settings_of(**sections: Mapping[str, Any]) -> Settings:
    """Return settings with few limits on the rate, unless they are given."""
    api = {"rate_per_s": 1e6, "burst": 1_000_000, **sections.pop("api", {})}
    return Settings.model_validate({"api": api, **sections})


@pytest.fixture
def client_of() -> Iterator[Callable[..., Client]]:
    """Make clients of services; what they opened is closed at the end."""
    made: list[Client] = []

    def make(service: Service, **how: Any) -> Client:
        client = Client(service, **how)
        client.run(service.start())
        made.append(client)
        return client

    yield make
    for client in made:
        client.run(client.service.stop())
        client.close()
