"""The parts of a report against values by hand: energy for work, cost and CO2e, anomalies, heat, predictions."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from wattq.errors import SignalError
from wattq.platforms.signals import Signal
from wattq.settings import SignalSettings
from wattq.surrogates.energy import NodeBalance
from wattq.telemetry.reports import GridTerms, grid_terms
from wattq.telemetry.reports.anomalies import anomaly_part
from wattq.telemetry.reports.efficiency import choose_jobs, efficiency_part
from wattq.telemetry.reports.jobs import JobTable, job_table, lost_states
from wattq.telemetry.reports.predictions import ks_distance, prediction_part
from wattq.telemetry.reports.samples import sample_table
from wattq.telemetry.reports.thermal import thermal_part

T0 = 1_794_873_600.0
HOUR = 3600.0
KWH = 3.6e6
Row = dict[str, object]


def run(number: int, **given: object) -> Row:
    """Return a run of two hours on four cores and 8 GiB that took 0.1 kWh."""
    row: Row = {
        "time": T0,
        "end_time": T0 + 2 * HOUR,
        "job_id": str(number),
        "user_id": "u",
        "partition": "p",
        "job_type": "t",
        "node_id": "n1",
        "cpu_cores": 4,
        "memory_mb": 8192.0,
        "cpu_usage": 50.0,
        "energy_j": 0.1 * KWH,
        "energy_source": "measured",
        "energy_meter": "rapl",
        "energy_coverage": 1.0,
        "job_state": "COMPLETED",
    }
    return row | given


SIX = [
    run(1),
    run(2, energy_j=0.3 * KWH, cpu_cores=12, user_id="v"),
    run(3, job_state="FAILED", energy_j=0.2 * KWH),
    run(4, energy_j=None, energy_source=None),
    run(5, time=T0 + 24 * HOUR, end_time=T0 + 26 * HOUR, energy_source="modelled", energy_meter="model"),
    run(6, end_time=None),
]


def terms(**given: object) -> GridTerms:
    return GridTerms(None, None, SignalSettings.model_validate({"price_per_kwh": 0.2, "currency": "EUR", **given}))


def test_energy_for_work_by_hand() -> None:
    chosen = choose_jobs(job_table(SIX))
    coverage = chosen.coverage
    assert (coverage.jobs, coverage.running, coverage.with_energy) == (6, 1, 4)
    assert coverage.by_source == pytest.approx({"measured": 0.6 * KWH, "modelled": 0.1 * KWH})
    assert coverage.by_meter == {"rapl": pytest.approx(0.6 * KWH)}
    assert coverage.measured_share == pytest.approx(6 / 7)
    part = efficiency_part(chosen.jobs, terms(pue=1.5), (), (T0, T0 + 48 * HOUR))
    total = part.total
    assert (total.jobs, total.completed, total.with_energy) == (5, 4, 4)
    assert (total.energy_j, total.lost_j) == pytest.approx((0.7 * KWH, 0.2 * KWH))
    # Completed with known energy: 1, 2 and 5: 500 Wh; 8 + 24 + 8 core-hours; 3 x 16 GiB-hours.
    assert total.wh_per_job == pytest.approx(500 / 3)
    assert total.wh_per_cpu_hour == pytest.approx(500 / 40)
    assert total.wh_per_gb_hour == pytest.approx(500 / 48)
    # All with energy: 48 core-hours at 50 % for 0.7 kWh.
    assert total.used_cpu_hours_per_kwh == pytest.approx(24 / 0.7)
    assert total.mean_cpu_usage == pytest.approx(50.0)
    assert (total.measured_share, total.modelled_share) == pytest.approx((6 / 7, 1 / 7))
    assert (total.cost, total.co2e_kg) == pytest.approx((0.7 * 1.5 * 0.2, 0.7 * 1.5 * 0.5))
    assert (total.cost_share, total.co2e_share) == pytest.approx((1.0, 1.0))
    assert [group.name for group in part.by["user"]] == ["u", "v"]
    assert [group.energy_j for group in part.by["day"]] == pytest.approx([0.6 * KWH, 0.1 * KWH])
    assert [(day.day, day.modelled_j) for day in part.daily] == [("2026-11-17", 0.0), ("2026-11-18", 0.1 * KWH)]
    assert part.grid.price.kind == "constant"
    assert part.grid.currency == "EUR"


def test_nothing_known_is_null_and_not_zero() -> None:
    chosen = choose_jobs(job_table([run(1, energy_j=None, cpu_cores=None, memory_mb=None, cpu_usage=None)]))
    total = efficiency_part(chosen.jobs, terms(), (), (T0, T0 + HOUR)).total
    ratios = (total.wh_per_job, total.wh_per_cpu_hour, total.mean_cpu_usage, total.cost, total.measured_share)
    assert ratios == (None,) * 5
    assert choose_jobs(job_table([])).coverage.jobs == 0


def test_synthetic_energy_stands_alone() -> None:
    mixed = choose_jobs(job_table([run(1), run(2, energy_source="synthetic", energy_j=KWH)]))
    assert mixed.jobs.job_id.tolist() == ["1"]
    assert (mixed.coverage.left_out_synthetic, mixed.coverage.synthetic_only) == (1, False)
    alone = choose_jobs(job_table([run(2, energy_source="synthetic", energy_j=KWH), run(3, energy_j=None)]))
    assert alone.jobs.job_id.tolist() == ["2", "3"]
    assert (alone.coverage.synthetic_only, alone.coverage.measured_share) == (True, 0.0)


def test_energy_without_a_source_is_unknown() -> None:
    jobs = job_table([run(1, energy_source=None), run(2, energy_j=-1.0), run(3, job_state="CANCELLED by 1000")])
    assert jobs.source.tolist() == ["unknown", "", "measured"]
    assert lost_states(jobs).tolist() == [False, False, True]


def signal(quantity: str, values: list[float], unit: str) -> Signal:
    starts = T0 + HOUR * np.arange(len(values))
    return Signal(starts, T0 + HOUR * len(values), np.array(values), quantity, unit, source="made up", synthetic=True)


def test_cost_and_co2e_are_integrated_over_the_run() -> None:
    carbon = signal("carbon", [100.0, 300.0, 200.0], "g/kWh")
    price = signal("price", [-10.0, 50.0, 90.0], "EUR/MWh")
    grid = GridTerms(carbon, price, SignalSettings(pue=2.0))
    starts, ends = T0 + HOUR * np.array([0.0, 0.5, 2.5, -1.0]), T0 + HOUR * np.array([2.0, 1.5, 3.5, 1.0])
    energy = np.full(4, 0.5 * KWH)
    # At PUE 2 half a kWh is one of the facility: the mean of the hours that it overlaps, however they lie.
    assert grid.co2e_kg(starts, ends, energy)[:2] == pytest.approx([0.2, 0.2])
    assert grid.cost(starts, ends, energy)[:2] == pytest.approx([0.02, 0.02])
    assert np.isnan(grid.co2e_kg(starts, ends, energy)[2:]).all()
    rows = [run(1, energy_j=KWH), run(2, time=T0 + HOUR, end_time=T0 + 4 * HOUR, energy_j=KWH)]
    total = efficiency_part(choose_jobs(job_table(rows)).jobs, grid, (), (T0, T0 + HOUR)).total
    assert (total.co2e_kg, total.co2e_share, total.cost_share) == pytest.approx((0.4, 0.5, 0.5))
    described = grid.described()
    assert (described.carbon.kind, described.carbon.synthetic, described.price.unit) == ("signal", True, "EUR/MWh")


def test_bound_of_waiting() -> None:
    values = [400.0] * 12 + [100.0] * 36
    grid = GridTerms(signal("carbon", values, "g/kWh"), None, SignalSettings())
    starts, ends = T0 + HOUR * np.array([0.0, 13.0, 40.0]), T0 + HOUR * np.array([1.0, 14.0, 41.0])
    shift = grid.shift(starts, ends, np.full(3, KWH), carbon=True)
    assert shift is not None
    # The third might wait beyond the end of the signal, so nothing is said of it.
    assert (shift.jobs, shift.now, shift.best) == (2, pytest.approx(0.5), pytest.approx(0.2))
    assert grid.shift(starts, ends, np.full(3, KWH), carbon=False) is None
    assert grid.shift(starts + 1e9, ends + 1e9, np.full(3, KWH), carbon=True) is None


def test_signals_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("from,to,forecast,actual,region\n2026-11-17T00:00Z,2026-11-17T01:00Z,1,120,GB\n")
    found = grid_terms(SignalSettings(carbon=str(tmp_path / "c.csv")))
    assert found.carbon is not None
    assert found.carbon.at(T0) == 120.0
    with pytest.raises(SignalError, match="holds carbon"):
        grid_terms(SignalSettings(price=str(tmp_path / "c.csv")))


def table_of_jobs(seed: int, threefold: dict[int, str]) -> JobTable:
    """Return 400 runs of four applications; those named took three times the usual by power or by time."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(400):
        length = HOUR * float(random.lognormal(0.0, 0.2))
        power = 200.0 * (1 + number % 4) * float(random.lognormal(0.0, 0.1))
        if number in threefold:
            length, power = HOUR, 200.0 * (1 + number % 4)
            power *= 3.0 if threefold[number] == "power" else 1.0
            length *= 3.0 if threefold[number] == "time" else 1.0
        given = {"job_name": f"app{number % 4}", "user_id": f"u{number % 2}", "energy_j": power * length}
        start = T0 + 600.0 * number
        rows.append(run(number, time=start, end_time=start + length, node_id=f"n{number % 7}", **given))
    return job_table(rows)


@pytest.mark.parametrize("seed", range(5))
def test_three_times_the_usual_energy_is_found(seed: int) -> None:
    threefold = {50: "power", 151: "time", 252: "power", 353: "time", 204: "time"}
    part = anomaly_part(table_of_jobs(seed, threefold))
    found = {int(each.job_id): each for each in part.anomalies}
    assert set(threefold) <= set(found)
    assert all(found[number].side == "high" for number in threefold)
    false = set(found) - set(threefold)
    assert len(false) <= 0.05 * (400 - len(threefold))
    assert part.share == pytest.approx(len(found) / 400)
    assert {each.measure for each in part.anomalies} == {"power", "energy"}


@pytest.mark.parametrize("seed", range(5, 10))
def test_few_false_alarms_among_normal_runs(seed: int) -> None:
    part = anomaly_part(table_of_jobs(seed, {}))
    assert part.checked == 400
    assert len(part.anomalies) <= 20


def test_modelled_and_few_runs_are_not_compared() -> None:
    jobs = job_table([run(number, energy_source="modelled") for number in range(30)])
    assert anomaly_part(jobs).checked == 0
    few = anomaly_part(job_table([run(number) for number in range(7)]))
    assert (few.checked, few.anomalies, few.groups) == (7, [], 0)
    assert anomaly_part(job_table([])).share is None


def test_heat_of_nodes() -> None:
    event = {"event_type": "overheat", "threshold": 85.0, "duration_seconds": 30.0}
    events = [
        {"time": T0, "node_id": "a", "temperature": 91.0, "severity": "critical", **event},
        {"time": T0 + 1, "node_id": "a", "temperature": 86.0, "severity": "high", **event},
        {"time": T0, "node_id": "c", "temperature": 86.0, "severity": "medium", **event, "event_type": "throttling"},
    ]
    random = np.random.default_rng(1)
    rows: list[Row] = []
    for hour in range(10 * 24):
        load, noise = 50.0 + 30.0 * (hour % 3 - 1) + 5.0 * (hour // 24 % 2), float(random.normal(0.0, 0.5))
        for node, slope in (("b", 0.0), ("w", 0.8)):
            temperature = 50.0 + 0.2 * load + slope * hour / 24 + noise
            rows.append({"time": T0 + HOUR * hour, "node_id": node, "cpu_usage": load, "cpu_temp": temperature})
    rows += [{"time": T0 + 5.0, "node_id": "b", "cpu_temp": 86.0, "gpu_temp": 70.0}]
    throttled = job_table([run(1, thermal_throttling=True), run(2, thermal_throttling=False), run(3)])
    part = thermal_part(events, sample_table([rows[:100], rows[100:]]), throttled)
    assert [node.node for node in part.nodes][:2] == ["a", "b"]
    by_name = {node.node: node for node in part.nodes}
    hot = by_name["a"]
    assert (hot.events, hot.high, hot.critical, hot.event_seconds, hot.hotspot) == (2, 1, 1, 60.0, True)
    assert (hot.max_event_c, hot.max_excess_k, hot.max_cpu_c, hot.cpu_above_warning) == (91.0, 6.0, None, None)
    assert (by_name["b"].max_cpu_c, by_name["b"].max_gpu_c, by_name["b"].hotspot) == (86.0, 70.0, True)
    assert by_name["b"].cpu_above_critical == pytest.approx(1 / 241)
    assert (by_name["c"].throttling, by_name["c"].hotspot) == (1, False)
    trend, error = by_name["w"].trend_k_per_day, by_name["w"].trend_error_k_per_day
    assert trend is not None
    assert error is not None
    assert trend == pytest.approx(0.8, abs=3 * error + 0.05)
    assert abs(by_name["b"].trend_k_per_day or 0.0) < 0.1
    assert (part.throttled_jobs, part.jobs_with_throttling_known) == (1, 2)
    assert (part.throttled_energy_j, part.samples) == (0.1 * KWH, 481)


def test_scores_by_hand() -> None:
    pairs = [(110.0, 100.0), (180.0, 200.0), (330.0, 300.0), (800.0, 400.0)]
    rows = [
        {
            "job_id": str(number),
            "model_version": "v1",
            "prediction_method": "m",
            "predicted_energy_j": predicted,
            "actual_energy_j": actual,
            "energy_low_j": 0.95 * predicted,
            "energy_high_j": 1.2 * predicted,
            "predicted_duration_seconds": 60.0,
            "actual_duration_seconds": 50.0 if number else None,
        }
        for number, (predicted, actual) in enumerate(pairs)
    ]
    rows += [{"job_id": "9", "model_version": "v1", "prediction_method": "m", "predicted_energy_j": 1.0}]
    rows += [{**rows[0], "job_id": "8", "actual_energy_j": 110.0}]
    jobs = [{"job_id": str(number), "energy_source": "measured"} for number in range(4)]
    jobs += [{"job_id": "8", "energy_source": "synthetic"}]
    part = prediction_part(rows, jobs)
    energy = part.scores[0]
    assert (energy.actual_source, energy.predictions, part.without_actual) == ("measured", 4, 1)
    assert energy.mae == pytest.approx((10 + 20 + 30 + 400) / 4)
    assert energy.rmse == pytest.approx(math.sqrt((100 + 400 + 900 + 160_000) / 4))
    assert energy.mape == pytest.approx((0.1 + 0.1 + 0.1 + 1.0) / 4)
    assert energy.bias == pytest.approx((10 - 20 + 30 + 400) / 4)
    assert energy.relative_bias == pytest.approx(0.42)
    # Squares about the mean of 250: 22,500 + 2,500 + 2,500 + 22,500. A bad model stays below 0.
    assert energy.r2 == pytest.approx(1 - 161_400 / 50_000)
    assert energy.ks == pytest.approx(0.25)
    assert energy.within_10_percent == pytest.approx(0.75)
    assert energy.interval_coverage == pytest.approx(0.25)
    apart = {(score.target, score.actual_source): score.predictions for score in part.scores}
    assert apart == {("energy", "measured"): 4, ("energy", "synthetic"): 1, ("duration", "measured"): 3}
    assert part.pairs[0] == ("measured", 110.0, 100.0)
    assert [score.r2 for score in part.scores if score.predictions == 1] == [None]


def test_distance_of_distributions() -> None:
    assert ks_distance(np.array([1.0, 2.0]), np.array([1.0, 2.0])) == 0.0
    assert ks_distance(np.array([1.0, 2.0]), np.array([3.0, 4.0])) == 1.0
    assert ks_distance(np.array([1.0, 2.0, 3.0]), np.array([2.5])) == pytest.approx(2 / 3)


def test_idle_energy_of_nodes() -> None:
    balance = NodeBalance("n1", T0, T0 + 10 * HOUR, 100.0, 60.0, 40.0, 3, 0.9, 1, 60.0)
    part = efficiency_part(choose_jobs(job_table([run(1)])).jobs, terms(), (balance,), (T0, T0 + HOUR))
    node = part.nodes[0]
    assert (node.node, node.energy_j, node.jobs_j, node.idle_j, node.hours) == ("n1", 100.0, 60.0, 40.0, 10.0)
