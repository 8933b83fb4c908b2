"""``wattq workload`` on logs of every format: convert, stats, clean, merge, formats, query."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wattq.cli import app, main
from wattq.workloads import FORMATS, read_workload

_SACCT = (
    "JobID|User|Submit|Start|End|Elapsed|NCPUS|NNodes|State\n"
    "17|ann|2024-05-01T10:00:00|2024-05-01T10:00:00|2024-05-01T10:10:00|00:10:00|8|2|COMPLETED\n"
    "17.0|ann|2024-05-01T10:00:00|2024-05-01T10:00:00|2024-05-01T10:10:00|00:10:00|8|2|COMPLETED\n"
)
_GAIA = "arrival_time,length,cpus\n0,60,1\n10,30,3\n"


def wattq(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.output


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    with pytest.raises(SystemExit) as caught:
        main([str(word) for word in words])
    assert caught.value.code == 2
    message = capsys.readouterr().err
    assert "Traceback" not in message
    return message


@pytest.fixture
def sacct(tmp_path: Path) -> Path:
    path = tmp_path / "jobs.log"
    path.write_text(_SACCT)
    return path


@pytest.fixture
def gaia(tmp_path: Path) -> Path:
    path = tmp_path / "gaia.csv"
    path.write_text(_GAIA)
    return path


def test_convert_stats_and_clean_take_every_log(sacct: Path, gaia: Path, tmp_path: Path) -> None:
    words = wattq("workload", "convert", sacct, tmp_path / "a.json", "--processors", "nodes")
    assert "dropped         1  step of a job whose row holds it" in words
    assert read_workload(tmp_path / "a.json").hosts.tolist() == [2]
    wattq("workload", "clean", gaia, tmp_path / "b.swf", "--processors-per-host", "2")
    assert read_workload(tmp_path / "b.swf").hosts.tolist() == [1, 2]
    numbers = json.loads(wattq("workload", "stats", sacct, "--json", "--time-zone", "Europe/Berlin", "--no-suggest"))
    assert (numbers["jobs"], numbers["hour_clock"]) == (1, "local")
    assert numbers["arrivals_by_hour"][10] == 1
    wattq("workload", "convert", gaia, tmp_path / "c.csv", "--format", "gaia")
    wattq("workload", "convert", tmp_path / "c.csv", tmp_path / "c.json")
    assert read_workload(tmp_path / "c.json").hosts.tolist() == [1, 3]


def test_a_format_that_does_not_fit_is_one_message(
    gaia: Path, sacct: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    assert "no column 'job_id'" in refused(capsys, "workload", "convert", gaia, out, "--format", "nrel")
    assert "no such format; give one of swf" in refused(capsys, "workload", "stats", gaia, "--format", "xml")
    assert "--time-zone" in refused(capsys, "workload", "stats", sacct, "--time-zone", "Mars")
    assert "not record gpus" in refused(capsys, "workload", "stats", sacct, "--processors", "gpus")
    assert "not fractions of a machine" in refused(capsys, "workload", "stats", sacct, "--machine-cores", "8")
    assert "--form delay: the profiles are of another form" in refused(
        capsys, "workload", "convert", _json(tmp_path), tmp_path / "x.csv", "--form", "delay"
    )
    assert not out.exists()


def _json(tmp_path: Path) -> Path:
    path = tmp_path / "p.json"
    wattq("workload", "generate", "saturated", "-o", path, "-n", "5", "--hosts", "4")
    return path


def test_merge(sacct: Path, gaia: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other.log"
    other.write_text(_SACCT.replace("17|", "18|").replace("T10:", "T09:"))
    out = tmp_path / "both.csv"
    words = wattq("workload", "merge", sacct, other, "-o", out, "--time-zone", "UTC")
    assert "2 jobs for 16 hosts written to" in words
    merged = read_workload(out)
    assert (merged.job_id, merged.submit_s.tolist()) == (("18", "17"), [0, 3600])
    wattq("workload", "merge", sacct, other, "-o", tmp_path / "m.json", "--machine", "12", "--no-rebase")
    assert read_workload(tmp_path / "m.json").nb_res == 12
    before = sacct.read_bytes()
    assert "one of the logs to be merged" in refused(capsys, "workload", "merge", sacct, other, "-o", sacct)
    link = tmp_path / "link.csv"
    link.hardlink_to(sacct)
    assert "one of the logs to be merged" in refused(capsys, "workload", "merge", other, sacct, "-o", link)
    assert sacct.read_bytes() == before
    assert "given twice" in refused(capsys, "workload", "merge", sacct, sacct, "-o", tmp_path / "x.csv")
    assert "two or more are merged" in refused(capsys, "workload", "merge", sacct, "-o", tmp_path / "x.csv")
    assert "no calendar dates" in refused(capsys, "workload", "merge", sacct, gaia, "-o", tmp_path / "x.csv")
    assert "machine 'huge'" in refused(capsys, "workload", "merge", sacct, other, "-o", out, "--machine", "huge")


def test_exact_files_are_merged_without_cleaning(tmp_path: Path) -> None:
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    for seed, path in enumerate((one, two)):
        wattq("workload", "generate", "saturated", "-o", path, "-n", "5", "--hosts", "4", "--seed", seed)
    wattq("workload", "merge", one, two, "-o", tmp_path / "m.json", "--machine", "max")
    merged = read_workload(tmp_path / "m.json")
    assert (merged.n_jobs, merged.nb_res) == (10, 4)


def test_formats_and_query(capsys: pytest.CaptureFixture[str]) -> None:
    listed = json.loads(wattq("workload", "formats", "--json"))
    assert [row["format"] for row in listed] == list(FORMATS)
    assert "told by: columns arrival_time, length, cpus" in wattq("workload", "formats")
    query = wattq("workload", "query", "google2019")
    assert "resource_request.cpus" in query
    assert "there is one for google2019 only" in refused(capsys, "workload", "query", "azure")
