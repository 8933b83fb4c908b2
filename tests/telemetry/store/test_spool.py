"""The folder of rows that wait: order, damage, limits, several processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wattq.errors import TelemetryError
from wattq.telemetry.store.spool import Position, Spool, SpoolFullError, pending_rows


def rows_of(spool: Spool) -> list[object]:
    """Read everything from the position on."""
    found: list[object] = []
    end, position = spool.end(), spool.position()
    while records := spool.read(position, 7):
        found += [row["n"] for record in records for row in record.rows]
        position = records[-1].end
    assert position == end
    return found


def files(spool: Spool) -> list[str]:
    return sorted(path.name for path in spool.folder.glob("rows-*.jsonl"))


def test_rows_come_in_the_order_they_went(tmp_path: Path) -> None:
    spool = Spool(tmp_path, segment_bytes=200)
    for n in range(50):
        spool.append("node_metrics", [{"n": n}])
    assert len(files(spool)) > 5
    assert rows_of(spool) == list(range(50))
    assert pending_rows(tmp_path) == 50


def test_the_next_process_goes_on(tmp_path: Path) -> None:
    Spool(tmp_path).append("t", [{"n": 1}, {"n": 2}])
    first = Spool(tmp_path)
    first.delivered(first.read(Position(1, 0), 1)[-1].end)
    first.append("t", [{"n": 3}])
    second = Spool(tmp_path)
    assert second.name == first.name
    assert rows_of(second) == [3]
    assert pending_rows(tmp_path) == 1


def test_files_that_were_delivered_are_removed(tmp_path: Path) -> None:
    spool = Spool(tmp_path, segment_bytes=100)
    for n in range(20):
        spool.append("t", [{"n": n}])
    spool.delivered(spool.read(spool.position(), 10)[-1].end)
    assert rows_of(spool) == list(range(10, 20))
    assert files(spool)[0] == f"rows-{spool.position().segment:010d}.jsonl"
    spool.delivered(spool.end())
    assert pending_rows(tmp_path) == 0
    assert sum((tmp_path / name).stat().st_size for name in files(spool)) <= 100 + 50
    spool.append("t", [{"n": 99}])
    assert rows_of(spool) == [99]


def test_a_line_cut_short_is_left_out_and_named(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append("t", [{"n": 1}])
    with (tmp_path / "rows-0000000001.jsonl").open("ab") as file:
        file.write(b'[1,"t",[{"n"')  # a power cut
    assert rows_of(spool) == [1]
    again = Spool(tmp_path)
    again.append("t", [{"n": 2}])
    assert rows_of(again) == [1, 2]
    (damaged,) = [record for record in again.read(Position(1, 0), 100) if record.damage]
    assert damaged.rows == []


def test_a_line_after_one_cut_short_is_whole(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append("t", [{"n": 1}])
    with (tmp_path / "rows-0000000001.jsonl").open("ab") as file:
        file.write(b'[1,"t",[{"n"')
    spool.append("t", [{"n": 2}])
    assert rows_of(spool) == [1, 2]


@pytest.mark.parametrize(
    "line", [b"", b"{}", b"[]", b'[2,"t",[{}]]', b'[1,"t",[1]]', b"\xff\xfe", b"[" * 100_000, b'[1,2,"t"]', b"NaN"]
)
def test_damaged_lines(tmp_path: Path, line: bytes) -> None:
    spool = Spool(tmp_path)
    spool.append("t", [{"n": 1}])
    with (tmp_path / "rows-0000000001.jsonl").open("ab") as file:
        file.write(line + b"\n")
    spool.append("t", [{"n": 2}])
    assert rows_of(spool) == [1, 2]
    assert [bool(record.damage) for record in spool.read(Position(1, 0), 100)] == [False, True, False]


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"spool": "x", "segment": "?", "offset": 0}', "{"])
def test_without_a_position_everything_is_delivered_again(tmp_path: Path, text: str) -> None:
    first = Spool(tmp_path)
    first.append("t", [{"n": 1}])
    first.delivered(first.end())
    (tmp_path / "position.json").write_text(text, encoding="utf-8")
    second = Spool(tmp_path)
    assert second.name != first.name
    assert rows_of(second) == [1]


def test_a_full_spool_refuses_and_keeps_what_it_has(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=100)
    spool.append("t", [{"n": 1}])
    with pytest.raises(SpoolFullError, match="full, 100 bytes wait"):
        spool.append("t", [{"n": "x" * 100}])
    assert rows_of(spool) == [1]


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path)
    spool.append("t", [{"n": 1}])
    real = os.write

    def write(descriptor: int, data: bytes) -> int:
        if len(data) < 10:
            raise OSError(28, "No space left on device")
        return real(descriptor, data[:9])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        with pytest.raises(SpoolFullError, match="No space left on device"):
            spool.append("t", [{"n": 2222}])
    spool.append("t", [{"n": 3}])
    assert rows_of(spool) == [1, 3]
    assert not any(record.damage for record in spool.read(Position(1, 0), 100))


def test_one_delivers_at_a_time(tmp_path: Path) -> None:
    one, two = Spool(tmp_path), Spool(tmp_path)
    with one.delivering() as first, two.delivering() as second:
        assert (first, second) == (True, False)
    with two.delivering() as held:
        assert held


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(TelemetryError, match=r"spool .*file/spool: cannot be used \(Not a directory\)"):
        Spool(tmp_path / "file" / "spool")


def test_several_processes_add_to_one_queue(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from wattq.telemetry.store.spool import Spool\n"
        "spool = Spool(Path(sys.argv[1]), segment_bytes=2000)\n"
        "for k in range(100): spool.append('t', [{'n': int(sys.argv[2]) * 1000 + k}])\n"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(n)]) for n in range(3)]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    found = rows_of(Spool(tmp_path))
    assert sorted(found) == sorted(n * 1000 + k for n in range(3) for k in range(100))
    for n in range(3):
        own = [row for row in found if isinstance(row, int) and row // 1000 == n]
        assert own == sorted(own), "each process's rows stay in order"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.integers(1, 4), st.just("deliver"), st.just("reopen")), max_size=40), st.integers(20, 400))
def test_every_row_once_whatever_happens(
    tmp_path_factory: pytest.TempPathFactory, steps: list[object], size: int
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    spool, sent, received = Spool(folder, segment_bytes=size), 0, []
    for step in [*steps, "deliver"]:
        if step == "reopen":
            spool = Spool(folder, segment_bytes=size)
        elif step == "deliver":
            while records := spool.read(spool.position(), 3):
                received += [row["n"] for record in records for row in record.rows]
                spool.delivered(records[-1].end)
        elif isinstance(step, int):
            spool.append("t", [{"n": sent + k} for k in range(step)])
            sent += step
            assert pending_rows(folder) == sent - len(received)
    assert received == list(range(sent))
    assert pending_rows(folder) == 0


def test_lines_are_plain_json(tmp_path: Path) -> None:
    Spool(tmp_path).append("t", [{"n": "π\n"}])
    (line,) = (tmp_path / "rows-0000000001.jsonl").read_bytes().splitlines()
    assert json.loads(line) == [1, "t", [{"n": "π\n"}]]
