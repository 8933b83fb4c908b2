"""Single cells on grids and in buildings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wattq.errors import CampaignError, SignalError
from wattq.experiments.campaign.digests import code_digest
from wattq.experiments.campaign.layout import Layout
from wattq.experiments.campaign.task import Task, perform
from wattq.experiments.campaign.work import simulate_cell
from wattq.platforms.signals import PueModel, Signal, write_signal

START_S = 18_518 * 86_400.0
PLAIN: dict[str, Any] = {
    "name": "n",
    "platform": "kth-sp2-dvfs",
    "workloads": [{"label": "made", "generate": {"jobs": 20, "hosts": 100}, "walltime_factor": 1.25}],
    "policies": [{"name": "easy"}],
    "energy": True,
    "seeds": [1],
}


def signal(path: Path, quantity: str, unit: str, *values: float) -> None:
    """Write a series whose values hold for a month each."""
    month_s = 30 * 86_400.0
    starts = START_S + month_s * np.arange(len(values))
    write_signal(Signal(starts, starts[-1] + month_s, np.array(values), quantity, unit, source="made"), path)


@pytest.fixture
def series(tmp_path: Path) -> Path:
    signal(tmp_path / "carbon.csv", "carbon", "g/kWh", 300.0, 100.0)
    signal(tmp_path / "price.csv", "price", "EUR/MWh", 50.0, 200.0)
    signal(tmp_path / "outside.csv", "temperature", "degC", 10.0, 30.0)
    return tmp_path


def run(base: Path, **keys: Any) -> dict[str, float]:
    return simulate_cell({**PLAIN, **keys}, base, base / "run", base / "signals")


def test_a_run_on_a_grid_begins_with_its_series(series: Path) -> None:
    grid = {"carbon": "carbon.csv", "price": "price.csv", "pue": 1.5}
    found = run(series, signals={"made": grid})
    metrics = json.loads((series / "run" / "metrics.json").read_bytes())
    assert found["it_energy_kwh"] == pytest.approx(metrics["energy_j"] / 3.6e6, rel=1e-9)
    assert found["energy_kwh"] == pytest.approx(1.5 * found["it_energy_kwh"])
    assert found["co2e_kg"] == pytest.approx(0.3 * found["energy_kwh"])
    assert found["cost_eur"] == pytest.approx(0.05 * found["energy_kwh"])
    later = run(series, signals={"made": grid}, origin="2020-10-13T00:00Z")
    assert later["co2e_kg"] == pytest.approx(0.1 * later["energy_kwh"])


def test_the_building_follows_the_temperature(series: Path) -> None:
    model = PueModel(other_overhead=0.1)
    fixed = run(series, site={"ambient_c": 20, "other_overhead": 0.1}, signals={"made": {"carbon": "carbon.csv"}})
    assert fixed["energy_kwh"] == pytest.approx(float(model.pue(20.0)) * fixed["it_energy_kwh"])
    assert fixed["co2e_kg"] == pytest.approx(0.3 * fixed["energy_kwh"])
    varying = run(series, site={"temperature": "outside.csv", "shift_c": 5, "other_overhead": 0.1})
    assert varying["energy_kwh"] == pytest.approx(float(model.pue(15.0)) * varying["it_energy_kwh"])
    plain = run(series)
    assert plain["energy_kwh"] == pytest.approx(plain["it_energy_kwh"])


def test_policies_look_at_the_series(series: Path) -> None:
    eco = {"name": "eco", "params": {"timeout": 30}}
    found = run(series, policies=[eco], signals={"made": {"carbon": "carbon.csv"}})
    provenance = json.loads((series / "run" / "provenance.json").read_bytes())
    assert provenance["policy"]["params"]["origin"] == START_S
    (file,) = (series / "signals").iterdir()
    assert provenance["policy"]["params"]["signal"] == str(file.resolve())
    assert provenance["policy"]["label"] == "eco timeout=30"
    assert found["co2e_kg"] > 0


def test_dates_that_cannot_be(series: Path) -> None:
    grid = {"made": {"carbon": "carbon.csv"}}
    with pytest.raises(CampaignError, match="origin 'recorded': the log has no date"):
        run(series, signals=grid, origin="recorded")
    with pytest.raises(SignalError):
        run(series, signals=grid, origin="2000-01-01T00:00Z")


def test_a_task_that_is_done_is_not_run_again(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "out")
    layout.make()
    task = Task("k" * 24, PLAIN, str(layout.root), None, code_digest())
    first, second = perform(task), perform(task)
    assert first.attempt is not None
    assert (first.attempt.status, second.attempt) == ("done", None)
    assert second.values == first.values
    assert json.loads((layout.runs / task.key / "cell.json").read_bytes())["content"] == PLAIN
    assert len(list(layout.attempts.iterdir())) == 1


def test_other_code_is_refused(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "out")
    layout.make()
    report = perform(Task("k", PLAIN, str(layout.root), None, "other"))
    assert report.error.startswith("this worker runs other code than the campaign")
    assert list(layout.runs.iterdir()) == []
