"""Addresses, versions of the schema, and everything that may be wrong with a place: one clear message each."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from live_postgres import free_port

from wattq.errors import MissingDependencyError, TelemetryError
from wattq.telemetry.store import Store, StoreAwayError, migrate, open_store
from wattq.telemetry.store.address import parse_address
from wattq.telemetry.store.schema import DESCRIPTIONS, METADATA, SCHEMA_VERSION


def problem(url: str, **options: Any) -> str:
    with pytest.raises(TelemetryError) as error:
        open_store(url, **options)
    assert error.value.exit_code == 2
    return str(error.value)


@pytest.mark.parametrize(
    ("form", "relative"),
    [
        ("{path}", False),
        ("sqlite:///{path}", False),
        ("sqlite+pysqlite:///{path}", False),
        ("s 100%.db", True),
        ("sqlite:///a/b.db", True),
    ],
)
def test_addresses_of_files(form: str, relative: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    url = form.format(path=tmp_path / "deep" / "er.db")
    with open_store(url) as store:
        store.write("node_metrics", [{"time": 1.0, "node_id": "n"}])
    place = tmp_path / ("s 100%.db" if "100" in form else "a/b.db") if relative else tmp_path / "deep" / "er.db"
    assert place.is_file()
    with open_store(str(place), create=False) as store:
        assert len(store.read("node_metrics")) == 1


def test_home_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert parse_address("~/x.db").path == Path("/home/ann/x.db")


def test_addresses_of_servers() -> None:
    address = parse_address(
        "postgres://ann:s%40cret@db.example:5433/wattq?sslmode=require&pool=2&prepare_threshold=none"
    )
    assert address.url is not None
    assert address.url.drivername == "postgresql+psycopg"
    assert (address.url.password, address.url.database) == ("s@cret", "wattq")
    assert dict(address.url.query) == {"sslmode": "require"}
    assert (address.pool, address.prepare_threshold) == (2, None)
    assert address.shown == "postgresql://ann:***@db.example:5433/wattq"
    plain = parse_address("postgresql://h/d")
    assert (plain.pool, plain.prepare_threshold) == (5, 5)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "names no file; give the path of an SQLite file"),
        ("  ", "names no file"),
        (":memory:", "names no file"),
        ("sqlite://", "names no file"),
        ("sqlite:///", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("a\0b", "names no file"),
        ("mysql://ann:secret@h/d", "store 'mysql://...': no kind of store"),
        ("http://h/", "no kind of store"),
        ("postgresql://h", "names no database"),
        ("postgresql://h/", "names no database"),
        ("postgresql://h:port/d", "cannot be understood"),
        ("postgresql://ann:secret@h/d?pool=0", "pool=0: must be a whole number from 1 to 1000"),
        ("postgresql://h/d?pool=x", "pool=x: must be"),
        ("postgresql://h/d?prepare_threshold=often", "prepare_threshold=often: must be"),
    ],
)
def test_wrong_addresses(url: str, words: str) -> None:
    said = problem(url)
    assert words in said
    assert "secret" not in said


def test_a_server_that_does_not_answer() -> None:
    with pytest.raises(StoreAwayError, match="cannot open it now") as error:
        open_store(f"postgresql://ann:secret@127.0.0.1:{free_port()}/wattq")
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.service
def test_a_database_that_is_not_there(postgres: Any) -> None:
    with pytest.raises(TelemetryError, match='database "nowhere" does not exist'):
        open_store(postgres.url("nowhere"))
    with pytest.raises(TelemetryError, match="open it"):
        open_store(f"{postgres.url()}?no_such_option=1")


@pytest.mark.service
def test_an_account_without_rights(postgres: Any) -> None:
    url = postgres.database()
    with open_store(url) as store, store.engine.begin() as connection:
        connection.execute(sa.text("DROP ROLE IF EXISTS reader"))
        connection.execute(sa.text("CREATE ROLE reader LOGIN"))
    reading = url.replace("wattq@", "reader@")
    with pytest.raises(TelemetryError, match="permission denied"):
        open_store(reading)
    with open_store(url) as store, store.engine.begin() as connection:
        connection.execute(sa.text("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"))
    with open_store(reading, create=False) as store:
        assert len(store.read("workload_patterns")) == 4
        with pytest.raises(TelemetryError, match=r"cannot write node_metrics .*permission denied"):
            store.write("node_metrics", [{"time": 1.0, "node_id": "n"}])


def test_libraries_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingDependencyError, match=r"a store in PostgreSQL: needs psycopg.*wattq\[telemetry\]"):
        open_store("postgresql://h/d")


def test_without_sqlalchemy_one_message() -> None:
    code = (
        "import sys; sys.modules['sqlalchemy'] = None\n"
        "from wattq.cli import main; main(['telemetry', 'store', 'show', '--store', 'x.db'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        "wattq: error: the store: needs sqlalchemy, which is not installed; pip install 'wattq[telemetry]'\n"
    )


def test_places_that_are_no_store(tmp_path: Path) -> None:
    assert "is no file; name a file" in problem(str(tmp_path))
    (tmp_path / "text").write_text("no database " * 100, encoding="utf-8")
    assert "is no SQLite file; choose another path" in problem(str(tmp_path / "text"))
    assert "is no SQLite file; choose another path" in problem(str(tmp_path / "text"), create=False)
    assert "cannot be made or opened" in problem(str(tmp_path / "text" / "store.db"))
    absent = tmp_path / "absent.db"
    assert "is not there; make it with 'wattq telemetry store init'" in problem(str(absent), create=False)
    assert not absent.exists()


def test_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with open_store(str(path)) as store:
        store.write("node_metrics", [{"time": float(k), "node_id": "n" * 100} for k in range(2000)])
    data = bytearray(path.read_bytes())
    data[4096 * 5 : 4096 * 60] = b"\xff" * (4096 * 55)
    path.write_bytes(data)

    def read_all() -> None:
        with open_store(str(path), create=False) as store:
            for name in DESCRIPTIONS:
                store.read(name)

    with pytest.raises(TelemetryError, match=r"malformed|not a database|corrupt"):
        read_all()


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_a_folder_that_cannot_be_written() -> None:
    assert "cannot be made or opened" in problem("/proc/store.db")


READING = """
import os, sys
from wattq.cli import main
from wattq.telemetry.store import open_store
def run(*words):
    try:
        main(["telemetry", "store", *words])
    except SystemExit as end:
        print(end.code, file=sys.stderr, flush=True)
for words in (["init"], ["show"], ["maintain"]):
    run(*words, "--store", sys.argv[2])
print("----", file=sys.stderr, flush=True)
if os.geteuid() == 0:
    os.setuid(65534)
for name in ("here.db", "absent.db"):
    for command in ("init", "show", "maintain"):
        run(command, "--store", f"{sys.argv[1]}/{name}")
"""


def test_a_folder_that_may_only_be_read(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        open_store(str(folder / "here.db")).close()
        folder.chmod(0o555)
        words = [sys.executable, "-c", READING, name, str(tmp_path / "other.db")]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        folder.chmod(0o755)
    before, _, after = done.stderr.partition("----\n")
    assert before == "0\n" * 3
    lines = after.splitlines()
    here = (
        f"wattq: error: store {folder}/here.db: cannot open it, the file or its folder is read-only; mend permissions"
    )
    assert lines[:6] == [here, "2"] * 3
    assert "cannot be made or opened (unable to open database file)" in lines[6]
    assert [line for line in lines if not line.startswith("wattq: error: ")] == ["2"] * 6
    assert "is not there" in lines[8]


def test_a_file_that_may_only_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "store.db"
    with open_store(str(path)) as store:
        store.write("node_metrics", [{"time": 1.0, "node_id": "n"}])
        with store.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA query_only=ON")
        with pytest.raises(TelemetryError, match="is read-only; mend permissions"):
            store.write("node_metrics", [{"time": 2.0, "node_id": "n"}])


def test_a_later_schema(place: Any) -> None:
    with open_store(place.url) as store, store.engine.begin() as connection:
        connection.execute(sa.text("UPDATE wattq_schema_version SET version_num = '9999'"))
    for create in (True, False):
        said = problem(place.url, create=create)
        assert f"its schema has version 9999, this program knows {SCHEMA_VERSION} at most; upgrade wattq" in said


def test_a_database_without_tables(place: Any) -> None:
    if place.kind == "sqlite":
        sqlite3.connect(place.url).execute("CREATE TABLE other (x)").connection.close()
    assert "holds no tables of wattq; run 'wattq telemetry store init'" in problem(place.url, create=False)
    with open_store(place.url) as store:
        assert len(store.read("workload_patterns")) == 4


def test_a_foreign_table_of_the_same_name(place: Any) -> None:
    """Nothing is made beside what somebody else has, and it stays as it was."""
    if place.kind == "sqlite":
        connection = sqlite3.connect(place.url)
        connection.execute("CREATE TABLE thermal_events (x)")
        connection.close()
        names = "SELECT count(*) FROM sqlite_master WHERE type = 'table'"
    else:
        import psycopg

        with psycopg.connect(place.url.partition("&pool")[0], autocommit=True, prepare_threshold=None) as server:
            server.execute("CREATE TABLE thermal_events (x TEXT)")
        names = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
    assert "already exists" in problem(place.url)
    from wattq.telemetry.store.engine import make_engine

    engine = make_engine(parse_address(place.url))
    with engine.connect() as found:
        assert found.execute(sa.text(names)).scalar() == 1
    engine.dispose()


def test_migrations_make_what_the_schema_describes(store: Store) -> None:
    """Alembic's own comparison of the tables that migrations made and the MetaData finds no difference."""
    rollups = ("job_metrics_hourly", "energy_efficiency_daily")

    def compared(name: str | None, kind: str, parents: Any) -> bool:
        if kind != "table":
            return True
        return name in METADATA.tables and not (store.flavor == "timescaledb" and name in rollups)

    options = {"include_name": compared, "compare_type": True, "version_table": migrate.VERSION_TABLE}
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        differences = compare_metadata(context, METADATA)
    if store.flavor == "timescaledb":
        differences = [found for found in differences if not (found[0] == "add_table" and found[1].name in rollups)]
        differences = [found for found in differences if found[0] != "add_index" or found[1].table.name not in rollups]
    assert differences == []


def test_computed_columns_are_as_described(sqlite_store: Store) -> None:
    with sqlite_store.engine.connect() as connection:
        for table in METADATA.tables.values():
            made = connection.execute(
                sa.text("SELECT sql FROM sqlite_master WHERE name = :n"), {"n": table.name}
            ).scalar()
            for column in table.columns:
                if column.computed is not None:
                    assert f"{column.name} DOUBLE GENERATED ALWAYS AS ({column.computed.sqltext}) STORED" in str(made)


def test_versions_are_one_line() -> None:
    script = ScriptDirectory(str(migrate.MIGRATIONS))
    assert script.get_heads() == [SCHEMA_VERSION]
    assert {revision.revision for revision in script.walk_revisions()} == migrate.known_versions()


def test_migrations_of_a_later_version_are_applied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older store becomes the latest when it is opened, keeps its rows, and stays as it was when that fails."""
    path = str(tmp_path / "store.db")
    with open_store(path) as store:
        store.write("node_metrics", [{"time": 1.0, "node_id": "n"}])
    folder = tmp_path / "migrations"
    import shutil

    shutil.copytree(migrate.MIGRATIONS, folder)
    later = folder / "versions" / "v0002_more.py"
    text = 'from alembic import op\nrevision = "0002"\ndown_revision = "0001"\n\n\ndef upgrade() -> None:\n'
    text += '    op.execute("CREATE TABLE later (x)")\n'
    later.write_text(text + '    raise ValueError("no more")\n', encoding="utf-8")
    monkeypatch.setattr(migrate, "MIGRATIONS", folder)
    monkeypatch.setattr(migrate, "SCHEMA_VERSION", "0002")
    monkeypatch.setattr("wattq.telemetry.store.store.SCHEMA_VERSION", "0002")
    assert "has the older schema 0001; run 'wattq telemetry store init'" in problem(path, create=False)
    with pytest.raises(ValueError, match="no more"):
        open_store(path)
    later.write_text(text, encoding="utf-8")
    with open_store(path) as store, store.engine.connect() as connection:
        assert len(store.read("node_metrics")) == 1
        assert connection.execute(sa.text("SELECT version_num FROM wattq_schema_version")).scalar() == "0002"
        assert connection.execute(sa.text("SELECT count(*) FROM later")).scalar() == 0
