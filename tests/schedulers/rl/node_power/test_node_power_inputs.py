"""Arrivals, prices and settings of the node-power task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wattq.errors import InvalidInputError, LearningError
from wattq.schedulers.rl.node_power import (
    NodePowerConfig,
    Weights,
    World,
    default_model,
    generated,
    make_rule,
    named_prices,
    replayed,
    sampled,
)
from wattq.workloads import generate_saturated
from wattq.workloads.arrivals import Law
from wattq.workloads.generate_hours import HourlyModel
from wattq.workloads.generate_table import JobTable, build_workload

PUBLISHED = NodePowerConfig()


def log(rows: list[tuple[int, int, int, int]]) -> Any:
    """A workload from rows of submit time (s), run time (s), nodes, cores."""
    submit, duration, nodes, cores = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    none = np.full(submit.size, -1, np.int64)
    return build_workload(JobTable(submit, duration, nodes, cores, none, none), 64, "by hand", with_cores=True)


def test_generated_jobs_are_those_of_the_generator() -> None:
    model = HourlyModel(Law("flat", 3), Law("uniform", 2, 4), Law("uniform", 1, 2), Law("flat", 5))
    arrivals = generated(model, PUBLISHED, 4)
    window = arrivals.window(0, 400)
    assert np.diff(window.offsets).tolist() == [3] * 400
    assert set(window.jobs[:, 0]) == {2, 3, 4}
    assert set(window.jobs[:, 1]) == {1, 2}
    assert set(window.jobs[:, 2]) == {5}
    # Any window shows the same hours, also across the blocks in which they are made.
    part = arrivals.window(100, 2000)
    again = arrivals.seeded(4).window(0, 2100)
    assert part.jobs.tolist() == again.jobs[300:].tolist()
    assert arrivals.seeded(5).window(0, 400).jobs.tolist() != window.jobs.tolist()
    poisson = generated(default_model(50.0), PUBLISHED).window(0, 2000)
    assert 48 < poisson.jobs.shape[0] / 2000 < 52


def test_bounds_of_the_machine_hold_for_bursts() -> None:
    heavy = HourlyModel(Law("flat", 0), Law("flat", 1), Law("flat", 1), Law("flat", 1)).heavy
    small = NodePowerConfig(n_nodes=8, max_nodes_per_job=4, cores_per_node=16, max_duration_h=100)
    bursts = type(heavy)("heavy", 1.0, heavy.jobs, heavy.duration_h, heavy.nodes, heavy.cores)
    model = HourlyModel(Law("flat", 0), Law("flat", 1), Law("flat", 1), Law("flat", 1), heavy=bursts)
    jobs = generated(model, small).window(0, 50).jobs
    assert jobs.max(axis=0).tolist() == [100, 4, 16]
    with pytest.raises(InvalidInputError, match="nodes"):
        generated(HourlyModel(Law("flat", 1), Law("flat", 1), Law("flat", 9), Law("flat", 1)), small)
    with pytest.raises(LearningError, match="seed"):
        generated(model, small, -1)
    with pytest.raises(LearningError, match="from 0"):
        generated(model, small).window(-1, 3)


def test_a_log_again_starts_no_job_before_it_was_submitted() -> None:
    rows = [(0, 3600, 2, 4), (1, 3601, 1, 8), (3600, 10, 1, 1), (7300, 7200, 3, 2)]
    arrivals = replayed(log(rows), PUBLISHED)
    window = arrivals.window(0, 24)
    assert arrivals.period_h == 24
    assert np.diff(window.offsets).tolist() == [1, 2, 0, 1, *[0] * 20]
    assert window.jobs.tolist() == [[1, 2, 4], [2, 1, 8], [1, 1, 1], [2, 3, 2]]
    later = arrivals.window(23, 26)
    assert np.diff(later.offsets).tolist() == [0, 1, 2, 0, 1, *[0] * 20, 1]
    double = replayed(log(rows), PUBLISHED, arrival_scale=2.0).window(0, 24)
    assert double.jobs.shape[0] == 8
    assert not arrivals.seeded(9) is not arrivals


def test_processors_become_cores() -> None:
    rows = [(0, 3600, 64, 1), (0, 3600, 10, 1)]
    small = NodePowerConfig(n_nodes=20, cores_per_node=10, max_nodes_per_job=7)
    jobs = replayed(log(rows), small, as_cores=True).window(0, 24).jobs
    assert jobs.tolist() == [[1, 7, 10], [1, 1, 10]]
    with pytest.raises(LearningError, match="widest job: 64"):
        replayed(log(rows), small)
    with pytest.raises(LearningError, match="longest job"):
        replayed(log([(0, 700_000, 1, 1)]), small)
    with pytest.raises(LearningError, match="cores on a node: 11"):
        replayed(log([(0, 60, 1, 11)]), small)


def test_hours_of_the_day_are_drawn() -> None:
    day = [(day * 86400 + hour * 3600 + 60, 1800, 1, 4) for day in range(20) for hour in (8, 9, 9)]
    arrivals = sampled(log(day), PUBLISHED, 1, aggregated=False)
    counts = np.diff(arrivals.window(0, 24 * 50).offsets).reshape(-1, 24)
    # What is submitted within an hour arrives at its end.
    assert counts.sum(axis=0).tolist() == [0] * 9 + [50, 100] + [0] * 13
    whole = sampled(log(day), PUBLISHED, 1).window(0, 24 * 400)
    core_hours = float(whole.jobs.prod(axis=1).sum()) / 400
    assert core_hours == pytest.approx(3 * 0.5 * 4, rel=0.1)


def test_arrivals_follow_the_clock_of_the_prices() -> None:
    day = [(day * 86400 + 12 * 3600, 3600, 1, 4) for day in range(20)]
    world = World(NodePowerConfig(horizon_h=24), 1, prices="sinus", arrivals=replayed(log(day), PUBLISHED))
    world.reset(0, {"price_start_index": 10})
    assert world.prices.clock[10] % 24 == 10
    submitted = []
    for _ in range(24):
        world.step(make_rule("always-on")(world))
        submitted.append(world.state.hourly[0, 10])
    assert submitted == [0, 0, 1, *[0] * 21]


@pytest.mark.parametrize("start", ["sequence", "random"])
def test_episodes_begin_in_different_weeks(start: str) -> None:
    log_ = replayed(generate_saturated(500, 8, load=0.1), NodePowerConfig(), aggregated=True)
    world = World(NodePowerConfig(horizon_h=48), 2, prices="noisy-logic", arrivals=log_, start=start)
    places = []
    for _ in range(3):
        for e in range(2):
            world.reset(e)
        places.append(tuple(world.state.num[:, 2].tolist()))
    assert len(set(places)) == 3
    if start == "sequence":
        assert places == [(0, 48), (96, 144), (192, 240)]
    with pytest.raises(LearningError, match="not one of"):
        World(NodePowerConfig(), 1, start="sometimes")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"price": 1}, "unknown"),
        ({"price_start_index": -1}, "at least 0"),
        ({"arrival_start_hour": 1.5}, "whole number"),
        ({"price_start_index": 10**6}, "8736 hours"),
    ],
)
def test_options_of_an_episode_are_checked(options: dict[str, Any], words: str) -> None:
    world = World(NodePowerConfig(horizon_h=3), 1)
    with pytest.raises(LearningError, match=words):
        world.reset(0, options)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"n_nodes": 0}, "n_nodes: 0"),
        ({"n_nodes": 2.5}, "whole number"),
        ({"queue_size": True}, "queue_size"),
        ({"power": "watts"}, "cores, nodes"),
        ({"idle_w": -1.0}, "idle_w"),
        ({"idle_w": float("nan")}, "idle_w"),
        ({"idle_w": 500.0}, "at least the one before"),
        ({"initial_on": 336}, "more than n_nodes"),
        ({"n_nodes": 10}, "max_nodes_per_job"),
    ],
)
def test_settings_are_checked(given: dict[str, Any], words: str) -> None:
    with pytest.raises(LearningError, match=words):
        NodePowerConfig(**given)


def test_weights_are_checked_and_settings_travel_as_json() -> None:
    with pytest.raises(LearningError, match="'price'"):
        Weights(price=-1.0)
    config = NodePowerConfig(n_nodes=50, weights=Weights(cost=2.0), backlog_size=None)
    assert NodePowerConfig.from_json(config.to_json()) == config
    for text in ("", "[]", "{", '{"nodes": 3}', '{"n_nodes": "x"}', '{"weights": 3}', "[" * 100_000):
        with pytest.raises(LearningError):
            NodePowerConfig.from_json(text)


def test_prices_by_name(tmp_path: Path) -> None:
    sinus = named_prices("sinus")
    assert sinus.value[:24] == pytest.approx(20 * (1 + 0.2 * np.sin(2 * np.pi * np.arange(24) / 24)))
    assert (round(sinus.low, 2), round(sinus.high, 2)) == (16.0, 24.0)
    assert sinus.synthetic
    assert named_prices("logic").value[[0, 11, 12, 23]].tolist() == [250, 250, 10, 10]
    noisy = named_prices("noisy-logic", seed=3)
    assert noisy.value.tobytes() == named_prices("noisy-logic", seed=3).value.tobytes()
    with pytest.raises(InvalidInputError, match=r"absent\.csv"):
        named_prices(tmp_path / "absent.csv")


def test_real_prices_keep_their_sign(shared_dir: Path) -> None:
    file = shared_dir / "data" / "price" / "gb_dayahead_2023_sustaincluster_processed.csv.xz"
    prices = named_prices(file, time_zone="Europe/London")
    assert not prices.synthetic
    assert prices.unit == "EUR/MWh"
    assert prices.n_hours >= 8759
    assert (prices.value < 0).sum() > 50
    # The lowest price of the year is charged as it is.
    world = World(NodePowerConfig(horizon_h=1), 1, prices=prices, arrivals=0.0)
    world.reset(0, {"price_start_index": int(prices.value.argmin())})
    world.step(make_rule("always-on")(world))
    assert world.totals(0)["cost"] == pytest.approx(335 * 150e-6 * prices.value.min())
    assert world.totals(0)["cost"] < 0
