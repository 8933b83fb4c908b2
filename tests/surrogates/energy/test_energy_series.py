"""Power samples, integrated and shared out to jobs, against values by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import InvalidInputError, SurrogateError
from wattq.platforms.calibrate import ReadOptions, read_samples
from wattq.surrogates.energy import (
    JobWindow,
    PowerSeries,
    align,
    device_names,
    labels_from_samples,
    read_labels,
    read_windows,
    series_of,
    write_labels_csv,
)


def test_series_by_hand() -> None:
    time, power = [0.0, 10.0, 20.0], [100.0, 300.0, 100.0]
    line = PowerSeries.of_samples(time, power, gap_s=60.0)
    # Two trapezoids of 2,000 J; from 5 to 15 s power is 200 to 300 to 200 W.
    assert line.energy(np.array([0.0, 5.0, -5.0]), np.array([20.0, 15.0, 40.0])).tolist() == [4000.0, 2500.0, 4000.0]
    after = PowerSeries.of_samples(time, power, hold="next", gap_s=60.0)
    assert after.energy(np.array([0.0, 5.0]), np.array([20.0, 15.0])).tolist() == [4000.0, 2000.0]
    before = PowerSeries.of_samples(time, power, hold="last", gap_s=60.0)
    assert before.energy(np.array([0.0, 5.0]), np.array([20.0, 15.0])).tolist() == [4000.0, 2000.0]
    assert before.energy(np.array([0.0]), np.array([10.0])).tolist() == [3000.0]
    assert line.measured(np.array([-10.0, 5.0]), np.array([10.0, 15.0])).tolist() == [10.0, 10.0]


def test_gaps_are_not_measured() -> None:
    series = PowerSeries.of_samples([0.0, 10.0, 100.0, 110.0], [50.0, 50.0, 50.0, 50.0], gap_s=30.0)
    assert series.energy(np.array([0.0]), np.array([110.0])).tolist() == [1000.0]
    assert series.measured(np.array([0.0, 20.0, 5.0]), np.array([110.0, 90.0, 105.0])).tolist() == [20.0, 0.0, 10.0]


def test_counter_goes_round() -> None:
    # 90 -> 130 counted as 30 with a wrap at 100: 40 J in 1 s, then 30 -> 50.
    series = PowerSeries.of_counter([0.0, 1.0, 2.0], [90.0, 30.0, 50.0], wrap_j=100.0, gap_s=5.0)
    assert series.energy(np.array([0.0, 0.5]), np.array([2.0, 1.5])).tolist() == [60.0, 30.0]
    blind = PowerSeries.of_counter([0.0, 1.0, 2.0], [90.0, 30.0, 50.0], gap_s=5.0)
    assert blind.energy(np.array([0.0]), np.array([2.0])).tolist() == [20.0]
    assert blind.measured(np.array([0.0]), np.array([2.0])).tolist() == [1.0]


def test_square_wave_of_samples() -> None:
    """100 W and 300 W by turns of 30 s, sampled each 100 ms: an hour's energy is met to 1 %."""
    time = np.arange(0.0, 3600.05, 0.1)
    power = np.where((time // 30.0) % 2 == 0, 100.0, 300.0)
    for hold in ("linear", "next", "last"):
        series = {"n": PowerSeries.of_samples(time, power, hold=hold, gap_s=1.0)}
        found = align(series, [JobWindow("whole", 0.0, 3600.0, ("n",)), JobWindow("half", 15.0, 75.0, ("n",))])
        # Where "half" runs, the two share: it has half of 15 x 100 + 30 x 300 + 15 x 100 J.
        assert found.energy_j == pytest.approx([720_000.0 - 6000.0, 6000.0], rel=0.01)
        assert found.energy_j.sum() == pytest.approx(720_000.0, rel=0.01)


def test_sharing_goes_by_cores() -> None:
    series = {"a": PowerSeries.of_samples([0.0, 100.0], [200.0, 200.0], gap_s=1000.0)}
    jobs = [JobWindow("one", 0.0, 60.0, ("a",), 3.0), JobWindow("two", 20.0, 80.0, ("a",), 1.0)]
    found = align(series, jobs)
    # 0-20 s: all to one; 20-60 s: 3 to 1; 60-80 s: all to two.
    assert found.energy_j.tolist() == [4000.0 + 6000.0, 2000.0 + 4000.0]
    assert found.coverage.tolist() == [1.0, 1.0]
    assert found.power_w.tolist() == [10_000.0 / 60.0, 6000.0 / 60.0]


def test_low_coverage_is_flagged() -> None:
    series = {"a": PowerSeries.of_samples([0.0, 95.0], [100.0, 100.0], gap_s=1000.0)}
    both = JobWindow("both", 0.0, 100.0, ("a", "b"))
    only = JobWindow("only", 0.0, 100.0, ("a",))
    found = align(series, [both], least_coverage=0.9)
    assert (found.coverage.tolist(), found.low.tolist()) == ([0.475], [True])
    assert math.isnan(found.energy_j[0])
    assert found.measured_j.tolist() == [9500.0]
    # 95 of 100 s were measured: the rest is taken to be like it.
    found = align(series, [only])
    assert found.energy_j == pytest.approx([10_000.0])
    assert found.low.tolist() == [False]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 90), st.integers(1, 40), st.integers(1, 64)), min_size=1, max_size=8),
    st.lists(st.floats(0.0, 500.0), min_size=3, max_size=12),
    st.sampled_from(["linear", "next", "last"]),
)
def test_jobs_add_up_to_the_device(spans: list[tuple[int, int, int]], power: list[float], hold: str) -> None:
    time = np.linspace(0.0, 130.0, len(power))
    series = PowerSeries.of_samples(time, power, hold=hold, gap_s=1000.0)
    jobs = [JobWindow(str(i), start, start + length, ("d",), cores) for i, (start, length, cores) in enumerate(spans)]
    found = align({"d": series}, jobs)
    busy = np.zeros(131, dtype=bool)
    for start, length, _ in spans:
        busy[start : start + length] = True
    seconds = np.flatnonzero(busy).astype(float)
    assert found.measured_j.sum() == pytest.approx(series.energy(seconds, seconds + 1.0).sum(), abs=1e-6)
    assert (found.energy_j >= 0).all()
    assert found.coverage.tolist() == [1.0] * len(jobs)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("n1", ("n1",)),
        ("n1;n2 n3", ("n1", "n2", "n3")),
        ("nid[001000-001002,001007]", ("nid001000", "nid001001", "nid001002", "nid001007")),
        ("a[1-2]b c", ("a1b", "a2b", "c")),
    ],
)
def test_device_names(text: str, names: tuple[str, ...]) -> None:
    assert device_names(text) == names


@pytest.mark.parametrize("text", ["", "n[3-1]", "n[1-999999999]", "n[a]", "n[1", "n[1-2][3]"])
def test_device_names_that_are_none(text: str) -> None:
    with pytest.raises(SurrogateError, match="devices"):
        device_names(text)


@pytest.mark.parametrize(
    ("time", "power", "rule"),
    [
        ([0.0], [1.0], "two or more"),
        ([0.0, 0.0], [1.0, 1.0], "not after"),
        ([0.0, 1.0], [1.0, -1.0], "0 or more"),
        ([0.0, 1.0], [1.0, math.nan], "0 or more"),
        ([0.0, math.inf], [1.0, 1.0], "not after"),
    ],
)
def test_bad_samples(time: list[float], power: list[float], rule: str) -> None:
    with pytest.raises(SurrogateError, match=rule):
        PowerSeries.of_samples(time, power, gap_s=1.0)


def test_bad_windows_and_arguments() -> None:
    good = PowerSeries.of_samples([0.0, 1.0], [1.0, 1.0], gap_s=5.0)
    for arguments in (("j", 1.0, 1.0, ("a",)), ("j", 0.0, 1.0, ()), ("j", 0.0, 1.0, ("a", "a"))):
        with pytest.raises(SurrogateError, match="job j"):
            JobWindow(*arguments)
    with pytest.raises(SurrogateError, match="cores"):
        JobWindow("j", 0.0, 1.0, ("a",), 0.0)
    with pytest.raises(SurrogateError, match="coverage"):
        align({"a": good}, [], least_coverage=0.0)
    with pytest.raises(SurrogateError, match="hold"):
        PowerSeries.of_samples([0.0, 1.0], [1.0, 1.0], hold="up", gap_s=5.0)
    with pytest.raises(SurrogateError, match="gap"):
        PowerSeries.of_samples([0.0, 1.0], [1.0, 1.0], gap_s=0.0)
    with pytest.raises(SurrogateError, match="below the wrap"):
        PowerSeries.of_counter([0.0, 1.0], [1.0, 2.0], wrap_j=2.0, gap_s=5.0)


WINDOWS = "job_id,start,end,devices,application\n1,0,20,n[0-1],app\n2,20,60,n0,\n3,500,600,n0,\n"
SAMPLES = "time_s,node,power_w\n" + "".join(f"{t},n{k},{100 + 100 * k}\n" for t in range(0, 61, 2) for k in (0, 1))


def test_labels_of_files(tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text(WINDOWS)
    (tmp_path / "s.csv").write_text(SAMPLES)
    samples = read_samples(tmp_path / "s.csv")
    labels = labels_from_samples(read_windows(tmp_path / "w.csv"), samples, series_of(samples))
    assert labels.energy_j.tolist() == [20.0 * 300.0, 40.0 * 100.0]
    assert labels.power_w.tolist() == [150.0, 100.0]
    assert (labels.label_source, labels.job_id) == ("sampled", ("1", "2"))
    assert labels.notes[-1] == "left out: 1 jobs measured for less than 90%: 3 (0%)"
    again = read_labels(write_labels_csv(labels, tmp_path / "l.csv"))
    assert (again.energy_j.tolist(), again.label_source) == (labels.energy_j.tolist(), "sampled")
    assert again.jobs.application.tolist() == ["app", ""]
    (tmp_path / "w.csv").write_text("job_id,start,end,devices\n1,0,20,other\n")
    with pytest.raises(SurrogateError, match="no job was measured for 90%"):
        labels_from_samples(read_windows(tmp_path / "w.csv"), samples, series_of(samples))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("job_id,start,end\n1,0,1\n", "devices"),
        ("job_id,start,end,devices\n1,0,x,n\n", "w.csv, line 2|w.csv:2"),
        ("job_id,start,end,devices\n1,0,1,n[1\n", "w.csv"),
        ("job_id,start,end,devices\n1,,1,n\n", "job 1"),
        ("job_id,start,end,devices\n", "no jobs"),
    ],
)
def test_bad_window_files(tmp_path: Path, text: str, place: str) -> None:
    (tmp_path / "w.csv").write_text(text)
    with pytest.raises(InvalidInputError, match=place):
        read_windows(tmp_path / "w.csv")


def test_nvml_samples_of_a_real_training(shared_dir: Path) -> None:
    """Two GPUs that take turns in the file; a job on both has the sum, and one on each its own."""
    samples = read_samples(shared_dir / "data" / "power" / "nvml_2xTitanX_train_100ms.csv.xz", ReadOptions(devices=2))
    series = series_of(samples)
    start = max(each.time_s[0] for each in series.values())
    end = min(each.time_s[-1] for each in series.values())
    spans = [("both", ("0", "1")), ("first", ("0",)), ("second", ("1",))]
    found = [align(series, [JobWindow(name, start, end, devices)]) for name, devices in spans]
    both, first, second = (each.energy_j[0] for each in found)
    assert both == pytest.approx(first + second)
    mean = [samples.power_w[samples.device == k].mean() for k in (0, 1)]
    assert [first / (end - start), second / (end - start)] == pytest.approx(mean, rel=0.02)


def test_rapl_of_a_real_run(shared_dir: Path) -> None:
    samples = read_samples(shared_dir / "data" / "power" / "rapl_broadwell_matmul.csv.xz")
    series = series_of(samples, hold="last")
    assert sorted(series) == ["N0", "N1"]
    window = JobWindow("j", float(samples.time_s.min()), float(samples.time_s.max()), ("N0", "N1"))
    found = align(series, [window])
    assert found.coverage[0] > 0.9
    assert found.power_w[0] == pytest.approx(samples.power_w.mean(), rel=0.05)
