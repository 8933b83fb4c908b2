"""Merged logs: one axis, ids of their own, people apart, profiles that do not clash."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import InvalidInputError, WorkloadError
from wattq.workloads import CleaningOptions, Workload, merge_workloads, parse_workload, read_workload
from wattq.workloads.writer import batsim_json, job_runtimes_s


def swf(
    *jobs: tuple[int, int, int, int, int], unix: int | None = None, procs: int = 8, rebase: bool = False
) -> Workload:
    """Return a log of (number, submit, run, processors, user)."""
    header = f"; MaxProcs: {procs}\n" + (
        f"; UnixStartTime: {unix}\n; TimeZoneString: UTC\n" if unix is not None else ""
    )
    rows = "".join(f"{n} {s} 5 {r} {p} -1 -1 {p} 1000 -1 1 {u} {u} -1 1 -1 -1 -1\n" for n, s, r, p, u in jobs)
    return parse_workload((header + rows).encode(), f"{unix}.swf", options=CleaningOptions(rebase=rebase))


def test_dates_are_aligned_by_unix_time() -> None:
    one = swf((1, 0, 60, 2, 7), (2, 100, 60, 4, 8), unix=1000, procs=8)
    two = swf((3, 10, 30, 1, 7), unix=1040, procs=16)
    merged = merge_workloads([one, two])
    assert merged.job_id == ("1", "3", "2")
    assert merged.submit_s.tolist() == [0, 50, 100]
    assert (merged.unix_start_s, merged.utc_offset_s, merged.nb_res) == (1000, 0, 24)
    assert merged.user.tolist() == [7, 16, 8]
    assert merged.outcome is not None
    assert merged.outcome.start_s.tolist() == [5, 55, 105]
    assert job_runtimes_s(merged).tolist() == [60, 30, 60]
    report = merged.report
    assert (report.source, report.n_read, report.n_kept) == ("1000.swf + 1040.swf", 3, 3)
    assert "users, groups and queues of different logs are taken to be different" in report.warnings
    same = merge_workloads([two, one], machine="max", same_people=True)
    assert same.job_id == ("1", "3", "2")
    assert (same.user.tolist(), same.nb_res) == ([7, 7, 8], 16)
    assert merge_workloads([one, two], machine=5).nb_res == 5


def test_the_first_submission_becomes_date_0_when_asked() -> None:
    one, two = swf((1, 20, 60, 2, 7), unix=1000), swf((3, 5, 30, 1, 7), unix=1005)
    moved = merge_workloads([one, two])
    assert (moved.submit_s.tolist(), moved.unix_start_s) == ([0, 10], 1010)
    kept = merge_workloads([one, two], rebase=False)
    assert (kept.submit_s.tolist(), kept.unix_start_s) == ([10, 20], 1000)


def test_logs_without_calendar_share_an_axis_and_say_so() -> None:
    merged = merge_workloads([swf((1, 20, 60, 2, 7)), swf((2, 5, 30, 1, 7))])
    assert merged.submit_s.tolist() == [0, 15]
    assert "no log has calendar dates: their dates are taken to lie on one axis" in merged.report.warnings
    with pytest.raises(WorkloadError, match=r"None\.swf: no calendar dates .* and other logs to be merged have them"):
        merge_workloads([swf((1, 20, 60, 2, 7), unix=5), swf((2, 5, 30, 1, 7))])


def test_ids_that_repeat_get_the_position_of_their_log() -> None:
    merged = merge_workloads([swf((1, 0, 60, 2, 7), unix=0), swf((1, 0, 60, 2, 7), (2, 1, 5, 1, 1), unix=0)])
    assert merged.job_id == ("1.1", "2.1", "2.2")
    assert any("ids repeat between the logs" in text for text in merged.report.warnings)


def _json(name: str, delay: int) -> Workload:
    profiles = f'"d": {{"type": "delay", "delay": {delay}}}, "s": {{"type": "composed", "seq": ["d", "d"]}}'
    jobs = f'{{"id": "{name}", "subtime": {delay}, "res": 1, "profile": "s", "mine": true, "user": 3}}'
    return parse_workload(f'{{"nb_res": 2, "jobs": [{jobs}], "profiles": {{{profiles}}}}}'.encode(), f"{name}.json")


def test_profiles_of_one_name_and_different_work() -> None:
    merged = merge_workloads([_json("a", 5), _json("b", 9), _json("c", 5)])
    assert [profile.name for profile in merged.profiles] == ["d", "s", "2.d", "2.s"]
    assert merged.profiles[3].description["seq"] == ["2.d", "2.d"]
    assert merged.extra is not None
    assert [job["profile"] for job in merged.extra] == ["s", "s", "2.s"]
    assert [job["subtime"] for job in merged.extra] == [0, 0, 4]
    assert [job["user"] for job in merged.extra] == [3, 11, 7]
    assert all(job["mine"] for job in merged.extra)
    again = parse_workload(batsim_json(merged).encode(), "merged.json")
    assert (again.job_id, again.user.tolist()) == (merged.job_id, merged.user.tolist())


def test_logs_and_json_mix() -> None:
    merged = merge_workloads([_json("a", 5), swf((1, 0, 60, 2, 7))])
    assert merged.job_id == ("1", "a")
    again = parse_workload(batsim_json(merged).encode(), "merged.json")
    assert again.hosts.tolist() == [2, 1]
    assert again.walltime_s.tolist() == [1000, -1]
    assert merged.outcome is not None
    np.testing.assert_array_equal(merged.outcome.run_s, [60, np.nan])


def test_what_cannot_be_merged() -> None:
    one = swf((1, 0, 60, 2, 7))
    with pytest.raises(InvalidInputError, match="1 workloads: two or more are merged"):
        merge_workloads([one])
    for machine in ("huge", 0):
        with pytest.raises(InvalidInputError, match="give sum"):
            merge_workloads([one, one], machine=machine)


_JOBS = st.lists(
    st.tuples(st.integers(1, 9), st.integers(0, 50), st.integers(1, 900), st.integers(1, 8), st.integers(0, 3)),
    min_size=1,
    max_size=8,
)


@settings(deadline=None, max_examples=40)
@given(st.lists(_JOBS, min_size=2, max_size=4), st.booleans())
def test_work_order_and_ids_hold(logs: list[list[tuple[int, int, int, int, int]]], calendar: bool) -> None:
    works = [swf(*jobs, unix=100 * k if calendar else None) for k, jobs in enumerate(logs)]
    merged = merge_workloads(works)
    assert len(set(merged.job_id)) == merged.n_jobs == sum(len(jobs) for jobs in logs)
    keys = [(date, job_id.encode()) for date, job_id in zip(merged.submit_s.tolist(), merged.job_id, strict=True)]
    assert keys == sorted(keys)
    assert keys[0][0] == 0
    total = math.fsum(float((work.hosts * job_runtimes_s(work)).sum()) for work in works)
    assert float((merged.hosts * job_runtimes_s(merged)).sum()) == total
    assert parse_workload(batsim_json(merged).encode(), "m.json").job_id == merged.job_id


def test_parts_of_a_real_log_make_the_whole(shared_dir: Path) -> None:
    path = shared_dir / "data/swf/KTH-SP2-1996-2.1-cln.swf.gz"
    day = 86_400.0
    parts = [
        read_workload(path, options=CleaningOptions(window_start_s=start, window_end_s=end))
        for start, end in ((None, 100 * day), (100 * day, 200 * day), (200 * day, None))
    ]
    whole = read_workload(path)
    merged = merge_workloads(parts, machine="max", same_people=True)
    assert merged.job_id == whole.job_id
    for key in ("submit_s", "hosts", "walltime_s", "user", "queue"):
        np.testing.assert_array_equal(getattr(merged, key), getattr(whole, key))
    assert (merged.nb_res, merged.unix_start_s) == (whole.nb_res, whole.unix_start_s)
