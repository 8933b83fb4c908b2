"""Predictions from the jobs that the store keeps: history of users, spread of the formula."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wattq.telemetry.store import open_store

NOW = 1_800_000_000.0
SUBMITTED = {"user": 3, "group": 0, "queue": 0, "application": 3, "hosts": 2, "walltime_s": 7200}
Make = Callable[..., Any]


def finished(user: str, number: int, run_s: float) -> dict[str, Any]:
    start_s = NOW - 86_400.0 + 900.0 * number
    return {
        "time": start_s,
        "job_id": f"{user}-{number}",
        "user_id": user,
        "node_count": 2,
        "submit_time": start_s - 10.0,
        "end_time": start_s + run_s,
        "duration_seconds": run_s,
        "job_state": "COMPLETED",
    }


def test_the_past_of_a_user_comes_from_the_store(ask: Make, bundles: dict[str, str], tmp_path: Path) -> None:
    with open_store(str(tmp_path / "store.db")) as store:
        rows = [finished(user, k, run_s) for user, run_s in (("ann", 300.0), ("ben", 3000.0)) for k in range(20)]
        store.write("job_metrics", rows)
    client = ask(api=bundles, store={"url": str(tmp_path / "store.db")})
    answers = {
        user: client.post("/predict", {**SUBMITTED, "user": user}).json()["predicted_duration_seconds"]
        for user in ("ann", "ben", "new")
    }
    assert answers["ann"] == pytest.approx(300.0, rel=0.05)
    assert answers["ben"] == pytest.approx(3000.0, rel=0.05)
    info = client.get("/model/info").json()
    assert info["history"]["jobs"] == 40
    past = client.service.predictor.past
    before = past.n_jobs, {kind: len(numbers) for kind, numbers in past._numbers.items()}
    for k in range(50):
        client.post("/predict", {**SUBMITTED, "user": f"stranger {k}", "hosts": k + 1, "application": f"a{k}"})
    assert (past.n_jobs, {kind: len(numbers) for kind, numbers in past._numbers.items()}) == before


def predicted(number: int, ratio: float, method: str = "given-duration+node-power") -> dict[str, Any]:
    told = {"predicted_energy_j": 1000.0, "actual_energy_j": 1000.0 * ratio, "prediction_method": method}
    return {"time": NOW - 5000.0 + number, "job_id": f"ann-{number}", **told}


def test_the_spread_of_the_formula_comes_from_the_store(ask: Make, tmp_path: Path) -> None:
    """Ratios of 0.80, 0.81, ... 1.20 that were measured; modelled energies and other methods do not count."""
    ratios = [0.8 + 0.01 * k for k in range(41)]
    with open_store(str(tmp_path / "store.db")) as store:
        rows = [{**finished("ann", k, 60.0), "energy_j": 1.0, "energy_source": "measured"} for k in range(45)]
        store.write(
            "job_metrics", [*rows[:41], *({**row, "energy_source": "modelled"} for row in rows[41:43]), *rows[43:]]
        )
        told = [predicted(k, ratio) for k, ratio in enumerate(ratios)]
        store.write(
            "energy_predictions", [*told[:39], predicted(41, 9.0), predicted(43, 9.0, "runtime-model+node-power")]
        )
        client = ask(store={"url": str(tmp_path / "store.db")})
        few = client.post("/predict", {}).json()["confidence_interval"]
        assert few["lower"] is None
        store.write("energy_predictions", told)
    client.run(client.service.learn())
    found = client.post("/predict", {"duration_seconds": 600}).json()
    interval = found["confidence_interval"]
    assert found["predicted_energy_wh"] == 50.0
    assert interval["lower"] == pytest.approx(50.0 * 0.82, rel=1e-9)
    assert interval["upper"] == pytest.approx(50.0 * 1.18, rel=1e-9)
    assert interval["source"] == "41 jobs that were predicted so, and then measured"


@pytest.mark.parametrize("walltime_s", [math.nan, 7200.0])
def test_asking_leaves_the_past_as_a_replay_has_it(walltime_s: float) -> None:
    """Features of a job that is asked about are those of `LiveHistory` at its submission."""
    from wattq.surrogates.history.live import LiveHistory
    from wattq.telemetry.api.past import past_of

    rows = [finished(user, k, 100.0 + 7.0 * k) for user in ("ann", "ben") for k in range(30)]
    if not math.isnan(walltime_s):
        rows = [{**row, "walltime_seconds": walltime_s} for row in rows]
    past, live = past_of(rows), LiveHistory(0.0)
    for row in sorted(rows, key=lambda each: (each["submit_time"], each["time"], each["job_id"])):
        job, _ = live.submitted(row["submit_time"], 2, walltime_s, user=0 if row["user_id"] == "ann" else 1)
        live.started(job, row["time"])
        live.ended(job, row["end_time"], row["duration_seconds"])
    for _ in range(2):
        asked = past.features(NOW, 2, 3600.0, user="ann")
        past.features(NOW, 7, 10.0, user="somebody", application="x")
    _, expected = live.submitted(NOW, 2, 3600.0, user=0)
    np.testing.assert_array_equal(asked, expected)
