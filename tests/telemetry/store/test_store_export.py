"""Rows as files, and the command line."""

from __future__ import annotations

import csv
import gzip
import importlib.util
import json
import lzma
import time
from pathlib import Path
from typing import Any

import pytest
from live_timescale import timescale_standin

from wattq.cli import main
from wattq.errors import MissingFileError, TelemetryError
from wattq.telemetry.store import SpooledWriter, Store, open_store
from wattq.telemetry.store.export import export_rows
from wattq.telemetry.store.schema import DESCRIPTIONS

DAY = 86400.0
T0 = 1_767_225_600.0  # 2026-01-01 UTC


@pytest.fixture
def filled(store: Store) -> Store:
    rows = [{"time": T0 + k * DAY, "job_id": str(k), "energy_j": 3600.0 * k} for k in range(5)]
    more = {"job_name": 'a "b", c\nd', "thermal_throttling": True, "cpu_cores": 4, "node_id": None}
    store.write("job_metrics", [*rows, {**rows[0], **more}])
    return store


def test_csv(filled: Store, tmp_path: Path) -> None:
    assert export_rows(filled, "job_metrics", tmp_path / "x.csv", since_s=T0, until_s=T0 + 2 * DAY) == 2
    with (tmp_path / "x.csv").open(newline="", encoding="utf-8") as file:
        first, second = csv.DictReader(file)
    assert tuple(first) == DESCRIPTIONS["job_metrics"].names
    assert (first["time"], first["job_name"], first["thermal_throttling"]) == ("1767225600.0", 'a "b", c\nd', "true")
    assert (second["energy_j"], second["estimated_energy_wh"], second["node_id"]) == ("3600.0", "1.0", "")


def test_packed_csv(filled: Store, tmp_path: Path) -> None:
    for name in ("a.csv", "a.csv.gz", "b.csv.gz", "a.csv.xz"):
        export_rows(filled, "job_metrics", tmp_path / name)
    plain = (tmp_path / "a.csv").read_bytes()
    assert plain.count(b"\n") == 1 + 5 + 1
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()) == plain
    assert lzma.decompress((tmp_path / "a.csv.xz").read_bytes()) == plain
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()


def test_parquet(filled: Store, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert export_rows(filled, "job_metrics", tmp_path / "x.parquet") == 5
    table = parquet.read_table(tmp_path / "x.parquet")
    assert tuple(table.column_names) == DESCRIPTIONS["job_metrics"].names
    assert table.to_pylist() == filled.read("job_metrics")
    assert export_rows(filled, "thermal_events", tmp_path / "empty.parquet") == 0
    assert parquet.read_table(tmp_path / "empty.parquet").num_rows == 0


def test_what_cannot_be_exported(sqlite_store: Store, tmp_path: Path) -> None:
    for name, out, words in (
        ("job_metrics", "x.txt", "the ending says what to write"),
        ("job_metrics", "x", "the ending says what to write"),
        ("job_metrics", "x.parquet.gz", "the ending says what to write"),
        ("jobs", "x.csv", "no table, roll-up or view 'jobs'"),
    ):
        with pytest.raises(TelemetryError, match=words):
            export_rows(sqlite_store, name, tmp_path / out)
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(MissingFileError, match="cannot be written"):
        export_rows(sqlite_store, "job_metrics", tmp_path / "file" / "x.csv")
    assert sorted(path.name for path in tmp_path.iterdir() if "store.db" not in path.name) == ["file"]


def test_an_export_that_fails_leaves_nothing(filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stream(*words: Any, **options: Any) -> Any:
        yield filled.read("job_metrics")
        raise TelemetryError("gone")

    monkeypatch.setattr(filled, "stream", stream)
    parquet = ("parquet",) if importlib.util.find_spec("pyarrow") else ()
    for ending in ("csv", "csv.gz", *parquet):
        with pytest.raises(TelemetryError, match="gone"):
            export_rows(filled, "job_metrics", tmp_path / f"x.{ending}")
    assert [path.name for path in tmp_path.glob("x.*")] == []


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        main(["telemetry", "store", *words])
    printed = capsys.readouterr()
    code = end.value.code
    return (code if isinstance(code, int) else 0), printed.out, printed.err


def test_commands(
    place: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATTQ_STORE_URL", place.url)
    monkeypatch.setenv("WATTQ_STORE_SPOOL", str(tmp_path / "spool"))
    code, out, err = run(capsys, "show")
    assert (code, out) == (2, "")
    assert "wattq telemetry store init" in err
    code, out, err = run(capsys, "init")
    assert (code, err) == (0, "")
    assert f"{place.kind}, schema 0001, 13 tables and views" in out
    old = time.time() - 40 * DAY
    rows = [{"time": old + k, "job_id": str(k), "job_state": "COMPLETED", "energy_j": 7200.0} for k in range(3)]
    with open_store(place.url) as store:
        store.write("job_metrics", rows)
    code, out, _ = run(capsys, "show", "--json")
    found = json.loads(out)
    assert (found["kind"], found["spool"]) == (place.kind, None)
    (jobs,) = [table for table in found["relations"] if table["name"] == "job_metrics"]
    assert (jobs["rows"], jobs["kept_days"]) == (3, 30)
    assert jobs["last_s"] - jobs["first_s"] == pytest.approx(2.0, abs=1e-5)
    assert run(capsys, "export", "job_metrics", "-o", str(tmp_path / "x.csv"))[1].startswith("3 rows of job_metrics")
    code, out, _ = run(capsys, "maintain")
    assert "job_metrics: 3 old rows removed\n" in out
    code, out, _ = run(capsys, "maintain", "--json")
    assert json.loads(out)["removed"]["job_metrics"] == 0
    code, out, _ = run(capsys, "show")
    assert "job_metrics                       0" in out
    assert "job_metrics_hourly                1  20" in out


def test_show_counts_what_waits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATTQ_STORE_URL", str(tmp_path / "store.db"))
    monkeypatch.setenv("WATTQ_STORE_SPOOL", str(tmp_path / "spool"))
    open_store(str(tmp_path / "store.db")).close()
    with SpooledWriter(str(tmp_path / "store.db" / "no"), tmp_path / "spool") as writer:
        writer.write("node_metrics", [{"time": T0, "node_id": "n"}] * 2)
        writer.close(0.0)
    code, out, _ = run(capsys, "show")
    assert code == 0
    assert out.endswith(f"waiting in {tmp_path / 'spool'}: 2 rows\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show"], "no store: name one with --store, or as store.url in the settings"),
        (["init", "--store", "mysql://h/d"], "no kind of store"),
        (["maintain", "--store", "absent.db"], "is not there"),
        (["export", "jobs", "-o", "x.csv", "--store", "s.db"], "no table, roll-up or view 'jobs'"),
        (["export", "job_metrics", "-o", "x.csv", "--store", "s.db", "--start", "soon"], "--start 'soon': no date"),
        (
            ["export", "job_metrics", "-o", "x.csv", "--store", "s.db", "--start", "2026-01-02", "--end", "2026-01-01"],
            "the end must be after the start",
        ),
        (["export", "workload_patterns", "-o", "x.csv", "--store", "s.db", "--start", "2026-01-02"], "has no date"),
    ],
)
def test_wrong_commands(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATTQ_STORE_URL", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    open_store("s.db").close()
    code, out, err = run(capsys, *words)
    assert (code, out) == (2, "")
    assert err.startswith("wattq: error: ")
    assert said in err
    assert err.count("\n") == 1
    assert not Path("x.csv").exists()


@pytest.mark.service
def test_init_says_that_timescale_could_be_had(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A server that offers the extension, in a database that does without; it does not come back after a DROP."""
    import psycopg

    with timescale_standin(tmp_path) as standin:
        url = standin.database()
        with psycopg.connect(url.partition("&pool")[0], autocommit=True, prepare_threshold=None) as connection:
            connection.execute("DROP EXTENSION timescaledb CASCADE")
        _, out, err = run(capsys, "init", "--store", url)
    assert "postgresql, schema 0001" in out
    assert "this server has TimescaleDB" in err
