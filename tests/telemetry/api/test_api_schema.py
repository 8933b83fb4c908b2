"""Requests made up from the API's own description: no failure, and no answer that the description does not have."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.generation import GenerationMode

from wattq.platforms.signals import daily_sinusoid, two_level, write_signal
from wattq.telemetry.api import create_app, create_token, make_service

MODES = {"good": GenerationMode.POSITIVE, "bad": GenerationMode.NEGATIVE}
PATHS = ("/", "/health", "/ready", "/predict", "/predict/batch", "/schedule/recommend", "/recommend/schedule")
PATHS = (*PATHS, "/model/info", "/jobs/recent", "/metrics")


def begun(app: Any) -> Any:
    """An application that is started once, not for each request."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        for step in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{step}.complete"})

    return answer


def made_up_signals(folder: Path) -> dict[str, str]:
    """Prices and intensities of the days around now."""
    start_s = 3600.0 * (time.time() // 3600.0) - 5 * 86_400.0
    files = {"price": folder / "price.csv", "carbon": folder / "carbon.csv"}
    write_signal(two_level(start_s, 10), files["price"])
    carbon = daily_sinusoid(start_s, 10, quantity="carbon", unit="g/kWh", base=200.0)
    write_signal(carbon, files["carbon"])
    return {name: str(path) for name, path in files.items()}


@pytest.fixture(scope="module")
def schema(bundles: dict[str, str], settings_for: Callable[..., Any], tmp_path_factory: Any) -> Any:
    folder = tmp_path_factory.mktemp("schema")
    tokens = str(folder / "tokens.json")
    token = create_token(tokens, "examiner")
    settings = settings_for(
        api={**bundles, "tokens": tokens}, store={"url": str(folder / "store.db")}, signals=made_up_signals(folder)
    )
    found = schemathesis.openapi.from_asgi("/openapi.json", begun(create_app(make_service(settings))))
    found.config.update(headers={"Authorization": f"Bearer {token}"})
    return found


def examine(schema: Any, path: str, mode: str, examples: int) -> set[int]:
    """Ask every operation of a path; return the codes that were answered."""
    seen: set[int] = set()
    for method in schema[path]:
        operation = schema[path][method]

        @given(case=operation.as_strategy(generation_mode=MODES[mode]))
        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: Any) -> None:
            seen.add(case.call_and_validate(headers=dict(schema.config.headers)).status_code)

        ask()
    return seen


@pytest.mark.parametrize("path", PATHS)
def test_good_requests(schema: Any, path: str) -> None:
    assert examine(schema, path, "good", 15) <= {200}


@pytest.mark.parametrize("path", [path for path in PATHS if path.startswith(("/predict", "/sched", "/rec", "/jobs"))])
def test_bad_requests(schema: Any, path: str) -> None:
    assert examine(schema, path, "bad", 15) <= {200, 400, 405, 422}


def test_both_versions_are_described(schema: Any) -> None:
    described = set(schema.raw_schema["paths"])
    assert described == {*PATHS, *(f"/v1{path}" for path in PATHS)}


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_many_requests(schema: Any, mode: str) -> None:
    for path in schema.raw_schema["paths"]:
        if mode == "good" or not path.endswith(("/", "/health", "/ready", "/info", "/metrics")):
            assert not {code for code in examine(schema, path, mode, 100) if code >= 500}
