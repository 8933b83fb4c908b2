"""Statistics and suggestions: on generated work, the generator's own options come back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from wattq.errors import WorkloadError
from wattq.workloads import (
    HEAVY,
    SMALL,
    HourlyModel,
    Law,
    generate_hourly,
    generate_lublin,
    hourly_jobs,
    parse_workload,
    suggest_generators,
    suggestion_lines,
    workload_stats,
)
from wattq.workloads.suggest_laws import fit_law

_HOURS = 3000


def _laws(kind: str, *values: float | tuple[float, float]) -> tuple[Law, Law, Law, Law]:
    one, two, three, four = (Law(kind, *(value if isinstance(value, tuple) else (value,))) for value in values)
    return one, two, three, four


def _four(options: Mapping[str, str], option: str) -> list[float]:
    return [float(number) for part in options[option].split(",") for number in part.split(":")]


@pytest.mark.parametrize("means", [(50, 8, 2, 32), (20, 1.5, 1.2, 90), (3, 30, 14, 2)])
def test_poisson_means_come_back(means: tuple[float, ...]) -> None:
    """Also where the bounds cut much off: a mean of 1.2 nodes is 1.5 after those of 0 have become 1."""
    made = generate_hourly(HourlyModel(*_laws("poisson", *means)), _HOURS, 335, 1)
    best = suggest_generators(made)[0]
    assert best.model == "poisson"
    assert _four(best.options, "--wg-poisson-lambdas4") == pytest.approx(means, rel=0.05)
    assert int(best.options["--hours"]) == pytest.approx(_HOURS, abs=3)
    assert max(best.distances.values()) < 0.03
    assert "--wg-burst-small-prob" not in best.options
    assert "--wg-burst-heavy-prob" not in best.options


def test_flat_targets_and_jitters_come_back() -> None:
    laws = _laws("flat", (20, 5), (8, 2), (4, 1), (32, 0))
    best = suggest_generators(generate_hourly(HourlyModel(*laws), _HOURS, 335, 1))[0]
    assert best.model == "flat"
    assert _four(best.options, "--wg-flat-targets4") == [20, 8, 4, 32]
    assert _four(best.options, "--wg-flat-jitters4") == [5, 2, 1, 0]


def test_uniform_ranges_come_back() -> None:
    laws = _laws("uniform", (0, 41), (1, 24), (1, 4), (1, 32))
    best = suggest_generators(generate_hourly(HourlyModel(*laws), _HOURS, 335, 1))[0]
    assert best.model == "uniform"
    assert _four(best.options, "--wg-uniform-ranges4") == [0, 41, 1, 24, 1, 4, 1, 32]
    assert best.command.startswith("wattq workload generate uniform --hours ")


def _hours_with_bursts(model: HourlyModel) -> float:
    alone = hourly_jobs(replace(model, arrivals=Law("flat", 0)), _HOURS, 1)
    return float(np.count_nonzero(np.bincount(alone.submit_s // 3600)) / _HOURS)


def test_bursts_come_back_apart_from_the_rest() -> None:
    bursts: dict[str, Any] = {"small": replace(SMALL, probability=0.05), "heavy": replace(HEAVY, probability=0.03)}
    model = HourlyModel(*_laws("poisson", 20, 10, 3, 40), **bursts)
    options = suggest_generators(generate_hourly(model, _HOURS, 335, 1))[0].options
    assert _four(options, "--wg-poisson-lambdas4") == pytest.approx([20, 10, 3, 40], rel=0.05)
    # of the hours that were drawn with a burst, not of the probability they were drawn by
    small, heavy = _hours_with_bursts(replace(model, heavy=HEAVY)), _hours_with_bursts(replace(model, small=SMALL))
    assert float(options["--wg-burst-small-prob"]) == pytest.approx(small, rel=0.05)
    assert float(options["--wg-burst-heavy-prob"]) == pytest.approx(heavy, rel=0.05)
    assert (small, heavy) == pytest.approx((0.05, 0.03), rel=0.2)


def test_long_jobs_that_are_the_rule_are_no_bursts() -> None:
    laws = _laws("uniform", (0, 20), (1, 170), (1, 16), (1, 96))
    found = suggest_generators(generate_hourly(HourlyModel(*laws), 1000, 335, 1))
    assert all("--wg-burst-heavy-prob" not in suggestion.options for suggestion in found)


@pytest.mark.parametrize(("serial", "pow2", "load"), [(0.244, 0.576, 0.7), (0.4, 0.2, 0.9), (0.1, 0.85, 0.5)])
def test_shares_and_load_of_lublin_come_back(serial: float, pow2: float, load: float) -> None:
    changes = {"serial": serial, "pow2": pow2}
    best = suggest_generators(generate_lublin(30_000, 256, 1, load=load, parameters=changes))[0]
    assert best.model == "lublin"
    found = [float(best.options[option]) for option in ("--serial", "--pow2", "--load")]
    assert found == pytest.approx([serial, pow2, load], rel=0.05)
    assert (best.options["--jobs"], best.options["--hosts"]) == ("30000", "256")
    assert max(best.distances.values()) < 0.05


def test_statistics_recover_what_was_asked_for() -> None:
    made = generate_hourly(HourlyModel(*_laws("poisson", 50, 8, 2, 32)), _HOURS, 335, 1)
    stats = workload_stats(made)
    assert stats["arrivals_per_hour"]["mean"] == pytest.approx(50, rel=0.05)
    assert stats["arrivals_per_hour"]["std"] == pytest.approx(50**0.5, rel=0.05)
    assert stats["runtime_s"]["mean"] == pytest.approx(8 * 3600, rel=0.05)
    assert stats["runtime_s"]["std"] == pytest.approx(8**0.5 * 3600, rel=0.05)
    assert stats["correlation_runtime_size"] == pytest.approx(0, abs=0.02)
    model = workload_stats(generate_lublin(20_000, 128, 1))
    assert model["correlation_logs"] > 0.1


def test_extremes_have_finite_statistics_and_a_message() -> None:
    jobs = ",".join(f'{{"id": "{n}", "subtime": {at}, "res": 1, "profile": "d"}}' for n, at in enumerate((0, 9e299)))
    text = f'{{"nb_res": 1, "jobs": [{jobs}], "profiles": {{"d": {{"type": "delay", "delay": 9e299}}}}}}'
    workload = parse_workload(text.encode(), "w.json")
    stats = workload_stats(workload)
    assert stats["interarrival_s"]["std"] == 0
    assert stats["runtime_s"]["std"] == 0
    assert stats["arrivals_per_hour"] is None
    with pytest.raises(WorkloadError, match="submit time of 9e"):
        suggest_generators(workload)


def test_one_job_gets_suggestions() -> None:
    workload = generate_lublin(1, 4, 1)
    lines = suggestion_lines(suggest_generators(workload))
    assert len(lines) == 8
    assert any("--wg-flat-targets4 1," in line for line in lines)


@pytest.mark.parametrize("kind", ["flat", "poisson", "uniform"])
def test_laws_fit_their_edges(kind: str) -> None:
    for numbers in ([], [5], [1, 1, 1], [0, 9], [9, 9]):
        fit = fit_law(kind, np.array(numbers, dtype=np.int64), 0, 9)
        assert 0 <= fit.distance <= 1
