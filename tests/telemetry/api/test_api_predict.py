"""Predictions: documented formula and units, models with intervals, flags, signals, history."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wattq.platforms.estimate import estimate
from wattq.platforms.signals import Signal, write_signal
from wattq.surrogates import Prediction
from wattq.surrogates.bundle import load_bundle
from wattq.surrogates.energy import EnergyJobs, predict_energy

NOW = 1_800_000_000.0
HOUR = 3600.0
SUBMITTED = {"user": 3, "group": 0, "queue": 0, "application": 3, "hosts": 2, "walltime_s": 7200}

Make = Callable[..., Any]


def hourly(values: list[float], quantity: str, unit: str, start_s: float, **more: Any) -> Signal:
    starts = start_s + HOUR * np.arange(len(values))
    return Signal(starts, float(starts[-1] + HOUR), np.array(values), quantity, unit, **more)


def test_documented_example(ask: Make) -> None:
    """Half load of a node of 150 to 450 W for 300 s: 25 Wh at 0.12 $/kWh and 0.5 kg/kWh."""
    answer = ask().post("/predict", {}).json()
    assert answer["predicted_energy_j"] == 300.0 * 300.0
    assert answer["predicted_energy_wh"] == 25.0
    assert answer["predicted_energy_kwh"] == 0.025
    assert answer["estimated_cost_usd"] == pytest.approx(0.003, rel=1e-12)
    assert answer["estimated_co2_kg"] == pytest.approx(0.0125, rel=1e-12)
    assert answer["prediction_method"] == "given-duration+node-power"
    assert answer["workload_pattern"] is None
    assert answer["model_version"] == "node-power"
    assert answer["confidence_interval"]["lower"] is None
    assert "not known" in answer["confidence_interval"]["source"]
    assert answer["prediction_timestamp"] == "2027-01-15T08:00:00.000Z"
    assert answer["from_cache"] is False


def test_amounts_are_those_of_the_estimate(ask: Make) -> None:
    body = {"duration_seconds": 5400, "cpu_usage_percent": 80, "hosts": 3}
    answer = ask(signals={"pue": 1.3}).post("/predict", body).json()
    whole = estimate(150.0 + 300.0 * 0.8, 1.5, 3, pue=1.3)
    assert answer["predicted_energy_j"] == pytest.approx(whole.energy_j, rel=1e-12)
    assert answer["facility_energy_wh"] == pytest.approx(whole.facility_j / 3600.0, rel=1e-12)
    assert answer["estimated_cost"] == pytest.approx(whole.cost, rel=1e-12)
    assert answer["estimated_co2_kg"] == pytest.approx(whole.carbon_kg, rel=1e-12)


def test_another_default_currency(ask: Make) -> None:
    answer = ask(signals={"currency": "EUR", "price_per_kwh": 0.2}).post("/predict", {}).json()
    assert (answer["currency"], answer["estimated_cost_usd"]) == ("EUR", None)
    assert answer["estimated_cost"] == pytest.approx(0.005, rel=1e-12)


@pytest.mark.parametrize(("kind", "load"), [("cpu", 0.85), ("cpu_intensive", 0.85), ("io", 0.2), ("memory", 0.4)])
def test_a_job_type_says_the_utilisation(ask: Make, kind: str, load: float) -> None:
    answer = ask().post("/predict", {"job_type": kind}).json()
    assert answer["predicted_power_watts"] == pytest.approx(150.0 + 300.0 * load, rel=1e-12)
    assert answer["workload_pattern"] == f"{kind.partition('_')[0]}_intensive"
    given = ask().post("/predict", {"job_type": kind, "cpu_usage_percent": 10}).json()
    assert given["predicted_power_watts"] == pytest.approx(180.0, rel=1e-12)


def test_jobs_are_charged_their_share_of_a_node(ask: Make) -> None:
    client = ask(api={"node_cores": 64})
    part = client.post("/predict", {"cpu_cores": 16, "cpu_usage_percent": 100}).json()
    assert (part["hosts"], part["node_share"], part["predicted_power_watts"]) == (1, 0.25, 112.5)
    more = client.post("/predict", {"cpu_cores": 96, "cpu_usage_percent": 100}).json()
    assert (more["hosts"], more["node_share"], more["predicted_power_watts"]) == (2, 0.75, 675.0)
    whole = ask().post("/predict", {"cpu_cores": 16}).json()
    assert whole["node_share"] == 1.0
    assert any("whole nodes" in note for note in whole["notes"])


@pytest.mark.parametrize(
    ("field", "value", "used"),
    [
        ("duration_seconds", 100_000, 100_000),
        ("duration_seconds", 0.5, 0.5),
        ("cpu_usage_percent", 150, 100),
        ("memory_usage_percent", 101, 100),
        ("io_read_mbps", 2000, 2000),
        ("cpu_cores", 128, 128),
    ],
)
def test_values_outside_the_limits_are_flagged(ask: Make, field: str, value: float, used: float) -> None:
    answer = ask().post("/predict", {field: value}).json()
    (flag,) = answer["flags"]
    assert (flag["field"], flag["value"], flag["used"]) == (field, value, used)
    assert not flag["low"] <= value <= flag["high"]
    assert str(int(value)) in flag["message"] or field == "duration_seconds"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"duration_seconds": 0}, "duration_seconds"),
        ({"duration_seconds": -5}, "duration_seconds"),
        ({"cpu_usage_percent": -1}, "cpu_usage_percent"),
        ({"cpu_cores": 0}, "cpu_cores"),
        ({"cpu_cores": 1.5}, "cpu_cores"),
        ({"cpu_cores": "4"}, "cpu_cores"),
        ({"job_type": "gpu"}, "job_type"),
        ({"duration": 300}, "duration"),
        ({"submit_time": "yesterday"}, "submit_time"),
    ],
)
def test_impossible_values_are_refused(ask: Make, body: dict[str, Any], field: str) -> None:
    found = ask().post("/predict", body)
    assert found.status_code == 422
    assert {each["loc"][1] for each in found.json()["detail"]} == {field}


def test_malformed_bodies(ask: Make) -> None:
    client = ask()
    header = {"content-type": "application/json"}
    for text, code in (
        (b"{", 400),
        (b"\xff", 400),
        (b'{"duration_seconds": NaN}', 422),
        (b'{"\\ud800": 1}', 422),
        (b"", 422),
    ):
        found = client.ask("POST", "/predict", content=text, headers=header)
        assert found.status_code == code, text
        assert set(found.json()) == {"detail", "request_id"}
    assert client.ask("POST", "/predict", content=b"{}", headers={"content-type": "text/plain"}).status_code == 422


def test_equal_requests_come_from_the_cache(ask: Make) -> None:
    client = ask()
    first = client.post("/predict", {"duration_seconds": 600, "job_type": "io"})
    for path, text in (
        ("/predict", b'{ "job_type":"io","duration_seconds":6e2 }'),
        ("/v1/predict", first.request.content),
    ):
        again = client.ask("POST", path, content=text, headers={"content-type": "application/json"})
        assert again.json() == {**first.json(), "from_cache": True}
    assert client.post("/predict", {"duration_seconds": 601, "job_type": "io"}).json()["from_cache"] is False
    book = client.service.book
    assert book.value("wattq_api_cache_hits_total") == 2
    assert book.value("wattq_api_cache_misses_total") == 2


def test_keys_are_equal_in_all_processes(ask: Make) -> None:
    from wattq.telemetry.api.requests import JobRequest

    code = (
        "from wattq.settings import Settings\nfrom wattq.telemetry.api import make_service\n"
        "from wattq.telemetry.api.requests import JobRequest\n"
        "print(make_service(Settings()).key_of(JobRequest(duration_seconds=600, job_type='io')))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert ask().service.key_of(JobRequest(job_type="io", duration_seconds=600.0)) == printed
    assert len(printed) == 64


def test_other_settings_have_other_keys(ask: Make, bundles: dict[str, str]) -> None:
    from wattq.telemetry.api.requests import JobRequest

    services = [ask(), ask(node={"node_full_w": 500}), ask(signals={"pue": 1.2}), ask(api=bundles)]
    assert len({client.service.key_of(JobRequest()) for client in services}) == len(services)


def test_models_predict_submissions(ask: Make, bundles: dict[str, str]) -> None:
    answer = ask(api=bundles).post("/predict", SUBMITTED).json()
    assert answer["prediction_method"] == "runtime-model+energy-model"
    runtime, energy = load_bundle(bundles["runtime_model"]), load_bundle(bundles["energy_model"])
    digests = [each.manifest.digest[:12] for each in (runtime, energy)]
    assert answer["model_version"] == f"user-quantiles@{digests[0]}+regression@{digests[1]}"
    interval, time = answer["confidence_interval"], answer["duration_interval"]
    assert interval["lower"] < answer["predicted_energy_wh"] < interval["upper"]
    assert time["lower"] <= answer["predicted_duration_seconds"] <= time["upper"] <= 7200.0
    assert interval["std"] == pytest.approx(
        (interval["upper"] - interval["lower"]) / (2 * 1.6448536269514722), rel=1e-9
    )
    assert answer["predicted_energy_wh"] * 3600.0 == pytest.approx(answer["predicted_energy_j"], rel=1e-12)


def test_a_known_run_time_and_a_model_of_power(ask: Make, bundles: dict[str, str]) -> None:
    answer = ask(api=bundles).post("/predict", {**SUBMITTED, "duration_seconds": 1000}).json()
    model = load_bundle(bundles["energy_model"]).model
    jobs = EnergyJobs.of([2.0], request_s=[7200.0], application=["3"], user=["3"], queue=["0"])
    found = predict_energy(model, jobs, np.array([1000.0]))
    assert answer["prediction_method"] == "given-duration+energy-model"
    assert answer["predicted_energy_j"] == pytest.approx(float(found.energy_j[0]), rel=1e-12)
    assert answer["confidence_interval"]["lower"] == pytest.approx(float(found.low_j[0]) / 3600.0, rel=1e-12)
    assert answer["confidence_interval"]["upper"] == pytest.approx(float(found.high_j[0]) / 3600.0, rel=1e-12)
    assert answer["duration_interval"]["lower"] is None


def test_a_given_utilisation_asks_the_power_of_the_node(ask: Make, bundles: dict[str, str]) -> None:
    answer = ask(api=bundles).post("/predict", {**SUBMITTED, "cpu_usage_percent": 100}).json()
    assert answer["prediction_method"] == "runtime-model+node-power"
    assert answer["predicted_power_watts"] == pytest.approx(900.0, rel=1e-12)
    assert answer["confidence_interval"]["source"] == "model of run time alone"


def test_names_that_no_model_knows_are_flagged(ask: Make, bundles: dict[str, str]) -> None:
    client = ask(api=bundles)
    answer = client.post("/predict", {**SUBMITTED, "application": "gromacs", "queue": "long"}).json()
    assert sorted(flag["field"] for flag in answer["flags"]) == ["application", "queue", "queue"]
    assert client.post("/predict", SUBMITTED).json()["flags"] == []


def test_without_a_model_of_run_times(ask: Make, bundles: dict[str, str]) -> None:
    found = ask().post("/predict", SUBMITTED)
    assert found.status_code == 503
    assert "--runtime-model" in found.json()["detail"]
    only = ask(api={"runtime_model": bundles["runtime_model"]}).post("/predict", SUBMITTED).json()
    assert only["prediction_method"] == "runtime-model+node-power"
    assert only["notes"] == ["cpu_usage_percent is not given; 50 is assumed"]


def test_fields_that_change_nothing_are_named(ask: Make) -> None:
    body = {"duration_seconds": 60, "cpu_usage_percent": 10, "user": "ann", "io_read_mbps": 5, "gpu_usage_percent": 40}
    notes = ask().post("/predict", body).json()["notes"]
    assert notes[0] == "io_read_mbps: of use to workload_pattern alone"
    assert notes[1].startswith("user, gpu_usage_percent: not used")
    found = ask(node={"gpus": 2}).post("/predict", body).json()
    assert found["predicted_power_watts"] == pytest.approx(150.0 + 30.0 + 2 * (40.0 + 260.0 * 0.4), rel=1e-12)
    assert "gpu_usage_percent" not in " ".join(found["notes"])


class Silent:
    """A model of run times that knows nothing of jobs without a requested time."""

    name = "silent"
    needs = ("request_s",)

    def predict(self, x: Any) -> Prediction:
        return Prediction(x[:, 0].astype(float), np.repeat(x.astype(float), 11, axis=1))


def test_a_job_that_a_model_says_nothing_about(ask: Make, bundles: dict[str, str]) -> None:
    client = ask(api={"runtime_model": bundles["runtime_model"]})
    known = client.service.predictor.bundles
    silent = replace(known, runtime=replace(known.runtime, model=Silent()))
    client.service.predictor = replace(client.service.predictor, bundles=silent)
    found = client.post("/predict", {"user": "ann"})
    assert found.status_code == 422
    assert "give walltime_s or duration_seconds" in found.json()["detail"]
    assert client.post("/predict", {"user": "ann", "walltime_s": 100}).json()["predicted_duration_seconds"] == 100.0


def test_a_batch_is_its_requests(ask: Make, bundles: dict[str, str]) -> None:
    client = ask(api=bundles)
    bodies = [
        SUBMITTED,
        {},
        {"job_type": "cpu", "job_id": "b"},
        {**SUBMITTED, "user": 5},
        {**SUBMITTED, "duration_seconds": 9},
    ]
    singles = [client.post("/predict", body).json() for body in bodies]
    batch = client.post("/predict/batch", {"jobs": bodies}).json()["predictions"]
    for one, other in zip(singles, batch, strict=True):
        assert one["predicted_energy_j"] == pytest.approx(other["predicted_energy_j"], rel=1e-9)
        assert one["prediction_method"] == other["prediction_method"]
    assert batch[2]["job_id"] == "b"
    assert client.post("/predict/batch", {"jobs": []}).status_code == 422
    assert client.post("/predict/batch", {"jobs": [{}] * 1001}).status_code == 422


def signal_files(folder: Path, start_s: float, price: list[float], carbon: list[float]) -> dict[str, str]:
    files = {"price": folder / "price.csv", "carbon": folder / "carbon.csv"}
    write_signal(hourly(price, "price", "EUR/MWh", start_s, region="DE"), files["price"])
    write_signal(hourly(carbon, "carbon", "g/kWh", start_s, region="DE"), files["carbon"])
    return {name: str(path) for name, path in files.items()}


def test_signals_are_taken_over_the_window(ask: Make, tmp_path: Path) -> None:
    """What is known at 08:00 of the second day: tomorrow is as today, so 08:00 to 10:00 is as the day before."""
    day = [float(hour) for hour in range(24)]
    files = signal_files(tmp_path, NOW - 32 * HOUR, [*day, *(10.0 + v for v in day)], [100.0 + v for v in [*day, *day]])
    body = {"duration_seconds": 7200, "cpu_usage_percent": 100}
    answer = ask(signals=files).post("/predict", body).json()
    kwh = 0.45 * 2
    # The hour that has begun is published (18); the next is taken from the day before (9).
    assert answer["estimated_cost"] == pytest.approx(kwh * (18.0 + 9.0) / 2 / 1000.0, rel=1e-9)
    assert answer["estimated_co2_kg"] == pytest.approx(kwh * (108.0 + 109.0) / 2 / 1000.0, rel=1e-9)
    assert (answer["currency"], answer["estimated_cost_usd"]) == ("EUR", None)
    assert answer["cost_source"].startswith("persistence forecast")
    known = ask(signals=files, api={"forecast": "perfect"}).post("/predict", body).json()
    assert known["estimated_cost"] == pytest.approx(kwh * (18.0 + 19.0) / 2 / 1000.0, rel=1e-9)
    assert "upper bound" in known["cost_source"]


def test_a_signal_that_ended_is_not_stretched(ask: Make, tmp_path: Path) -> None:
    files = signal_files(tmp_path, NOW - 100 * HOUR, [50.0] * 24, [300.0] * 24)
    answer = ask(signals=files).post("/predict", {}).json()
    assert "does not cover the date" in answer["cost_source"]
    assert answer["estimated_cost_usd"] == pytest.approx(0.003, rel=1e-12)


def test_negative_prices_stay_negative(ask: Make, tmp_path: Path) -> None:
    files = signal_files(tmp_path, NOW - 24 * HOUR, [-40.0] * 48, [0.0] * 48)
    answer = ask(signals=files).post("/predict", {}).json()
    assert answer["estimated_cost"] == pytest.approx(-0.001, rel=1e-9)
    assert answer["estimated_co2_kg"] == 0.0


@pytest.mark.parametrize(
    ("date", "window"),
    [
        (NOW + 7200.0, "2027-01-15T10:00:00.000Z"),
        ("2027-01-15T12:00:00+02:00", "2027-01-15T10:00:00.000Z"),
        ("2027-01-15T10:00:00", "2027-01-15T10:00:00.000Z"),
        ("2027-01-15T09:59:60Z", "2027-01-15T09:59:59.000Z"),
    ],
)
def test_dates_of_submission(ask: Make, date: Any, window: str) -> None:
    answer = ask().post("/predict", {"duration_seconds": 60, "submit_time": date}).json()
    assert answer["window_start"] == window
    assert answer["flags"] == []


def test_dates_far_away_are_flagged(ask: Make) -> None:
    for date in ("1815-12-10T00:00:00Z", NOW + 400 * 24 * HOUR):
        answer = ask().post("/predict", {"duration_seconds": 60, "submit_time": date}).json()
        assert answer["window_start"] == "2027-01-15T08:00:00.000Z"
        assert answer["flags"][0]["field"] == "submit_time"
