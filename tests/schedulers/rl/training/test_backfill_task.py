"""The task `backfill`: weeks, the signals' calendar, teachers, costs, resuming, and the policy that comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wattq.errors import LearningError
from wattq.schedulers.rl.training.backfill_options import BackfillOptions, parse_numbers
from wattq.schedulers.rl.training.backfill_task import TASK, make_scenario, week_begins
from wattq.workloads import generate_saturated, write_batsim_json
from wattq.workloads.model import Workload

WEEK_S = 604800.0
MONDAY = 1609718400.0  # 2021-01-04T00:00:00Z


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Three weeks of a generated workload."""
    work = generate_saturated(900, 100, 1, load=0.7)
    stretched = replace(work, submit_s=work.submit_s * (3.2 * WEEK_S / work.submit_s[-1]), extra=None)
    path = tmp_path / "log.json"
    write_batsim_json(stretched, path)
    return path


@pytest.fixture
def signal(tmp_path: Path) -> Path:
    from wattq.platforms.signals import Signal, write_signal

    start_s = MONDAY + 3600.0 * np.arange(24 * 7 * 60)
    value = 300 + 200 * np.sin(start_s / 86400 * 2 * np.pi)
    path = tmp_path / "carbon.csv"
    kind = {"quantity": "carbon", "unit": "g/kWh", "region": "X", "kind": "average", "scope": "direct"}
    write_signal(Signal(start_s=start_s, end_s=start_s[-1] + 3600.0, value=value, synthetic=True, **kind), path)
    return path


def dated(work: Workload, unix_start_s: float, offset_s: float | None = None) -> Workload:
    return replace(work, unix_start_s=unix_start_s, utc_offset_s=offset_s)


def test_weeks_begin_on_mondays_of_the_site() -> None:
    work = generate_saturated(50, 10, 0)
    work = replace(work, submit_s=np.linspace(0.0, 3.5 * WEEK_S, 50))
    assert week_begins(work) == (0.0, WEEK_S, 2 * WEEK_S)
    tuesday = dated(work, MONDAY + 86400.0)
    assert week_begins(tuesday) == (6 * 86400.0, 6 * 86400.0 + WEEK_S)
    east = dated(work, MONDAY, 7200.0)  # its Monday began two hours before the log
    assert week_begins(east)[0] == WEEK_S - 7200.0
    clock = week_begins(dated(work, MONDAY + 10 * WEEK_S), "Europe/Stockholm")
    assert np.diff(clock).tolist() == [WEEK_S - 3600.0]  # summer time begins in the first of them
    with pytest.raises(LearningError, match="'Mars' is no zone"):
        week_begins(tuesday, "Mars")


def test_numbers() -> None:
    assert parse_numbers("0-3, 7,2") == (0, 1, 2, 3, 7)
    assert parse_numbers("") == ()
    for wrong in ("a", "3-", "-1", "0-99999"):
        with pytest.raises(ValueError, match="neither a number nor a range"):
            parse_numbers(wrong)


def test_scenario_of_options(log: Path, signal: Path) -> None:
    options = BackfillOptions(
        workload=str(log),
        platform="kth-sp2-dvfs",
        train_weeks="0,2",
        episode_s=302400,
        carbon=str(signal),
        weights={"carbon": 1.0, "wait": 0.5},
        states="0,3",
        hold_s="3600,7200",
        cap_w=1e6,
    )
    scenario = make_scenario(options)
    assert scenario.begins_s == (0.0, 302400.0, 2 * WEEK_S, 2 * WEEK_S + 302400.0)
    assert (scenario.delay, scenario.weights.delay, scenario.weights.carbon) == ("wait", 0.5, 1.0)
    assert (scenario.options.states, scenario.options.hold_s) == ((0, 3), (3600.0, 7200.0))
    # without a date of its own, the log begins on the first Monday that the signal covers
    assert scenario.origin_s == MONDAY
    assert make_scenario(options, weeks=[1]).begins_s == (WEEK_S, WEEK_S + 302400.0)
    with pytest.raises(LearningError, match=r"5: workload .* has 3 whole weeks"):
        make_scenario(options, weeks=[5])


def test_season_is_kept_where_the_signal_allows(log: Path, signal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wattq.schedulers.rl.training import backfill_task

    plain = backfill_task._log
    own_s = MONDAY - 104 * WEEK_S + 3 * WEEK_S  # three weeks later in the season, two years before
    monkeypatch.setattr(backfill_task, "_log", lambda options: dated(plain(options), own_s))
    options = BackfillOptions(workload=str(log), platform="kth-sp2-dvfs", carbon=str(signal), weights={"carbon": 1})
    origin_s = make_scenario(options).origin_s
    assert origin_s is not None
    assert (origin_s - own_s) % WEEK_S == 0
    assert abs((origin_s - own_s) / 86400 - 2 * 365.2425) <= 3.5
    fixed = options.model_copy(update={"origin": "2021-02-01T00:00:00+00:00"})
    assert make_scenario(fixed).origin_s == MONDAY + 4 * WEEK_S
    for wrong in ("2021-02-01", "soon"):
        with pytest.raises(LearningError, match="give log, season, or a date with offset"):
            make_scenario(options.model_copy(update={"origin": wrong}))
    short = options.model_copy(update={"drain_s": 100 * WEEK_S})
    with pytest.raises(LearningError, match="too short for the weeks"):
        make_scenario(short)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"weights": {"slowdown": 1, "wait": 1}}, "give one of them"),
        ({"weights": {"energy": 0}}, "nothing to learn"),
        ({"weights": {"engery": 1}}, "weights.engery"),
        ({"train_weeks": "0-x"}, "neither a number nor a range"),
        ({"window": 0}, "options.window"),
        ({"cleaning": {"procesors_per_host": 2}}, "did you mean 'processors_per_host'"),
    ],
)
def test_wrong_options(log: Path, given: dict[str, Any], message: str) -> None:
    from wattq.schedulers.rl.training.tasks import parse_options

    with pytest.raises(LearningError, match=message):
        make_scenario(parse_options(TASK, {"workload": str(log), "platform": "kth-sp2-dvfs", **given}))


@pytest.mark.slow
def test_learned_policy_schedules_and_training_resumes(
    log: Path, toy_config: Callable[..., Any], tmp_path: Path
) -> None:
    from wattq.platforms import load_platform
    from wattq.schedulers import make_policy
    from wattq.schedulers.rl.model_file import load_learned
    from wattq.schedulers.rl.training.start import resume, train
    from wattq.simulator import simulate
    from wattq.workloads import read_workload

    config = toy_config(
        task="backfill",
        architecture="slots",
        steps=1500,
        options={"workload": str(log), "platform": "kth-sp2-dvfs", "window": 4, "train_weeks": "0-1"},
        constraints=[{"cost": "late_share", "limit": 0.05}, {"cost": "mean_wait_s", "limit": 3600, "rate": 1e-6}],
        teacher={"name": "easy", "steps": 600},
    )
    whole = train(config, tmp_path / "whole")
    stops = iter([False, True])
    assert train(config, tmp_path / "part", stop=lambda: next(stops)).steps == 512
    again = resume(tmp_path / "part")
    assert again.digest == whole.digest
    assert again.policy is not None
    learned = load_learned(again.policy, task="backfill")
    assert learned.card["data"]["weeks"] == "0-1"
    assert learned.card["teacher"]["share"] > 0.3
    run = simulate(
        load_platform("kth-sp2-dvfs"),
        [read_workload(log)],
        make_policy("rl", {"model": str(again.policy)}),
        energy=True,
    )
    assert run.summary["jobs"]["succeeded"] + run.summary["jobs"]["killed"] == 900


@pytest.mark.slow
def test_without_masks_illegal_choices_become_waiting(
    log: Path, toy_config: Callable[..., Any], tmp_path: Path
) -> None:
    from wattq.schedulers.rl.training.start import train

    options = {"workload": str(log), "platform": "kth-sp2-dvfs", "window": 4}
    trained = train(toy_config(task="backfill", algorithm="ppo", steps=512, options=options), tmp_path / "run")
    assert 0.2 < trained.figures["rollout/illegal_share"] < 1.0
    assert trained.policy is not None


def test_costs_of_a_step(log: Path) -> None:
    options = BackfillOptions(workload=str(log), platform="kth-sp2-dvfs", late_s=0.0)
    env = TASK.make_vec(4, 0, options)
    env.reset()
    started = waited = 0.0
    for _ in range(50):
        env.step(TASK.teachers["easy"](env))
        late, starts = TASK.costs["late_share"].of(env)
        wait_s, same = TASK.costs["mean_wait_s"].of(env)
        assert (late <= starts).all()
        assert np.array_equal(starts, same)
        kwh, ones = TASK.costs["energy_kwh"].of(env)
        assert (kwh >= 0).all()
        assert (ones == 1).all()
        started, waited = started + starts.sum(), waited + wait_s.sum()
    assert started > 0
    assert waited >= 0
