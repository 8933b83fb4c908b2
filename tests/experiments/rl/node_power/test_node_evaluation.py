"""Evaluation of the hourly task: rules, bounds, equal work, intervals, files, and the commands."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("stable_baselines3")

from wattq.cli import main
from wattq.errors import LearningError
from wattq.experiments.rl.node_power.candidates import load_policy
from wattq.experiments.rl.node_power.evaluation import Plan, evaluate
from wattq.experiments.rl.node_power.summary import COLUMNS, summarise, summary_text
from wattq.schedulers.rl.model_file import Learned, save_learned
from wattq.schedulers.rl.network import Network, NetworkShape
from wattq.schedulers.rl.node_power.config import NodePowerConfig
from wattq.schedulers.rl.node_power.serve import N_SERVE, SERVE_OBSERVATION


def _run(*words: object) -> int:
    """Run a command, and return its exit code."""
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    return int(end.value.code or 0)


RULES = ("always-on", "queue", "sized", "nothing")


def _policy(path: Path, *, hosts: int = 335, task: str = "node-power", inputs: int = len(SERVE_OBSERVATION)) -> Path:
    """Write a policy that always serves everything."""
    weight, bias = np.zeros((inputs, N_SERVE), np.float32), np.zeros(N_SERVE, np.float32)
    bias[9] = 1.0
    shape = NetworkShape(globals_=inputs, others=N_SERVE)
    network = Network.from_arrays("flat", shape, {"all.weight0": weight, "all.bias0": bias}, "tanh")
    names = SERVE_OBSERVATION[:inputs]
    machine = {"hosts": hosts, "cores": 96, "states": [{"speed_flops": 1.0, "idle_w": 150.0, "full_w": 450.0}]}
    save_learned(path, Learned(task, network, names, machine=machine, signals=("price",)))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("evaluation")


@pytest.fixture(scope="module")
def plan(folder: Path) -> Plan:
    model = _policy(folder / "all.wattq")
    return Plan({"all": str(model)}, ["sinus"], rates=(20.0,), seeds=1, weeks=3, policies=RULES)


@pytest.fixture(scope="module")
def rows(plan: Plan, folder: Path) -> dict[str, dict[str, object]]:
    return {str(row["policy"]): row for row in summarise(evaluate(plan, folder))}


def test_always_on_saves_nothing_against_itself(rows: dict[str, dict[str, object]]) -> None:
    row = rows["always-on"]
    assert (row["saved_always_on_percent"], row["work_percent"], row["void"]) == (0.0, 100.0, "")
    assert row["price_timing"] == row["energy_volume"] == 0.0


def test_idle_free_is_cheaper_than_always_on_for_the_same_jobs(rows: dict[str, dict[str, object]]) -> None:
    assert rows["idle-free"]["cost"] < rows["always-on"]["cost"]
    assert rows["idle-free"]["work_percent"] == 100.0


def test_bounds_lie_below_all_who_do_the_work(rows: dict[str, dict[str, object]]) -> None:
    for name in ("always-on", "idle-free", "queue", "all"):
        row = rows[name]
        assert 0 < row["liquid"] <= row["contiguous"] <= row["cost"]


def test_serving_nothing_saves_nothing(rows: dict[str, dict[str, object]]) -> None:
    row = rows["nothing"]
    assert str(row["void"]).startswith("void: 0.00 %")
    assert row["saved_always_on_percent"] is None
    assert row["capture_liquid_percent"] is None
    assert row["pending"] == row["submitted"]
    assert float(str(row["mean_wait_h"])) > 100.0


def test_intervals_and_parts(rows: dict[str, dict[str, object]]) -> None:
    row = rows["all"]
    assert row["saved_queue_low"] <= row["saved_queue_percent"] <= row["saved_queue_high"]
    total = rows["always-on"]["cost"] - row["cost"]
    assert row["price_timing"] + row["energy_volume"] == pytest.approx(total)
    assert row["annual"] == pytest.approx(12 * row["monthly"])
    assert set(row) == set(COLUMNS)


def test_results_are_not_made_again(plan: Plan, folder: Path) -> None:
    told: list[tuple[int, int]] = []
    evaluate(plan, folder, done=lambda ready, total: told.append((ready, total)))
    assert told == [(3, 3)]


def test_text_names_what_is_void(rows: dict[str, dict[str, object]]) -> None:
    text = summary_text(list(rows.values()))
    assert "sinus, 20 jobs/h, 3 episodes of 336 h" in text
    assert next(line for line in text.splitlines() if line.startswith("nothing")).endswith("void")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"hosts": 100}, "learned on 100 nodes of 96 cores"),
        ({"task": "sc20"}, "a policy of task sc20"),
        ({"inputs": 20}, "other numbers"),
    ],
)
def test_other_policies_are_refused(tmp_path: Path, change: dict[str, object], says: str) -> None:
    with pytest.raises(LearningError, match=says):
        load_policy(_policy(tmp_path / "other.wattq", **change), NodePowerConfig())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"prices": []}, "one series"),
        ({"prices": ["sinus", "sinus"]}, "given twice"),
        ({"weeks": 0}, "--weeks 0"),
        ({"policies": ("fast",)}, "no such rule"),
        ({"models": {"queue": "x"}}, "a rule has this name"),
    ],
)
def test_wrong_plans_are_errors(change: dict[str, object], says: str) -> None:
    told = {"models": {}, "prices": ["sinus"], **change}
    with pytest.raises(LearningError, match=says):
        Plan(**told)


def test_the_command_writes_tables_and_pictures(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output, model = folder / "out", str(folder / "all.wattq")
    told = ["--prices", "logic", "--rates", "20", "--seeds", "1", "--weeks", "1", "--rules", "sized,queue,random"]
    before = load_policy(model, NodePowerConfig()).network.arrays
    assert _run("rl", "evaluate", model, *told, "-o", output, "--into-card") == 0
    after = load_policy(model, NodePowerConfig())
    assert all(np.array_equal(array, after.network.arrays[name]) for name, array in before.items())
    assert after.card["results"]["rows"][0]["work_percent"] == pytest.approx(100.0, abs=0.2)
    assert "vs queue %" in capsys.readouterr().out
    rows = json.loads((output / "summary.json").read_text())
    assert {row["policy"] for row in rows} == {"all", "always-on", "sized", "queue", "random", "idle-free"}
    with (output / "episodes.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 5
    pictures = sorted(path.name for path in output.glob("*.png"))
    assert pictures == ["dashboard-all.png", "episodes-0.png", "savings-0.png"]
    assert all((output / name).stat().st_size > 20_000 for name in pictures)


def test_wrong_commands_end_with_a_message(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for told, says in (
        (["evaluate", "-o", str(folder / "x")], "--prices"),
        (["evaluate", "--task", "chess", "--prices", "sinus", "-o", str(folder / "x")], "--task chess"),
        (["evaluate", "--prices", "nothing.csv", "-o", str(folder / "x")], "nothing.csv"),
        (["sweep", "lambda", "--values", "0", "-o", str(folder / "x")], "above 0"),
    ):
        assert _run("rl", *told) == 2
        assert says in capsys.readouterr().err


def test_a_sweep_of_seeds_has_its_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = folder / "seeds"
    told = ["--rate", "10", "--seeds", "2", "--weeks", "1", "--rules", "queue"]
    assert _run("rl", "sweep", "seed", *told, "-o", output) == 0
    rows = json.loads((output / "sweep.json").read_text())
    assert {row["seed"] for row in rows} == {0, 1}
    assert (output / "sweep.png").stat().st_size > 20_000
    assert (output / "sweep.csv").read_text().startswith("seed,prices,rate,policy,")


def test_the_shipped_policy_is_small_and_says_what_it_reached() -> None:
    path = Path(__file__).resolve().parents[4] / "experiments" / "rl" / "node_power" / "learned.wattq"
    learned = load_policy(path, NodePowerConfig())
    assert path.stat().st_size < 200_000
    rows = [row for row in learned.card["results"]["rows"] if row["rate"] == "all"]
    assert len(rows) == 2
    for row in rows:
        assert row["least_work_percent"] >= 99.9
        assert min(row["saved_queue_low"], row["saved_always_on_low"], row["saved_idle_free_low"]) > 0.0
        assert row["capture_contiguous_percent"] > 10.0
