"""``wattq workload anonymize`` as a user types it: salt, manifest, what is refused, what appears."""

from __future__ import annotations

import gzip
import json
import lzma
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from wattq import __version__
from wattq.cli import app, main
from wattq.workloads import read_swf
from wattq.workloads.anonymize_salt import read_salt
from wattq.workloads.files import sha256_hex

SALT = "0123456789abcdef-secret"
ROWS = "".join(
    f"{n} {n * 60} 0 60 {n % 2 + 1} -1 -1 {n % 2 + 1} 90 -1 1 {n % 5 + 1} 1 -1 1 1 -1 -1\n" for n in range(1, 21)
)
LOG = f"; Computer: Ann's\n; UnixStartTime: 0\n; MaxProcs: 4\n{ROWS}21 1260 0 60 4 -1 -1 4 90 -1 1 1 1 -1 1 1 -1 -1\n"
TABLE = "User,NCPUS,Submit\n" + "".join(f"user{n:04d},2,2024-01-0{n}T00:00:07\n" for n in range(1, 7))


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Path]:
    """Input, output and salt, each in its folder."""
    found = {"log": tmp_path / "in" / "log.swf", "out": tmp_path / "out" / "o.swf", "salt": tmp_path / "key" / "salt"}
    for path in found.values():
        path.parent.mkdir()
    found["log"].write_text(LOG)
    found["salt"].write_text(SALT + "\n")
    found["salt"].chmod(0o600)
    return found


def wattq(*words: object) -> Result:
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def anonymize(places: dict[str, Path], *words: object) -> Result:
    command = ["workload", "anonymize", places["log"], "-o", places["out"], "--salt-file", places["salt"]]
    return wattq(*command, *words)


def refused(capsys: pytest.CaptureFixture[str], places: dict[str, Path], *words: object) -> str:
    command = ["workload", "anonymize", places["log"], "-o", places["out"], "--salt-file", places["salt"], *words]
    with pytest.raises(SystemExit) as caught:
        main([str(word) for word in command])
    assert caught.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("wattq: error: ")
    assert message.count("\n") == 1
    return message.removeprefix("wattq: error: ").rstrip("\n")


def test_a_log_its_report_and_its_manifest(places: dict[str, Path]) -> None:
    result = anonymize(places)
    out, manifest = places["out"], places["out"].with_name("o.swf.manifest.json")
    assert result.stdout == (
        "tier silver: dates in steps of 1 to 60 s, hashed ids, step 60 s\n"
        "21 rows read, 20 written\n"
        "  suppressed         1  1 of 3 groups have fewer than 5 users, 11.8% of the core-seconds\n"
        "  quasi-identifiers: requested, allocated, queue, partition\n"
        "  not written: Computer\n"
        f"{out} and o.swf.manifest.json written\n"
    )
    assert result.stderr == ""
    assert sorted(path.name for path in out.parent.iterdir()) == ["o.swf", "o.swf.manifest.json"]
    data = out.read_bytes()
    assert json.loads(manifest.read_text()) == {
        "format": "wattq-anonymized-1",
        "tool": f"wattq {__version__}",
        "output": {"file": "o.swf", "bytes": len(data), "sha256": sha256_hex(data), "rows": 20},
        "parameters": {
            "form": "swf",
            "tier": "silver",
            "date_step_s": 60,
            "k": 5,
            "group_size_counts": "users",
            "quasi_identifiers": ["requested", "allocated", "queue", "partition"],
            "kept": [],
            "hash": "HMAC-SHA256 with a secret salt",
        },
        "counts": {
            "rows_read": 21,
            "rows_written": 20,
            "rows_suppressed": 1,
            "groups": 3,
            "groups_suppressed": 1,
            "rows_left_out": {},
            "cells_emptied": 0,
            "columns_left_out": 1,
        },
    }
    assert read_swf(out).n_jobs == 20


def test_nothing_of_salt_and_input_is_in_what_is_written(places: dict[str, Path]) -> None:
    anonymize(places)
    secrets = [SALT, sha256_hex(SALT.encode()), sha256_hex(places["salt"].read_bytes())]
    secrets += [sha256_hex(places["log"].read_bytes()), "log.swf", "Ann", str(places["log"].parent)]
    for path in places["out"].parent.iterdir():
        content = path.read_text()
        assert not [word for word in secrets if word in content]


@pytest.mark.parametrize("packed", ["o.swf.gz", "o.swf.xz", "o.swf"])
def test_the_same_again_gives_the_same_bytes(places: dict[str, Path], packed: str) -> None:
    places["log"].write_bytes(gzip.compress(LOG.encode()) if packed == "o.swf.xz" else lzma.compress(LOG.encode()))
    places["out"] = places["out"].with_name(packed)
    anonymize(places, "--k", "1")
    first = {path.name: path.read_bytes() for path in places["out"].parent.iterdir()}
    anonymize(places, "--k", "1")
    assert first == {path.name: path.read_bytes() for path in places["out"].parent.iterdir()}
    places["salt"].write_text(SALT[::-1])
    anonymize(places, "--k", "1")
    assert first[packed] != places["out"].read_bytes()


def test_new_salt_is_created_once_for_its_owner_alone(
    places: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    places["salt"] = places["salt"].parent / "deeper" / "salt"
    assert anonymize(places, "--new-salt").stderr == ""
    salt = places["salt"]
    assert salt.stat().st_mode & 0o777 == 0o600
    assert salt.parent.stat().st_mode & 0o777 == 0o700
    assert re.fullmatch(r"[0-9a-f]{64}\n", salt.read_text())
    before = places["out"].read_bytes()
    anonymize(places)
    assert places["out"].read_bytes() == before
    assert refused(capsys, places, "--new-salt") == (
        f"--salt-file {salt}: exists, and --new-salt overwrites nothing (an old salt may still be needed); "
        "leave out --new-salt, or name another file"
    )
    places["salt"] = places["out"].parent / "salt"
    assert refused(capsys, places, "--new-salt") == (
        f"--salt-file {places['salt']}: the folder of the output, which is handed on; name a place elsewhere"
    )
    assert not places["salt"].exists()


def test_no_salt_is_created_for_a_run_that_fails(places: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    places["salt"] = places["salt"].with_name("other")
    assert "nothing is left" in refused(capsys, places, "--new-salt", "--k", "99")
    assert not places["salt"].exists()
    assert not list(places["out"].parent.iterdir())


def test_warnings_on_a_salt_that_others_read(places: dict[str, Path]) -> None:
    salt = places["salt"]
    salt.chmod(0o644)
    assert anonymize(places).stderr == (
        f"wattq: warning: {salt}: others may read the salt (mode 644); run chmod 600 on it\n"
    )
    places["salt"] = places["out"].parent / "salt"
    places["salt"].write_bytes(salt.read_bytes())
    places["salt"].chmod(0o600)
    assert anonymize(places).stderr == (
        f"wattq: warning: {places['salt']}: lies in the folder of the output; never hand on the salt with the data\n"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"short\n", "5 bytes, a salt has 16 at least; create one with --new-salt"),
        (b"", "0 bytes, a salt has 16 at least; create one with --new-salt"),
        (b"a" * 20, "1 different bytes, which can be guessed; create one with --new-salt"),
        (bytes(range(250)) * 17, "more than 4096 bytes; is this the salt?"),
        (None, "cannot be read (No such file or directory); --new-salt creates it"),
    ],
)
def test_a_salt_that_is_none(
    places: dict[str, Path], capsys: pytest.CaptureFixture[str], content: bytes | None, message: str
) -> None:
    if content is None:
        places["salt"].unlink()
    else:
        places["salt"].write_bytes(content)
    assert refused(capsys, places) == f"--salt-file {places['salt']}: {message}"


def test_blanks_around_a_salt_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(SALT.encode())
    (tmp_path / "b").write_bytes(b"\n " + SALT.encode() + b"\r\n")
    assert read_salt(tmp_path / "a") == read_salt(tmp_path / "b") == SALT.encode()


def test_the_output_overwrites_neither_input_nor_salt(
    places: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    log, salt, out = places["log"], places["salt"], places["out"]
    link = out.parent / "link.swf"
    link.symlink_to(log)
    hard = out.parent / "hard.swf"
    hard.hardlink_to(log)
    for name in (log, log.parent / ".." / "in" / "log.swf", link, hard):
        places["out"] = name
        assert refused(capsys, places) == f"{name}: would overwrite the input {log}; choose another name for the output"
    places["out"] = salt
    assert "would overwrite the salt" in refused(capsys, places)
    part = log.with_name("x.swf.part")
    part.write_text(LOG)
    places |= {"log": part, "out": log.with_name("x.swf")}
    assert "would overwrite the input" in refused(capsys, places)
    places |= {"log": log, "out": out, "salt": log}
    assert refused(capsys, places) == f"--salt-file {log}: is the input; name the file of the salt"
    assert log.read_text() == LOG


def test_nothing_appears_when_writing_fails(places: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    places["out"].mkdir()
    assert "cannot be written (Is a directory); choose another place" in refused(capsys, places)
    assert list(places["out"].parent.iterdir()) == [places["out"]]
    places["out"] = places["log"] / "o.swf"
    assert "cannot be written (" in refused(capsys, places)


@pytest.mark.parametrize(
    ("name", "found"), [("user0003.csv", "user0003"), ("of-user0006-only.csv", "user0006"), ("user0003x.csv", None)]
)
def test_the_name_of_the_output_tells_no_id(
    places: dict[str, Path], capsys: pytest.CaptureFixture[str], name: str, found: str | None
) -> None:
    places |= {"log": places["log"].with_name("t.csv"), "out": places["out"].with_name(name)}
    places["log"].write_text(TABLE)
    for tier in ("gold", "bronze"):
        if found is None:
            anonymize(places, "--tier", tier)
            continue
        message = refused(capsys, places, "--tier", tier)
        assert message == f"{places['out']}: the name holds the original id '{found}'; choose another name"
        assert not list(places["out"].parent.iterdir())


def test_a_table_through_the_command(places: dict[str, Path]) -> None:
    places |= {"log": places["log"].with_name("t.csv"), "out": places["out"].with_name("t.csv.gz")}
    places["log"].write_text(TABLE)
    anonymize(places, "--aggregate-s", "5", "--k", "6", "--quasi", "ncpus")
    text = gzip.decompress(places["out"].read_bytes()).decode()
    assert re.fullmatch(r"User,NCPUS,Submit\n(Zu\d{15},2,2024-01-0\dT00:00:05\n){6}", text)
    manifest = json.loads(places["out"].with_name("t.csv.gz.manifest.json").read_text())
    assert manifest["parameters"]["date_step_s"] == 5
    assert manifest["parameters"]["quasi_identifiers"] == ["NCPUS"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--k", "0"], "--k 0: a group has from 1 to 1000000 users; 5 is usual"),
        (["--aggregate-s", "61"], "--aggregate-s 61: the step is 1 to 60 s"),
        (["--tier", "tin"], "--tier 'tin': no such tier; the tiers are gold, silver, bronze"),
        (["--keep", "x"], "--keep 'x': the header has no such key; its keys are Computer, UnixStartTime, MaxProcs"),
    ],
)
def test_wrong_options(
    places: dict[str, Path], capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert refused(capsys, places, *words) == message
    assert not list(places["out"].parent.iterdir())
