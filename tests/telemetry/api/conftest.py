"""A service in this process, and a client that speaks to it without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import numpy as np
import pytest

from wattq.settings import Settings
from wattq.surrogates import Jobs, Outcomes, save_bundle, train_runtime
from wattq.surrogates.energy import synthetic_labels, train_energy
from wattq.telemetry.api import Service, create_app, make_service

NOW = 1_800_000_000.0


class Client:
    """Asks an application, which is started and stopped as by a server."""

    def __init__(self, service: Service, caller: str = "127.0.0.1") -> None:
        self.service = service
        self.app = create_app(service)
        self._runner = asyncio.Runner()
        self._transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(caller, 1))
        self._client = httpx.AsyncClient(transport=self._transport, base_url="http://wattq.test")

    def move(self, address: str) -> None:
        """Ask from another address from now on."""
        self._transport.client = (address, 1)

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


@pytest.fixture(scope="session")
def settings_for() -> Callable[..., Settings]:
    """Make settings by section, with few limits on the rate."""
    return settings_of


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


def made_up_jobs(count: int = 400) -> tuple[Jobs, Outcomes]:
    """Jobs of 20 users, whose run times follow from the user and the application."""
    random = np.random.default_rng(7)
    user = random.integers(0, 20, count)
    application = user % 5
    submit_s = np.cumsum(random.exponential(600.0, count))
    run_s = np.exp(random.normal(6.0 + user / 10.0, 0.3))
    request_s = np.ceil(run_s / 1800.0 + 1.0) * 3600.0
    jobs = Jobs(
        submit_s=submit_s,
        hosts=1 + user % 4,
        request_s=request_s,
        user=user,
        group=user % 3,
        queue=np.zeros(count, dtype=np.int64),
        application=application,
        unix_start_s=1.6e9,
        utc_offset_s=0.0,
        source="made-up",
        sha256="0" * 64,
        synthetic=True,
    )
    return jobs, Outcomes(submit_s + 60.0, run_s)


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Small bundles of both kinds, as settings of the API."""
    folder = tmp_path_factory.mktemp("bundles")
    jobs, outcomes = made_up_jobs()
    runtime = train_runtime("user-quantiles", jobs, outcomes)
    save_bundle(folder / "runtime.wattq", runtime.model, runtime.meta)
    energy = train_energy(synthetic_labels(jobs, outcomes), "regression")
    save_bundle(folder / "energy.wattq", energy.model, energy.meta)
    return {"runtime_model": str(folder / "runtime.wattq"), "energy_model": str(folder / "energy.wattq")}


@pytest.fixture
def ask(client_of: Callable[..., Client], settings_for: Callable[..., Settings]) -> Callable[..., Any]:
    """Make a client of a service with these settings, at one date."""

    def make(now_s: float = NOW, **sections: Any) -> Any:
        return client_of(make_service(settings_for(**sections), clock=lambda: now_s))

    return make
