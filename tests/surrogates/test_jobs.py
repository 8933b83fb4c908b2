"""What is known at submission, apart from what became of the jobs."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from wattq.errors import SurrogateError
from wattq.surrogates.jobs import Jobs, Outcomes, jobs_of, read_jobs
from wattq.workloads import CleaningOptions, generate_saturated, parse_swf

_LOG = b"""; UnixStartTime: 843480031
; TimeZoneString: Europe/Stockholm
; MaxProcs: 8
1 0 5 10 1 -1 -1 1 20 -1 1 5 6 700 1 -1 -1 -1
2 5 -1 30 2 -1 -1 2 20 -1 1 7 6 -1 2 -1 -1 -1
3 9 0 10 4 -1 -1 4 -1 -1 1 -1 -1 701 -1 -1 -1 -1
"""
_RAW = CleaningOptions(overrun="keep", walltime_fallback="none")


def test_columns_of_a_log() -> None:
    jobs, outcomes = jobs_of(parse_swf(_LOG, "log.swf", options=_RAW))
    assert jobs.submit_s.tolist() == [0.0, 5.0, 9.0]
    assert jobs.hosts.tolist() == [1, 2, 4]
    assert jobs.request_s.tolist()[:2] == [20.0, 20.0]
    assert np.isnan(jobs.request_s[2])
    assert (jobs.user.tolist(), jobs.group.tolist(), jobs.queue.tolist()) == ([5, 7, -1], [6, 6, -1], [1, 2, -1])
    assert jobs.application.tolist() == [700, -1, 701]
    assert (jobs.unix_start_s, jobs.utc_offset_s, jobs.source) == (843480031.0, 7200.0, "log.swf")
    assert not jobs.synthetic
    assert len(jobs.sha256) == 64
    # An unknown wait counts as none; a run beyond the requested time ends at it.
    assert outcomes.start_s.tolist() == [5.0, 5.0, 9.0]
    assert outcomes.run_s.tolist() == [10.0, 20.0, 10.0]
    assert outcomes.end_s.tolist() == [15.0, 25.0, 19.0]


def test_no_field_of_jobs_is_an_outcome() -> None:
    outcomes = {"start_s", "run_s", "end_s", "wait_s", "status", "cpu_s"}
    assert not outcomes & {column.name for column in fields(Jobs)}


def test_a_file_is_read_without_made_up_walltimes(tmp_path: Path) -> None:
    path = tmp_path / "log.swf"
    path.write_bytes(_LOG)
    jobs, _ = read_jobs(path)
    assert np.isnan(jobs.request_s[2])


def test_walltimes_made_from_run_times_are_refused() -> None:
    with pytest.raises(SurrogateError, match=r"log\.swf: requested times of 1 jobs were made from their run times"):
        jobs_of(parse_swf(_LOG, "log.swf"))
    leaking = replace(_RAW, walltime_fallback="runtime")
    with pytest.raises(SurrogateError, match="--walltime-fallback runtime"):
        jobs_of(parse_swf(_LOG, "log.swf", options=leaking))


def test_jobs_without_a_log_have_no_outcome() -> None:
    jobs, outcomes = jobs_of(generate_saturated(10, 4))
    assert jobs.synthetic
    assert jobs.n_jobs == 10
    assert np.isnan(outcomes.start_s).all()
    assert np.isnan(outcomes.run_s).all()


def test_rows_are_taken_from_both() -> None:
    jobs, outcomes = jobs_of(parse_swf(_LOG, "log.swf", options=_RAW))
    rows = np.array([0, 2])
    assert jobs.take(rows).hosts.tolist() == [1, 4]
    assert jobs.take(rows).sha256 == jobs.sha256
    assert outcomes.take(slice(1, 3)).run_s.tolist() == [20.0, 10.0]


def test_jobs_out_of_order_or_of_different_length_are_refused() -> None:
    jobs, _ = jobs_of(parse_swf(_LOG, "log.swf", options=_RAW))
    with pytest.raises(SurrogateError, match=r"log\.swf, row 1: submitted at 4 s; submissions are finite"):
        replace(jobs, submit_s=np.array([5.0, 4.0, 9.0]))
    with pytest.raises(SurrogateError, match="columns differ in length"):
        replace(jobs, hosts=np.array([1, 2]))
    with pytest.raises(SurrogateError, match="row 0: submitted at nan s"):
        replace(jobs, submit_s=np.array([np.nan, 4.0, 9.0]))


def test_end_is_start_and_run() -> None:
    assert Outcomes(np.array([1.0, np.nan]), np.array([2.0, 3.0])).end_s.tolist()[0] == 3.0
