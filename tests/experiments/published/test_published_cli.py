"""`wattq reproduce` on tiny traces: values by hand, marks, files, exit codes, bad input."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.cli import main
from wattq.errors import WattqError
from wattq.experiments.published import parse_protocol, shipped_protocols

Tiny = Callable[..., tuple[Path, Path]]

# FCFS on four processors, backfilling before the shadow time: starts 0, 10, 10 and 30 (a run time of -1 is 10 s, one of
# 0 is dropped); flow times 10, 14, 28 and 10 give a mean of 15.5, bounded slowdowns 1, 1.4, 1.4 and 1 of 1.2.
FLOW, SLOWDOWN = "15.50", "1.200"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No trace of this machine is found by default."""
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    monkeypatch.setenv("WATTQ_DATA", str(tmp_path / "cache"))
    monkeypatch.delenv("WATTQ_DATA_PATH", raising=False)


def run(*words: str | Path) -> int:
    try:
        main(["reproduce", *map(str, words)])
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


def test_equal_cells_and_a_missing_trace(tiny: Tiny, capsys: pytest.CaptureFixture[str]) -> None:
    protocol, folder = tiny(value=FLOW)
    assert run(protocol, "--data", folder) == 0
    printed = capsys.readouterr().out
    assert "15.50 =" in printed
    assert "missing: Other: other.swf (plain, .gz or .xz) is not here; get it from the place of other traces" in printed
    assert "1 of 1 computed values have the printed digits; 1 of 2 (2 published) are not computed" in printed


@pytest.mark.parametrize("name", ["tiny.swf.gz", "tiny.swf.xz", "renamed.txt", "renamed", "renamed.swf.xz"])
def test_packed_and_renamed_traces_are_found(tiny: Tiny, name: str) -> None:
    protocol, folder = tiny(name=name, value=FLOW)
    assert run(protocol, "--data", folder) == 0


def test_the_usual_places_are_searched(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    protocol, folder = tiny(value=FLOW)
    assert run(protocol) == 2
    monkeypatch.setenv("WATTQ_DATA_PATH", str(folder))
    assert run(protocol) == 0
    monkeypatch.delenv("WATTQ_DATA_PATH")
    monkeypatch.setenv("WATTQ_DATA", str(folder))
    assert run(protocol) == 0


def test_a_cell_that_differs(tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    protocol, folder = tiny(value="15.51")
    table, text = tmp_path / "cells.csv", tmp_path / "cells.json"
    assert run(protocol, "--data", folder, "-o", table, "-o", text) == 1
    printed = capsys.readouterr().out
    assert "15.50 !" in printed
    assert "difference" in printed
    assert "-0.01" in printed
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert [row["trace"] for row in rows] == ["Tiny", "Other"]
    assert (rows[0]["computed"], rows[0]["printed"], rows[0]["equal"]) == ("15.5", "15.51", "false")
    assert (rows[1]["computed"], rows[1]["equal"], rows[1]["difference"]) == ("", "", "")
    content = json.loads(text.read_text(encoding="utf-8"))
    assert content["cells"][0]["equal"] is False
    assert content["cells"][0]["difference"] == pytest.approx(-0.01)
    assert content["cells"][1]["computed"] is None
    assert list(content["missing"]) == ["Other"]
    assert content["traces"]["Tiny"]["file"] == str(folder / "tiny.swf")


def test_slowdown_and_sequences(tiny: Tiny) -> None:
    protocol, folder = tiny(metric="bounded_slowdown", value=SLOWDOWN)
    assert run(protocol, "--data", folder) == 0
    # the jobs 0 and 1 alone have flow times 10 and 14, the jobs 1 and 2 alone 5 and 20
    protocol, folder = tiny(sequences="sequences: {length: 2, starts: [0, 1]}", value="12.25")
    assert run(protocol, "--data", folder) == 0


def test_easy_on_the_same_jobs(tiny: Tiny) -> None:
    # the third job passes on an extra node at 2: flow times 10, 14, 20 (the fourth has no request and is dropped)
    protocol, folder = tiny(
        simulation="passes", settings="order: submission", cleaning="cap_run_at_request: true", value="14.667"
    )
    assert run(protocol, "--data", folder) == 0


def test_another_trace_under_the_name_is_refused(tiny: Tiny, capsys: pytest.CaptureFixture[str]) -> None:
    protocol, folder = tiny(digest="1" * 64)
    assert run(protocol, "--data", folder) == 2
    printed = capsys.readouterr().out
    assert f"refused: {folder / 'tiny.swf'}: not the Tiny of the publication" in printed
    assert f"expected {'1' * 64}" in printed


def test_nothing_computed_is_no_success(tiny: Tiny, tmp_path: Path) -> None:
    protocol, _ = tiny()
    (tmp_path / "empty").mkdir()
    assert run(protocol, "--data", tmp_path / "empty") == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sequences": "sequences: {length: 4, starts: [1]}"}, "4 jobs from job 1 on are asked for, 4 are left"),
        (
            {"cleaning": "negative_run_s: 10.0", "simulation": "passes", "settings": "order: estimate"},
            "job 4 runs 10 s",
        ),
        ({"content": b"; MaxNodes: 2\n1 0 -1 5 3 -1 -1 3 5 -1 1 1 1 1 1 1 -1 -1\n"}, "job 1 wants 3 processors"),
        ({"content": b"1 0 -1 5 3 -1 -1 3 5 -1 1 1 1 1 1 1 -1 -1\n"}, "neither MaxProcs nor MaxNodes"),
        ({"content": b"; MaxNodes: 2\n1 0 -1 0 1 -1 -1 1 5 -1 1 1 1 1 1 1 -1 -1\n"}, "leave no job"),
        ({"content": b"; MaxNodes: 2\n1 0 -1\n"}, "an SWF row has 18 numbers"),
    ],
)
def test_traces_that_break_the_protocol(
    tiny: Tiny, change: dict[str, object], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    protocol, folder = tiny(**change)
    assert run(protocol, "--data", folder) == 2
    printed = capsys.readouterr().out
    assert "refused: " in printed
    assert words in printed


def test_bad_arguments(tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    protocol, folder = tiny()
    for words, message in (
        (["nothing"], "the tables are sc15-easy, sc20-table5"),
        ([protocol, "--data", tmp_path / "nowhere"], "no such folder"),
        ([protocol, "--data", folder, "-o", tmp_path / "cells.txt"], "must end in .csv or .json"),
    ):
        assert run(*words) == 2
        assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("flow_time", "speed", "line 20, key 'blocks[0].metric': 'speed': input should be 'bounded_slowdown'"),
        ("score: fcfs", "score: best", "block 'values', column 'A', setting 'score': input should be 'fcfs'"),
        ("score: fcfs", "order: estimate", "setting 'score': field required"),
        ('"18.00"', "18.00", "key 'blocks[0].published.Tiny.A': '18.0': input should be a valid string"),
        ('"18.00"', '"18,00"', "string should match pattern"),
        ("Tiny: {A", "Tony: {A", "trace 'Tony' is not among the traces"),
        ('{A: "1.0"}', '{B: "1.0"}', "column 'B' is not among the columns"),
        ('sha256: "0000', 'sha256: "000', "string should match pattern"),
        ("files: [tiny.swf]", "files: [../tiny.swf]", "string should match pattern"),
        ("origin: the place of tiny traces", "", "key 'traces.Tiny.origin': field required"),
        ("title: A tiny table", "title: [", "not YAML"),
        ("title: A tiny table", "titel: A tiny table", "key 'titel'"),
    ],
)
def test_bad_protocols(tiny: Tiny, old: str, new: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    protocol, folder = tiny()
    text = protocol.read_text(encoding="utf-8")
    assert old in text
    protocol.write_text(text.replace(old, new), encoding="utf-8")
    assert run(protocol, "--data", folder) == 2
    found = capsys.readouterr().err
    assert message.lower() in found.lower()
    assert "tiny.yaml" in found


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_mutated_protocols_end_in_an_answer(data: st.DataObject) -> None:
    text = bytearray(shipped_protocols()["sc15-easy"].read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, len(text) - 1))
        text[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    with suppress(WattqError):
        assert parse_protocol(bytes(text), "mutated.yaml").blocks
