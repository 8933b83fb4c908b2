"""SWF and CSV out, statistics, and the generator of saturated workloads."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from wattq.errors import InvalidInputError, MissingFileError, UnsupportedError
from wattq.workloads import (
    CleaningOptions,
    generate_saturated,
    parse_swf,
    parse_workload,
    read_swf,
    read_workload,
    stats_lines,
    workload_stats,
    write_jobs_csv,
    write_swf,
)
from wattq.workloads.writer import swf_text

_LOG = b"""; MaxProcs: 8
; MaxNodes: 4
; UnixStartTime: 3600
; TimeZoneString: UTC
7 100 5 60 4 58.5 -1 4 100 -1 1 3 2 -1 1 -1 -1 -1
8 100 -1 20.5 1 -1 -1 1 20 -1 0 3 2 -1 1 -1 -1 -1
9 7300 0 30 8 -1 -1 8 -1 -1 5 4 2 -1 2 -1 -1 -1
10 7300 0 0 8 -1 -1 8 60 -1 5 4 2 -1 2 -1 -1 -1
"""


def _one_job(profile: str) -> bytes:
    jobs = '[{"id": "x", "subtime": 0, "res": 1, "profile": "d"}]'
    return f'{{"nb_res": 1, "jobs": {jobs}, "profiles": {{"d": {profile}}}}}'.encode()


def test_cleaned_log_reads_back_the_same() -> None:
    workload = parse_swf(_LOG, "x.swf")
    text = swf_text(workload)
    assert "; MaxProcs: 4" in text.splitlines()
    assert "; Note: dropped         1  run time 0" in text.splitlines()
    rows = [line for line in text.splitlines() if not line.startswith(";")]
    assert rows[0] == "7 0 5 60 2 58.5 -1 2 100 -1 1 3 2 -1 1 -1 -1 -1"
    assert rows[1] == "8 0 -1 20.5 1 -1 -1 1 21.5 -1 0 3 2 -1 1 -1 -1 -1"
    again = parse_swf(text.encode(), "y.swf")
    assert (again.job_id, workload.job_id) == (("7", "8", "9"), ("07", "08", "09"))
    assert (again.profiles, again.nb_res) == (workload.profiles, 4)
    for field in ("submit_s", "hosts", "walltime_s", "profile", "user", "group", "queue"):
        np.testing.assert_array_equal(getattr(again, field), getattr(workload, field))
    assert again.outcome is not None
    assert workload.outcome is not None
    np.testing.assert_array_equal(again.outcome.start_s, workload.outcome.start_s)
    assert (again.report.dropped, again.report.repaired) == ({}, {})
    assert again.unix_start_s == workload.unix_start_s == 3700


def test_job_numbers_that_are_no_numbers_are_counted() -> None:
    data = _one_job('{"type": "delay", "delay": 5}')
    assert swf_text(parse_workload(data, "w.json")).splitlines()[-1] == "1 0 -1 5 1 -1 -1 1 -1" + " -1" * 9


def test_run_times_that_need_a_platform_are_refused() -> None:
    data = _one_job('{"type": "parallel_homogeneous", "cpu": 5, "com": 1}')
    workload = parse_workload(data, "w.json")
    with pytest.raises(UnsupportedError, match="profile 'd'"):
        swf_text(workload)
    assert workload_stats(workload)["jobs_of_unknown_runtime"] == 1


def test_table_of_jobs(tmp_path: Path) -> None:
    path = write_jobs_csv(parse_swf(_LOG, "x.swf", form="delay"), tmp_path / "jobs.csv")
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows[1] == {
        "job_id": "08",
        "submit_s": "0",
        "hosts": "1",
        "walltime_s": "21.5",
        "profile": "d20.5",
        "profile_type": "delay",
        "run_s": "20.5",
        "user": "3",
        "group": "2",
        "queue": "1",
        "logged_start_s": "",
        "logged_run_s": "20.5",
        "logged_status": "0",
        "logged_cpu_s": "",
    }


def test_places_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MissingFileError, match="cannot be written"):
        write_swf(parse_swf(_LOG, "x.swf"), tmp_path / "file" / "out.swf")


def test_statistics_by_hand() -> None:
    stats = workload_stats(parse_swf(_LOG, "x.swf"))
    assert (stats["jobs"], stats["hosts"], stats["users"], stats["span_s"]) == (3, 4, 2, 7200)
    work = 2 * 60 + 20.5 + 4 * 30
    assert stats["host_hours"] == work / 3600
    assert stats["offered_load"] == work / (4 * 7200)
    assert stats["size"] == {
        "min": 1,
        "mean": 7 / 3,
        "std": pytest.approx(14**0.5 / 3),
        "p50": 2,
        "p95": 3.8,
        "p99": 3.96,
        "max": 4,
    }
    assert (stats["serial_share"], stats["power_of_two_share"]) == (1 / 3, 1)
    assert stats["interarrival_s"]["max"] == 7200
    assert (stats["jobs_without_walltime"], stats["jobs_reaching_walltime"]) == (0, 0)
    assert stats["arrivals_by_hour"] == [0, 2, 0, 1] + [0] * 20
    assert stats["hour_clock"] == "local"
    lines = stats_lines(stats)
    assert lines[0].split() == ["jobs", "3"]
    assert sum("#" in line for line in lines) == 2


def test_statistics_of_an_empty_workload() -> None:
    stats = workload_stats(parse_workload(b'{"nb_res": 1, "jobs": [], "profiles": {}}', "w.json"))
    assert (stats["jobs"], stats["offered_load"], stats["size"], stats["hour_clock"]) == (0, None, None, "log")
    assert stats_lines(stats)


def test_real_hours_are_local(shared_dir: Path) -> None:
    stats = workload_stats(read_swf(shared_dir / "data/swf/KTH-SP2-1996-2.1-cln.swf.gz"))
    assert stats["hour_clock"] == "local"
    arrivals = stats["arrivals_by_hour"]
    assert sum(arrivals) == 28_467
    assert 9 <= arrivals.index(max(arrivals)) <= 17


def test_generated_jobs_saturate_and_keep_their_bounds() -> None:
    workload = generate_saturated(5000, 100, seed=1)
    stats = workload_stats(workload)
    assert workload.synthetic
    assert workload.outcome is None
    assert stats["offered_load"] == pytest.approx(1.1, rel=1e-5)
    assert stats["jobs_reaching_walltime"] == stats["jobs_larger_than_machine"] == stats["jobs_without_walltime"] == 0
    assert stats["power_of_two_share"] > 0.7
    assert (stats["size"]["min"], stats["size"]["max"]) == (1, 100)
    assert stats["runtime_s"]["min"] >= 30
    assert stats["runtime_s"]["max"] <= 86_400
    assert set(np.unique(workload.walltime_s % 300)) == {0.0}
    for values in (workload.submit_s, workload.walltime_s):
        np.testing.assert_array_equal(values, np.floor(values))
    assert list(workload.job_id) == sorted(workload.job_id)
    assert np.all(np.diff(workload.submit_s) >= 0)
    assert workload.user.min() == 1
    assert workload.user.max() <= 100


def test_generated_jobs_depend_on_the_seed_alone() -> None:
    one, same, other = (generate_saturated(200, 16, seed=seed) for seed in (5, 5, 6))
    for field in ("submit_s", "hosts", "walltime_s", "profile", "user"):
        np.testing.assert_array_equal(getattr(one, field), getattr(same, field))
    assert not np.array_equal(one.hosts, other.hosts)
    assert one.report.sha256 != other.report.sha256


def test_generated_edges() -> None:
    single = generate_saturated(1, 1)
    assert (single.job_id, single.submit_s.tolist(), single.hosts.tolist()) == (("0",), [0], [1])
    assert generate_saturated(3, 5, form="delay").profiles[0].type == "delay"


@pytest.mark.parametrize(
    "wrong", [{"n_jobs": 0}, {"n_hosts": 0}, {"seed": -1}, {"load": 0.0}, {"load": float("nan")}, {"users": 0}]
)
def test_generator_names_arguments_outside_their_range(wrong: dict[str, float]) -> None:
    arguments = {"n_jobs": 5, "n_hosts": 5} | wrong
    with pytest.raises(InvalidInputError, match=f"generated workload, {next(iter(wrong))}"):
        generate_saturated(**arguments)  # type: ignore[arg-type]


def test_json_takes_no_cleaning(tmp_path: Path) -> None:
    path = tmp_path / "w.json"
    path.write_text('{"nb_res": 1, "jobs": [], "profiles": {}}')
    assert read_workload(path, options=CleaningOptions()).n_jobs == 0
    with pytest.raises(InvalidInputError, match="cleaning options are for SWF logs"):
        read_workload(path, options=CleaningOptions(max_jobs=3))
