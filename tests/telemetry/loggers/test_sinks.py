"""CSV by whole lines, Parquet at the end, the store by way of its spool."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from wattq.errors import MissingDependencyError, TelemetryError
from wattq.telemetry.loggers import Column, CsvSink, ParquetSink, StoreSink, spool_folder

COLUMNS = (Column("ts", digits=6), Column("power_w"), Column("name", "text"))


class Sample:
    """Rows given by the test."""

    def __init__(self, *rows: tuple[Any, ...]) -> None:
        self._rows = list(rows)

    def rows(self) -> list[Any]:
        return self._rows

    def records(self) -> dict[str, list[Any]]:
        return {
            "power_samples": [
                {"time": time, "node_id": "n", "device": name, "power_w": power} for time, power, name in self._rows
            ],
            "node_metrics": [],
        }


def test_a_line_is_there_as_soon_as_it_is_written(tmp_path: Path) -> None:
    sink = CsvSink(tmp_path / "new" / "a.csv", COLUMNS)
    file = tmp_path / "new" / "a.csv"
    assert file.read_text(encoding="utf-8") == "ts,power_w,name\n"
    sink.write(Sample((1.5, 100.0, "a"), (1.5, None, 'b,"c"')))
    assert file.read_text(encoding="utf-8") == 'ts,power_w,name\n1.5,100,a\n1.5,,"b,""c"""\n'
    assert sink.close() == f"2 rows in {file}"


@pytest.mark.parametrize(
    ("cell", "digits", "text"),
    [
        (1795304746.7090442, 6, "1795304746.709044"),
        (0.0, 3, "0"),
        (-1.25, 1, "-1.2"),
        (100.0, 0, "100"),
        (0.5, 3, "0.5"),
    ],
)
def test_numbers_are_as_short_as_they_can_be(cell: float, digits: int, text: str) -> None:
    assert Column("x", digits=digits).text(cell) == text


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("mine\n", encoding="utf-8")
    with pytest.raises(TelemetryError, match="is there already; name another file, or go on with it by --append"):
        CsvSink(file, COLUMNS)
    with pytest.raises(TelemetryError, match="has other columns than ts,power_w,name"):
        CsvSink(file, COLUMNS, append=True)
    assert file.read_text(encoding="utf-8") == "mine\n"


@pytest.mark.parametrize("torn", ["", "2,20", "2,200,b", "x" * 10_000])
def test_going_on_cuts_off_a_torn_line(tmp_path: Path, torn: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text("ts,power_w,name\n1,100,a\n" + torn, encoding="utf-8")
    sink = CsvSink(file, COLUMNS, append=True)
    sink.write(Sample((3.0, 300.0, "c")))
    sink.close()
    assert file.read_text(encoding="utf-8") == "ts,power_w,name\n1,100,a\n3,300,c\n"


@pytest.mark.parametrize("content", [None, "", "ts,pow"])
def test_going_on_with_nothing_begins(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "a.csv"
    if content is not None:
        file.write_text(content, encoding="utf-8")
        with pytest.raises(TelemetryError, match="is there already"):
            CsvSink(file, COLUMNS)
    CsvSink(file, COLUMNS, append=True).close()
    assert file.read_text(encoding="utf-8") == "ts,power_w,name\n"


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(TelemetryError, match="cannot be written"):
        CsvSink(tmp_path / "file" / "a.csv", COLUMNS)
    with pytest.raises(TelemetryError, match="cannot be appended to"):
        CsvSink(tmp_path, COLUMNS, append=True)


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = CsvSink(tmp_path / "a.csv", COLUMNS)

    def full(file: int, data: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(TelemetryError, match=r"a.csv: cannot be written \(No space left on device\)"):
        sink.write(Sample((1.0, 1.0, "a")))


def test_writes_in_pieces_are_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, bytes(data)[:3]))
    sink = CsvSink(tmp_path / "a.csv", COLUMNS)
    sink.write(Sample((1.0, 1.0, "abcdefgh")))
    assert (tmp_path / "a.csv").read_text(encoding="utf-8") == "ts,power_w,name\n1,1,abcdefgh\n"


def test_parquet_appears_at_the_end_in_groups(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    file = tmp_path / "new" / "a.parquet"
    sink = ParquetSink(file, COLUMNS, group=2)
    for k in range(5):
        sink.write(Sample((float(k), None if k == 3 else 10.0 * k, "a")))
    assert not file.exists()
    assert sink.close() == f"5 rows in {file}"
    assert parquet.ParquetFile(file).metadata.num_row_groups == 3
    table = parquet.read_table(file)
    assert table.to_pydict() == {
        "ts": [0.0, 1.0, 2.0, 3.0, 4.0],
        "power_w": [0.0, 10.0, 20.0, None, 40.0],
        "name": ["a"] * 5,
    }
    assert list(file.parent.iterdir()) == [file]


def test_counts_are_whole_in_parquet(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    sink = ParquetSink(tmp_path / "a.parquet", (Column("gpu_index", "whole"),))
    sink.write(Sample((1.0,), (None,)))
    sink.close()
    assert parquet.read_table(tmp_path / "a.parquet").to_pydict() == {"gpu_index": [1, None]}
    assert Column("gpu_index", "whole").text(7.0) == "7"


def test_parquet_without_rows_has_its_columns(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    ParquetSink(tmp_path / "a.parquet", COLUMNS).close()
    assert parquet.read_table(tmp_path / "a.parquet").column_names == ["ts", "power_w", "name"]


def test_parquet_over_a_file(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "a.parquet").write_text("mine", encoding="utf-8")
    with pytest.raises(TelemetryError, match="is there already; a Parquet file cannot grow"):
        ParquetSink(tmp_path / "a.parquet", COLUMNS)
    with pytest.raises(TelemetryError, match="cannot be written"):
        ParquetSink(tmp_path / "a.parquet" / "b.parquet", COLUMNS)


def test_parquet_without_its_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingDependencyError, match=r"needs pyarrow.*wattq\[parquet\]"):
        ParquetSink(tmp_path / "a.parquet", COLUMNS)


def test_the_store_gets_every_row_once(tmp_path: Path) -> None:
    from wattq.telemetry.store import open_store

    sink = StoreSink(str(tmp_path / "s.db"), tmp_path / "spool")
    for k in range(20):
        sink.write(Sample((float(k), 10.0 * k, "gpu0"), (float(k), None, "gpu1")))
    assert sink.close() == "40 rows for the store"
    with open_store(str(tmp_path / "s.db")) as store:
        rows = store.read("power_samples", where={"device": "gpu0"})
    assert sorted((row["time"], row["power_w"]) for row in rows) == [(float(k), 10.0 * k) for k in range(20)]


def test_a_store_that_is_away_keeps_rows_in_the_spool(tmp_path: Path) -> None:
    away = tmp_path / "away"
    away.write_text("no folder", encoding="utf-8")
    sink = StoreSink(str(away / "s.db"), tmp_path / "spool", patience_s=0.1)
    sink.write(Sample((1.0, 1.0, "a")))
    assert sink.close() == (
        f"1 rows for the store, 1 of them still in {tmp_path / 'spool'}, delivered when it is there again"
    )


def test_where_rows_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert spool_folder("/data/s.db", "") == Path("/data/s.db.spool")
    assert spool_folder("/data/s.db", "/var/spool/w") == Path("/var/spool/w")
    assert spool_folder("postgresql://u@h/d", "") == tmp_path / "wattq" / "spool"
