"""The effect of predictions on the schedule: rows by hand, and KTH-SP2 by the protocol of SC'15."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wattq.errors import SurrogateError, WorkloadError
from wattq.experiments.published.predicted import Predicted, simulate_predicted
from wattq.experiments.surrogates.effect import (
    GIVEN,
    POLICIES,
    SCALED,
    Simulated,
    effect_rows,
    effect_table,
    effect_tasks,
    perturbed,
    schedule_effect,
    simulate_effect,
)
from wattq.surrogates.rolling import new_session
from wattq.surrogates.session import EstimateRule


def test_the_table_has_the_jobs_by_submission(small_log: Path) -> None:
    table = effect_table(small_log)
    assert (table.n_jobs, table.processors_total) == (900, 64)
    assert (np.diff(table.submit_s) >= 0.0).all()
    assert (table.run_s <= table.request_s).all()
    assert sorted(set(table.group.tolist())) == [1, 2, 3]
    assert (table.application == table.user).all()


def test_logs_without_requested_times_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "none.swf"
    path.write_text("; MaxProcs: 4\n1 0 -1 10 2 -1 -1 2 -1 -1 1 1 1 1 1 1 -1 -1\n", encoding="utf-8")
    with pytest.raises(WorkloadError, match="leave no job"):
        effect_table(path)
    path = tmp_path / "jobs.json"
    path.write_text('{"nb_res": 4, "jobs": [], "profiles": {}}', encoding="utf-8")
    with pytest.raises(SurrogateError, match="logs with requested times"):
        effect_table(path)


def test_rows_by_hand(small_log: Path) -> None:
    table = effect_table(small_log).take(slice(0, 3))
    runs = table.run_s
    wait_s = np.array([0.0, 100.0, 10.0 * runs[2]])
    found = Predicted(table.submit_s + wait_s, np.array([runs[0], runs[1] - 1.0, runs[2]]), np.array([0, 2, 1]))
    first, second, whole = effect_rows(table, "EASY", "similar", found)
    assert first == {
        "policy": "EASY",
        "estimate": "similar",
        "part": "first half",
        "jobs": 1,
        "slowdown": 1.0,
        "wait_s": 0.0,
        "under_share": 0.0,
        "late_share": 0.0,
        "corrections": 0.0,
    }
    assert second["jobs"] == 2
    assert second["slowdown"] == pytest.approx((1.0 + 100.0 / runs[1] + 11.0) / 2.0, rel=1e-12)
    assert (second["under_share"], second["late_share"], second["corrections"]) == (0.5, 1.0, 1.5)
    assert whole["wait_s"] == pytest.approx(wait_s.mean(), rel=1e-12)


def test_the_requested_time_as_a_prediction_is_the_requested_time(small_log: Path) -> None:
    table = effect_table(small_log)
    given = simulate_effect(table, "EASY-SJBF", "requested")
    predicted = simulate_predicted(table, POLICIES["EASY-SJBF"], new_session("requested", EstimateRule()))
    assert predicted.start_s.tolist() == given.start_s.tolist()
    assert predicted.estimate_s.tolist() == table.request_s.tolist()
    assert not predicted.outlived.any()


def test_the_fraction_of_the_requested_time(small_log: Path) -> None:
    table = effect_table(small_log)
    found = simulate_effect(table, "EASY", SCALED)
    assert found.estimate_s == pytest.approx(0.2 * table.request_s, rel=1e-6)
    assert found.outlived.max() == 1
    assert (found.estimate_s[found.outlived > 0] < table.run_s[found.outlived > 0]).all()


def test_predictions_know_the_simulated_world_only(small_log: Path) -> None:
    """What the log says of starts does not matter, and run times of jobs matter once they have ended."""
    table = effect_table(small_log)
    plain = simulate_effect(table, "EASY-SJBF", "similar", rule=EstimateRule())
    ends_s = plain.start_s + table.run_s
    longest = int(np.argmax(table.run_s))
    changed = table.run_s.copy()
    changed[longest] *= 0.5
    other = simulate_effect(
        type(table)(**{**vars(table), "run_s": changed}), "EASY-SJBF", "similar", rule=EstimateRule()
    )
    known_s = min(ends_s[longest], other.start_s[longest] + changed[longest])
    before = table.submit_s <= known_s
    assert before.sum() > longest
    assert (plain.estimate_s[before] == other.estimate_s[before]).all()


def test_a_perturbed_log_has_the_load_of_the_log(small_log: Path) -> None:
    table = effect_table(small_log)
    other = perturbed(table, 1)
    assert other.submit_s.tolist() == perturbed(table, 1).submit_s.tolist()
    assert other.submit_s.tolist() != perturbed(table, 2).submit_s.tolist()
    assert (np.diff(other.submit_s) >= 0.0).all()
    times = np.bincount(other.number.astype(int), minlength=table.n_jobs + 1)[1:]
    assert sorted(set(times.tolist())) == [0, 1, 2]
    assert abs(other.n_jobs - table.n_jobs) < 45
    known = dict(zip(table.number, zip(table.submit_s, table.run_s, strict=True), strict=True))
    for number, submit_s, run_s in zip(other.number, other.submit_s, other.run_s, strict=True):
        assert abs(known[number][0] - submit_s) <= 3600.5
        assert known[number][1] == run_s


def test_tasks_give_the_rows_of_all(small_log: Path) -> None:
    log = (small_log.name, small_log)
    tasks = effect_tasks(log, ["requested", "similar"])
    assert [task.estimate for task in tasks[::2]] == ["requested", "doubled", SCALED, "similar", "exact"]
    assert len({str(task.key()) for task in tasks}) == len(tasks) == 10
    told: list[str] = []
    rows = schedule_effect(small_log, ["requested", "similar"], done=told.append)
    assert told == [task.label for task in tasks]
    assert rows == [row for task in tasks for row in task.rows(task.compute())]


def test_models_that_learn_are_trained_in_the_simulation(small_log: Path) -> None:
    task = Simulated((small_log.name, small_log), "EASY", "forest", 3)
    found = task.compute()
    again = task.compute()
    assert all((found[name] == again[name]).all() for name in found)
    similar = Simulated((small_log.name, small_log), "EASY", "similar", 3).compute()
    assert (found["estimate_s"][:500] == similar["estimate_s"][:500]).all()
    assert (found["estimate_s"][600:] != similar["estimate_s"][600:]).any()


def test_kth_by_the_protocol(shared_dir: Path) -> None:
    path = shared_dir / "data" / "swf" / "KTH-SP2-predictsim-filtered.swf.gz"
    table = effect_table(path)
    assert (table.n_jobs, table.processors_total) == (28_481, 100)
    printed = {"requested": ("92.576540", "69.405401"), "doubled": ("79.930251", "58.912532")}
    for estimate in GIVEN:
        values = [effect_rows(table, name, estimate, simulate_effect(table, name, estimate)) for name in POLICIES]
        texts = tuple(f"{rows[2]['slowdown']:.6f}" for rows in values)
        assert texts == printed.get(estimate, ("71.722385", "49.847719"))


def test_kth_with_predictions(shared_dir: Path) -> None:
    table = effect_table(shared_dir / "data" / "swf" / "KTH-SP2-predictsim-filtered.swf.gz")
    most = {"EASY": 80.0, "EASY-SJBF": 60.0}
    for policy in POLICIES:
        whole = effect_rows(table, policy, "similar", simulate_effect(table, policy, "similar"))[2]
        assert whole["slowdown"] < most[policy]
        assert 0.3 < whole["late_share"] < whole["under_share"] < 0.95
