"""``wattq workload`` and ``wattq data`` as a user types them."""

from __future__ import annotations

import dataclasses
import gzip
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from wattq.cli import app, main
from wattq.workloads import CleaningOptions, read_workload

_LOG = """; MaxProcs: 4
1 100 5 60 4 -1 -1 4 100 -1 1 3 2 -1 1 -1 -1 -1
2 130 -1 20 1 -1 -1 1 15 -1 0 3 2 -1 1 -1 -1 -1
3 150 -1 0 1 -1 -1 1 15 -1 0 3 2 -1 1 -1 -1 -1
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.swf"
    path.write_text(_LOG)
    return path


def wattq(*words: object) -> Result:
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """Return the one message of a command that ends with exit code 2."""
    with pytest.raises(SystemExit) as caught:
        main([str(word) for word in words])
    assert caught.value.code == 2
    message = capsys.readouterr().err
    assert "Traceback" not in message
    return message


@pytest.mark.parametrize("form", ["delay", "parallel_homogeneous"])
def test_convert_to_batsim(log: Path, tmp_path: Path, form: str) -> None:
    out = tmp_path / "w.json.gz"
    result = wattq("workload", "convert", log, out, "--form", form, "--speed", "2e9", "--overrun", "clip")
    assert "dropped         1  run time 0" in result.output
    assert "2 jobs for 4 hosts written to" in result.output
    document = json.loads(gzip.decompress(out.read_bytes()))
    job = {"id": "2", "subtime": 30, "res": 1, "walltime": 15, "profile": f"{form[0]}14"}
    assert document["jobs"][1] == job | {"user": 3, "group": 2, "queue": 1}
    work = {"delay": 14} if form == "delay" else {"cpu": 28e9, "com": 0}
    assert document["profiles"][f"{form[0]}14"] == {"type": form} | work


def test_convert_between_forms_of_json_and_to_csv(log: Path, tmp_path: Path) -> None:
    wattq("workload", "convert", log, tmp_path / "p.json")
    wattq("workload", "convert", tmp_path / "p.json", tmp_path / "same.json")
    assert (tmp_path / "same.json").read_bytes() == (tmp_path / "p.json").read_bytes()
    wattq("workload", "convert", tmp_path / "p.json", tmp_path / "d.json", "--form", "delay")
    assert [profile.type for profile in read_workload(tmp_path / "d.json").profiles] == ["delay", "delay"]
    wattq("workload", "convert", tmp_path / "d.json", tmp_path / "jobs.csv")
    lines = (tmp_path / "jobs.csv").read_text().splitlines()
    assert lines[0].startswith('# wattq workload {"version": 1, ')
    assert lines[2].startswith("1,0,4,100,p60,delay,60")


def test_clean_writes_a_log_and_reports(log: Path, tmp_path: Path) -> None:
    out = tmp_path / "clean.swf"
    result = wattq("workload", "clean", log, out, "--max-jobs", "1", "--no-rebase", "--walltime-fallback", "none")
    assert re.search(r"dropped +1 +after the last job asked for", result.output)
    rows = [line for line in out.read_text().splitlines() if not line.startswith(";")]
    assert rows == ["1 100 5 60 4 -1 -1 4 100 -1 1 3 2 -1 1 -1 -1 -1"]


def test_stats_as_words_and_as_json(log: Path) -> None:
    words = wattq("workload", "stats", log, "--zero-runtime-s", "1").output
    assert re.search(r"^jobs +3$", words, re.MULTILINE)
    numbers = json.loads(wattq("workload", "stats", log, "--json", "--drop-statuses", "0").output)
    assert numbers["jobs"] == 1
    assert numbers["report"]["dropped"] == {"status 0": 2}
    assert len(numbers["arrivals_by_hour"]) == 24


@pytest.mark.parametrize("ending", ["json", "swf", "csv"])
def test_generate(tmp_path: Path, ending: str) -> None:
    one, two = tmp_path / f"one.{ending}", tmp_path / f"two.{ending}"
    for out in (one, two):
        wattq("workload", "generate", out, "-n", "20", "--hosts", "8", "--seed", "4", "--load", "2")
    assert one.read_bytes() == two.read_bytes()
    if ending != "csv":
        assert read_workload(one).n_jobs == 20


def test_every_cleaning_option_is_on_the_command_line() -> None:
    help_text = CliRunner().invoke(app, ["workload", "clean", "--help"], env={"COLUMNS": "200"}).output
    for field in dataclasses.fields(CleaningOptions):
        assert f"--{field.name.replace('_', '-')}" in help_text


def test_wrong_input_gives_one_message_and_code_2(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    assert "none.swf: no such file" in refused(capsys, "workload", "stats", tmp_path / "none.swf")
    assert "not in the catalogue; nearest names: KTH-SP2" in refused(capsys, "workload", "stats", "kth-sp")
    assert "the ending says what to write" in refused(capsys, "workload", "convert", log, tmp_path / "out.txt")
    assert "--overrun" in refused(capsys, "workload", "clean", log, out, "--overrun", "maybe")
    assert "--drop-statuses 'x'" in refused(capsys, "workload", "clean", log, out, "--drop-statuses", "x")
    assert "profile form 'smpi'" in refused(capsys, "workload", "convert", log, out, "--form", "smpi")
    assert "n_jobs" in refused(capsys, "workload", "generate", out, "-n", "0")
    assert not out.exists()
    packed = tmp_path / "cut.swf.gz"
    packed.write_bytes(gzip.compress(_LOG.encode())[:-20])
    assert "cut.swf.gz: the gzip data ends early" in refused(capsys, "workload", "stats", packed)
    cases = {"1 2 3": "line 5: 3 columns", "1 nan" + " 1" * 16: "line 5: column 2 (submit) is 'nan'"}
    for line, words in cases.items():
        log.write_text(_LOG + line + "\n")
        assert words in refused(capsys, "workload", "stats", log)


def test_wrong_json_gives_one_message_and_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "w.json"
    good = '{"id": "1", "subtime": 0, "res": 1, "profile": "d"}'
    frame = '{"nb_res": 2, "jobs": [%s], "profiles": {"d": {"type": "delay", "delay": 3}}}'
    cases = {
        f'{good}, {{"id": 1, "subtime": 0, "res": 1, "profile": "d"}}': "id '1' is given to two jobs",
        good.replace('"res"', '"walltime": -4, "res"'): "key 'walltime' is -4",
        good.replace("0", "NaN"): "NaN is not a JSON number",
    }
    for jobs, words in cases.items():
        path.write_text(frame % jobs)
        assert words in refused(capsys, "workload", "stats", path)
    path.write_text(frame % good)
    assert "cleaning options are for SWF logs" in refused(capsys, "workload", "stats", path, "--max-jobs", "2")


def test_data_list_shows_source_digest_terms_and_citation() -> None:
    words = wattq("data", "list").output
    for text in (
        "KTH-SP2",
        "UniLu-Gaia-2014-2",
        "evalys==4.0.7",
        "Experience with using the Parallel Workloads Archive",
    ):
        assert text in words
    entries = json.loads(wattq("data", "list", "--json").output)
    assert {"name", "url", "sha256", "licence", "citation", "jobs"} <= set(entries[0])


def test_data_get_finds_local_files(shared_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATTQ_DATA", str(tmp_path))
    folder = shared_dir / "data/swf"
    result = wattq("data", "get", "kth-sp2", "lublin_256", "--data", folder, "--offline")
    assert result.output.split() == [str(folder / "KTH-SP2-1996-2.1-cln.swf.gz"), str(folder / "lublin_256.swf.gz")]


def test_data_get_offline_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WATTQ_DATA", str(tmp_path))
    message = refused(capsys, "data", "get", "ctc-sp2", "--offline")
    assert "CTC-SP2-1996-3.1-cln.swf.gz and put it into" in message
