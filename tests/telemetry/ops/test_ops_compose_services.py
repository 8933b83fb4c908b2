"""What the compose file says of its services, with the real programs in place of the containers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_panels import OPS
from live_postgres import free_port, postgres_server
from live_prometheus import begun, program, wait_until

from wattq.settings import load_settings
from wattq.telemetry.api.tokens import create_token

pytestmark = pytest.mark.service

PASSWORD = "x9Yz"


def services() -> dict[str, Any]:
    content = yaml.safe_load((OPS / "compose" / "docker-compose.yml").read_text(encoding="utf-8"))
    found: dict[str, Any] = content["services"]
    return found


def with_passwords(environment: dict[str, str]) -> dict[str, str]:
    """Return the variables of a container, with one password for all."""
    return {name: re.sub(r"\$\{\w+:[?-][^}]*\}", PASSWORD, value) for name, value in environment.items()}


def test_redis_asks_for_its_password(tmp_path: Path) -> None:
    """The command of the container, at another port."""
    program("redis-server")
    redis = services()["redis"]
    shell, option, line = redis["command"]
    port = free_port()
    line = line.replace("$$", "$").replace("redis-server ", f"redis-server --port {port} --dir '{tmp_path}' ", 1)
    env = {**os.environ, **with_passwords(redis["environment"])}
    process = subprocess.Popen([shell, option, line], env=env, stdout=subprocess.DEVNULL)
    try:
        check = redis["healthcheck"]["test"][1].replace("redis-cli", f"{program('redis-cli')} -p {port}")
        wait_until(lambda: subprocess.run(["sh", "-c", check], env=env, check=False).returncode == 0, 30)
        bare = {name: value for name, value in env.items() if name != "REDISCLI_AUTH"}
        assert subprocess.run(["sh", "-c", check], env=bare, check=False, capture_output=True).returncode == 1
    finally:
        process.terminate()
        process.wait(20)
    assert list(tmp_path.iterdir()) == []


def test_the_api_begins_as_compose_says(tmp_path: Path) -> None:
    """Its variables, with addresses of the test: the database asks for a password, the API for a token."""
    environment = with_passwords(services()["api"]["environment"])
    assert load_settings(None, {**environment, "HOME": "/nonexistent"}).store.url == "postgresql://wattq@database/wattq"
    assert services()["api"]["command"] == ["api"]
    token, port = create_token(tmp_path / "tokens", "test"), free_port()
    with postgres_server() as server:
        url = protected(server)
        given = {"WATTQ_STORE_URL": url, "WATTQ_API_HOST": "127.0.0.1", "WATTQ_API_PORT": str(port)}
        given |= {"WATTQ_API_TOKENS": str(tmp_path / "tokens"), "WATTQ_API_REDIS_URL": ""}
        given |= {"WATTQ_API_RUNTIME_MODEL": "", "WATTQ_API_ENERGY_MODEL": "", "WATTQ_CONFIG": ""}
        assert set(given) - {"WATTQ_CONFIG"} | {"PGPASSWORD"} == set(environment)
        words = [sys.executable, "-c", "from wattq.cli import main; main()", "api"]
        with begun(words, port, tmp_path / "api.log", "/metrics", {**os.environ, **environment, **given}) as api:
            assert api.get("/ready")["store"] == "answers"
            assert [status(port, word) for word in ("wrong", token)] == [401, 200]


def status(port: int, token: str) -> int:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/jobs/recent")
    request.add_header("Authorization", f"Bearer {token}")
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def protected(server: Any) -> str:
    """Let the server ask for the password; return the address of a database without it."""
    import psycopg

    url: str = server.database()
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(f"ALTER ROLE wattq PASSWORD '{PASSWORD}'")
        (server.folder / "data" / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")
        owner.execute("SELECT pg_reload_conf()")
    with pytest.raises(psycopg.OperationalError, match="password"):
        wait_until(lambda: psycopg.connect(url).close(), 10)
    return url
