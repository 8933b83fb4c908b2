"""Who may ask, how often, and how much."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from wattq.errors import TelemetryError
from wattq.telemetry.api import create_token, make_service, read_tokens, revoke_token
from wattq.telemetry.api.access import Buckets, Keyring
from wattq.telemetry.api.process import check_address
from wattq.telemetry.api.tokens import matches, split_token

Make = Callable[..., Any]

JSON = {"content-type": "application/json"}


@pytest.fixture
def ask(client_of: Make, settings_for: Make) -> Make:
    def make(caller: str = "127.0.0.1", **sections: Any) -> Any:
        return client_of(make_service(settings_for(**sections)), caller=caller)

    return make


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_tokens_are_hashed_at_rest(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    token = create_token(path, "slurm")
    text = path.read_text()
    parts = split_token(token)
    assert parts is not None
    assert parts.secret not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (entry,) = read_tokens(path)
    assert (entry.id, entry.name) == (parts.id, "slurm")
    assert matches(entry, parts.secret)
    assert not matches(entry, parts.secret[:-1] + ("A" if parts.secret[-1] != "A" else "B"))
    other = create_token(path, "grafana")
    assert other != token
    salts = [each["salt"] for each in json.loads(path.read_text())["tokens"]]
    assert len(set(salts)) == 2


def test_files_of_tokens_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    create_token(path, "a")
    with pytest.raises(TelemetryError, match="there is a token of the name 'a'"):
        create_token(path, "a")
    with pytest.raises(TelemetryError, match="token name"):
        create_token(path, "a/b")
    with pytest.raises(TelemetryError, match="no token 'c'; there are: a"):
        revoke_token(path, "c")
    path.chmod(0o620)
    with pytest.raises(TelemetryError, match="chmod 600"):
        read_tokens(path)
    path.chmod(0o600)
    for text in ("", "[]", '{"format": "wattq tokens", "tokens": [{}]}', "\x00"):
        path.write_text(text)
        with pytest.raises(TelemetryError, match="no file of tokens"):
            read_tokens(path)


@pytest.mark.parametrize("path", ["/predict", "/v1/predict", "/predict/batch", "/schedule/recommend"])
def test_a_token_is_needed(ask: Make, tmp_path: Path, path: str) -> None:
    tokens = str(tmp_path / "tokens.json")
    token = create_token(tokens, "a")
    client = ask(api={"tokens": tokens})
    wrong = token[:-1] + ("A" if token[-1] != "A" else "B")
    unknown = "wattq_" + "0" * 12 + token[18:]
    for headers in ({}, bearer(wrong), bearer(unknown), bearer("é"), {"authorization": f"Basic {token}"}, bearer("")):
        found = client.post(path, {}, headers={k: v.encode("latin-1") for k, v in headers.items()})
        assert found.status_code == 401
        assert found.headers["www-authenticate"] == 'Bearer realm="wattq"'
        assert set(found.json()) == {"detail", "request_id"}
    assert client.post(path, {}, headers=bearer(token)).status_code in (200, 422)


def test_what_asks_for_a_token(ask: Make, tmp_path: Path) -> None:
    tokens = str(tmp_path / "tokens.json")
    create_token(tokens, "a")
    client = ask(api={"tokens": tokens})
    codes = {
        path: client.get(path).status_code
        for path in ("/", "/health", "/ready", "/metrics", "/openapi.json", "/nowhere", "/model/info", "/jobs/recent")
    }
    assert codes == {
        "/": 200,
        "/health": 503,
        "/ready": 503,
        "/metrics": 200,
        "/openapi.json": 200,
        "/nowhere": 404,
        "/model/info": 401,
        "/jobs/recent": 401,
    }
    assert client.get("/recommend/schedule?duration=60").status_code == 401


def test_a_file_without_tokens_lets_nobody_in(ask: Make, tmp_path: Path) -> None:
    client = ask(api={"tokens": str(tmp_path / "none.json")})
    assert client.post("/predict", {}, headers=bearer("x")).status_code == 401


def test_a_cached_answer_needs_a_token_too(ask: Make, tmp_path: Path) -> None:
    tokens = str(tmp_path / "tokens.json")
    token = create_token(tokens, "a")
    client = ask(api={"tokens": tokens})
    assert client.post("/predict", {}, headers=bearer(token)).json()["from_cache"] is False
    assert client.post("/predict", {}, headers=bearer(token)).json()["from_cache"] is True
    assert client.post("/predict", {}).status_code == 401


def test_revoked_tokens_are_refused(ask: Make, tmp_path: Path) -> None:
    tokens = str(tmp_path / "tokens.json")
    one, two = create_token(tokens, "one"), create_token(tokens, "two")
    client = ask(api={"tokens": tokens})
    assert [client.post("/predict", {}, headers=bearer(each)).status_code for each in (one, two)] == [200, 200]
    revoke_token(tokens, "one")
    three = create_token(tokens, "three")
    client.run(client.service.reload())
    codes = [client.post("/predict", {}, headers=bearer(each)).status_code for each in (one, two, three)]
    assert codes == [401, 200, 200]
    Path(tokens).write_text("damaged")
    client.run(client.service.reload())
    assert client.post("/predict", {}, headers=bearer(two)).status_code == 200


def test_a_token_is_hashed_slowly_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = tmp_path / "tokens.json"
    token = create_token(tokens, "a")
    ring, calls = Keyring(read_tokens(tokens)), []

    def counted(entry: Any, secret: str) -> bool:
        calls.append(secret)
        return matches(entry, secret)

    monkeypatch.setattr("wattq.telemetry.api.access.matches", counted)

    async def verify() -> None:
        assert ring.known(token) is None
        for _ in range(3):
            assert await ring.verify(token) == read_tokens(tokens)[0].id
        assert ring.known(token) is not None
        assert await ring.verify("wattq_" + "0" * 12 + token[18:]) is None

    asyncio.run(verify())
    assert len(calls) == 1
    assert token not in repr(vars(ring))


def test_buckets() -> None:
    now = [0.0]
    buckets = Buckets(2.0, 3, clock=lambda: now[0], most=2)
    assert [buckets.take("a") for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert buckets.take("b") == 0.0
    now[0] = 0.5
    assert buckets.take("a") == 0.0
    assert buckets.take("a") == 0.5
    now[0] = 100.0
    assert [buckets.take("a") for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    buckets.take("c")
    buckets.take("d")
    assert buckets.take("a") == 0.0
    assert [Buckets.retry_after(wait_s) for wait_s in (0.01, 1.0, 1.2)] == ["1", "1", "2"]


def test_too_many_requests(ask: Make, tmp_path: Path) -> None:
    tokens = str(tmp_path / "tokens.json")
    one, two = create_token(tokens, "one"), create_token(tokens, "two")
    client = ask(api={"tokens": tokens, "rate_per_s": 0.01, "burst": 3})
    # The first request of a token counts for the address, which does not know it yet.
    codes = [client.post("/predict", {}, headers=bearer(one)).status_code for _ in range(5)]
    assert codes == [200, 200, 200, 200, 429]
    found = client.post("/predict", {}, headers=bearer(one))
    assert 1 <= int(found.headers["retry-after"]) <= 100
    assert client.post("/predict", {}, headers=bearer(two)).status_code == 200
    assert [client.post("/predict", {}).status_code for _ in range(2)] == [401, 429]
    assert {client.get(path).status_code for path in ("/health", "/metrics") for _ in range(9)} == {200, 503}
    assert client.service.book.value("wattq_api_requests_total", ("/predict", "POST", "429")) == 3


def test_callers_do_not_share_a_bucket(ask: Make) -> None:
    client = ask(api={"rate_per_s": 0.01, "burst": 1})
    codes = []
    for address in ("10.0.0.1", "10.0.0.2", "10.0.0.1"):
        client.move(address)
        codes.append(client.post("/predict", {}).status_code)
    assert codes == [200, 200, 429]


def test_large_bodies(ask: Make) -> None:
    client = ask(api={"max_body_bytes": 1000})
    assert client.ask("POST", "/predict", content=b"{" + b" " * 998 + b"}", headers=JSON).status_code == 200
    found = client.ask("POST", "/predict", content=b" " * 1001, headers=JSON)
    assert (found.status_code, found.json()["detail"]) == (413, "the body is larger than 1000 bytes")


def test_large_bodies_in_pieces_are_not_read_to_their_end(ask: Make) -> None:
    client, told = ask(api={"max_body_bytes": 1000}), []

    async def pieces() -> AsyncIterator[bytes]:
        for number in range(100):
            told.append(number)
            yield b" " * 300

    found = client.ask("POST", "/predict", content=pieces(), headers=JSON)
    assert found.status_code == 413
    assert len(told) <= 5


def test_slow_bodies(ask: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wattq.telemetry.api.gate._BODY_TIMEOUT_S", 0.01)

    async def pieces() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(1.0)
        yield b"}"

    found = ask().ask("POST", "/predict", content=pieces(), headers=JSON)
    assert (found.status_code, found.json()["detail"]) == (408, "the body did not come in time")


def test_addresses_that_others_reach_need_tokens(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.json"
    for host in ("127.0.0.1", "127.8.0.1", "::1", "localhost"):
        check_address(host, "", no_tokens=False)
    for host in ("0.0.0.0", "::", "10.1.2.3", "node7"):
        with pytest.raises(TelemetryError, match="no file of tokens is set"):
            check_address(host, "", no_tokens=False)
        with pytest.raises(TelemetryError, match="holds none"):
            check_address(host, str(tokens), no_tokens=False)
        check_address(host, "", no_tokens=True)
    create_token(tokens, "a")
    check_address("0.0.0.0", str(tokens), no_tokens=False)
