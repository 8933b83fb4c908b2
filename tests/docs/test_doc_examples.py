"""The example policies of the documentation, on generated and on real input."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from wattq.platforms import load_platform
from wattq.schedulers import make_policy
from wattq.simulator import Run, simulate
from wattq.workloads import CleaningOptions, Workload, generate_saturated, read_workload

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
EASY = f"{EXAMPLES / 'easy.py'}:Easy"
SLEEPER = f"{EXAMPLES / 'sleeper.py'}:Sleeper"


def files(run: Run) -> dict[str, str]:
    """Return the files without the one that holds wall-clock times."""
    return {name: text for name, text in run.files().items() if name != "schedule.csv"}


def assert_easy_equals_the_built_in(work: Workload) -> None:
    machine = load_platform("kth-sp2")
    ours = simulate(machine, [work], make_policy(EASY), energy=True)
    theirs = simulate(machine, [work], make_policy("easy"), energy=True)
    assert files(ours) == files(theirs)
    assert ours.summary["jobs"]["succeeded"] == work.n_jobs


@pytest.mark.parametrize("seed", range(5))
def test_easy_in_20_lines_is_easy(seed: int) -> None:
    assert_easy_equals_the_built_in(generate_saturated(500, 100, seed))


def test_easy_in_20_lines_is_easy_on_a_real_trace(shared_dir: Path) -> None:
    path = shared_dir / "data" / "swf" / "KTH-SP2-1996-2.1-cln.swf.gz"
    assert_easy_equals_the_built_in(read_workload(path, options=CleaningOptions(max_jobs=3000)))


def test_easy_has_no_more_than_20_lines() -> None:
    """From the line of `class` to the last, comments and docstring included; blank lines are none."""
    text = (EXAMPLES / "easy.py").read_text(encoding="utf-8")
    (kind,) = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
    lines = text.splitlines()[kind.lineno - 1 : kind.end_lineno]
    assert sum(bool(line.strip()) for line in lines) <= 20


def test_easy_rejects_what_is_too_large() -> None:
    machine, work = load_platform("kth-sp2", mmax=50), generate_saturated(100, 100, 0)
    ours = simulate(machine, [work], make_policy(EASY))
    theirs = simulate(machine, [work], make_policy("easy"))
    assert files(ours) == files(theirs)
    assert ours.summary["jobs"]["rejected"] == int((work.hosts > 50).sum()) > 0


def test_sleeper_saves_energy_and_runs_every_job() -> None:
    machine, work = load_platform("kth-sp2"), generate_saturated(300, 100, 0, load=0.3)
    asleep = simulate(machine, [work], make_policy(SLEEPER), energy=True).summary
    awake = simulate(machine, [work], make_policy("filler"), energy=True).summary
    assert asleep["status"] == "finished"
    assert asleep["jobs"]["succeeded"] == awake["jobs"]["succeeded"] == 300
    by_state = asleep["energy_by_state_j"]
    assert by_state["computing"] == pytest.approx(awake["energy_by_state_j"]["computing"], rel=1e-9)
    # falling asleep takes 5 s at 125 W, waking 64 s at 115 W: whole numbers of them
    for state, joules in (("switching_off", 625.0), ("switching_on", 7360.0)):
        times = by_state[state] / joules
        assert times == pytest.approx(round(times), abs=1e-6)
        assert times >= 100
    assert asleep["energy_exact_j"] < 0.7 * awake["energy_exact_j"]
    assert sum(by_state.values()) == pytest.approx(asleep["energy_exact_j"], rel=1e-9)


def test_sleeper_finishes_with_hosts_asleep() -> None:
    machine, work = load_platform("kth-sp2"), generate_saturated(3, 100, 0, load=0.01)
    run = simulate(machine, [work], make_policy(SLEEPER, {"idle_s": 1.0}), energy=True)
    assert run.summary["status"] == "finished"
    last = run.files()["machine_states.csv"].splitlines()[-1]
    assert last.endswith(",100,0,0,0,0")
