from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from wattq import __version__
from wattq.cli import main
from wattq.cli.values import pairs, scalar
from wattq.errors import InvalidInputError

SWF = """\
; MaxProcs: 4
; UnixStartTime: 0
1 0 -1 100 4 -1 -1 4 200 -1 1 1 1 -1 1 1 -1 -1
2 10 -1 50 2 -1 -1 2 60 -1 1 2 1 -1 1 1 -1 -1
3 20 -1 30 2 -1 -1 2 60 -1 1 1 1 -1 1 1 -1 -1
4 30 -1 30 9 -1 -1 9 60 -1 1 1 1 -1 1 1 -1 -1
"""
MACHINE = """\
<?xml version='1.0'?>
<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">
<platform version="4.1">
  <zone id="all" routing="Full">
    <host id="master_host" speed="1Gf"/>
    <host id="h0" speed="1Gf"><prop id="wattage_per_state" value="100:200"/></host>
    <host id="h1" speed="1Gf"><prop id="wattage_per_state" value="100:200"/></host>
    <host id="h2" speed="1Gf"><prop id="wattage_per_state" value="100:200"/></host>
    <host id="h3" speed="1Gf"><prop id="wattage_per_state" value="100:200"/></host>
  </zone>
</platform>
"""


@pytest.fixture(autouse=True)
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a log and a machine."""
    (tmp_path / "log.swf").write_text(SWF, encoding="utf-8")
    (tmp_path / "machine.xml").write_text(MACHINE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*words: str) -> int:
    """Return the exit code of the command line."""
    with pytest.raises(SystemExit) as end:
        main(words)
    return int(end.value.code or 0)


RUN = ("run", "-p", "machine.xml", "-w", "log.swf", "--policy", "easy", "-E", "-o", "out")


def test_run_writes_batsims_files_and_prints_the_table(inputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(*RUN) == 0
    printed = capsys.readouterr().out
    assert "3 of 4" in printed
    assert "results in out" in printed
    names = {path.name for path in (inputs / "out").iterdir()}
    batsim = {"jobs.csv", "schedule.csv", "machine_states.csv", "pstate_changes.csv", "consumed_energy.csv"}
    assert names == batsim | {"summary.json", "provenance.json", "submitted.csv", "metrics.json", "platform.xml"}
    metrics = json.loads((inputs / "out" / "metrics.json").read_text(encoding="utf-8"))
    # job 1 holds all hosts to 100; 2 and 3 then run side by side; 4 is larger than the machine
    assert metrics["wait_max_s"] == 90.0
    assert metrics["makespan_s"] == 150.0
    assert metrics["jobs_rejected"] == 1
    assert metrics["users"] == 2
    assert metrics["energy_j"] == pytest.approx(4 * 100 * 150 + 100 * (400 + 100 + 60))
    provenance = json.loads((inputs / "out" / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["workloads"][0]["label"] == "log"
    assert provenance["workloads"][0]["rows_read"] == 4


def test_run_takes_parameters_cleaning_and_several_workloads(inputs: Path) -> None:
    words = ("-w", "log.swf", "--param", "backfill=sjf", "--max-jobs", "2", "--tau", "60")
    assert call(*RUN, *words) == 0
    provenance = json.loads((inputs / "out" / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["policy"]["params"] == {"backfill": "sjf"}
    assert [workload["jobs"] for workload in provenance["workloads"]] == [2, 2]
    assert (inputs / "out" / "jobs.csv").read_text(encoding="utf-8").count(",w1,") == 2


@pytest.mark.parametrize(("beta", "end_s"), [("0", 150.0), ("0.5", 225.0), ("1=0.5,2=0", 200.0)])
def test_run_takes_sensitivities(inputs: Path, beta: str, end_s: float) -> None:
    # At half the speed job 1 (queue 1) takes 100, 150 or 150 s, job 2 (queue 2 here) 50, 75 or 50 s after it.
    log = SWF.replace("2 10 -1 50 2 -1 -1 2 60 -1 1 2 1 -1 1", "2 10 -1 50 2 -1 -1 2 60 -1 1 2 1 -1 2")
    (inputs / "log.swf").write_text(log, encoding="utf-8")
    (inputs / "machine.xml").write_text(
        MACHINE.replace('speed="1Gf"><prop', 'speed="1Gf,0.5Gf" pstate="1"><prop').replace("100:200", "1:2,100:200"),
        encoding="utf-8",
    )
    assert call(*RUN, "--beta", beta, "--overrun-margin-s", "1000") == 0
    metrics = json.loads((inputs / "out" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["makespan_s"] == end_s
    provenance = json.loads((inputs / "out" / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["workloads"][0]["beta"] == {"0": [0, 0], "0.5": [0.5, 0.5]}.get(beta, [0, 0.5])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--beta", "2"), "beta '2': give a number from 0 to 1"),
        (("--beta", "9=0.5"), "beta for queue 9: no job is in it"),
        (("--engine", "simgrid"), "--engine simgrid: no such engine; there is embedded, batsim"),
        (("--simulation-timeout", "5"), "the embedded engine has none"),
        (("--policy", "eassy"), "unknown policy 'eassy'"),
        (("-p", "absent.xml"), "absent.xml"),
        (("-p", "kth-sp3"), "kth-sp2"),
        (("-w", "absent.swf"), "absent.swf: no such file"),
        (("--param", "order"), "--param 'order': a pair KEY=VALUE is expected"),
        (("--param", "nonsense=1"), "nonsense"),
        (("--tau", "0"), "--tau 0.0"),
        (("--tau", "nan"), "--tau nan"),
        (("--max-jobs", "0"), "max-jobs"),
        (("-o", "."), "exists and is no run directory"),
        (("-o", "log.swf"), "exists and is no run directory"),
        (("--events", "absent.txt"), "absent.txt"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(
    words: tuple[str, ...], message: str, inputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(path.name for path in inputs.iterdir())
    assert call(*RUN, *words) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("wattq: error: ")
    assert message in printed.err
    assert "Traceback" not in printed.err
    assert sorted(path.name for path in inputs.iterdir()) == before


def test_truncated_and_malformed_logs(inputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (inputs / "log.swf.gz").write_bytes(b"\x1f\x8b\x08\x00broken")
    assert call(*RUN[:4], "log.swf.gz", *RUN[5:]) == 2
    (inputs / "log.swf").write_text(SWF + "5 1 2\n", encoding="utf-8")
    assert call(*RUN) == 2
    assert "line 7" in capsys.readouterr().err


def test_compare_and_report(inputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = "name: study\nplatform: machine.xml\nworkloads: [log.swf]\npolicies: [fcfs, easy]\nenergy: true\n"
    (inputs / "study.yaml").write_text(study, encoding="utf-8")
    assert call("compare", "study.yaml") == 0
    out = inputs / "results" / "study"
    assert (out / "report.html").is_file()
    assert (out / "comparison.csv").is_file()
    table = capsys.readouterr().out
    assert call("report", str(out), "-o", "again.html", "--title", "Again") == 0
    again = capsys.readouterr().out
    for policy in ("fcfs", "easy"):
        row = next(line for line in table.splitlines() if line.startswith(policy))
        assert row in again
    assert "Again" in (inputs / "again.html").read_text(encoding="utf-8")


def test_report_reads_what_the_real_batsim_wrote(
    inputs: Path, shared_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shared_dir / "golden" / "policies" / "synsmall-ptask-energy_bf"
    assert call("report", str(folder), "-o", "r.html") == 0
    assert "250 of 250" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("compare", "absent.yaml"), "absent.yaml: no such file"),
        (("compare", "bad.yaml"), "bad.yaml, line 1, key 'nam': unknown key; did you mean 'name'?"),
        (("report", "absent"), "absent: no such folder"),
        (("report", "."), "no run directory"),
        (("report", ".", "--prefix", "x_"), "no x_jobs.csv"),
    ],
)
def test_wrong_experiments_and_folders(
    words: tuple[str, ...], message: str, inputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (inputs / "bad.yaml").write_text("nam: x\n", encoding="utf-8")
    assert call(*words) == 2
    assert message in capsys.readouterr().err


def test_the_demo_uses_a_generated_workload_only_when_it_says_so(inputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wattq.experiments import demo

    monkeypatch.setattr(demo, "data_dirs", list)
    monkeypatch.setenv("WATTQ_DATA", str(inputs / "cache"))
    monkeypatch.delenv("WATTQ_DATA_PATH", raising=False)
    experiment, _, words = demo.demo_experiment(offline=True)
    assert experiment.workloads[0].generate is not None
    assert "GENERATED" in words
    assert "KTH-SP2" in words
    assert "generated workload" in experiment.description


def test_the_demo_prefers_the_real_trace_on_this_machine(shared_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wattq.experiments import demo

    monkeypatch.setattr(demo, "data_dirs", list)
    monkeypatch.setenv("WATTQ_DATA_PATH", str(shared_dir / "data" / "swf"))
    experiment, _, words = demo.demo_experiment(offline=True)
    assert str(experiment.workloads[0].source).endswith("KTH-SP2-1996-2.1-cln.swf.gz")
    assert words.startswith("Real trace KTH-SP2")


def test_version_doctor_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--version") == 0
    assert capsys.readouterr().out == f"wattq {__version__}\n"
    assert call("doctor") == 0
    printed = capsys.readouterr().out
    for words in ("core libraries", "numba", "extra 'rl'", "batsim", "KTH-SP2"):
        assert words in printed
    assert call("--help") == 0
    printed = capsys.readouterr().out
    for command in ("demo", "run", "compare", "report", "doctor", "platform", "workload", "data"):
        assert f" {command} " in printed


def test_ctrl_c_gives_one_line_and_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from wattq.experiments import runner

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "run_once", interrupt)
    assert call(*RUN) == 130
    assert capsys.readouterr().err == "wattq: interrupted; what was finished stays, nothing is half-written\n"
    assert not Path("out").exists()


def test_a_closed_pipe_ends_quietly(inputs: Path) -> None:
    code = "from wattq.cli import main; main(['doctor'])"
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "-c", code], stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert done.stderr == ""
    assert done.returncode == 1


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom wattq.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'pandas', 'numba', 'matplotlib', 'pydantic', 'yaml', 'sklearn'} & set(sys.modules)\n"
        "print(sorted(heavy), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_words_become_values() -> None:
    assert [scalar(text) for text in ("true", "False", "none", "3", "-2.5", "1e3", "sjf", "")] == [
        True,
        False,
        None,
        3,
        -2.5,
        1000.0,
        "sjf",
        "",
    ]
    assert pairs(["a=1", "b-c=x=y"], "--param") == {"a": 1, "b_c": "x=y"}
    for word in ("a", "=1", ""):
        with pytest.raises(InvalidInputError, match="KEY=VALUE"):
            pairs([word], "--param")
    with pytest.raises(InvalidInputError, match="given twice"):
        pairs(["a=1", "a=2"], "--param")
