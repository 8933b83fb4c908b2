"""Learned policies on held-out weeks: who is the best heuristic, who wins, what is saved."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wattq.errors import LearningError
from wattq.experiments.experiment_file import load_experiment
from wattq.experiments.rl.heldout import HeldOut, Verdict, evaluate_learned
from wattq.experiments.rl.heldout.output import evaluation_text, write_evaluation
from wattq.experiments.rl.heldout.policies import labels_of
from wattq.experiments.rl.heldout.random_start import RandomStart
from wattq.experiments.rl.heldout.savings import WEEKS_PER_YEAR, savings_of
from wattq.experiments.rl.heldout.verdict import best_heuristic
from wattq.experiments.study.bootstrap import Estimate
from wattq.experiments.study.summary import Group, Row
from wattq.schedulers import check_policy
from wattq.schedulers.green.networks import FACTS, SAYS, n_weights
from wattq.schedulers.rl.model_file import Learned, save_learned
from wattq.schedulers.rl.network import Network, NetworkShape

HIDDEN = 2


def model(path: Path, params: dict[str, object], speed: float = 0.0) -> Path:
    """Write a network that says nothing but a change of speed."""
    n, m = len(FACTS), len(SAYS)
    arrays = {
        "all.weight0": np.zeros((n, HIDDEN)),
        "all.bias0": np.zeros(HIDDEN),
        "all.weight1": np.zeros((HIDDEN, m)),
        "all.bias1": np.array([0.0, 0.0, speed]),
    }
    network = Network.from_arrays("flat", NetworkShape(globals_=n, others=m), arrays)
    assert sum(a.size for a in arrays.values()) == n_weights(HIDDEN)
    save_learned(path, Learned("eco", network, FACTS, options={"params": params}, signals=("carbon",)))
    return path


@pytest.fixture(scope="module")
def found(study_base: Path, tmp_path_factory: pytest.TempPathFactory) -> HeldOut:
    folder = tmp_path_factory.mktemp("heldout")
    experiment = load_experiment(study_base / "small.yaml")
    eco = {"timeout": 30, "min_area": 3600, "order": "fcfs"}
    policies = [*experiment.policies, {"name": "eco", "params": {**eco, "signal": ""}, "label": "eco"}]
    raw = experiment.model_dump(exclude={"policies"}) | {
        "policies": [p if isinstance(p, dict) else p.model_dump() for p in policies]
    }
    experiment = type(experiment).model_validate(raw)
    models = [model(folder / "same.wattq", eco), model(folder / "slow.wattq", eco, speed=5.0)]
    return evaluate_learned(experiment, models, folder, base=study_base, workers=1, random_seeds=1)


def test_verdicts_are_against_the_best_heuristic_of_the_tuning_weeks(found: HeldOut) -> None:
    best = found.best["log", "made"]
    assert best in ("easy", "fcfs", "easy-sjbf", "eco")
    assert [verdict.learned for verdict in found.verdicts] == ["learned same", "learned slow"]
    assert {verdict.heuristic for verdict in found.verdicts} == {best}


def test_the_best_heuristic_takes_least_at_no_longer_waits_with_no_less_work() -> None:
    def row(name: str, co2e_kg: float, p95_s: float, void: str = "") -> Row:
        values = {"co2e_kg": Estimate(co2e_kg), "wait_p95_s": Estimate(p95_s)}
        return Row(name, name == "easy", values, {}, void=void)

    rows = (row("easy", 100, 10), row("a", 90, 10), row("b", 80, 20), row("c", 70, 5, "void"), row("d", 95, 1))
    titles = ["a", "b", "c", "d"]
    assert best_heuristic(Group("log", "grid", (1,), (0.0,), rows), titles) == "a"
    assert best_heuristic(Group("log", "grid", (1,), (0.0,), rows[:1] + rows[2:4]), titles) == "easy"


def test_savings_add_up(found: HeldOut) -> None:
    (group,) = found.study.groups
    savings = {one.policy: one for one in savings_of(found.study.groups, found.study.records)}
    eco = savings["eco"]
    base = group.baseline
    assert base is not None
    assert eco.saved == pytest.approx(base.values["co2e_kg"].value - eco_amount(group), rel=1e-12)
    assert eco.volume + eco.timing == pytest.approx(eco.saved, rel=1e-9)
    assert eco.per_year == pytest.approx(eco.saved / 3 * WEEKS_PER_YEAR)
    assert eco.per_month * 12 == pytest.approx(eco.per_year)
    assert eco.low < eco.share < eco.high
    # Idle-free EASY takes less energy than EASY, so that the share against it is smaller.
    assert (
        eco.share_of_idle_free < 1 - next(row for row in group.rows if row.policy == "eco").ratios["energy_kwh"].value
    )


def eco_amount(group) -> float:
    return next(row for row in group.rows if row.policy == "eco").values["co2e_kg"].value


def test_files(found: HeldOut, tmp_path: Path) -> None:
    paths = write_evaluation(found, tmp_path, "small.yaml")
    document = json.loads((tmp_path / "verdicts.json").read_text())
    assert [v["wins"] for v in document["verdicts"]] == [v.wins for v in found.verdicts]
    rows = list(csv.DictReader((tmp_path / "savings.csv").read_text().splitlines()))
    assert [row["policy"] for row in rows] == [r.policy for r in found.study.groups[0].rows if not r.is_baseline]
    report = (tmp_path / "report.html").read_text()
    assert all(verdict.sentence.split(":")[0] in report for verdict in found.verdicts)
    assert all(path.stat().st_size > 0 for path in paths)
    assert {path.name for path in paths} >= {"log_made-cumulative.png", "log_made-waits.png"} or any(
        path.name.endswith("-cumulative.png") for path in paths
    )


def verdict(**changes: object) -> Verdict:
    first = Verdict(
        "log",
        "grid",
        "learned a",
        "eco",
        "co2e_kg",
        5,
        Estimate(0.97, 0.95, 0.99),
        Estimate(0.9, 0.8, 1.2),
        90.0,
        100.0,
    )
    return replace(first, **changes)


@pytest.mark.parametrize(
    ("changes", "wins"),
    [
        ({}, True),
        ({"aim_ratio": Estimate(0.97, 0.95, 1.01)}, False),
        ({"learned_p95_s": 101.0}, False),
        ({"learned_p95_s": 100.0}, True),
        ({"void": "void: served less work (1 job, 2 host-h, 0.1 % fewer)"}, False),
        ({"aim_ratio": None}, False),
        ({"aim_ratio": Estimate(0.97)}, False),
    ],
)
def test_who_wins(changes: dict[str, object], wins: bool) -> None:
    made = verdict(**changes)
    assert made.wins is wins
    assert ("does not win" in made.sentence) is not wins


def test_the_text_counts_wins(found: HeldOut) -> None:
    text = evaluation_text(found)
    assert text.endswith(f"win {sum(v.wins for v in found.verdicts)} of 2 comparisons with the best tuned heuristic.")


def test_labels_tell_equal_names_apart() -> None:
    assert labels_of([Path("a/policy.wattq"), Path("b/policy.wattq"), Path("x.wattq")]) == [
        "learned a policy",
        "learned b policy",
        "learned x",
    ]


def test_random_start_keeps_the_contract() -> None:
    check_policy(lambda: RandomStart(3))


def test_wrong_input(study_base: Path, tmp_path: Path) -> None:
    experiment = load_experiment(study_base / "small.yaml")
    with pytest.raises(LearningError, match="no learned policy was given"):
        evaluate_learned(experiment, [], tmp_path, base=study_base)
    path = model(tmp_path / "a.wattq", {})
    with pytest.raises(LearningError, match="two policies are called"):
        evaluate_learned(experiment, [path, path], tmp_path, base=study_base)
    lonely = experiment.model_copy(update={"policies": experiment.policies[:1]})
    with pytest.raises(LearningError, match="has no policy 'easy'"):
        evaluate_learned(lonely, [path], tmp_path, base=study_base)
