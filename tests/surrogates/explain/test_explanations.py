"""Whole explanations: they add up, the changes are those of a user, and text and JSON say the same."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wattq.surrogates
from wattq.errors import InvalidInputError, SurrogateError
from wattq.surrogates.bundle import Bundle, bundle_bytes, parse_bundle
from wattq.surrogates.bundle_manifest import BundleMeta, TrainingData
from wattq.surrogates.energy import make_energy_model, synthetic_labels
from wattq.surrogates.energy.training import train_energy
from wattq.surrogates.explain.counterfactual import Aim, Change
from wattq.surrogates.explain.energy import EnergyQuestion, explain_energy
from wattq.surrogates.explain.job import ExplainOptions, Explanation, explain_runtime
from wattq.surrogates.explain.text import explanation_json, explanation_lines
from wattq.surrogates.jobs import Jobs, Outcomes
from wattq.surrogates.log_file import JobLog
from wattq.surrogates.model import LEVELS, Prediction

Floats = np.ndarray[Any, np.dtype[np.float64]]


class Blend:
    """A model that mixes the request with the user's last runs, and adds for each host."""

    name = "blend"
    needs = ("user_last2_mean_s", "request_s", "hosts")

    def predict(self, x: np.ndarray[Any, np.dtype[np.float32]]) -> Prediction:
        last, asked, hosts = x.astype(np.float64).T
        known = np.nan_to_num(asked, nan=600.0)
        point = 0.5 * np.where(np.isnan(last), known, last) + 0.25 * known + 10.0 * hosts
        return Prediction(point, point[:, None] * np.array(LEVELS)).capped(asked)

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return {}, {}

    @classmethod
    def restore(cls, arrays: Mapping[str, Any], meta: Mapping[str, Any]) -> Blend:
        return cls()


@pytest.fixture(scope="module")
def log() -> JobLog:
    draw = np.random.default_rng(4)
    n_jobs = 150
    submit = np.sort(draw.integers(0, 5000, n_jobs)) * 60.0
    request = draw.choice([3600.0, 7200.0, 36_000.0], n_jobs)
    request[100] = np.nan
    run = np.ceil(np.nan_to_num(request, nan=600.0) * draw.random(n_jobs))
    numbers = (draw.integers(0, 5, n_jobs) for _ in range(4))
    jobs = Jobs(submit, draw.choice([1, 2, 8], n_jobs), request, *numbers, source="logs/a.swf", sha256="ab" * 32)
    return JobLog(jobs, Outcomes(submit, run), tuple(map(str, range(n_jobs))), 16)


@pytest.fixture
def bundle(monkeypatch: pytest.MonkeyPatch) -> Bundle:
    monkeypatch.setattr(wattq.surrogates, "MODELS", {"blend": Blend}, raising=False)
    data = TrainingData("a.swf", "ab" * 32, False, 50, 0.0, 100_000.0, until_s=100_000.0)
    return parse_bundle(bundle_bytes(Blend(), BundleMeta("runtime", data, "log")), "b")


@pytest.fixture(scope="module")
def energy(log: JobLog) -> Bundle:
    trained = train_energy(synthetic_labels(log.jobs, log.outcomes, seed=1), "regression")
    return parse_bundle(bundle_bytes(trained.model, trained.meta), "e")


def change_of(found: Explanation, name: str) -> Change:
    return next(change for change in found.changes if change.lever.name == name)


def test_a_run_time_is_explained(bundle: Bundle, log: JobLog) -> None:
    found = explain_runtime(bundle, log, "140", ExplainOptions(seed=3))
    parts = found.contributions
    assert parts.base + parts.contribution.sum() == pytest.approx(parts.value, rel=1e-9)
    assert sum(found.groups.values()) == pytest.approx(parts.contribution.sum())
    assert set(found.groups) == {"user", "request"}
    assert (found.job, found.source, found.unit, found.learned) == ("140", "a.swf", "s", False)
    assert found.importance is not None
    assert found.importance.n_jobs > 50
    again = explain_runtime(bundle, log, "140", ExplainOptions(seed=3))
    assert explanation_json(again) == explanation_json(found)
    assert explain_runtime(bundle, log, "3").learned


def test_changes_are_predictions_of_other_requests(bundle: Bundle, log: JobLog) -> None:
    found = explain_runtime(bundle, log, "140", ExplainOptions(aim=Aim(0.1)))
    walltime = change_of(found, "request_s")
    assert walltime.value is not None
    assert walltime.after is not None
    assert abs(walltime.after / found.contributions.value - 1.0) >= 0.1
    assert walltime.lever.now == log.jobs.request_s[140]
    hosts = change_of(found, "hosts")
    assert (hosts.lever.low, hosts.lever.high) == (1.0, 16.0)
    never = explain_runtime(bundle, log, "140", ExplainOptions(aim=Aim(below=1e-3)))
    assert [change.value for change in never.changes] == [None, None]
    assert "hosts: none within bounds (1 to 16" in "\n".join(explanation_lines(never))


def test_a_job_without_walltime_has_hosts_to_change_only(bundle: Bundle, log: JobLog) -> None:
    found = explain_runtime(bundle, log, "100")
    assert [change.lever.name for change in found.changes] == ["hosts"]
    assert json.loads(explanation_json(found))["asked"]["request_s"] is None


def test_text_and_json_say_the_same(bundle: Bundle, log: JobLog) -> None:
    found = explain_runtime(bundle, log, "140")
    document = json.loads(explanation_json(found))
    assert document["prediction"] == found.contributions.value
    total = document["base"] + sum(row["adds"] for row in document["contributions"])
    assert total == pytest.approx(document["prediction"], rel=document["tolerance"])
    text = "\n".join(explanation_lines(found, top=2))
    assert "job 140 of a.swf: blend predicts" in text
    assert "1 other " in text
    assert "smallest change of the request that moves the prediction by 20 %" in text
    assert "Error rises by s" in text


def test_the_energy_of_a_job_is_explained(energy: Bundle, log: JobLog) -> None:
    question = EnergyQuestion(clocks_ghz=(1.5, 2.0, 2.25), beta=0.5)
    found = explain_energy(energy, log, "140", ExplainOptions(aim=Aim(0.05)), question)
    parts = found.contributions
    assert parts.base + parts.contribution.sum() == pytest.approx(parts.value, rel=1e-6)
    assert found.unit == "J"
    assert [change.lever.name for change in found.changes] == ["request_s", "hosts", "frequency_ghz"]
    assert found.words["user"] == str(log.jobs.user[140])
    # without a bundle of run times the walltime is the run time: energy follows it
    walltime = change_of(found, "request_s")
    assert walltime.relative is not None
    assert walltime.after == pytest.approx(parts.value * (1.0 + walltime.relative), rel=1e-5)
    assert walltime.relative == pytest.approx(0.05, abs=0.006)
    text = "\n".join(explanation_lines(found))
    assert re.search(rf"^user +{found.words['user']} ", text, re.MULTILINE)


def test_run_times_may_come_from_a_bundle(energy: Bundle, bundle: Bundle, log: JobLog) -> None:
    times = explain_runtime(bundle, log, "140").contributions.value
    found = explain_energy(energy, log, "140", question=EnergyQuestion(runtime=bundle))
    assert found.contributions.values[-1] == pytest.approx(times)
    assert [change.lever.name for change in found.changes] == ["request_s", "hosts"]


def test_energy_needs_a_run_time(energy: Bundle, log: JobLog) -> None:
    with pytest.raises(SurrogateError, match=r"job '100' has no requested time; give a bundle of run times"):
        explain_energy(energy, log, "100")
    for wrong in ({"frequency_ghz": 0.0}, {"clocks_ghz": (2.0, math.nan)}, {"beta": 1.5}):
        with pytest.raises(SurrogateError, match=r"clock|beta"):
            EnergyQuestion(**wrong)


def test_what_cannot_be_explained(bundle: Bundle, log: JobLog) -> None:
    with pytest.raises(SurrogateError, match="no job '999'"):
        explain_runtime(bundle, log, "999")
    with pytest.raises(SurrogateError, match="--method lime: there are permutation, shap"):
        ExplainOptions(method="lime")
    with pytest.raises(SurrogateError, match="at least 1"):
        ExplainOptions(orders=0)
    alone = JobLog(log.jobs.take(slice(0, 1)), log.outcomes.take(slice(0, 1)), ("0",), 16)
    with pytest.raises(SurrogateError, match="alone in its log"):
        explain_runtime(bundle, alone, "0")


@pytest.mark.parametrize("name", ["e.png", "e.svg"])
def test_pictures(bundle: Bundle, log: JobLog, tmp_path: Path, name: str) -> None:
    from wattq.experiments.plots.contributions import write_contributions

    found = explain_runtime(bundle, log, "140")
    data = write_contributions(found, tmp_path / name).read_bytes()
    assert data.startswith(b"\x89PNG" if name == "e.png" else b"<?xml")
    assert write_contributions(found, tmp_path / name).read_bytes() == data
    with pytest.raises(InvalidInputError, match=r"pictures are .png or .svg"):
        write_contributions(found, tmp_path / "e.pdf")


def test_energy_models_can_all_be_explained(log: JobLog) -> None:
    labels = synthetic_labels(log.jobs, log.outcomes, seed=1)
    for name in ("nominal", "application-mean"):
        model = make_energy_model(name)
        model.fit(labels)
        meta = BundleMeta("energy", TrainingData("a", "ab" * 32, True, labels.n_jobs), "synthetic")
        found = explain_energy(parse_bundle(bundle_bytes(model, meta), "e"), log, "140")
        assert abs(found.contributions.residual) <= 1e-6 * found.contributions.value
