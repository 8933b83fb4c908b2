"""``wattq workload generate`` as a user types it."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wattq.cli import app, main
from wattq.workloads import read_workload


def wattq(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """Return the one message of ``wattq workload generate ...`` that ends with exit code 2."""
    with pytest.raises(SystemExit) as caught:
        main(["workload", "generate", *map(str, words)])
    assert caught.value.code == 2
    message = capsys.readouterr().err
    assert "Traceback" not in message
    return message


_MODELS = {
    "lublin": ["-n", "200", "--hosts", "64", "--type", "both", "--load", "0.8", "--parameter", "pb=0.7"],
    "flat": ["--hours", "24", "--wg-flat-targets4", "20,8,2,32", "--wg-flat-jitters4", "5,2,1,0"],
    "poisson": ["--hours", "24", "--wg-poisson-lambdas4", "20,8,2,32", "--wg-burst-small-prob", "0.1"],
    "uniform": ["--hours", "24", "--wg-uniform-ranges4", "0:20,1:8,1:2,1:32", "--on-the-hour"],
}


@pytest.mark.parametrize("ending", ["json", "swf.gz", "csv"])
@pytest.mark.parametrize("model", list(_MODELS))
def test_the_same_seed_and_options_give_the_same_digest(tmp_path: Path, model: str, ending: str) -> None:
    digests = set()
    for number in range(2):
        out = tmp_path / f"{number}.{ending}"
        said = wattq("workload", "generate", model, *_MODELS[model], "--seed", 9, "-o", out)
        digests |= {hashlib.sha256(out.read_bytes()).hexdigest(), *re.findall(r"sha256 (\w+)", said)}
        assert re.search(r"\d+ generated jobs for \d+ hosts written to", said)
        if ending != "csv":
            assert read_workload(out).synthetic
    # the digest told is that of the plain content
    assert len(digests) == (2 if ending.endswith("gz") else 1)
    wattq("workload", "generate", model, *_MODELS[model], "--seed", 10, "-o", tmp_path / f"o.{ending}")
    assert hashlib.sha256((tmp_path / f"o.{ending}").read_bytes()).hexdigest() not in digests


@pytest.mark.parametrize(
    ("model", "digest"),
    [
        ("lublin", "1103156c546a9dbd"),
        ("flat", "a585a10ebdd7e92f"),
        ("poisson", "6888037ed977c812"),
        ("uniform", "ef60e1021cb5c1a8"),
    ],
)
def test_digests_do_not_depend_on_the_machine(tmp_path: Path, model: str, digest: str) -> None:
    """Recorded once: another machine that gives others breaks the promise of equal files."""
    wattq("workload", "generate", model, *_MODELS[model], "--seed", 1, "-o", tmp_path / "w.swf")
    rows = [line for line in (tmp_path / "w.swf").read_text().splitlines() if not line.startswith(";")]
    assert hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16] == digest


def test_a_file_alone_means_saturated(tmp_path: Path) -> None:
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    wattq("workload", "generate", one, "-n", "20", "--seed", "4")
    wattq("workload", "generate", "saturated", "-n", "20", "--seed", "4", "-o", two)
    assert one.read_bytes() == two.read_bytes()


def test_replay_and_hourly(tmp_path: Path) -> None:
    log, out = tmp_path / "log.json", tmp_path / "out.json"
    wattq("workload", "generate", "poisson", *_MODELS["poisson"], "--hours", "72", "-o", log)
    jobs = json.loads(log.read_text())["jobs"]
    wattq("workload", "generate", "replay", log, "-o", out)
    assert json.loads(out.read_text())["jobs"] == jobs
    wattq("workload", "generate", "replay", log, "--job-arrival-scale", "2", "-o", out)
    assert len(json.loads(out.read_text())["jobs"]) == 2 * len(jobs)
    wattq("workload", "generate", "replay", log, "--hours", "24", "--aggregate", "-o", out)
    assert max(job["subtime"] for job in json.loads(out.read_text())["jobs"]) < 24 * 3600
    said = wattq("workload", "generate", "hourly", log, "--hours", "48", "--seed", "2", "-o", tmp_path / "out.swf")
    assert "jobs drawn for 335 hosts" in said
    assert "SWF does not hold the cores used on each node" in said
    assert read_workload(tmp_path / "out.swf").synthetic


def test_run_times_from_a_file(tmp_path: Path) -> None:
    durations = tmp_path / "durations.txt"
    durations.write_text("01:30:00\n2-00:00:00\n")
    out = tmp_path / "w.json"
    words = ["flat", "--hours", "9", "--job-durations", durations, "-o", out]
    wattq("workload", "generate", *words, "--wg-flat-targets4", "5,-,2,3")
    assert {profile.name for profile in read_workload(out).profiles} == {"p5400", "p172800"}
    wattq("workload", "generate", *words, "--wg-flat-jobs-hour", "2")
    assert read_workload(out).n_jobs == 18


def test_stats_suggest_what_made_a_file(tmp_path: Path) -> None:
    out = tmp_path / "w.json"
    wattq("workload", "generate", "flat", "--hours", "100", "--wg-flat-targets4", "20,8,2,32", "-o", out)
    words = wattq("workload", "stats", out)
    assert "wattq workload generate flat --hours 100 --hosts 335 --wg-flat-targets4 20,8,2,32\n" in words
    assert "generators of such work" not in wattq("workload", "stats", out, "--no-suggest")
    found = json.loads(wattq("workload", "stats", out, "--json"))["suggestions"]
    assert found[0]["options"]["--wg-flat-targets4"] == "20,8,2,32"
    out.write_text('{"nb_res": 1, "jobs": [], "profiles": {}}')
    assert "no generator suggested" in wattq("workload", "stats", out)
    assert json.loads(wattq("workload", "stats", out, "--json"))["suggestions"] == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["uniform", "--wg-uniform-ranges4", "1:2,1:2,1:2"],
            "3 parts; four are expected, arrivals,duration,nodes,cores",
        ),
        (["poisson", "--wg-poisson-lambdas4", "1,2,x,4"], "'x' is not a number"),
        (["flat", "--wg-flat-targets4", "1,2,3,97"], "cores: flat 97:0 is outside 1:96"),
        (["flat", "--wg-flat-targets4", "1,2,3,4", "--wg-flat-jobs-hour", "3"], "keep one of them"),
        (["flat", "--wg-burst-small-prob", "1.2"], "probability of a small burst: 1.2"),
        (["flat", "--wg-burst-heavy-prob", "nan"], "probability of a heavy burst"),
        (["flat", "--wg-burst-heavy-ranges4", "1:2"], "--wg-burst-heavy-ranges4"),
        (["flat", "--wg-flat-targets4", "1,-,3,4"], "needs --job-durations FILE"),
        (["poisson", "--hours", "0"], "hours of the workload"),
        (["poisson", "--hosts", "3"], "give a larger machine"),
        (["poisson", "--job-durations", "none.txt"], "none.txt"),
        (["lublin", "--type", "night"], "job_type"),
        (["lublin", "--parameter", "a9=1"], "no parameter 'a9'"),
        (["lublin", "--parameter", "a1=x"], "must be a number"),
        (["lublin", "--serial", "0.5", "--parameter", "serial=0.4"], "given twice"),
        (["replay", "none.swf"], "none.swf"),
        (["saturated", "--load", "-1"], "load"),
        (["night"], "No such command"),
    ],
)
def test_wrong_input_gives_one_message_and_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    out = tmp_path / "out.json"
    said = refused(capsys, *words, "-o", out)
    assert message in " ".join(said.split())
    assert not out.exists()


@pytest.mark.parametrize("scale", ["-1", "nan", "inf"])
def test_impossible_scales_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], scale: str) -> None:
    log, out = tmp_path / "log.json", tmp_path / "out.json"
    wattq("workload", "generate", "flat", "--hours", "30", "--wg-flat-targets4", "1,1,1,1", "-o", log)
    for model in ("replay", "hourly"):
        assert "arrival scale" in refused(capsys, model, log, "--job-arrival-scale", scale, "-o", out)
    assert not out.exists()
