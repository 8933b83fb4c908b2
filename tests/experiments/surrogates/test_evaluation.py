"""The evaluation of models of run times: what is measured on which jobs, and what is written."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import wattq.surrogates.models as registry
from wattq.errors import InvalidInputError, MissingDependencyError, MissingFileError, SurrogateError
from wattq.experiments.surrogates import (
    Cache,
    Evaluation,
    MetricsFile,
    Settings,
    evaluate,
    evaluation_html,
    find_logs,
    read_log,
    read_metrics,
    write_evaluation,
)
from wattq.experiments.surrogates import tasks as tasks_module
from wattq.experiments.surrogates.logs import evaluated_rows, features_of, split_rows
from wattq.experiments.surrogates.output import FORMAT, evaluation_json
from wattq.experiments.surrogates.scores import score_rows
from wattq.surrogates.metrics import MEASURES
from wattq.surrogates.model import LEVELS, Prediction

FAST = ("requested", "last-two")
QUICK = ("accuracy", "matrix", "ablation")


@pytest.fixture(scope="module")
def asked(small_log: Path, other_log: Path) -> Settings:
    logs = find_logs([str(small_log), str(other_log)])
    return Settings(logs, models=FAST, first=100, parts=QUICK, study_model="last-two")


@pytest.fixture(scope="module")
def found(asked: Settings) -> Evaluation:
    return evaluate(asked)


@pytest.fixture(scope="module")
def written(found: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written") / "out"
    paths = write_evaluation(found, folder)
    assert all(path.is_file() for path in paths)
    assert {path.name for path in paths} == {path.name for path in folder.iterdir()}
    return folder


def test_rows_that_are_learned_from_ended_before_those_that_are_measured(small_log: Path) -> None:
    log = read_log("small", small_log)
    learn, measure = split_rows(log, 0.0, 0.5, 0.8)
    assert measure.tolist() == list(range(450, 720))
    assert (log.outcomes.end_s[learn] < log.jobs.submit_s[450]).all()
    left_out = np.setdiff1d(np.arange(450), learn)
    assert (log.outcomes.end_s[left_out] >= log.jobs.submit_s[450]).all()
    assert evaluated_rows(log, 100).tolist() == list(range(100, 900))


def test_jobs_of_unknown_run_time_are_not_measured(small_log: Path) -> None:
    log = read_log("small", small_log)
    run_s = log.outcomes.run_s.copy()
    run_s[[150, 700]] = np.nan
    holey = replace(log, outcomes=replace(log.outcomes, run_s=run_s))
    assert 150 not in evaluated_rows(holey, 100)
    learn, measure = split_rows(holey, 0.0, 0.5, 1.0)
    assert 150 not in learn
    assert 700 not in measure


def test_figures_are_those_of_the_metrics(asked: Settings, found: Evaluation) -> None:
    log = found.logs[0].log
    rows = evaluated_rows(log, 100)
    table = features_of(log.name, log.path)
    real_s, request_s = log.outcomes.run_s[rows], log.jobs.request_s[rows]
    expected = np.minimum(real_s, request_s) / np.maximum(real_s, request_s)
    (requested,) = [entry for entry in found.logs[0].models if entry.model == "requested"]
    assert requested.rolling.figures["accuracy"].value == pytest.approx(float(expected.mean()), rel=1e-6)
    assert requested.rolling.figures["mae_s"].value == pytest.approx(float((request_s - real_s).mean()), rel=1e-6)
    assert requested.rolling.jobs == 800
    last_two = table.column("user_last2_mean_s")[rows]
    (entry,) = [entry for entry in found.logs[0].models if entry.model == "last-two"]
    known = np.isfinite(last_two)
    assert known.mean() > 0.9
    assert entry.rolling.figures["accuracy"].value > requested.rolling.figures["accuracy"].value


def test_intervals_hold_the_value_and_are_paired(small_log: Path) -> None:
    log = read_log("small", small_log)
    rows = evaluated_rows(log, 100)
    real = log.outcomes.run_s[rows]
    guess = Prediction(real * 2.0, np.repeat(real[:, None] * 2.0, len(LEVELS), axis=1)).capped(log.jobs.request_s[rows])
    scores = score_rows(log, rows, guess, 3, guess.point_s)
    assert scores.weeks >= 3
    for name, estimate in scores.figures.items():
        if estimate.low is not None and estimate.high is not None:
            assert estimate.low - 1e-9 <= estimate.value <= estimate.high + 1e-9, name
    assert scores.figures["width_median_s"].low is None
    assert score_rows(log, rows, guess, 3, guess.point_s) == scores
    assert score_rows(log, rows, guess, 4, guess.point_s) != scores


def test_tenths_of_the_users_hold_every_job_once(found: Evaluation) -> None:
    scores = found.logs[0].models[0].rolling
    assert sum(row.jobs for row in scores.deciles) == scores.jobs
    assert [row.number for row in scores.deciles] == sorted(row.number for row in scores.deciles)
    assert all(a.most <= b.least for a, b in zip(scores.deciles, scores.deciles[1:], strict=False))
    assert sum(row.jobs for row in scores.periods) == scores.jobs


def test_the_split_and_the_rolling_run_are_measured_on_the_same_jobs(found: Evaluation) -> None:
    for results in found.logs:
        for entry in results.models:
            assert entry.split.frozen.jobs == entry.split.rolling.jobs == results.log.jobs.n_jobs // 2


def test_the_diagonal_of_the_matrix_is_the_split(found: Evaluation) -> None:
    assert len(found.matrix) == len(FAST) * 4
    for results in found.logs:
        for entry in results.models:
            (cell,) = [
                cell
                for cell in found.matrix
                if (cell.model, cell.train, cell.test) == (entry.model, results.log.name, results.log.name)
            ]
            assert cell.figures["mae_s"] == entry.split.frozen.figures["mae_s"].value


def test_a_model_that_loses_its_features_is_worse(found: Evaluation) -> None:
    for results in found.logs:
        rows = {row.label: row.scores.figures["accuracy"].value for row in results.ablation}
        assert "all features" in rows
        assert rows["without user"] < rows["all features"]
        (split,) = [entry.split.frozen for entry in results.models if entry.model == "last-two"]
        assert results.ablation[0].scores == split


def test_files(written: Path) -> None:
    content = json.loads((written / "metrics.json").read_text())
    assert list(content["logs"]) == ["small", "other"]
    model = content["logs"]["small"]["models"]["last-two"]
    assert set(model["prequential"]["figures"]) == set(MEASURES)
    assert len(model["prequential"]["calibration"]) == len(LEVELS)
    checked = read_metrics(written / "metrics.json")
    assert checked.logs["small"].models["last-two"].prequential.jobs == 800
    with (written / "models.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert {row["figure"] for row in rows} == set(MEASURES)
    value = next(
        row["value"]
        for row in rows
        if (row["log"], row["model"], row["protocol"], row["figure"]) == ("small", "last-two", "prequential", "mae_s")
    )
    assert float(value) == model["prequential"]["figures"]["mae_s"]["value"]


def test_a_file_that_breaks_the_schema_is_refused(written: Path, tmp_path: Path) -> None:
    content = json.loads((written / "metrics.json").read_text())
    content["logs"]["small"]["jobs"] = "many"
    (tmp_path / "metrics.json").write_text(json.dumps(content))
    with pytest.raises(InvalidInputError, match=r"logs\.small\.jobs"):
        read_metrics(tmp_path / "metrics.json")
    (tmp_path / "metrics.json").write_text("{")
    with pytest.raises(InvalidInputError):
        read_metrics(tmp_path / "metrics.json")
    with pytest.raises(MissingFileError):
        read_metrics(tmp_path / "none.json")
    assert MetricsFile.model_json_schema()["additionalProperties"] is False


def test_the_page_needs_nothing_else(written: Path) -> None:
    page = (written / "report.html").read_text()
    assert not re.search(r'(?:src|href)="(?!data:)', page)
    assert "<script" not in page
    for word in ("small", "last-two", "It misleads", "learned once"):
        assert word in page
    assert page.count("<img ") == 4 * 2 + 1


def test_the_same_seed_gives_the_same_bytes(asked: Settings, written: Path, tmp_path: Path) -> None:
    kept = replace(asked, cache=tmp_path / "cache")
    first = evaluation_json(evaluate(kept))
    again = evaluate(kept)
    assert evaluation_json(again) == first
    write_evaluation(again, tmp_path / "again")
    assert {path.name for path in written.iterdir()} == {path.name for path in (tmp_path / "again").iterdir()}
    for path in written.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def test_a_second_run_computes_nothing(asked: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = replace(asked, cache=tmp_path / "cache")
    evaluate(kept)

    def never(*_: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(tasks_module.Rolling, "compute", never)
    monkeypatch.setattr(tasks_module.Frozen, "compute", never)
    evaluate(kept)
    with pytest.raises(AssertionError, match="computed again"):
        evaluate(replace(kept, first=101))


def test_a_damaged_file_of_the_cache_is_computed_again(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put({"a": 1}, {"x": np.arange(3.0)})
    assert cache.get({"a": 2}) is None
    path = cache.path({"a": 1})
    whole = path.read_bytes()
    for damage in (b"", whole[:50], b"no zip at all", whole[:-30]):
        path.write_bytes(damage)
        assert cache.get({"a": 1}) is None
    path.write_bytes(whole)
    kept = cache.get({"a": 1})
    assert kept is not None
    assert kept["x"].tolist() == [0.0, 1.0, 2.0]


def test_what_stops_in_the_middle_writes_nothing(
    found: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import wattq.experiments.surrogates.report as report

    def stopped(_: Evaluation) -> str:
        raise KeyboardInterrupt

    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "metrics.json").write_text(f'{{"format": "{FORMAT}"}}')
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    monkeypatch.setattr(report, "evaluation_html", stopped)
    with pytest.raises(KeyboardInterrupt):
        write_evaluation(found, tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


def test_a_folder_with_other_things_is_not_replaced(found: Evaluation, tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("mine")
    with pytest.raises(InvalidInputError, match="choose another -o"):
        write_evaluation(found, tmp_path / "letters")


def test_a_model_that_lacks_its_extra_is_named(asked: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking() -> None:
        raise MissingDependencyError("needs extra gnn: pip install 'wattq[gnn]'")

    monkeypatch.setattr(registry, "MODELS", {**registry.MODELS, "gnn": lacking})
    got = evaluate(replace(asked, models=("gnn", "requested"), parts=("accuracy",), study_model=""))
    assert got.models == ("requested",)
    assert got.not_run == {"gnn": "needs extra gnn: pip install 'wattq[gnn]'"}
    assert "gnn: not run: needs extra gnn" in evaluation_html(got)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"models": ("last-tow",)}, "did you mean 'last-two'"),
        ({"first": 895}, "5 jobs with a known run time after the first 895"),
        ({"study_model": "requested", "models": ("last-two",)}, "not among the models"),
    ],
)
def test_what_cannot_be_done_is_refused(asked: Settings, change: dict[str, object], words: str) -> None:
    with pytest.raises(SurrogateError, match=words):
        evaluate(replace(asked, **change))


@pytest.mark.parametrize(
    "change",
    [
        {"first": 0},
        {"split": 1.0},
        {"workers": 0},
        {"trials": 0},
        {"parts": ("acuracy",)},
        {"parts": ()},
        {"seed": -1},
    ],
)
def test_numbers_out_of_range_are_refused(asked: Settings, change: dict[str, object]) -> None:
    with pytest.raises(SurrogateError, match="--"):
        replace(asked, **change)


def test_logs_of_one_name_are_refused(small_log: Path, tmp_path: Path) -> None:
    twin = tmp_path / "small.swf"
    twin.write_text(small_log.read_text())
    with pytest.raises(SurrogateError, match="two logs named 'small'"):
        find_logs([str(small_log), str(twin)])
    with pytest.raises(SurrogateError, match="no log"):
        find_logs([])
