"""``wattq workload purge``: which rows go, that every other byte stays, and the line that says so."""

from __future__ import annotations

import gzip
import json
import lzma
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from wattq import __version__
from wattq.cli import app, main
from wattq.errors import WattqError
from wattq.workloads.files import sha256_hex
from wattq.workloads.manifest import FORMAT, refreshed_manifest
from wattq.workloads.purge import purge_files
from wattq.workloads.purge_dates import dated_lines

DAY = 86400
SWF = (
    "; Note: kept as it is \n;\n; UnixStartTime: 0\n\n"
    f"1 0 -1 {DAY - 1} 4 -1 -1 4 90 -1 1 1 1 -1 1 1 -1 -1\r\n"
    f"  2 5 100 {DAY - 105} 4 -1 -1 4 90 -1 1 1 1 -1 1 1 -1 -1  \n"
    "; a comment between\n"
    f"3 {DAY - 1} -1 -1 4 -1 -1 4 90 -1 1 1 1 -1 1 1 -1 -1\n"
    "4 -1 -1 9 4 -1 -1 4 90 -1 1 1 1 -1 1 1 -1 -1"
)
SACCT = (
    "JobID|User|Submit|Start|End|JobName\n"
    "1|ann|2020-01-01T00:00:00|2020-01-01T00:00:00|2020-01-02T00:00:00|a\n"
    "1.batch|||2020-01-01T00:00:00|2020-01-01T12:00:00|batch\n"
    "2|ann|2020-01-01T00:00:00|2020-01-01T00:00:01|2020-01-01T23:59:59|b\nc\n"
    "2.0|||2020-01-01T00:00:00|2020-01-01T12:00:00|step|of|2\n"
    "3|bob|2020-01-01T00:00:00|Unknown|Unknown|x\n"
    "4|bob|Unknown|Unknown|Unknown|x\n"
)


def removed(path: Path, before: str) -> int:
    (entry,) = purge_files([path], before)
    return entry.rows_removed


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    with pytest.raises(SystemExit) as caught:
        main(["workload", "purge", *(str(word) for word in words)])
    assert caught.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("wattq: error: ")
    return message.removeprefix("wattq: error: ").rstrip("\n")


def test_rows_of_swf_go_by_their_end_and_all_else_stays(tmp_path: Path) -> None:
    path = tmp_path / "log.swf"
    path.write_bytes(SWF.encode())
    path.chmod(0o640)
    lines = SWF.encode().split(b"\n")
    assert removed(path, "1970-01-01T23:59:59") == 0
    assert path.read_bytes() == SWF.encode()
    # row 2 ends on the date itself and stays; row 4 has no date at all
    assert removed(path, "1970-01-02") == 2
    assert path.read_bytes() == b"\n".join(lines[:4] + lines[5:7] + lines[8:])
    assert path.stat().st_mode & 0o777 == 0o640
    assert removed(path, "1970-01-03") == 1
    assert path.read_bytes() == b"\n".join(lines[:4] + lines[6:7] + lines[8:])


def test_steps_and_stray_lines_go_with_their_job(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text(SACCT)
    assert removed(path, "2020-01-02") == 4
    left = SACCT.splitlines(keepends=True)
    # job 2 with its name over two lines and its step; job 3 was submitted before and never ended
    assert path.read_text() == "".join(left[:3] + left[7:])
    assert removed(path, "2020-01-02T00:00:01") == 2
    assert path.read_text() == left[0] + left[7]


@pytest.mark.parametrize(
    ("cell", "gone"),
    [
        ("2020-01-01 23:59:59", True),
        ("2020-01-02", False),
        ("2020-01-02T00:30:00+01:00", True),
        ("2020-01-01T23:30:00-0100", False),
        ("2020-01-01T23:59:59Z", True),
        ("1577923199", True),
        ("1577923200", False),
        ("7", False),
    ],
)
def test_dates_of_tables(tmp_path: Path, cell: str, gone: bool) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f'Submit,JobName\n{cell},"a\nb"\n2021-01-01,x\n')
    assert removed(path, "2020-01-02") == gone
    assert path.read_text() == "Submit,JobName\n" + ("" if gone else f'{cell},"a\nb"\n') + "2021-01-01,x\n"


@settings(deadline=None, max_examples=40)
@given(
    jobs=st.lists(st.tuples(*[st.integers(-1, 3 * DAY)] * 3), min_size=1, max_size=30), limit=st.integers(0, 9 * DAY)
)
def test_swf_rows_equal_a_brute_force(
    tmp_path_factory: pytest.TempPathFactory, jobs: list[tuple[int, int, int]], limit: int
) -> None:
    path = tmp_path_factory.mktemp("purge") / "log.swf"
    rows = [f"{n} {s} {w} {r} 1 -1 -1 1 9 -1 1 1 1 -1 1 1 -1 -1\n" for n, (s, w, r) in enumerate([*jobs, (0, 0, 0)], 1)]
    path.write_text("; UnixStartTime: 7\n" + "".join(rows))
    before = (datetime(1970, 1, 1) + timedelta(seconds=limit)).isoformat()
    ends = [7 + s + max(w, 0) + max(r, 0) if s >= 0 else limit for s, w, r in [*jobs, (0, 0, 0)]]
    assert removed(path, before) == sum(end < limit for end in ends)
    kept = [row for row, end in zip(rows, ends, strict=True) if end >= limit]
    assert path.read_text() == "; UnixStartTime: 7\n" + "".join(kept)


@pytest.mark.parametrize(("name", "pack"), [("a.swf.gz", gzip.compress), ("a.swf.xz", lzma.compress)])
def test_packed_files_stay_packed(tmp_path: Path, name: str, pack: object) -> None:
    path = tmp_path / name
    assert callable(pack)
    path.write_bytes(pack(SWF.encode()))
    assert removed(path, "1970-01-02") == 2
    unpack = gzip.decompress if name.endswith("gz") else lzma.decompress
    assert unpack(path.read_bytes()).count(b"\n") == SWF.count("\n") - 2


def test_an_audit_line_for_each_run(tmp_path: Path) -> None:
    path, log = tmp_path / "log.swf", tmp_path / "audit" / "log.jsonl"
    path.write_bytes(SWF.encode())
    words = ["workload", "purge", str(path), "--before", "1970-01-02", "--audit-log", str(log)]
    result = CliRunner().invoke(app, [*words, "--dry-run"], catch_exceptions=False)
    rule = "last known date before 1970-01-02T00:00:00"
    assert result.output == f"{path}: 2 rows would be removed ({rule}), 2 kept, 1 of them without a date\n"
    assert path.read_bytes() == SWF.encode()
    assert list(tmp_path.iterdir()) == [path]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.output == f"{path}: 2 rows removed ({rule}), 2 kept, 1 of them without a date\n"
    log.write_text(log.read_text() + '{"when": "cut sh')
    assert CliRunner().invoke(app, words).exit_code == 0
    lines = log.read_text().splitlines()
    assert lines[1] == '{"when": "cut sh'
    first, last = json.loads(lines[0]), json.loads(lines[2])
    assert abs(datetime.fromisoformat(first.pop("when")) - datetime.now(UTC)) < timedelta(hours=1)
    after = sha256_hex(path.read_bytes())
    assert first == {
        "file": str(path),
        "sha256_before": sha256_hex(SWF.encode()),
        "sha256_after": after,
        "rows_removed": 2,
        "rows_kept": 2,
        "rows_without_date": 1,
        "rule": rule,
        "tool": f"wattq {__version__}",
    }
    assert (last["sha256_before"], last["sha256_after"], last["rows_removed"]) == (after, after, 0)


def test_the_audit_log_lies_beside_each_file(tmp_path: Path) -> None:
    paths = [tmp_path / folder / "log.txt" for folder in "ab"]
    for path in paths:
        path.parent.mkdir()
        path.write_text(SACCT)
    assert [entry.rows_removed for entry in purge_files(paths, "2020-01-02")] == [4, 4]
    for path in paths:
        (line,) = (path.parent / "wattq-purge.jsonl").read_text().splitlines()
        assert json.loads(line)["file"] == str(path)


def test_a_link_stays_a_link_and_its_file_is_purged(tmp_path: Path) -> None:
    path, link = tmp_path / "log.txt", tmp_path / "link"
    path.write_text(SACCT)
    link.symlink_to(path)
    assert removed(link, "2020-01-02") == 4
    assert link.is_symlink()
    assert path.read_text() != SACCT


def test_a_log_without_rows_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "log.swf"
    path.write_text("; UnixStartTime: 0\n1 0 0 1 1 -1 -1 1 9 -1 1 1 1 -1 1 1 -1 -1\n")
    assert [removed(path, "1970-01-02"), removed(path, "1970-01-02")] == [1, 0]
    assert path.read_text() == "; UnixStartTime: 0\n"


def test_a_manifest_follows_its_file(tmp_path: Path) -> None:
    salt, log, out = tmp_path / "salt", tmp_path / "log.txt", tmp_path / "out" / "o.txt"
    salt.write_text("0123456789abcdef")
    log.write_text(SACCT)
    words = ["workload", "anonymize", str(log), "-o", str(out), "--salt-file", str(salt), "--k", "1", "--tier", "gold"]
    assert CliRunner().invoke(app, words, catch_exceptions=False).exit_code == 0
    assert removed(out, "2020-01-02") == 2
    manifest = json.loads(out.with_name("o.txt.manifest.json").read_text())
    data = out.read_bytes()
    assert manifest["output"] == {"file": "o.txt", "bytes": len(data), "sha256": sha256_hex(data), "rows": 2}
    (note,) = manifest["purged"]
    assert (note["rows_removed"], note["rule"]) == (2, "last known date before 2020-01-02T00:00:00")
    for text in ("", "[]", "{}", '{"format": "x"}', json.dumps({"format": FORMAT}), "[" * 100_000):
        assert refreshed_manifest(text, b"", 0, {}) is None


def test_what_cannot_be_purged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, log = tmp_path / "log.swf", tmp_path / "wattq-purge.jsonl"
    path.write_bytes(SWF.encode())
    for date in ("yesterday", "20200131", "2020-01-01T00:00:00Z", ""):
        assert refused(capsys, path, "--before", date) == (
            f"--before '{date}': a date is expected, such as 2024-01-31 or 2024-01-31T12:00:00"
        )
    assert refused(capsys, path, "--before", "2020-02-30") == (
        "--before '2020-02-30': there is no such date; name another"
    )
    assert refused(capsys, path, "--before", "2999-01-01") == (
        "--before 2999-01-01: in the future, which would remove everything; name a past date"
    )
    assert refused(capsys, path, path, "--before", "1970-01-02") == f"{path}: the file is named twice; name it once"
    assert refused(capsys, path, "--before", "1970-01-02", "--audit-log", path) == (
        f"{path}: is the audit log, which is never purged; leave it out"
    )
    assert "cannot be read (No such file" in refused(capsys, path, tmp_path / "no.swf", "--before", "1970-01-02")
    for name, text, words in (
        (
            "a.swf",
            SWF.replace("UnixStartTime", "StartTime"),
            "the header has no UnixStartTime, so that no row has a date",
        ),
        ("b.swf", "; UnixStartTime: 0\n1 2 3\n", "line 2: 3 columns"),
        ("c.json", "{}", "Batsim JSON has no dates; purge the log that it was made of, and delete this file"),
        ("d.csv", "User,Submit\nann,7\n", "no row has a date; a table needs a column such as End or Submit with dates"),
    ):
        (tmp_path / name).write_text(text)
        assert words in refused(capsys, path, tmp_path / name, "--before", "1970-01-02")
    log.mkdir()
    assert refused(capsys, path, "--before", "1970-01-02") == (
        f"{log}: the audit log cannot be written (Is a directory); this file was not purged, choose another place"
    )
    assert path.read_bytes() == SWF.encode()


@pytest.mark.parametrize("kind", ["swf", "sacct", "csv"])
def test_mutated_logs_give_pieces_or_a_message(kind: str) -> None:
    valid = {"swf": SWF, "sacct": SACCT, "csv": SACCT.replace("|", ",")}[kind].encode()
    words = (b"|", b",", b"\n", b"\r", b'"', b"\x00", b"\xff", b"\x0b", b"9" * 30, b"9999-12-31", b"+99:99", b";", b"")
    outcomes = set()
    for case in range(500):
        rng = random.Random(f"{kind}-{case}")
        data = bytearray(valid)
        for _ in range(rng.choice((1, 1, 2, 6))):
            place, length = rng.randrange(len(data)), rng.choice((0, 1, 3, 40))
            data[place : place + length] = rng.choice((rng.choice(words), bytes([rng.randrange(256)])))
        try:
            found = dated_lines(bytes(data), f"log.{kind}")
            # nothing is lost or invented: the pieces are the file
            assert b"".join(text for text, _ in found.pieces) == bytes(data)
            outcomes.add("done")
        except WattqError as error:
            outcomes.add("refused" if str(error) else "no message")
        except BaseException as error:
            error.add_note(f"{kind} input {case}: {bytes(data)!r}")
            raise
    assert outcomes == {"done", "refused"}
