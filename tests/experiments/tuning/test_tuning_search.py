from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wattq.errors import InvalidInputError, MissingDependencyError, TuningError
from wattq.experiments import load_experiment
from wattq.experiments.study import run_study
from wattq.experiments.tuning import Outcome, Settings, parse_tuning, tune, tuning_text, verdict, write_tuning
from wattq.experiments.tuning.arena import EASY, Arena, build_arena
from wattq.experiments.tuning.scoring import score
from wattq.experiments.tuning.storage import counted, open_storage
from wattq.experiments.tuning.storage import find_storage as storage_at

Text = Callable[..., str]
NAMES = ("trials.csv", "gap.csv", "report.html", "provenance.json", "best.yaml")


def search(text: str, base: Path, folder: Path, told: Any = None, **words: Any) -> Outcome:
    return tune(parse_tuning(text, "t.yaml"), Settings(folder, base, **words), told)


def chosen(outcome: Outcome) -> list[tuple[Any, ...]]:
    return [(row.state, dict(row.chosen), row.objectives) for row in outcome.trials]


@pytest.fixture(scope="module")
def done(tuning_base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Path]:
    """The search `small`, and the folder of its files."""
    folder = tmp_path_factory.mktemp("done")
    outcome = search((tuning_base / "small.yaml").read_text(), tuning_base, folder)
    write_tuning(outcome, folder, tuning_base, "small.yaml")
    return outcome, folder


@pytest.fixture(scope="module")
def arena(tuning_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Arena:
    tuning = parse_tuning((tuning_base / "small.yaml").read_text(), "t.yaml")
    return build_arena(tuning, tmp_path_factory.mktemp("arena"), tuning_base)


def test_easy_is_what_others_are_measured_by(arena: Arena) -> None:
    found = score(arena, [arena.play(step, EASY) for step in arena.steps])
    assert found.objectives == (1.0,)
    assert found.constraints == {
        "wait_p95_s at most EASY's x 1.5": pytest.approx(-1 / 3),
        "lost_work_host_h at most 0": 0,
    }


def test_the_best_trial_is_what_compare_says(done: tuple[Outcome, Path], tmp_path: Path) -> None:
    """Objectives of a trial are the quotients of a study on the same weeks, and best.yaml is that study."""
    outcome, folder = done
    assert outcome.trials[0].chosen == {"timeout?": "break-even", "spare": 0.0}
    study = run_study(load_experiment(folder / "best.yaml"), tmp_path, base=folder, part="tuning", workers=1)
    rows = {row.policy: row for row in study.groups[0].rows}
    assert list(rows) == ["easy", "sleep, defaults", "sleep, tuned"]
    assert rows["sleep, tuned"].ratios["energy_kwh"].value == pytest.approx(outcome.best[0].objectives[0], rel=1e-12)
    test = run_study(load_experiment(folder / "best.yaml"), tmp_path, base=folder, workers=1)
    gap = next(g for g in outcome.gaps if g.policy == "sleep, tuned" and g.metric == "energy_kwh")
    assert gap.tuning == rows["sleep, tuned"].ratios["energy_kwh"]
    assert gap.test == test.groups[0].rows[2].ratios["energy_kwh"]
    assert gap.gap.value == pytest.approx(gap.test.value - gap.tuning.value)


def test_files_of_a_search(done: tuple[Outcome, Path]) -> None:
    outcome, folder = done
    assert {path.name for path in folder.iterdir()} == {*NAMES, "study.journal", "signals"}
    lines = (folder / "trials.csv").read_text().splitlines()
    assert lines[0].startswith(
        "trial,state,feasible,policy,weeks,energy_kwh/easy,excess: wait_p95_s at most EASY's x 1.5,"
    )
    assert len(lines) == 1 + len(outcome.trials) == 7
    page = (folder / "report.html").read_text()
    assert page.count("<figure>") == 2
    assert "Tuning weeks and test weeks" in page
    assert "synthetic" in page
    provenance = json.loads((folder / "provenance.json").read_text())
    assert provenance["study"]["sampler"] == {"name": "tpe", "seed": 3, "startup": 3}
    assert provenance["trials"]["counted"] == 6


def test_findings_say_work_waits_and_gap(done: tuple[Outcome, Path]) -> None:
    outcome, _ = done
    text = tuning_text(outcome)
    words = [sentence for section in verdict(outcome) for sentence in section.sentences]
    assert words[0].startswith("6 trials: 6 judged on all tuning weeks, 0 ended early, 0 failed; ")
    mine = next(line for line in words if "sleep, tuned: Energy" in line)
    assert "no work lost against EASY" in mine
    assert "wait_p95_s at most EASY's x 1.5: " in mine
    assert "on the tuning weeks, gap " in mine
    assert any("of the energy_kwh of sleep, defaults: " in line for line in words)
    assert "Never started" in text


def test_the_same_seed_gives_the_same_trials(done: tuple[Outcome, Path], tuning_base: Path, tmp_path: Path) -> None:
    again = search((tuning_base / "small.yaml").read_text(), tuning_base, tmp_path)
    assert chosen(again) == chosen(done[0])


def test_a_search_that_was_stopped_gives_what_it_would_have_given(
    done: tuple[Outcome, Path], tuning_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (tuning_base / "small.yaml").read_text()
    played = Arena.play
    calls = []

    def stop(self: Arena, step: Any, policy: Any) -> Any:
        calls.append(policy.name)
        if len(calls) == 3 + 3 * 3 + 2:  # EASY, three trials, and two weeks of the fourth
            raise KeyboardInterrupt
        return played(self, step, policy)

    monkeypatch.setattr(Arena, "play", stop)
    with pytest.raises(KeyboardInterrupt):
        search(text, tuning_base, tmp_path)
    with pytest.raises(TuningError, match="holds a study 'small' with 4 trials; go on with it by --resume"):
        search(text, tuning_base, tmp_path)
    outcome = search(text, tuning_base, tmp_path, resume=True)
    assert chosen(outcome) == chosen(done[0])
    assert [row.number for row in outcome.trials] == [0, 1, 2, 4, 5, 6]
    more = search(text, tuning_base, tmp_path, resume=True, trials=7)
    assert chosen(more)[:6] == chosen(outcome)
    assert len(more.trials) == 7


def test_a_study_made_with_something_else_is_refused(
    done: tuple[Outcome, Path], small: Text, tuning_base: Path, tmp_path: Path
) -> None:
    journal = tmp_path / "study.journal"
    for change, rule in (
        (("[0, 0.5]", "[0, 0.4]"), r"other policies: sleep.knobs.spare.float\[1\] was 0.5 and is 0.4 now"),
        (("tuning: [1, 2, 3]", "tuning: [1, 2]"), "other (calendar|weeks): it was"),
        (("most: 1.5", "most: 1.4"), 'other constraints: .* was "wait_p95_s at most EASY\'s x 1.5" and is .* x 1.4'),
        (("energy_kwh", "co2e_kg"), r"other objectives: \[0\].metric was \"energy_kwh\" and is \"co2e_kg\" now"),
        (("seed: 3", "seed: 4"), "other sampler: seed was 3 and is 4 now"),
    ):
        journal.write_bytes((done[1] / "study.journal").read_bytes())
        with pytest.raises(TuningError, match=rule):
            search(small(change), tuning_base, tmp_path, resume=True)


def test_a_bound_that_no_trial_keeps(small: Text, tuning_base: Path, tmp_path: Path) -> None:
    (tmp_path / "best.yaml").write_text("old")
    outcome = search(small(("most: 1.5", "most: 0.0"), ("trials: 6", "trials: 2")), tuning_base, tmp_path)
    write_tuning(outcome, tmp_path, tuning_base)
    assert outcome.best == ()
    assert outcome.test is None
    assert not (tmp_path / "best.yaml").exists()
    assert "nothing is recommended" in tuning_text(outcome)
    assert "The nearest one, trial" in tuning_text(outcome)


def test_several_objectives_give_a_front(small: Text, tuning_base: Path, tmp_path: Path) -> None:
    two = ("objectives: [energy_kwh]", "objectives: [energy_kwh, {metric: wait_mean_s, of: value}]\nfront: 1")
    outcome = search(small(two, ("most: 1.5", "most: 100")), tuning_base, tmp_path)
    points = [row.objectives for row in outcome.best]
    assert points == sorted(points)
    rest = [row.objectives for row in outcome.trials if row.feasible]
    assert not any(a[0] <= b[0] and a[1] <= b[1] and a != b for a in rest for b in points)
    assert len(outcome.shown) == 1
    write_tuning(outcome, tmp_path, tuning_base)
    assert "energy_kwh/easy against wait_mean_s." in (tmp_path / "report.html").read_text()
    assert [p.title for p in outcome.policies][:2] == ["easy", "sleep, defaults"]


def test_a_grid_plays_every_combination_once(small: Text, tuning_base: Path, tmp_path: Path) -> None:
    changes = (
        ("timeout: {float: [1, 7200], log: true, or: [break-even]}", "timeout: {choice: [break-even, 60]}"),
        ("[0, 0.5]", "[0, 0.5], step: 0.5"),
        ("{name: tpe, seed: 3, startup: 3}", "grid"),
        ("tuning: [1, 2, 3]", "tuning: [2]"),
    )
    outcome = search(small(*changes), tuning_base, tmp_path)
    assert [(row.chosen["timeout"], row.chosen["spare"]) for row in outcome.trials] == [
        ("break-even", 0.0), ("break-even", 0.5), (60, 0.0), (60, 0.5),
    ]  # fmt: skip


def test_pruned_trials_keep_what_is_known_of_their_bounds(small: Text, tuning_base: Path, tmp_path: Path) -> None:
    median = ("pruner: none", "pruner: {name: median, steps: 2}")
    outcome = search(small(median, ("trials: 6", "trials: 10"), ("startup: 3", "startup: 2")), tuning_base, tmp_path)
    pruned = [row for row in outcome.trials if row.state == "pruned"]
    assert pruned
    assert all(row.steps == 2 and len(row.constraints) == 2 and not row.feasible for row in pruned)


def test_a_trial_that_fails_says_why(small: Text, tuning_base: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text(
        "class Mine:\n    def __init__(self, x=0):\n        self.x = 1 / (x - 1)\n"
        "    def decide(self, view, actions):\n        pass\n"
    )
    knobs = "      timeout: {float: [1, 7200], log: true, or: [break-even]}\n      spare: {float: [0, 0.5]}\n"
    text = small(
        ("- name: sleep", f"- name: {own}:Mine"), (knobs, "      x: {choice: [1]}\n"), ("trials: 6", "trials: 1")
    )
    outcome = search(text, tuning_base, tmp_path / "out")
    assert outcome.trials[0].state == "failed"
    assert "division by zero" in outcome.trials[0].error
    assert "1 failed" in tuning_text(outcome)


def test_what_no_trial_could_know_is_said_at_once(small: Text, tuning_base: Path, tmp_path: Path) -> None:
    with pytest.raises(TuningError, match="metric 'cost' on log / made: is not known; nothing in the file gives it"):
        search(small(("[energy_kwh]", "[cost]")), tuning_base, tmp_path)
    with pytest.raises(TuningError, match="metric 'energy': there is no such metric; did you mean energy_j"):
        search(small(("[energy_kwh]", "[energy]")), tuning_base, tmp_path)
    with pytest.raises(TuningError, match="several 'seeds' change nothing"):
        search(small(("trials: 6", "trials: 6\nseeds: [1, 2]")), tuning_base, tmp_path)
    with pytest.raises(InvalidInputError, match=r"the log has \d whole weeks"):
        search(small(("tuning: [1, 2, 3]", "tuning: [60]")), tuning_base, tmp_path)


def test_seeds_reach_noisy_forecasts(small: Text, tuning_base: Path, tmp_path: Path) -> None:
    knobs = "      timeout: {float: [1, 7200], log: true, or: [break-even]}\n      spare: {float: [0, 0.5]}\n"
    text = small(
        ("- name: sleep", "- name: defer\n    params: {forecast: 'noisy:80'}"),
        (knobs, "      min_gain: {float: [0, 0.3]}\n"),
        ("most: 1.5", "most: 50"), ("trials: 6", "trials: 1\nseeds: [1, 2]"), ("tuning: [1, 2, 3]", "tuning: [2]"),
    )  # fmt: skip
    outcome = search(text, tuning_base, tmp_path)
    values = outcome.trials[0].values
    assert sorted(values) == ["log, seed 1 / made", "log, seed 2 / made"]
    assert len({row["wait_p95_s"] for row in values.values()}) == 2


def test_a_sampler_that_is_not_installed(small: Text, tuning_base: Path, tmp_path: Path, monkeypatch: Any) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"wattq\[tune\]"):
        search(small(), tuning_base, tmp_path)


@pytest.mark.parametrize("name", ["random", "nsga2"])
def test_samplers(name: str, small: Text, tuning_base: Path, tmp_path: Path) -> None:
    outcome = search(
        small(("name: tpe", f"name: {name}"), ("trials: 6", "trials: 3"), ("tuning: [1, 2, 3]", "tuning: [2]")),
        tuning_base, tmp_path,
    )  # fmt: skip
    assert len({row.chosen["spare"] for row in outcome.trials}) == 3


@pytest.mark.slow
def test_workers_share_a_journal(small: Text, tuning_base: Path, tmp_path: Path) -> None:
    outcome = search(small(), tuning_base, tmp_path, workers=2)
    assert sorted(row.number for row in outcome.trials) == list(range(6))
    assert {row.state for row in outcome.trials} == {"complete"}
    study = __import__("optuna").load_study(storage=open_storage(storage_at(None, tmp_path)), study_name="small")
    assert len(counted(study)) == 6
