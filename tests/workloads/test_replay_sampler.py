"""A log again: exactly, aggregated, scaled, wrapped, and by the hour of the day."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import InvalidInputError, WorkloadError
from wattq.workloads import (
    HourSampler,
    JobTable,
    Workload,
    aggregate,
    parse_workload,
    read_swf,
    replay_workload,
    sample_hours,
    scale_arrivals,
    table_of,
)
from wattq.workloads.replay import wrap

# hour 0: one job of 2 h; hour 1: two of half an hour that are alike, and one of 3 h on two nodes
_LOG = b"""; MaxProcs: 8
; MaxNodes: 8
1 100 -1 7200 1 -1 -1 1 7300 -1 1 1 1 -1 1 -1 -1 -1
2 3700 -1 1800 1 -1 -1 1 2000 -1 1 1 1 -1 1 -1 -1 -1
3 3800 -1 1800 1 -1 -1 1 4000 -1 1 1 1 -1 1 -1 -1 -1
4 5000 -1 10800 2 -1 -1 2 20000 -1 1 1 1 -1 1 -1 -1 -1
"""


@pytest.fixture
def log() -> Workload:
    from wattq.workloads import CleaningOptions

    return parse_workload(_LOG, "log.swf", options=CleaningOptions(rebase=False))


@pytest.fixture(scope="module")
def kth(shared_dir: Path) -> JobTable:
    return table_of(read_swf(shared_dir / "data/swf/KTH-SP2-1996-2.1-cln.swf.gz"))


def _in_bin(workload: Workload, number: int) -> int:
    return int(np.count_nonzero(workload.submit_s // 3600 == number))


@pytest.mark.parametrize("seed", range(5))
def test_hour_1_has_3_jobs_raw_and_2_aggregated(log: Workload, seed: int) -> None:
    raw, whole = replay_workload(log, seed=seed), replay_workload(log, aggregated=True, seed=seed)
    assert (_in_bin(raw, 1), _in_bin(whole, 1)) == (3, 2)
    before, after = table_of(raw), table_of(whole)
    assert after.core_hours == pytest.approx(before.core_hours, rel=0.1)
    assert sorted(after.duration_s.tolist()) == [3600, 7200, 10_800]
    assert not np.any(after.submit_s % 3600)
    assert np.all(after.walltime_s > after.duration_s)


def test_exact_replay_keeps_every_job(log: Workload) -> None:
    again = replay_workload(log, cores_per_node=4)
    assert not again.synthetic
    np.testing.assert_array_equal(again.submit_s, log.submit_s)
    np.testing.assert_array_equal(again.hosts, log.hosts)
    np.testing.assert_array_equal(again.walltime_s, log.walltime_s)
    assert [again.profiles[row].name for row in again.profile] == ["p7200", "p1800", "p1800", "p10800"]
    assert again.extra is not None
    assert {job["cores"] for job in again.extra} == {4}
    assert replay_workload(log, aggregated=True).synthetic
    assert replay_workload(log, arrival_scale=1.5).synthetic
    assert replay_workload(log, hours=1).synthetic


def test_a_replayed_day_starts_at_midnight_of_the_logs_clock() -> None:
    header = b"; UnixStartTime: 828000000\n; TimeZoneString: UTC\n"
    log = parse_workload(header + _LOG, "log.swf")
    assert table_of(log).submit_s[0] == (828_000_000 + 100) % 86_400
    assert replay_workload(log).submit_s[0] == (828_000_000 + 100) % 86_400


@pytest.mark.parametrize(("scale", "jobs"), [(2, 8), (1, 4), (0, 0), (0.5, 2), (3.25, 13)])
def test_scale_multiplies_the_arrivals(log: Workload, scale: float, jobs: int) -> None:
    assert replay_workload(log, arrival_scale=scale).n_jobs == jobs


def test_scale_2_doubles_every_hour(kth: JobTable) -> None:
    twice = scale_arrivals(kth, 2.0)
    bins = [np.bincount(table.submit_s // 3600) for table in (kth, twice)]
    np.testing.assert_array_equal(bins[1], 2 * bins[0])
    assert twice.core_hours == pytest.approx(2 * kth.core_hours)


@pytest.mark.parametrize("scale", [-0.1, float("nan"), float("inf"), 1e9])
def test_impossible_scales_are_refused(log: Workload, scale: float) -> None:
    with pytest.raises(InvalidInputError, match="arrival scale"):
        replay_workload(log, arrival_scale=scale)


def test_wrap_fills_the_hours(log: Workload) -> None:
    table = table_of(log)
    assert wrap(table, 1).n_jobs == 1
    three_days = wrap(table, 72)
    assert three_days.submit_s.tolist() == [*table.submit_s, *(table.submit_s + 86_400), *(table.submit_s + 172_800)]
    with pytest.raises(InvalidInputError, match="hours of the replay: 0"):
        wrap(table, 0)


@settings(deadline=None, max_examples=80)
@given(
    st.lists(
        st.tuples(st.integers(0, 20_000), st.integers(1, 20_000), st.integers(1, 3), st.integers(1, 2)), min_size=1
    ),
    st.integers(0, 100),
)
def test_aggregation_keeps_the_hours_of_each_shape(rows: list[tuple[int, int, int, int]], seed: int) -> None:
    submit, duration, nodes, cores = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    table = JobTable.of(submit, duration, nodes, cores).sorted()
    whole = aggregate(table, seed=seed)
    assert not np.any(whole.duration_s % 3600)
    assert whole.duration_s.min(initial=3600) >= 3600
    assert set(np.unique(whole.submit_s)) <= set(np.unique(table.submit_s // 3600 * 3600))
    for shape in {row[2:] for row in rows}:
        seconds = [
            int(one.duration_s[(one.nodes == shape[0]) & (one.cores == shape[1])].sum()) for one in (table, whole)
        ]
        assert abs(seconds[0] - seconds[1]) < 3600


def test_aggregated_real_log_keeps_its_core_hours(kth: JobTable) -> None:
    whole = aggregate(kth)
    assert whole.core_hours == pytest.approx(kth.core_hours, rel=0.001)
    assert whole.n_jobs < 0.5 * kth.n_jobs


@pytest.mark.parametrize("aggregated", [False, True])
def test_1000_sampled_days_have_the_core_hours_of_the_log(kth: JobTable, aggregated: bool) -> None:
    sampler = HourSampler.fit(kth, aggregated=aggregated)
    drawn = sampler.draw(24_000, seed=1)
    log_mean = kth.core_hours / (np.ptp(kth.submit_s) / 86_400)
    assert sampler.core_hours_per_day == pytest.approx(log_mean, rel=0.01)
    assert drawn.core_hours / 1000 == pytest.approx(log_mean, rel=0.1)
    assert drawn.n_jobs / 1000 == pytest.approx(sampler.jobs_per_day, rel=0.05)
    counts = np.bincount(drawn.submit_s // 3600, minlength=24_000).reshape(1000, 24)
    # hours without a job are as frequent as in the log, hour of the day by hour of the day
    empty = np.array([np.mean(hour == 0) for hour in sampler.counts])
    np.testing.assert_allclose((counts == 0).mean(axis=0), empty, atol=0.06)
    assert empty.max() > 0.1


def test_the_sampler_draws_each_hours_own_jobs(log: Workload) -> None:
    first = table_of(log)
    second = JobTable.of(first.submit_s + 86_400, first.duration_s, first.nodes)
    both = JobTable(**{name: np.concatenate([getattr(t, name) for t in (first, second)]) for name in vars(first)})
    sampler = HourSampler.fit(both)
    drawn = sampler.draw(240, seed=3)
    assert set((drawn.submit_s // 3600 % 24).tolist()) == {0, 1}
    assert set(drawn.duration_s[drawn.submit_s // 3600 % 24 == 0].tolist()) == {7200}
    assert (drawn.submit_s // 3600 % 24 == 1).sum() == 30
    np.testing.assert_array_equal(drawn.submit_s, sampler.draw(240, seed=3).submit_s)
    assert sampler.draw(1).n_jobs == 1
    with pytest.raises(InvalidInputError, match="hours to sample: 0"):
        sampler.draw(0)


def test_short_or_unknown_logs_are_refused(log: Workload) -> None:
    with pytest.raises(InvalidInputError, match="covers 2 h"):
        sample_hours(log, 24)
    empty = parse_workload(b'{"nb_res": 1, "jobs": [], "profiles": {}}', "w.json")
    jobs = b'{"nb_res": 1, "jobs": [{"id": "x", "subtime": %s, "res": 1, "profile": "d"}], "profiles": {"d": %s}}'
    unknown = parse_workload(jobs % (b"0", b'{"type": "parallel_homogeneous", "cpu": 1, "com": 1}'), "w.json")
    late = parse_workload(jobs % (b"1e200", b'{"type": "delay", "delay": 1}'), "w.json")
    for workload, words in ((empty, "at least one job"), (unknown, "last a known time"), (late, "submit time of 1e")):
        with pytest.raises(WorkloadError, match=words):
            replay_workload(workload)


def test_sampled_work_is_marked_as_synthetic(shared_dir: Path) -> None:
    log = read_swf(shared_dir / "data/swf/KTH-SP2-1996-2.1-cln.swf.gz")
    one, same, other = (sample_hours(log, 48, seed) for seed in (1, 1, 2))
    assert one.synthetic
    assert "KTH-SP2" in one.report.source
    assert one.extra == same.extra != other.extra
    assert sample_hours(log, 48, 1, arrival_scale=2).n_jobs == 2 * one.n_jobs
