"""``wattq bound``: finished runs beside the bound of their work."""

from __future__ import annotations

from pathlib import Path

import pytest

from wattq.cli import main

CARBON = (
    "from,to,actual,region\n2021-03-01T00:00Z,2021-03-01T06:00Z,50,GB\n2021-03-01T06:00Z,2021-03-09T00:00Z,200,GB\n"
)


def call(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(words)
    return int(end.value.code or 0)


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """Runs of EASY and FCFS, and one of other jobs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "carbon.csv").write_text(CARBON, encoding="utf-8")
    state = ("--state", "1Gf:100:200", "--sleep", "10:5:125:64:115")
    assert call("platform", "make", "--nodes", "8", *state, "--out", "m.xml") == 0
    assert call("platform", "make", "--nodes", "9", *state, "--out", "n.xml") == 0
    for name, seed in (("jobs", "1"), ("other", "2")):
        assert call("workload", "generate", f"{name}.json", "--jobs", "6", "--hosts", "8", "--seed", seed) == 0
    for policy in ("easy", "fcfs"):
        assert call("run", "-p", "m.xml", "-w", "jobs.json", "--policy", policy, "-E", "-o", policy) == 0
    assert call("run", "-p", "n.xml", "-w", "jobs.json", "--policy", "easy", "-E", "-o", "larger") == 0
    capsys.readouterr()
    return tmp_path


@pytest.mark.parametrize("kind", ["liquid", "contiguous"])
def test_a_run_and_a_policy_beside_the_bound(runs: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--carbon", "carbon.csv", "--origin", "2021-03-01T00:00Z", "--kind", kind)
    assert call("bound", "easy", "fcfs", "-w", "jobs.json", *words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["Baseline", "Policy", "Bound", "Possible", "saving", "Saving", "Captured"]
    cells = {line.split()[0]: line.split() for line in lines[2:5]}
    assert set(cells) == {"Energy", "Facility", "CO2e"}
    for row in cells.values():
        baseline, policy, bound = (float(cell.replace(",", "")) for cell in row[2:5])
        assert bound < min(baseline, policy)
    assert lines[6].startswith(f"{kind} bound for 6 jobs, ")


def test_less_wait_allows_less(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = []
    for wait in ("0", "36000", "360000"):
        words = ("--carbon", "carbon.csv", "--origin", "2021-03-01T00:00Z", "--max-extra-wait", wait)
        assert call("bound", "easy", "-w", "jobs.json", *words) == 0
        row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("CO2e"))
        found.append(float(row.split()[3]))
    assert found == sorted(found, reverse=True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("easy", "-w", "jobs.json", "--kind", "solid"), "bound 'solid': there are liquid, contiguous"),
        (("easy", "-w", "jobs.json", "--max-extra-wait", "-1"), "extra wait -1 s"),
        (("easy", "-w", "jobs.json", "--carbon", "carbon.csv"), "--origin: is needed with series"),
        (("easy", "larger", "-w", "jobs.json"), "the two runs are on different machines"),
        (("easy", "-w", "jobs.json", "--step", "0"), "step 0 s"),
        (("easy", "-w", "none.json"), "none.json"),
    ],
)
def test_bad_input(runs: Path, words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("bound", *words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_workload_without_the_jobs_of_the_run(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("workload", "generate", "few.json", "--jobs", "3", "--hosts", "8", "--seed", "1") == 0
    assert call("bound", "easy", "-w", "few.json") == 2
    assert "not in the workload; give the workload of the run" in capsys.readouterr().err
