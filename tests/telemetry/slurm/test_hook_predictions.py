"""Predictions for finished jobs where no HTTP API is: from the bundles of the settings, in a process of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from wattq.errors import TelemetryError
from wattq.settings import ApiSettings, Settings, SlurmSettings
from wattq.telemetry.slurm.entry import main
from wattq.telemetry.slurm.messages import Services, post_json
from wattq.telemetry.slurm.patience import Patience

AWAY = SlurmSettings(api_url="http://127.0.0.1:9", post_s=0.5)
QUESTION = {"job_id": "17", "duration_seconds": 3600.0, "cpu_cores": 4, "cpu_usage_percent": 50.0, "user": None}


def test_the_entry_predicts_as_the_api_does(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATTQ_NODE_NODE_IDLE_W", "100")
    monkeypatch.setenv("WATTQ_NODE_NODE_FULL_W", "300")
    question = {key: value for key, value in QUESTION.items() if value is not None}
    assert main(["predict", json.dumps(question)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["job_id"] == "17"
    assert answer["predicted_duration_seconds"] == 3600.0
    assert answer["predicted_energy_j"] == pytest.approx(answer["predicted_power_watts"] * 3600.0)
    for words in ('{"duration_seconds": "x"}', "[", '{"what": 1}'):
        with pytest.raises(TelemetryError, match="question"):
            main(["predict", words])


def test_the_entry_knows_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert main(["predict"]) == 2
    assert "usage: wattq-slurm-hook prolog" in capsys.readouterr().err


def test_bundles_where_the_api_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TelemetryError, match="127\\.0\\.0\\.1:9"):
        Services(Settings(slurm=AWAY), {}).predict(QUESTION)
    assert Services(Settings(slurm=SlurmSettings(api_url="off")), {}).predict(QUESTION) is None
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\nshift 4\nprintf \'{"predicted_energy_wh": 2, "asked": %s}\' "$1"\n', encoding="ascii")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    (tmp_path / "energy.wattq").write_bytes(b"")
    settings = Settings(slurm=AWAY, api=ApiSettings(energy_model=str(tmp_path / "energy.wattq")))
    answer = Services(settings, {"PATH": "/usr/bin:/bin"}).predict(QUESTION)
    assert answer is not None
    assert answer["asked"] == {key: value for key, value in QUESTION.items() if value is not None}
    assert Services(settings.model_copy(update={"slurm": SlurmSettings(api_url="off")}), {}).predict(QUESTION) == answer


def test_a_damaged_bundle_is_told(tmp_path: Path, repo_dir: Path) -> None:
    bundle = tmp_path / "energy.wattq"
    bundle.write_bytes(b"no bundle")
    settings = Settings(slurm=AWAY, api=ApiSettings(energy_model=str(bundle)))
    environ = {"PYTHONPATH": str(repo_dir / "src"), "WATTQ_API_ENERGY_MODEL": str(bundle), "HOME": str(tmp_path)}
    with pytest.raises(TelemetryError, match="ended with"):
        Services(settings, environ).predict(QUESTION)


def test_answers_that_are_none(service: Any) -> None:
    # This service knows no POST.
    with pytest.raises(TelemetryError, match="answers 501"):
        post_json(f"{service.url}/predict", {}, 2.0)
    with pytest.raises(TelemetryError, match="unknown url type"):
        post_json("nowhere", {}, 2.0)


def test_a_silent_service_is_left_alone() -> None:
    asked: list[str] = []

    def fail() -> None:
        asked.append("x")
        raise TelemetryError("no")

    quick = Patience("it", 1000.0)
    silent = Patience("it", 0.0)
    for patience in (quick, silent):
        with pytest.raises(TelemetryError, match=r"^no$"):
            patience.call(fail)
    with pytest.raises(TelemetryError, match=r"^no$"):
        quick.call(fail)
    with pytest.raises(TelemetryError, match="it did not answer a moment ago, and is left alone for 60 s"):
        silent.call(fail)
    assert len(asked) == 3
    assert (quick.ready, silent.ready) == (True, False)
