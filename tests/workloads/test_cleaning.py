"""Cleaning: each option alone, the counts of its report, and what it conserves."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import InvalidInputError
from wattq.workloads import CleaningOptions, Workload, parse_swf, report_lines
from wattq.workloads.writer import job_runtimes_s

_EXTENDED = "ran to its walltime or beyond: walltime extended"
_CLIPPED = "ran to its walltime or beyond: run time clipped"


def line(number: float, submit: float, run: float, requested: float, request_s: float = 1000, **other: float) -> str:
    fields = {"wait": -1, "allocated": requested, "status": 1, "queue": -1} | other
    head = f"{number} {submit} {fields['wait']} {run} {fields['allocated']} -1 -1 {requested} {request_s} -1"
    return f"{head} {fields['status']} -1 -1 -1 {fields['queue']} -1 -1 -1"


def clean(*rows: str, header: str = "; MaxProcs: 16", **options: Any) -> Workload:
    text = header + "\n" + "\n".join(rows) + "\n"
    return parse_swf(text.encode(), "x.swf", options=CleaningOptions(**options), form="delay")


def runs(workload: Workload) -> list[float]:
    return job_runtimes_s(workload).tolist()


def test_unknown_and_negative_submissions_are_dropped() -> None:
    workload = clean(line(1, -1, 5, 1), line(2, -7, 5, 1), line(3, 4, 5, 1))
    assert workload.job_id == ("3",)
    assert workload.report.dropped == {"submit time unknown (-1)": 1, "submit time negative": 1}


def test_processors_by_order_of_preference() -> None:
    rows = (
        line(1, 0, 5, 4, allocated=6),
        line(2, 0, 5, -1, allocated=3),
        line(3, 0, 5, 2, allocated=-1),
        line(4, 0, 5, -1),
    )
    requested = clean(*rows)
    assert requested.hosts.tolist() == [4, 3, 2]
    assert requested.report.dropped == {"no processors known": 1}
    assert requested.report.repaired == {"requested processors missing: allocated used": 1}
    assert clean(*rows, processors="allocated").hosts.tolist() == [6, 3, 2]
    assert clean(*rows, processors="max").hosts.tolist() == [6, 3, 2]


def test_fractional_processors_are_rounded_up() -> None:
    workload = clean(line(1, 0, 5, 2.5))
    assert workload.hosts.tolist() == [3]
    assert workload.report.repaired == {"fractional processors rounded up": 1}


def test_processors_per_host_from_header_or_option() -> None:
    header = "; MaxProcs: 16\n; MaxNodes: 4"
    rows = (line(1, 0, 5, 1), line(2, 0, 5, 5), line(3, 0, 5, 16))
    by_header = clean(*rows, header=header)
    assert (by_header.hosts.tolist(), by_header.nb_res) == ([1, 2, 4], 4)
    assert "processors per host: 4 (header: MaxProcs 16, MaxNodes 4)" in by_header.report.warnings
    by_option = clean(*rows, header=header, processors_per_host=3)
    assert (by_option.hosts.tolist(), by_option.nb_res) == ([1, 2, 6], 6)


def test_jobs_larger_than_the_machine_are_kept_or_dropped() -> None:
    rows = (line(1, 0, 5, 4), line(2, 0, 5, 17))
    kept = clean(*rows)
    assert kept.hosts.tolist() == [4, 17]
    assert "1 jobs ask for more than the 16 hosts of the machine; schedulers reject them" in kept.report.warnings
    smaller = clean(*rows, too_large="drop")
    assert smaller.report.dropped == {"larger than the machine (16 hosts)": 1}
    assert clean(*rows, n_hosts=20).report.warnings == ()


def test_a_log_without_machine_takes_the_largest_job() -> None:
    workload = clean(line(1, 0, 5, 4), line(2, 0, 5, 9), header="; Version: 2")
    assert workload.nb_res == 9
    assert "no MaxProcs" in workload.report.warnings[0]


def test_run_times_that_are_zero_or_unknown() -> None:
    rows = (line(1, 0, -1, 1), line(2, 0, 0, 1), line(3, 0, 5, 1))
    assert clean(*rows).report.dropped == {"run time negative (unknown)": 1, "run time 0": 1}
    replaced = clean(*rows, negative_runtime_s=10, zero_runtime_s=1)
    assert runs(replaced) == [10, 1, 5]
    assert replaced.report.repaired == {
        "run time negative (unknown): 10 s used": 1,
        "run time 0: 1 s used": 1,
    }
    assert replaced.outcome is not None
    np.testing.assert_array_equal(replaced.outcome.run_s, [np.nan, 0, 5])


def test_walltime_fallbacks() -> None:
    rows = (line(1, 0, 50, 1, -1, queue=1), line(2, 0, 5, 1, 300, queue=1), line(3, 0, 61, 1, 0, queue=2))
    assert clean(*rows).walltime_s.tolist() == [300, 300, 300]
    assert clean(*rows).report.repaired == {
        "no requested time: the usual maximum of the queue (99th percentile of its requests)": 1,
        "no requested time: the usual maximum of the log (300 s)": 1,
    }
    by_header = clean(*rows, header="; MaxProcs: 16\n; MaxRuntime: 900")
    assert by_header.walltime_s.tolist() == [900, 300, 900]
    leaking = clean(*rows, walltime_fallback="runtime")
    assert leaking.walltime_s.tolist() == [120, 300, 180]
    assert "2 walltimes were made from real run times: schedulers are told part of the truth" in leaking.report.warnings
    assert clean(*rows, walltime_fallback="fixed", walltime_fixed_s=400).walltime_s.tolist() == [400, 300, 400]
    none = clean(*rows, walltime_fallback="none")
    assert none.walltime_s.tolist() == [-1, 300, -1]
    assert "2 jobs have no requested time" in none.report.warnings[0]


def test_one_absurd_request_is_not_the_usual_maximum() -> None:
    rows = [line(number, 0, 5, 1, 3600) for number in range(1, 200)]
    workload = clean(*rows, line(200, 0, 5, 1, 738_738_720), line(201, 0, 5, 1, -1))
    assert workload.walltime_s[-1] == 3600


def test_overruns_extended_clipped_or_kept() -> None:
    rows = (line(1, 0, 100, 1, 100), line(2, 0, 150, 1, 100), line(3, 0, 98, 1, 100), line(4, 0, 99.5, 1, 100))
    extended = clean(*rows)
    assert (runs(extended), extended.walltime_s.tolist()) == ([100, 150, 98, 99.5], [101, 151, 100, 100.5])
    assert extended.report.repaired == {_EXTENDED: 3}
    clipped = clean(*rows, overrun="clip")
    assert (runs(clipped), clipped.walltime_s.tolist()) == ([99, 99, 98, 99], [100] * 4)
    assert clipped.report.repaired == {_CLIPPED: 3}
    kept = clean(*rows, overrun="keep")
    assert (runs(kept), kept.walltime_s.tolist()) == ([100, 150, 98, 99.5], [100] * 4)
    assert kept.report.warnings == ("2 jobs ran to their walltime or beyond; they are killed at their walltime",)
    short = clean(line(1, 0, 5, 1, 1), line(2, 0, 5, 1), overrun="clip")
    assert short.report.dropped == {"walltime too short to run at all": 1}


def test_statuses_and_partial_executions() -> None:
    rows = (
        line(1, 0, 9, 1, status=1),
        line(1, 0, 4, 1, status=2),
        line(1, 5, 5, 1, status=3),
        line(2, 6, 3, 1, status=2),
    )
    whole = clean(*rows)
    assert runs(whole) == [9, 3]
    assert whole.report.dropped == {"partial execution of a job that has a summary row": 2}
    assert runs(clean(*rows, partial="keep")) == [9, 4, 5, 3]
    failed = clean(line(1, 0, 9, 1, status=0), line(2, 0, 9, 1, status=5), line(3, 0, 9, 1), drop_statuses=(0, 5))
    assert failed.report.dropped == {"status 0": 1, "status 5": 1}


def test_windows_count_from_the_first_submission() -> None:
    rows = [line(number, 1000 + 10 * number, 5, 1) for number in range(6)]
    workload = clean(*rows, window_start_s=10, window_end_s=40)
    assert workload.job_id == ("1", "2", "3")
    assert workload.submit_s.tolist() == [0, 10, 20]
    assert workload.report.dropped == {"before the window": 1, "after the window": 2}
    positions = clean(*rows, skip_jobs=1, max_jobs=2)
    assert positions.job_id == ("1", "2")
    assert positions.report.dropped == {"among the first jobs skipped": 1, "after the last job asked for": 3}


def test_rebase_and_unix_time() -> None:
    header = "; MaxProcs: 16\n; UnixStartTime: 5000\n; TimeZoneString: UTC"
    rows = (line(1, 100, 5, 1, wait=7), line(2, 130, 5, 1))
    based = clean(*rows, header=header)
    assert (based.submit_s.tolist(), based.unix_start_s, based.utc_offset_s) == ([0, 30], 5100, 0)
    assert based.outcome is not None
    assert based.outcome.start_s[0] == 7
    raw = clean(*rows, header=header, rebase=False)
    assert (raw.submit_s.tolist(), raw.unix_start_s) == ([100, 130], 5000)


def test_arrivals_are_scaled_from_the_first_submission() -> None:
    rows = (line(1, 100, 5, 1), line(2, 130, 5, 1), line(3, 150, 5, 1))
    assert clean(*rows, arrival_factor=0.5).submit_s.tolist() == [0, 15, 25]
    assert clean(*rows, arrival_factor=2, rebase=False).submit_s.tolist() == [100, 160, 200]


def test_order_of_submission_and_ids() -> None:
    rows = (line(10, 50, 5, 1), line(9, 20, 6, 1), line(100, 20, 7, 1))
    workload = clean(*rows)
    assert workload.job_id == ("009", "100", "010")
    assert workload.submit_s.tolist() == [0, 0, 30]
    assert workload.report.repaired == {"out of submission order: sorted": 2}
    assert clean(*rows, ids="sequence").job_id == ("0", "1", "2")
    repeated = clean(line(1, 0, 5, 1), line(1, 3, 6, 1))
    assert repeated.job_id == ("0", "1")
    assert "job numbers repeat or are missing" in repeated.report.warnings[0]


def test_header_counts_that_differ_are_a_warning() -> None:
    workload = clean(line(1, 0, 5, 1), header="; MaxProcs: 4\n; MaxRecords: 7")
    assert "MaxRecords is 7, the file has 1 rows" in workload.report.warnings[0]


def test_report_lines_name_every_reason() -> None:
    lines = report_lines(clean(line(1, 0, 0, 1), line(2, 0, 9, 1, 5)).report)
    assert lines[0].startswith("x.swf (sha256 ")
    assert lines[0].endswith("2 rows read, 1 jobs kept")
    assert lines[1].split() == ["dropped", "1", "run", "time", "0"]
    assert lines[2].split()[:2] == ["repaired", "1"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("overrun", "stretch"),
        ("n_hosts", 0),
        ("processors_per_host", 0.5),
        ("arrival_factor", 0.0),
        ("arrival_factor", float("nan")),
        ("walltime_step_s", 0.0),
        ("max_jobs", 0),
        ("skip_jobs", -1),
        ("overrun_margin_s", -1.0),
    ],
)
def test_options_outside_their_range_are_named(option: str, value: object) -> None:
    with pytest.raises(InvalidInputError, match=f"--{option.replace('_', '-')}"):
        CleaningOptions(**{option: value})  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="window-end-s"):
        CleaningOptions(window_start_s=5, window_end_s=5)


def test_every_option_is_documented() -> None:
    for field in dataclasses.fields(CleaningOptions):
        assert f"        {field.name}: " in (CleaningOptions.__doc__ or "")
        assert field.metadata["help"]


_ROW = st.tuples(
    st.integers(-1, 500),
    st.sampled_from([-1, 0, 1, 7, 60, 3600, 12.5]),
    st.sampled_from([-1, 1, 2, 3, 8, 16, 40]),
    st.sampled_from([-1, 0, 5, 60, 4000]),
    st.sampled_from([0, 1, 2, 5]),
)
_ROWS = st.lists(_ROW, min_size=1, max_size=25)
_OPTIONS = st.fixed_dictionaries(
    {
        "overrun": st.sampled_from(["extend", "clip", "keep"]),
        "too_large": st.sampled_from(["keep", "drop"]),
        "walltime_fallback": st.sampled_from(["maximum", "runtime", "fixed", "none"]),
        "zero_runtime_s": st.sampled_from([None, 1.0]),
        "arrival_factor": st.sampled_from([1.0, 0.5, 3.0]),
        "max_jobs": st.sampled_from([None, 5]),
        "rebase": st.booleans(),
    }
)
_SAFE = (0, 10, 1, 500, 1)


def _log(rows: list[tuple[int, float, int, float, int]]) -> list[str]:
    # The first row survives every option but the position limits, so that a log always keeps a job.
    cells = [_SAFE, *rows]
    return [
        line(number, cell[0], cell[1], cell[2], cell[3], status=cell[4]) for number, cell in enumerate(cells, start=1)
    ]


def _same(one: Workload, two: Workload) -> None:
    for field in ("job_id", "profiles", "nb_res", "unix_start_s"):
        assert getattr(one, field) == getattr(two, field)
    for field in ("submit_s", "hosts", "walltime_s", "profile", "user", "queue"):
        np.testing.assert_array_equal(getattr(one, field), getattr(two, field))


@settings(deadline=None, max_examples=60)
@given(_ROWS, _OPTIONS, st.randoms(use_true_random=False))
def test_order_of_rows_changes_nothing(rows: list[Any], options: dict[str, Any], random: Any) -> None:
    lines = _log(rows)
    shuffled = lines.copy()
    random.shuffle(shuffled)
    _same(clean(*lines, **options), clean(*shuffled, **options))


@settings(deadline=None, max_examples=60)
@given(_ROWS, _OPTIONS)
def test_every_row_is_kept_or_counted(rows: list[Any], options: dict[str, Any]) -> None:
    workload = clean(*_log(rows), **options)
    report = workload.report
    assert report.n_read == len(rows) + 1 == report.n_kept + sum(report.dropped.values())
    assert report.n_kept == workload.n_jobs == len(set(workload.job_id))
    assert all(0 < count <= report.n_kept for count in report.repaired.values())
    keys = list(zip(workload.submit_s.tolist(), (job_id.encode() for job_id in workload.job_id), strict=True))
    assert keys == sorted(keys)


@settings(deadline=None, max_examples=60)
@given(_ROWS, st.sampled_from(["extend", "keep"]), st.sampled_from([0.5, 1.0, 3.0]), st.booleans())
def test_work_is_conserved(rows: list[Any], overrun: str, factor: float, rebase: bool) -> None:
    lines = _log(rows)
    expected = sum(
        requested * run
        for submit, run, requested, _, status in [_SAFE, *rows]
        if submit >= 0 and run > 0 and requested > 0 and status != -1
    )
    workload = clean(*lines, overrun=overrun, arrival_factor=factor, rebase=rebase)
    assert float(np.sum(workload.hosts * job_runtimes_s(workload))) == expected


@settings(deadline=None, max_examples=40)
@given(_ROWS)
def test_nobody_reaches_an_extended_walltime(rows: list[Any]) -> None:
    workload = clean(*_log(rows))
    assert np.all(workload.walltime_s >= job_runtimes_s(workload) + 1)
