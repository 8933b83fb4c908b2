"""Hourly models: means, bounds, bursts, the four-value options, and run times from a file."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from wattq.errors import InvalidInputError, WorkloadError
from wattq.workloads import (
    HEAVY,
    SMALL,
    DurationSampler,
    HourlyModel,
    JobTable,
    Law,
    generate_hourly,
    hourly_jobs,
    read_durations,
    read_workload,
    write_batsim_json,
)
from wattq.workloads.arrivals import four_ranges, four_values
from wattq.workloads.sampler_duration import parse_duration_s
from wattq.workloads.writer import batsim_json


def _poisson(*means: float) -> tuple[Law, Law, Law, Law]:
    one, two, three, four = (Law("poisson", mean) for mean in means)
    return one, two, three, four


def _per_hour(table: JobTable, hours: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.bincount(table.submit_s // 3600, minlength=hours)


@pytest.mark.parametrize("seed", range(5))
def test_poisson_50_has_its_mean_over_2000_hours(seed: int) -> None:
    table = hourly_jobs(HourlyModel(*_poisson(50, 8, 2, 32)), 2000, seed)
    counts = _per_hour(table, 2000)
    assert 48 < counts.mean() < 52
    assert counts.var() == pytest.approx(50, rel=0.1)


def test_flat_and_uniform_take_every_number_of_their_range_alike() -> None:
    flat = HourlyModel(Law("flat", 20, 3), Law("flat", 8), Law("flat", 2, 1), Law("flat", 32, 32))
    table = hourly_jobs(flat, 7000, 1)
    assert np.bincount(_per_hour(table, 7000), minlength=24)[17:24].tolist() == pytest.approx([1000] * 7, rel=0.15)
    assert set(table.duration_s.tolist()) == {8 * 3600}
    assert set(table.nodes.tolist()) == {1, 2, 3}
    # 0 is below the bound of one core and becomes 1
    assert np.bincount(table.cores)[1] == pytest.approx(2 * table.n_jobs / 65, rel=0.1)
    uniform = HourlyModel(Law("uniform", 0, 4), Law("uniform", 1, 2), Law("uniform", 3, 3), Law("uniform", 5, 6))
    table = hourly_jobs(uniform, 5000, 1)
    assert np.bincount(_per_hour(table, 5000)).tolist() == pytest.approx([1000] * 5, rel=0.15)
    assert (set(table.nodes.tolist()), set(table.cores.tolist())) == ({3}, {5, 6})


_LAWS = st.one_of(
    st.builds(Law, st.just("poisson"), st.floats(0, 400)),
    st.builds(Law, st.just("flat"), st.integers(1, 8), st.integers(0, 500)),
    st.builds(Law, st.just("uniform"), st.integers(1, 4), st.integers(4, 8)),
)


@settings(deadline=None, max_examples=60)
@given(
    st.tuples(_LAWS, _LAWS, _LAWS, _LAWS),
    st.tuples(st.integers(8, 60), st.integers(8, 170), st.integers(8, 16), st.integers(8, 96)),
    st.floats(0, 1),
    st.floats(0, 1),
    st.integers(0, 2**40),
    st.booleans(),
)
def test_all_bounds_hold(
    laws: tuple[Law, Law, Law, Law],
    bounds: tuple[int, int, int, int],
    small: float,
    heavy: float,
    seed: int,
    on_the_hour: bool,
) -> None:
    bursts: dict[str, Any] = {"small": replace(SMALL, probability=small), "heavy": replace(HEAVY, probability=heavy)}
    model = HourlyModel(*laws, *bounds, **bursts, on_the_hour=on_the_hour)
    table = hourly_jobs(model, 30, seed)
    assert _per_hour(table, 30).max() <= bounds[0]
    assert _per_hour(table, 30).size == 30
    columns = (table.duration_s, table.nodes, table.cores)
    for values, low, high in zip(columns, (3600, 1, 1), (bounds[1] * 3600, *bounds[2:]), strict=True):
        assert values.min(initial=low) >= low
        assert values.max(initial=high) <= high
    assert np.all(np.diff(table.submit_s) >= 0)
    assert not on_the_hour or not np.any(table.submit_s % 3600)


def test_the_seed_and_the_model_decide_the_file(tmp_path: Path) -> None:
    model = HourlyModel(*_poisson(20, 8, 2, 32), small=replace(SMALL, probability=0.1))
    one, same = (batsim_json(generate_hourly(model, 48, 335, 7)) for _ in range(2))
    assert one == same
    other = replace(model, cores=Law("poisson", 33))
    assert one != batsim_json(generate_hourly(model, 48, 335, 8))
    assert one != batsim_json(generate_hourly(other, 48, 335, 7))
    # one attribute does not shift the draws of another
    first, second = hourly_jobs(model, 48, 7), hourly_jobs(other, 48, 7)
    np.testing.assert_array_equal(first.submit_s, second.submit_s)
    np.testing.assert_array_equal(first.nodes, second.nodes)
    write_batsim_json(generate_hourly(model, 48, 335, 7), tmp_path / "w.json")
    again = read_workload(tmp_path / "w.json")
    assert again.synthetic
    assert again.extra is not None
    assert [job["cores"] for job in again.extra] == first.cores.tolist()


def test_more_hours_only_add_jobs() -> None:
    model = HourlyModel(*_poisson(20, 8, 2, 32), heavy=replace(HEAVY, probability=0.2))
    short, long = hourly_jobs(model, 20, 3), hourly_jobs(model, 50, 3)
    kept = long.take(long.submit_s < 20 * 3600)
    for name in ("duration_s", "nodes", "cores"):
        np.testing.assert_array_equal(np.sort(getattr(short, name)), np.sort(getattr(kept, name)))
    assert short.n_jobs == kept.n_jobs


@pytest.mark.parametrize("burst", [SMALL, HEAVY])
def test_burst_of_probability_1_comes_every_hour_in_range_and_0_never(burst: object) -> None:
    assert burst in (SMALL, HEAVY)
    kind = SMALL if burst is SMALL else HEAVY
    quiet = HourlyModel(*_poisson(0, 8, 2, 32))
    assert hourly_jobs(quiet, 200, 1).n_jobs == 0
    change: dict[str, Any] = {kind.name: replace(kind, probability=1.0)}
    table = hourly_jobs(replace(quiet, **change), 200, 1)
    counts = _per_hour(table, 200)
    assert kind.jobs[0] <= counts.min() <= counts.max() <= kind.jobs[1]
    for values, (low, high) in (
        (table.duration_s // 3600, kind.duration_h),
        (table.nodes, kind.nodes),
        (table.cores, kind.cores),
    ):
        assert (values.min(), values.max()) == (low, high)


def test_bursts_come_on_top_and_as_often_as_asked() -> None:
    model = HourlyModel(Law("flat", 3), Law("flat", 10), Law("flat", 3), Law("flat", 20))
    bursty = replace(model, small=replace(SMALL, probability=0.2))
    counts = _per_hour(hourly_jobs(bursty, 3000, 5), 3000)
    assert counts.min() == 3
    assert (counts >= 53).mean() == pytest.approx(0.2, abs=0.03)
    assert np.all((counts == 3) | (counts >= 53))
    capped = replace(bursty, max_jobs_hour=40)
    assert _per_hour(hourly_jobs(capped, 300, 5), 300).max() == 40


@pytest.mark.parametrize("probability", [1.2, -0.1, float("nan"), float("inf")])
@pytest.mark.parametrize("burst", [SMALL, HEAVY])
def test_probabilities_are_checked(probability: float, burst: object) -> None:
    kind = SMALL if burst is SMALL else HEAVY
    with pytest.raises(InvalidInputError, match=f"probability of a {kind.name} burst"):
        replace(kind, probability=probability)


def test_other_values_are_checked() -> None:
    laws = _poisson(20, 8, 2, 32)
    with pytest.raises(InvalidInputError, match="small burst, nodes 3:2"):
        replace(SMALL, nodes=(3, 2))
    with pytest.raises(InvalidInputError, match="nodes: flat 17:0 is outside 1:16"):
        HourlyModel(laws[0], laws[1], Law("flat", 17), laws[3])
    with pytest.raises(InvalidInputError, match="change it, or max-jobs-hour"):
        HourlyModel(Law("uniform", 0, 1501), *laws[1:])
    with pytest.raises(InvalidInputError, match="max_cores: 0"):
        HourlyModel(*laws, max_cores=0)
    with pytest.raises(InvalidInputError, match="walltime factor"):
        HourlyModel(*laws, walltime_factor=0.9)
    with pytest.raises(InvalidInputError, match="hours of the workload: 0"):
        hourly_jobs(HourlyModel(*laws), 0)
    with pytest.raises(InvalidInputError, match="at most 100000000 are made"):
        hourly_jobs(HourlyModel(Law("flat", 10**6), *laws[1:], max_jobs_hour=10**6), 101)
    with pytest.raises(InvalidInputError, match="jobs ask for up to"):
        generate_hourly(HourlyModel(*laws), 100, 1)


@pytest.mark.parametrize(
    ("kind", "a", "b", "words"),
    [
        ("normal", 1, 0, "not one of flat"),
        ("flat", 1.5, 0, "whole number"),
        ("uniform", 3, 2, "swap the two"),
        ("poisson", -1, 0, "from 0"),
        ("poisson", float("nan"), 0, "from 0"),
    ],
)
def test_laws_are_checked(kind: str, a: float, b: float, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        Law(kind, a, b)


def test_four_values() -> None:
    assert four_values("200, 8.5,2,32", "--x") == (200, 8.5, 2, 32)
    assert four_ranges("0:9,1:2,3:3,4:8", "--x") == ((0, 9), (1, 2), (3, 3), (4, 8))
    wrong = ["1,2,3", "1,2,3,4,5", "1,2,x,4", "1,2,-3,4", "1,2,nan,4", ""]
    for text in wrong:
        with pytest.raises(InvalidInputError, match="--x"):
            four_values(text, "--x")
    for text in ["1:2,1:2,1:2", "1,2,3,4", "2:1,1:1,1:1,1:1", "1:2:3,1:1,1:1,1:1", "1.5:2,1:1,1:1,1:1"]:
        with pytest.raises(InvalidInputError, match="--x"):
            four_ranges(text, "--x")


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=30))
def test_four_values_give_a_result_or_a_message(text: str) -> None:
    for read in (four_values, four_ranges):
        with contextlib.suppress(InvalidInputError):
            assert len(read(text, "--x")) == 4


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("01:02:03", 3723), ("2-00:00:01", 172_801), ("1-02:30", 95_400), ("05:30", 330), ("90", 90), ("12.5", 12)),
        *(("00:00:10.7", 10), ("", None), ("1:99:00", None), ("x", None), ("-5", None), ("1-5", None)),
    ],
)
def test_durations_are_read_as_slurm_writes_them(text: str, seconds: int | None) -> None:
    assert parse_duration_s(text) == seconds


def test_durations_come_from_a_file_as_they_are_there(tmp_path: Path, shared_dir: Path) -> None:
    path = tmp_path / "durations.txt"
    path.write_text("# run times\n01:00:00\n\n2-00:00:00\n00:00:00\n00:10:00\n")
    sampler = read_durations(path)
    assert sampler.durations_s.tolist() == [3600, 172_800, 600]
    assert set(sampler.draw(np.random.default_rng(1), 1000, at_least_s=3600).tolist()) == {3600, 172_800}
    log = read_durations(shared_dir / "data/swf/KTH-SP2-1996-2.1-cln.swf.gz")
    drawn = log.draw(np.random.default_rng(2), 20_000)
    assert ks_2samp(drawn, log.durations_s).pvalue > 0.01
    model = HourlyModel(Law("flat", 50), log, Law("flat", 2), Law("flat", 1))
    made = hourly_jobs(model, 400, 1).duration_s
    assert ks_2samp(made, np.maximum(log.durations_s, 3600)).pvalue > 0.01
    assert made.min() == 3600
    path.write_text("01:00:00\nsoon\n")
    with pytest.raises(WorkloadError, match="line 2: 'soon' is no duration"):
        read_durations(path)
    path.write_text("#\n")
    with pytest.raises(InvalidInputError, match="one or more"):
        read_durations(path)


def test_a_sampler_names_its_source_in_the_recipe() -> None:
    model = HourlyModel(Law("flat", 1), DurationSampler(np.array([5400]), "d.txt"), Law("flat", 2), Law("flat", 1))
    made = generate_hourly(model, 3, 10)
    assert "d.txt" in made.report.source
    assert made.profiles[0].name == "p5400"
    assert made.walltime_s.tolist() == [5401] * 3
