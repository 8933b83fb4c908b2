"""Learning eco's network on a small study: it resumes exactly, and never looks at test weeks."""

from __future__ import annotations

from pathlib import Path

import pytest

from wattq.errors import InvalidInputError, LearningError
from wattq.experiments.experiment_file import load_experiment
from wattq.experiments.rl.evolve import EvolveFile, evolve, load_evolve
from wattq.experiments.rl.evolve.candidate import Objective, first_numbers
from wattq.experiments.rl.evolve.weeks import training_weeks
from wattq.schedulers import make_policy
from wattq.schedulers.rl.model_file import load_learned
from wattq.simulator import simulate

FILE = {
    "name": "small",
    "study": "small.yaml",
    "workload": "log",
    "weeks": [3],
    "grids": ["made"],
    "start": {"timeout": 30, "min_area": 3600},
    "population": 4,
    "generations": 3,
}


def training(**changes: object) -> EvolveFile:
    return EvolveFile.model_validate(FILE | changes)


def test_it_learns_resumes_exactly_and_gives_a_policy(study_base: Path, tmp_path: Path) -> None:
    study = load_experiment(study_base / "small.yaml")
    whole = evolve(training(), study, tmp_path / "whole", base=study_base, seed=3)
    evolve(training(generations=1), study, tmp_path / "parts", base=study_base, seed=3)
    parts = evolve(training(), study, tmp_path / "parts", base=study_base, seed=3)
    assert (tmp_path / "whole" / "history.csv").read_text() == (tmp_path / "parts" / "history.csv").read_text()
    one, two = load_learned(whole, task="eco"), load_learned(parts, task="eco")
    assert (one.network.weights == two.network.weights).all()
    assert one.options == two.options
    assert one.card["best"]["cost"] <= 1.0
    assert one.card["weeks"] == ["3 on made"]
    week = training_weeks(training(), study, study_base, tmp_path)[0]
    params = {"model": str(whole), "signal": str(week.series), "origin": week.origin_s}
    run = simulate(week.platform, [week.part.workload], make_policy("eco-learned", params), energy=True)
    assert (run.kernel.jobs["return_code"] == 0).sum() >= 0.9 * len(run.kernel.jobs)


def test_a_network_that_says_nothing_is_eco(study_base: Path, tmp_path: Path) -> None:
    study = load_experiment(study_base / "small.yaml")
    objective = Objective(training(), training_weeks(training(), study, study_base, tmp_path))
    assert objective.score(first_numbers()) == objective.start
    assert objective.cost(objective.start) == 1.0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weeks": [2]}, "week 2 is a test week"),
        ({"grids": ["other"]}, "has no signals 'other'"),
        ({"workload": "none"}, "study small has log"),
    ],
)
def test_wrong_trainings(study_base: Path, tmp_path: Path, changes: dict[str, object], words: str) -> None:
    study = load_experiment(study_base / "small.yaml")
    with pytest.raises(LearningError, match=words):
        training_weeks(training(**changes), study, study_base, tmp_path)


def test_another_search_in_the_folder(study_base: Path, tmp_path: Path) -> None:
    study = load_experiment(study_base / "small.yaml")
    evolve(training(generations=1), study, tmp_path, base=study_base)
    with pytest.raises(LearningError, match="another training or seed"):
        evolve(training(sigma=0.2), study, tmp_path, base=study_base)
    (tmp_path / "state.json").write_text("{}")
    with pytest.raises(LearningError, match="damaged"):
        evolve(training(), study, tmp_path, base=study_base)


def test_wrong_files(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("name: a\nstudy: b\nworkload: c\ngrids: [d]\nhiden: 3\n")
    with pytest.raises(InvalidInputError, match="hiden"):
        load_evolve(path)
