"""The files of the stack as the programs that read them see them: promtool, amtool, docker-compose, psql, sh."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from grafana_panels import OPS
from live_postgres import postgres_server
from live_prometheus import program

from wattq.telemetry.ops import write_stack

pytestmark = pytest.mark.service

GIVEN = {
    "POSTGRES_PASSWORD": "a'b$c",
    "GRAFANA_DB_PASSWORD": "d'e\"f",
    "REDIS_PASSWORD": "ghi",
    "GRAFANA_ADMIN_PASSWORD": "jkl",
    "ALERT_WEBHOOK_URL": "http://127.0.0.1:9/x",
    "STACK_USER": "1000:1000",
}


def run(words: list[str], folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder with this environment alone, and PATH."""
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), **environ}
    return subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)


def test_promtool_accepts_what_is_written(tmp_path: Path) -> None:
    promtool = program("promtool")
    write_stack(tmp_path, {"node": ["n1:9301", "[fd00::1]:9301"]})
    folder = tmp_path / "prometheus"
    for words in (["check", "config", "prometheus.yml"], ["check", "rules", "alerts.yml", "recording.yml"]):
        done = run([promtool, *words], folder)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "WARN" not in done.stdout + done.stderr
    assert "18 rules found" in done.stdout


@pytest.mark.parametrize("file", ["alerts_test.yml", "recording_test.yml"])
def test_promtool_rule_tests_pass(tmp_path: Path, file: str) -> None:
    promtool = program("promtool")
    write_stack(tmp_path)
    done = run([promtool, "test", "rules", file], tmp_path / "prometheus")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("change", "by"),
    [
        ("> 80\n", "> 81\n"),
        ("> 80\n", ">= 80\n"),
        ("for: 2m", "for: 1m"),
        ("for: 2m", "for: 3m"),
        ("> 0.1\n", "> 0.2\n"),
    ],
)
def test_promtool_rule_tests_see_a_change(tmp_path: Path, change: str, by: str) -> None:
    promtool = program("promtool")
    write_stack(tmp_path)
    alerts = tmp_path / "prometheus" / "alerts.yml"
    text = alerts.read_text(encoding="utf-8")
    assert change in text
    alerts.write_text(text.replace(change, by), encoding="utf-8")
    assert run([promtool, "test", "rules", "alerts_test.yml"], alerts.parent).returncode == 1


def test_amtool_accepts_the_routes() -> None:
    done = run([program("amtool"), "check-config", "alertmanager.yml"], OPS / "alertmanager")
    assert done.returncode == 0, done.stdout + done.stderr


def test_compose_validates() -> None:
    compose = [program("docker-compose"), "-f", str(OPS / "compose" / "docker-compose.yml")]
    done = run([*compose, "--profile", "node", "--profile", "slurm", "config"], OPS / "compose", **GIVEN)
    assert done.returncode == 0, done.stderr
    services = yaml.safe_load(done.stdout)["services"]
    assert len(services) == 8
    assert services["api"]["environment"]["PGPASSWORD"] == GIVEN["POSTGRES_PASSWORD"].replace("$", "$$")


@pytest.mark.parametrize("name", GIVEN)
def test_compose_refuses_to_begin_without(name: str) -> None:
    compose = [program("docker-compose"), "-f", str(OPS / "compose" / "docker-compose.yml")]
    for value in ({}, {name: ""}):
        given = {key: text for key, text in GIVEN.items() if key != name} | value
        done = run([*compose, "config", "--quiet"], OPS / "compose", **given)
        assert done.returncode == 1
        assert "is not set, see .env.example" in done.stderr


def test_compose_refuses_the_example_as_it_is(tmp_path: Path) -> None:
    program("docker-compose")
    write_stack(tmp_path)
    folder = tmp_path / "compose"
    shutil.copy(folder / ".env.example", folder / ".env")
    assert run([program("docker-compose"), "config", "--quiet"], folder).returncode == 1
    filled = re.sub("^([A-Z_]+)=$", r"\1=http://x", (folder / ".env").read_text(), flags=re.MULTILINE)
    (folder / ".env").write_text(filled)
    done = run([program("docker-compose"), "config", "--quiet"], folder)
    assert done.returncode == 0, done.stderr


def test_grafana_gets_a_role_that_reads_alone() -> None:
    """The script of the database container, on a real PostgreSQL: the role reads what is made later, writes nothing."""
    psql = program("psql")
    import psycopg

    with postgres_server() as server:
        url = server.database()
        place = {"PGHOST": "127.0.0.1", "PGPORT": str(server.port), "POSTGRES_USER": "wattq"}
        place |= {"POSTGRES_DB": url.rpartition("/")[2], "PATH": f"{Path(psql).parent}:{os.environ['PATH']}"}
        script = ["sh", str(OPS / "compose" / "database" / "reader.sh")]
        assert run(script, OPS, **place).returncode != 0
        done = run(script, OPS, **place, GRAFANA_DB_PASSWORD=GIVEN["GRAFANA_DB_PASSWORD"])
        assert done.returncode == 0, done.stderr
        with psycopg.connect(url, autocommit=True) as owner:
            owner.execute("CREATE TABLE later AS SELECT 1 AS n")
            (stored,) = owner.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'grafana'").fetchone() or ("",)
        assert stored.startswith("SCRAM-SHA-256$")
        with psycopg.connect(url.replace("wattq@", "grafana@"), autocommit=True) as reader:
            assert reader.execute("SELECT n FROM later").fetchone() == (1,)
            for statement in ("INSERT INTO later VALUES (2)", "DROP TABLE later", "CREATE TABLE mine (n int)"):
                with pytest.raises(psycopg.Error):
                    reader.execute(statement)
            reader.execute("SET default_transaction_read_only = off")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute("INSERT INTO later VALUES (2)")


START = ["sh", str(OPS / "alertmanager" / "start.sh"), str(OPS / "alertmanager" / "alertmanager.yml")]
# The program that start.sh would begin: prints the configuration that it is given, and its environment.
SHOWS = ["sh", "-c", 'cat "${1#--config.file=}"; ls -l "${1#--config.file=}"; env', "alertmanager"]


@pytest.mark.parametrize("url", ["https://x.example/a?b=1&c=2|$(id)`id`", "http://x"])
def test_start_puts_the_address_in(tmp_path: Path, url: str) -> None:
    (tmp_path / "file").write_text(url)
    for given in ({"ALERT_WEBHOOK_URL": url}, {"ALERT_WEBHOOK_URL_FILE": str(tmp_path / "file")}):
        done = run([*START, *SHOWS], tmp_path, TMPDIR=str(tmp_path), **given)
        assert done.returncode == 0, done.stderr
        content, _, rest = done.stdout.partition("-rw-------")
        assert yaml.safe_load(content)["receivers"][0]["webhook_configs"][0]["url"] == url
        assert rest
        assert "ALERT_WEBHOOK_URL" not in rest


@pytest.mark.parametrize("url", ["", "ftp://x", "http://", 'http://x"', "http://a b", "x"])
def test_start_refuses_what_is_no_address(tmp_path: Path, url: str) -> None:
    (tmp_path / "file").write_text(url)
    for given in ({"ALERT_WEBHOOK_URL": url}, {"ALERT_WEBHOOK_URL_FILE": str(tmp_path / "file")}, {}):
        done = run([*START, *SHOWS], tmp_path, TMPDIR=str(tmp_path), **given)
        assert done.returncode == 2
        assert done.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_scripts_pass_shellcheck() -> None:
    shellcheck = program("shellcheck")
    scripts = [str(path) for path in OPS.rglob("*.sh")]
    assert len(scripts) == 2
    done = run([shellcheck, *scripts], OPS)
    assert done.returncode == 0, done.stdout
