"""The service itself: health, readiness, records, metrics, logs, caches, files that change."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest

from wattq.errors import SurrogateError, TelemetryError
from wattq.telemetry.api import make_service
from wattq.telemetry.api.cache import MemoryCache, stable_key
from wattq.telemetry.api.gate import ROUTES
from wattq.telemetry.exporters import find_metric, metrics_of
from wattq.telemetry.store import open_store

Make = Callable[..., Any]


@pytest.fixture
def ask(client_of: Make, settings_for: Make) -> Make:
    def make(**sections: Any) -> Any:
        return client_of(make_service(settings_for(**sections)))

    return make


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_health_needs_a_model(ask: Make, bundles: dict[str, str]) -> None:
    found = ask().get("/health")
    assert found.status_code == 503
    assert (found.json()["status"], found.json()["model_loaded"]) == ("unhealthy", False)
    assert found.json()["redis_connected"] is None
    for kind in bundles:
        client = ask(api={kind: bundles[kind]})
        assert client.get("/health").status_code == 200
        assert client.get("/v1/health").json()["status"] == "healthy"


def test_ready_needs_model_and_store(ask: Make, bundles: dict[str, str], tmp_path: Path) -> None:
    here, away = str(tmp_path / "store.db"), "postgresql://nobody@127.0.0.1:1/none"
    for api, store, code, state in (
        ({}, {}, 503, "not set"),
        ({}, {"url": here}, 503, "answers"),
        (bundles, {}, 200, "not set"),
        (bundles, {"url": here}, 200, "answers"),
        (bundles, {"url": away}, 503, "away"),
    ):
        found = ask(api=api, store=store).get("/ready")
        assert (found.status_code, found.json()["store"]) == (code, state)
        assert found.json()["ready"] is (code == 200)


def test_a_model_that_appears_is_loaded(ask: Make, bundles: dict[str, str], tmp_path: Path) -> None:
    place = tmp_path / "runtime.wattq"
    client = ask(api={"runtime_model": str(place)})
    assert client.get("/ready").status_code == 503
    shutil.copy(bundles["runtime_model"], place)
    client.run(client.service.reload())
    assert client.get("/ready").status_code == 200
    first = client.get("/model/info").json()["model_version"]
    assert first.startswith("user-quantiles@")
    place.write_bytes(place.read_bytes()[:-100])
    client.run(client.service.reload())
    assert client.get("/model/info").json()["model_version"] == first


def test_a_damaged_model_is_refused_at_the_start(settings_for: Make, bundles: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "x.wattq").write_bytes(b"nothing")
    with pytest.raises(SurrogateError, match="not a bundle"):
        make_service(settings_for(api={"runtime_model": str(tmp_path / "x.wattq")}))
    with pytest.raises(SurrogateError, match="of kind 'energy', where one of kind 'runtime' is needed"):
        make_service(settings_for(api={"runtime_model": bundles["energy_model"]}))


def test_model_info(ask: Make, bundles: dict[str, str]) -> None:
    info = ask(api=bundles).get("/model/info").json()
    assert info["runtime"]["data"] == {"source": "made-up", "sha256": "0" * 64, "jobs": 400, "synthetic": True}
    assert info["energy"]["label_source"] == "synthetic"
    assert info["model_version"] == f"{info['runtime']['version']}+{info['energy']['version']}"
    assert info["node_power"] == {"at_0_percent": 150.0, "at_50_percent": 300.0, "at_100_percent": 450.0}
    assert ask().get("/model/info").json()["runtime"] is None


def test_recent_jobs(ask: Make, tmp_path: Path) -> None:
    url = str(tmp_path / "store.db")
    with open_store(url) as store:
        rows = [
            {"time": 1e9 + k, "job_id": str(k), "energy_j": 3600.0 * k, "energy_source": "modelled"} for k in range(60)
        ]
        store.write("job_metrics", rows)
    client = ask(store={"url": url})
    found = client.get("/jobs/recent").json()
    assert found["count"] == len(found["jobs"]) == 50
    assert [job["job_id"] for job in found["jobs"]][:2] == ["59", "58"]
    assert found["jobs"][0]["estimated_energy_wh"] == 59.0
    assert [job["job_id"] for job in client.get("/jobs/recent?limit=1").json()["jobs"]] == ["59"]
    assert client.get("/jobs/recent?limit=1000").json()["count"] == 60
    for limit in (0, 1001, "x"):
        assert client.get(f"/jobs/recent?limit={limit}").status_code == 422
    without = ask().get("/jobs/recent")
    assert (without.status_code, without.json()["detail"]) == (503, "no store is set (wattq api --store URL)")
    away = ask(store={"url": "postgresql://u:secret@127.0.0.1:1/x"}).get("/jobs/recent")
    assert away.status_code == 503
    assert "secret" not in away.text


def test_metrics_are_those_of_the_vocabulary(ask: Make, bundles: dict[str, str]) -> None:
    client = ask(api=bundles)
    client.post("/predict", {})
    client.post("/predict", {})
    client.get("/nowhere")
    client.ask("BREW", "/health")
    text = client.get("/metrics").text
    names = set(re.findall(r"^(\w+)[ {]", text, re.MULTILINE))
    assert all(find_metric(name) is not None for name in names)
    shown = {metric.name for name in names if (metric := find_metric(name)) is not None}
    assert shown == {metric.name for metric in metrics_of("api")}
    assert 'wattq_api_requests_total{code="200",method="POST",route="/predict"} 2.0' in text
    assert 'wattq_api_requests_total{code="404",method="GET",route="other"} 1.0' in text
    assert 'wattq_api_requests_total{code="405",method="other",route="/health"} 1.0' in text
    assert "wattq_api_cache_hits_total 1.0" in text
    assert "hpc_energy_api_model_loaded 1.0" in text
    assert 'wattq_api_request_duration_seconds_count{route="/predict"} 2.0' in text
    other = client.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert other.headers["content-type"].startswith("application/openmetrics-text")
    assert other.text.endswith("# EOF\n")


def test_every_route_has_both_names(ask: Make) -> None:
    client = ask()
    paths = set(client.get("/openapi.json").json()["paths"])
    plain = {path for path in ROUTES if path != "/openapi.json"}
    assert paths == plain | {f"/v1{path}" for path in plain}
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "<script" not in page.text
    for path in plain:
        assert f" {path}</code>" in page.text


def test_other_routes_and_methods(ask: Make) -> None:
    client = ask()
    for method, path, code in (
        ("GET", "/nowhere", 404),
        ("GET", "/predict", 405),
        ("PUT", "/health", 405),
        ("GET", "/v2/health", 404),
    ):
        found = client.ask(method, path)
        assert found.status_code == code
        assert set(found.json()) == {"detail", "request_id"}
    assert client.get("/predict").headers["allow"] == "POST"


def test_requests_have_numbers(ask: Make, capsys: pytest.CaptureFixture[str]) -> None:
    client = ask()
    capsys.readouterr()
    own = client.post("/predict", {"user": "ann"}, headers={"x-request-id": "job-17.a"})
    made = client.get("/health", headers={"x-request-id": 'bad "id"'})
    assert own.headers["x-request-id"] == own.json()["request_id"] == "job-17.a"
    assert re.fullmatch(r"[0-9a-f]{16}", made.headers["x-request-id"])
    assert made.headers["x-content-type-options"] == "nosniff"
    one, two = lines(capsys)
    assert (one["event"], one["request_id"], one["code"], one["route"]) == ("request", "job-17.a", 503, "/predict")
    assert (two["request_id"], two["method"], two["client"]) == (made.headers["x-request-id"], "GET", "127.0.0.1")
    assert "ann" not in json.dumps(one)


def test_a_failure_is_told_and_logged(
    ask: Make, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = ask()

    async def fail(job: Any) -> bytes:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(client.service, "predict", fail)
    capsys.readouterr()
    found = client.post("/predict", {})
    assert found.status_code == 500
    assert found.json()["detail"] == "the service failed; its log has this request_id"
    failed, request = lines(capsys)
    assert failed["request_id"] == request["request_id"] == found.json()["request_id"]
    assert "a secret of the inside" in failed["error"]
    assert "traceback" not in failed
    client.service.debug = True
    client.post("/predict", {})
    assert "RuntimeError" in lines(capsys)[0]["traceback"]


def test_the_cache_is_bounded_and_forgets() -> None:
    now = [0.0]
    cache = MemoryCache(300.0, 2, clock=lambda: now[0])
    cache.put("a", b"1")
    cache.put("b", b"2")
    assert cache.get("a") == b"1"
    cache.put("c", b"3")
    assert (cache.get("a"), cache.get("b"), cache.get("c"), len(cache)) == (b"1", None, b"3", 2)
    now[0] = 299.9
    cache.put("d", b"4", 10.0)
    assert (cache.get("c"), cache.get("d")) == (b"3", b"4")
    now[0] = 300.0
    assert (cache.get("c"), cache.get("d")) == (None, b"4")
    now[0] = 310.0
    assert cache.get("d") is None
    for empty in (MemoryCache(0.0, 10), MemoryCache(300.0, 0)):
        empty.put("a", b"1")
        assert empty.get("a") is None


def test_keys_are_stable() -> None:
    assert stable_key({"b": [1.0, None], "a": "é"}) == stable_key({"a": "é", "b": [1.0, None]})
    assert stable_key({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"  # sha256 of {}


def test_a_wrong_address_of_the_store_is_no_failure(ask: Make) -> None:
    client = ask(store={"url": "mysql://x"})
    assert client.get("/jobs/recent").status_code == 503
    assert client.get("/ready").json()["store"] == "away"


def test_settings_that_cannot_be_used(settings_for: Make, tmp_path: Path) -> None:
    from wattq.errors import PlatformError, SignalError

    with pytest.raises(PlatformError):
        make_service(settings_for(node={"node_idle_w": 500}))
    price = tmp_path / "price.csv"
    price.write_text("from,to,forecast,actual,region,unit\n2026-01-01T00:00Z,2026-01-01T01:00Z,,50,DE,EUR/MWh\n")
    with pytest.raises(SignalError, match="forecast model"):
        make_service(settings_for(api={"forecast": "guess"}, signals={"price": str(price)}))
    broken = tmp_path / "tokens.json"
    broken.write_text("{}x")
    with pytest.raises(TelemetryError, match="no file of tokens"):
        make_service(settings_for(api={"tokens": str(broken)}))


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from wattq.errors import MissingDependencyError
    from wattq.telemetry import api

    monkeypatch.setitem(sys.modules, "fastapi", None)
    with pytest.raises(MissingDependencyError, match=r"the HTTP API: needs fastapi, .* pip install 'wattq\[api\]'"):
        _ = api.create_app
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = api.nothing


@pytest.mark.parametrize("body", [b"", b"{}", b'{"duration_seconds": 60}'])
def test_what_the_cache_is_asked_is_what_the_route_is_asked(ask: Make, body: bytes) -> None:
    """The short way past the routes gives the bytes that the routes give."""
    client = ask()
    header = {"content-type": "application/json"}
    first, second = (client.ask("POST", "/predict", content=body, headers=header) for _ in range(2))
    assert first.status_code == second.status_code
    same = {**first.json(), "from_cache": True} if first.status_code == 200 else first.json() | {"request_id": ANY}
    assert second.json() == same
    assert set(first.headers) == set(second.headers)


def test_watching_goes_on_after_a_failure(
    ask: Make, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wattq.telemetry.api.service._WATCH_S", 0.001)
    client, calls = ask(), []

    async def reload() -> None:
        calls.append(1)
        raise RuntimeError("disk on fire")

    monkeypatch.setattr(client.service, "reload", reload)
    while len(calls) < 3:
        client.run(asyncio.sleep(0.01))
    failed = [line for line in lines(capsys) if line["event"] == "watching failed"]
    assert len(failed) >= 2
    assert failed[0]["error"] == "RuntimeError('disk on fire')"


def test_the_store_is_learned_from_when_it_has_something_new(
    ask: Make, bundles: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = str(tmp_path / "store.db")
    client = ask(api=bundles, store={"url": url})
    reads = []
    learn = client.service.records.learn

    async def counted(*, past: bool) -> Any:
        reads.append(past)
        return await learn(past=past)

    monkeypatch.setattr(client.service.records, "learn", counted)
    client.run(client.service.learn())
    assert (reads, client.get("/model/info").json()["history"]["jobs"]) == ([], 0)
    with open_store(url) as store:
        store.write(
            "job_metrics",
            [{"time": 1e9, "job_id": "1", "user_id": "ann", "duration_seconds": 60.0, "end_time": 1e9 + 60}],
        )
    client.run(client.service.learn())
    client.run(client.service.learn())
    assert (reads, client.get("/model/info").json()["history"]["jobs"]) == ([True], 1)
