"""Batsim JSON: what is read, what is refused and how, and what is written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import UnsupportedError, WattqError, WorkloadError
from wattq.workloads import generate_saturated, parse_batsim_json, parse_workload, read_workload, write_batsim_json
from wattq.workloads.writer import batsim_json

_JOB: dict[str, Any] = {"id": "a", "subtime": 0, "res": 2, "walltime": 20, "profile": "d"}
_PROFILES: dict[str, Any] = {"d": {"type": "delay", "delay": 10}}


def document(*jobs: dict[str, Any], profiles: dict[str, Any] | None = None, **top: Any) -> bytes:
    content = {"nb_res": 4, "jobs": list(jobs or [_JOB]), "profiles": _PROFILES if profiles is None else profiles} | top
    return json.dumps(content).encode()


def job(**changes: Any) -> dict[str, Any]:
    return {key: value for key, value in (_JOB | changes).items() if value != "absent"}


def test_jobs_are_ordered_and_kept_as_written() -> None:
    jobs = [
        job(id=10, subtime=5),
        job(id="2", subtime=5, user=1.0, z={"k": [1]}),
        job(id="x", subtime=-3.5, walltime=-1),
    ]
    workload = parse_batsim_json(document(*jobs), "w.json", name="w1")
    assert workload.name == "w1"
    assert workload.job_id == ("x", "10", "2")
    assert workload.submit_s.tolist() == [-3.5, 5, 5]
    assert workload.walltime_s.tolist() == [-1, 20, 20]
    assert workload.extra == (jobs[2], jobs[0], jobs[1])
    assert isinstance(workload.extra[2]["user"], float)
    assert isinstance(workload.extra[1]["id"], int)
    assert workload.outcome is None
    assert (workload.report.n_read, workload.report.n_kept) == (3, 3)


def test_an_empty_workload_is_one() -> None:
    workload = parse_batsim_json(b'{"nb_res": 1, "jobs": [], "profiles": {}}', "w.json")
    assert (workload.n_jobs, workload.profiles) == (0, ())
    assert json.loads(batsim_json(workload)) == {"nb_res": 1, "jobs": [], "profiles": {}}


def test_unused_profiles_are_dropped_and_parts_of_sequences_kept() -> None:
    profiles = {
        "z": {"type": "send", "msg": {}},
        "part": {"type": "parallel", "cpu": [1, 2.0], "com": [0, 0, 1e3, 0]},
        "inner": {"type": "composed", "seq": ["part", "part"]},
        "d": {"type": "composed", "repeat": 2, "seq": ["inner", "part"], "ret": 3},
        "other": {"type": "delay", "delay": 1},
    }
    workload = parse_batsim_json(document(profiles=profiles), "w.json")
    assert [profile.name for profile in workload.profiles] == ["part", "inner", "d"]
    assert workload.profiles[workload.profile[0]].name == "d"
    assert dict(workload.profiles[0].description) == profiles["part"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": "absent"}, ("'id' is missing", "32-bit integer")),
        ({"id": 1.5}, ("'id' is 1.5",)),
        ({"id": True}, ("'id' is True",)),
        ({"id": 2**31}, ("'id' is 2147483648",)),
        ({"id": "zw0"}, ("'id' is 'zw0'", "of the form 'w0!x'")),
        ({"id": "a,b"}, ("'id' is 'a,b'", "cannot forward")),
        ({"id": 'a"b'}, ("cannot forward",)),
        ({"id": "w1!a"}, ("cannot forward",)),
        ({"subtime": "absent"}, ("(id 'a')", "'subtime' is missing")),
        ({"subtime": "0"}, ("'subtime' is '0'", "a number of seconds")),
        ({"subtime": 10**400}, ("'subtime' is a huge number",)),
        ({"res": "absent"}, ("'res' is missing",)),
        ({"res": 1.0}, ("'res' is 1.0", "integer of at least 0")),
        ({"res": -1}, ("'res' is -1",)),
        ({"res": True}, ("'res' is True",)),
        ({"walltime": 0}, ("'walltime' is 0", "greater than 0 s, or -1")),
        ({"walltime": -5}, ("'walltime' is -5",)),
        ({"walltime": "1h"}, ("'walltime' is '1h'",)),
        ({"profile": "absent"}, ("'profile' is missing",)),
        ({"profile": "nope"}, ("'profile' is 'nope'", "one of the workload's profiles")),
        ({"smpi_ranks_to_hosts_mapping": [0, 2]}, ("from 0 to res - 1",)),
    ],
)
def test_jobs_that_batsim_refuses(changes: dict[str, Any], words: tuple[str, ...]) -> None:
    with pytest.raises(WorkloadError) as caught:
        parse_batsim_json(document(job(**changes)), "w.json")
    for word in ("w.json, jobs[0]", *words):
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ([], "is not an object"),
        ({"delay": 3}, "key 'type'"),
        ({"type": "delay"}, "key 'delay': missing; it must be a finite number greater than 0"),
        ({"type": "delay", "delay": 0}, "key 'delay': 0;"),
        ({"type": "delay", "delay": -2}, "key 'delay': -2;"),
        ({"type": "delay", "delay": 2, "ret": 1.5}, "key 'ret'"),
        ({"type": "parallel_homogeneous", "cpu": 1}, "key 'com': missing"),
        ({"type": "parallel_homogeneous_total", "cpu": -1, "com": 0}, "key 'cpu': -1"),
        ({"type": "parallel", "cpu": 1, "com": 0}, "key 'cpu': 1; it must be a list"),
        ({"type": "parallel", "cpu": [], "com": []}, "key 'com': 0 numbers for 0"),
        ({"type": "parallel", "cpu": [1, 2], "com": [0]}, "key 'com': 1 numbers for 2"),
        ({"type": "composed"}, "key 'seq'"),
        ({"type": "composed", "seq": []}, "key 'seq'"),
        ({"type": "composed", "seq": ["e"], "repeat": 0}, "key 'repeat'"),
        ({"type": "composed", "seq": ["e"]}, "there is no profile 'e'"),
        ({"type": "composed", "seq": ["d"]}, "its sequence contains itself"),
        ({"type": "usage_trace"}, "key 'trace'"),
        ({"type": "usage_trace", "trace": "t.txt"}, "read from a file beside"),
    ],
)
def test_profiles_that_batsim_refuses(profile: object, words: str) -> None:
    with pytest.raises(WorkloadError) as caught:
        parse_batsim_json(document(profiles={"d": profile}), "w.json")
    assert "w.json, profile 'd'" in str(caught.value)
    assert words in str(caught.value)


def test_unsupported_types_are_refused_only_where_used() -> None:
    with pytest.raises(UnsupportedError, match="profile 'd': type 'smpi' is not simulated"):
        parse_batsim_json(document(profiles={"d": {"type": "smpi", "trace": "x"}}), "w.json")
    profiles = _PROFILES | {"e": {"type": "smpi", "trace": "x"}}
    assert parse_batsim_json(document(profiles=profiles), "w.json").n_jobs == 1


def test_sequences_that_go_on_for_ever_are_refused() -> None:
    deep: dict[str, Any] = {f"s{level}": {"type": "composed", "seq": [f"s{level + 1}"]} for level in range(150)}
    deep["s150"] = {"type": "delay", "delay": 1}
    with pytest.raises(UnsupportedError, match="more than 100 deep"):
        parse_batsim_json(document(job(profile="s0"), profiles=deep), "w.json")
    wide: dict[str, Any] = {
        f"s{level}": {"type": "composed", "repeat": 1000, "seq": [f"s{level + 1}"] * 2} for level in range(3)
    }
    wide["s3"] = {"type": "delay", "delay": 1}
    with pytest.raises(UnsupportedError, match="tasks with all repeats"):
        parse_batsim_json(document(job(profile="s0"), profiles=wide), "w.json")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"{", "line 1: not JSON"),
        (b'{"nb_res": 4,\n "jobs": [}', "line 2: not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "key 'nb_res' is missing"),
        (b'{"nb_res": 0}', "key 'nb_res' is 0"),
        (b'{"nb_res": 1.0}', "key 'nb_res' is 1.0"),
        (b'{"nb_res": 1}', "key 'jobs' is missing"),
        (b'{"nb_res": 1, "jobs": []}', "key 'profiles' is missing"),
        (b'{"nb_res": 1, "jobs": [3], "profiles": {}}', "jobs[0]: '3' is not an object"),
        (b'{"nb_res": 1, "nb_res": 2}', "key 'nb_res' is given twice"),
        (b'{"nb_res": NaN}', "NaN is not a JSON number"),
        (b'{"nb_res": -Infinity}', "-Infinity is not a JSON number"),
        (b'{"nb_res": 1e999}', "too large for a double"),
        (b'{"nb_res": "\\ud800"}', "not UTF-8 text"),
        (b'{"nb_res": "\xff"}', "not UTF-8 text"),
        (b'{"x":' * 100_000, "nested too deeply"),
        (b'{"nb_res": ' + b"9" * 5000 + b"}", "integer string conversion"),
    ],
)
def test_documents_that_are_refused(data: bytes, words: str) -> None:
    with pytest.raises(WorkloadError) as caught:
        parse_batsim_json(data, "w.json")
    assert str(caught.value).startswith("w.json")
    assert words in str(caught.value)


def test_ids_with_the_workload_name() -> None:
    jobs = [job(id="w0!b"), job(id="w0!w0")]
    assert parse_batsim_json(document(*jobs), "w.json").job_id == ("b", "w0")
    assert parse_batsim_json(document(job(id="w0")), "w.json", name="w1").job_id == ("w0",)
    with pytest.raises(WorkloadError, match="given to two jobs"):
        parse_batsim_json(document(job(id="b"), job(id="w0!b")), "w.json")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("1 m_usage 1 5", "a line of this rank"),
        ("0 compute 1 5", "a line of this rank"),
        ("0 m_usage 1", "a line of this rank"),
        ("0 m_usage 1.5 5", "usage must be from 0 to 1"),
        ("0 m_usage nan 5", "usage must be from 0 to 1"),
        ("0 m_usage 1 inf", "flops finite"),
        ("0 m_usage x 5", "must be numbers"),
    ],
)
def test_usage_traces_that_break_the_format(tmp_path: Path, line: str, words: str) -> None:
    (tmp_path / "t.txt").write_text("r0.txt\n")
    (tmp_path / "r0.txt").write_text(f"# a comment\n\n0 m_usage 0.5 1e9\n{line}\n")
    path = tmp_path / "w.json"
    path.write_bytes(document(profiles={"d": {"type": "usage_trace", "trace": "t.txt"}}))
    with pytest.raises(WorkloadError, match=words) as caught:
        read_workload(path)
    assert "r0.txt, line 4" in str(caught.value)


def test_usage_trace_files_that_are_missing(tmp_path: Path) -> None:
    path = tmp_path / "w.json"
    path.write_bytes(document(profiles={"d": {"type": "usage_trace", "trace": "t.txt"}}))
    with pytest.raises(WattqError, match=r"t\.txt: cannot be read"):
        read_workload(path)
    (tmp_path / "t.txt").write_text("a.txt\n\nb.txt\n")
    with pytest.raises(WorkloadError, match="names no trace on some line"):
        read_workload(path)


def test_forms_are_exchanged_at_a_speed() -> None:
    profiles = {
        "d": {"type": "parallel_homogeneous", "cpu": 5e9, "com": 0, "ret": 1},
        "e": {"type": "delay", "delay": 2},
    }
    workload = parse_batsim_json(document(job(), job(id="b", profile="e"), profiles=profiles), "w.json")
    delays = json.loads(batsim_json(workload, form="delay", speed_flops=2e9))["profiles"]
    assert delays == {"d": {"type": "delay", "delay": 2.5, "ret": 1}, "e": {"type": "delay", "delay": 2}}
    tasks = json.loads(batsim_json(workload, form="parallel_homogeneous", speed_flops=2e9))["profiles"]
    assert tasks == {"d": profiles["d"], "e": {"type": "parallel_homogeneous", "cpu": 4e9, "com": 0}}


@pytest.mark.parametrize(
    "profile",
    [
        {"type": "parallel_homogeneous", "cpu": 1e9, "com": 5},
        {"type": "parallel", "cpu": [1], "com": [0]},
        {"type": "parallel_homogeneous_total", "cpu": 1e9, "com": 0},
        {"type": "parallel_homogeneous", "cpu": 0, "com": 0},
    ],
)
def test_forms_that_would_change_the_work_are_refused(profile: dict[str, Any]) -> None:
    workload = parse_batsim_json(document(profiles={"d": profile}), "w.json")
    with pytest.raises(UnsupportedError, match="profile 'd'"):
        batsim_json(workload, form="delay")


@pytest.mark.parametrize("ending", ["json", "json.gz", "json.xz"])
def test_written_files_read_back_and_repeat_byte_for_byte(tmp_path: Path, ending: str) -> None:
    workload = generate_saturated(50, 8, seed=3)
    one, two = tmp_path / f"one.{ending}", tmp_path / f"two.{ending}"
    write_batsim_json(workload, one)
    write_batsim_json(workload, two)
    assert one.read_bytes() == two.read_bytes()
    assert not list(tmp_path.glob("*.part"))
    again = read_workload(one)
    for field in ("submit_s", "hosts", "walltime_s", "profile"):
        np.testing.assert_array_equal(getattr(again, field), getattr(workload, field))
    assert (again.job_id, again.profiles, again.nb_res) == (workload.job_id, workload.profiles, 8)
    assert batsim_json(again) == batsim_json(workload)


_TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters=',()|}"\\!', exclude_categories=["Cc", "Cs"]), max_size=6
)
# Batsim's reading of numbers is exact up to 15 digits; see test_rapid_numbers.py for longer ones.
_DECIMAL = st.integers(-(10**14), 10**14).map(lambda number: number / 1000)
_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | _DECIMAL | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
_TIME = st.integers(-10, 10**6) | st.integers(-(10**12), 10**12).map(lambda number: number / 1000)
_JOBS = st.lists(
    st.fixed_dictionaries(
        {
            "id": _TEXT.filter(lambda text: "w0" not in text),
            "subtime": _TIME,
            "res": st.integers(0, 9),
            "profile": st.just("d"),
        },
        optional={"walltime": st.integers(1, 10**6) | st.just(-1), "user": _VALUE, "nested": _VALUE},
    ),
    unique_by=lambda entry: entry["id"],
    max_size=8,
)


@settings(deadline=None, max_examples=80)
@given(_JOBS, st.randoms(use_true_random=False))
def test_round_trip_and_order_of_the_file(jobs: list[dict[str, Any]], random: Any) -> None:
    data = json.dumps({"nb_res": 4, "jobs": jobs, "profiles": _PROFILES}, ensure_ascii=False).encode(errors="replace")
    workload = parse_workload(data, "w.json")
    again = parse_workload(batsim_json(workload).encode(), "again.json")
    shuffled = jobs.copy()
    random.shuffle(shuffled)
    other = parse_workload(json.dumps({"nb_res": 4, "jobs": shuffled, "profiles": _PROFILES}).encode(), "o.json")
    assert json.dumps(again.extra) == json.dumps(workload.extra)
    for one in (again, other):
        assert one.job_id == workload.job_id
        for field in ("submit_s", "hosts", "walltime_s", "profile"):
            np.testing.assert_array_equal(getattr(one, field), getattr(workload, field))


def test_owners_are_read_and_written() -> None:
    workload = parse_batsim_json(document(job(user=7, group=0, queue=-2), job(id="b", user=True, group="g")), "w.json")
    assert workload.user.tolist() == [7, -1]
    assert workload.group.tolist() == [0, -1]
    assert workload.queue.tolist() == [-1, -1]
    written = json.loads(batsim_json(replace(workload, extra=None)))["jobs"]
    assert written[0] == {"id": "a", "subtime": 0, "res": 2, "walltime": 20, "profile": "d", "user": 7, "group": 0}
    assert "user" not in written[1]
