from __future__ import annotations

from pathlib import Path

import pytest

from wattq.experiments import load_experiment
from wattq.experiments.tuning import find_tuning, load_tuning

TUNED = sorted((Path(__file__).parents[3] / "experiments" / "tuned").glob("*.yaml"))


@pytest.mark.parametrize("path", TUNED, ids=lambda path: path.stem)
def test_what_was_found_says_where_it_comes_from(path: Path) -> None:
    """A tuned experiment has EASY, the weeks of its tuning file, and a command that found it."""
    experiment = load_experiment(path)
    command = path.read_text(encoding="utf-8").splitlines()[0]
    assert command.startswith("# Found by: wattq tune tune-")
    tuning = load_tuning(find_tuning(command.split()[5]))
    assert experiment.policies[0].title == "easy"
    assert not experiment.policies[0].params
    assert (experiment.weeks, experiment.workloads) == (tuning.weeks, tuning.workloads)
    assert experiment.signals == tuning.signals


def test_there_are_some() -> None:
    assert TUNED
