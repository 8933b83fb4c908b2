"""What Batsim gets to read: numbers, workloads, platforms, traces, events."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import InvalidInputError, MissingFileError, UnsupportedError
from wattq.experiments.batsim.number_text import exact_json, exact_text
from wattq.experiments.batsim.staging import check_inputs, stage
from wattq.experiments.experiment_model import Window
from wattq.experiments.windows import cut
from wattq.platforms import load_platform, read_platform, write_platform
from wattq.workloads import generate_saturated, read_workload, with_beta
from wattq.workloads.model import Workload
from wattq.workloads.rapid_numbers import parse_number

finite = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300)


@settings(deadline=None, max_examples=300)
@given(finite)
def test_numbers_arrive_as_they_are(value: float) -> None:
    arrived = parse_number(exact_text(value))
    # one double in 100,000 has no such text and arrives one step off
    assert arrived == value or math.isclose(arrived, value, rel_tol=5e-16)


@pytest.mark.parametrize(
    "value", [0.1 + 0.2, 1 / 3, 123456.78901234567, 2.5e-7 / 3, 9.007199254740993e15, 1e22, 5e-324]
)
def test_numbers_with_many_digits(value: float) -> None:
    assert parse_number(exact_text(value)) == value
    assert parse_number(exact_text(-value)) == -value


def test_only_numbers_are_rewritten() -> None:
    moved = next(x / 7 for x in range(1, 10**6) if parse_number(repr(x / 7)) != x / 7)
    text = json.dumps({f"a {moved!r}": [moved, 12345678901234567890, '1e400 " 0.1'], "b": -moved})
    again = json.loads(exact_json(text), parse_float=parse_number)
    assert again == json.loads(text)
    assert exact_json(text) != text
    assert exact_json('{"a": 0.5, "b": 1e3}') == '{"a": 0.5, "b": 1e3}'


def same_table(a: Workload, b: Workload) -> None:
    assert a.job_id == b.job_id
    for name in ("submit_s", "hosts", "walltime_s"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    profiles = [[(w.profiles[i].name, w.profiles[i].description) for i in w.profile.tolist()] for w in (a, b)]
    assert profiles[0] == profiles[1]


JOBS = """{"nb_res": 4, "jobs": [
 {"id": "b", "subtime": 0.30000000000000004, "res": 1, "walltime": 20.123456789012345, "profile": "p", "user": 3},
 {"id": "10", "subtime": 1, "res": 2, "profile": "d"}, {"id": 2, "subtime": 1, "res": 2, "profile": "s"},
 {"id": "w0!c", "subtime": 1e1, "res": 1, "walltime": -1, "profile": "p"}],
 "profiles": {"p": {"type": "parallel_homogeneous", "cpu": 12345678901.234567, "com": 0, "ret": 2},
 "d": {"type": "delay", "delay": 7.7}, "s": {"type": "composed", "repeat": 2, "seq": ["p", "d"]}}}
"""


def test_json_workloads_come_back_equal(tmp_path: Path) -> None:
    (tmp_path / "jobs.json").write_text(JOBS)
    workload = read_workload(tmp_path / "jobs.json")
    assert workload.job_id == ("b", "10", "2", "c")
    inputs = stage(load_platform("kth-sp2"), [workload], None, tmp_path / "run")
    assert inputs.workloads == ("w0/workload.json",)
    again = read_workload(tmp_path / "run" / "w0" / "workload.json")
    same_table(workload, again)
    assert again.extra == workload.extra


def test_windows_and_generated_workloads_come_back_equal(tmp_path: Path) -> None:
    whole = generate_saturated(200, 16, 3)
    moved = replace(whole, submit_s=whole.submit_s + np.linspace(0, 1, 200))
    part = replace(cut(moved, Window(first_job=50, n_jobs=100)), name="w1")
    inputs = stage(load_platform("kth-sp2"), [whole, part], None, tmp_path)
    assert inputs.workloads == ("w0/workload.json", "w1/workload.json")
    same_table(whole, read_workload(tmp_path / inputs.workloads[0]))
    same_table(part, read_workload(tmp_path / inputs.workloads[1], name="w1"))


MACHINE = """<?xml version='1.0'?>
<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">
<platform version="4.1"><!-- as the user wrote it -->
  <zone id="all" routing="Full">
    <host id="master_host" speed="1Gf"/><host id="h0" speed="1Gf"/><host id="h1" speed="1Gf"/>
    <link id="l" bandwidth="1GBps" latency="1us"/><route src="h0" dst="h1"><link_ctn id="l"/></route>
  </zone>
</platform>
"""


def test_platform_files_are_copied_and_others_written(tmp_path: Path) -> None:
    (tmp_path / "m.xml").write_text(MACHINE)
    inside = read_platform(tmp_path / "m.xml")
    stage(inside, [], None, tmp_path / "copied")
    assert (tmp_path / "copied" / "platform.xml").read_text() == MACHINE
    stage(read_platform(tmp_path / "m.xml", mmax=1), [], None, tmp_path / "smaller")
    assert read_platform(tmp_path / "smaller" / "platform.xml").host_names == ("h0",)
    (tmp_path / "m.xml").write_text(MACHINE.replace("1Gf", "2Gf"))
    stage(inside, [], None, tmp_path / "changed")
    again = read_platform(tmp_path / "changed" / "platform.xml")
    np.testing.assert_array_equal(again.speed_flops, inside.speed_flops)
    preset = load_platform("kth-sp2")
    stage(preset, [], None, tmp_path / "preset")
    assert read_platform(tmp_path / "preset" / "platform.xml").host_names == preset.host_names


TALKING = '{"nb_res": 2, "jobs": [{"id": "1", "subtime": 0, "res": 2, "profile": "p"}], "profiles": {"p": %s}}'


@pytest.mark.parametrize(
    "profile",
    [
        '{"type": "parallel_homogeneous", "cpu": 1, "com": 5}',
        '{"type": "parallel", "cpu": [1, 1], "com": [0, 5, 0, 0]}',
    ],
)
def test_jobs_that_communicate_need_a_network(profile: str, tmp_path: Path) -> None:
    (tmp_path / "w.json").write_text(TALKING % profile)
    (tmp_path / "m.xml").write_text(MACHINE)
    workload = read_workload(tmp_path / "w.json")
    check_inputs(read_platform(tmp_path / "m.xml"), [workload], energy=False)
    with pytest.raises(
        UnsupportedError, match="workload w0, profile 'p', key 'com': the platform kth-sp2 describes no"
    ):
        check_inputs(load_platform("kth-sp2"), [workload], energy=False)


def test_what_is_refused_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "m.xml").write_text(MACHINE)
    machine, workload = read_platform(tmp_path / "m.xml"), generate_saturated(3, 2, 0)
    with pytest.raises(InvalidInputError, match="platform m: energy was asked for, but a host states no powers"):
        check_inputs(machine, [workload], energy=True)
    with pytest.raises(InvalidInputError, match="workload w0: Batsim calls workload number 1 'w1'"):
        check_inputs(machine, [workload, workload], energy=False)
    with pytest.raises(InvalidInputError, match="no workload was given"):
        check_inputs(machine, [], energy=False)
    with pytest.raises(UnsupportedError, match=r"job w0!\d+: beta 0\.5, which Batsim cannot express"):
        check_inputs(machine, [with_beta(workload, 0.5)], energy=False)
    with pytest.raises(MissingFileError, match=r"absent.txt: cannot be read \(No such file or directory\)"):
        stage(machine, [workload], tmp_path / "absent.txt", tmp_path / "run")


TRACED = '{"nb_res": 2, "jobs": [{"id": "1", "subtime": 0, "res": 2, "profile": "u"}], "profiles": {"u": %s}}'


def test_usage_traces_travel_with_their_workload(tmp_path: Path) -> None:
    (tmp_path / "tr").mkdir()
    (tmp_path / "tr" / "all").write_text("one\ntwo\n")
    (tmp_path / "tr" / "one").write_text("# comment\n0 m_usage 0.3 1e9\n0 m_usage 1 123456789.12345678\n")
    (tmp_path / "tr" / "two").write_text("1 m_usage 0 5\n")
    (tmp_path / "w.json").write_text(TRACED % '{"type": "usage_trace", "trace": "tr/all"}')
    workload = read_workload(tmp_path / "w.json")
    stage(load_platform("kth-sp2"), [workload], None, tmp_path / "run")
    again = read_workload(tmp_path / "run" / "w0" / "workload.json")
    assert again.profiles[0].trace == workload.profiles[0].trace
    (tmp_path / "w.json").write_text(TRACED % '{"type": "usage_trace", "trace": "../%s/tr/all"}' % tmp_path.name)
    outside = read_workload(tmp_path / "w.json")
    with pytest.raises(
        UnsupportedError, match=r"profile 'u', key 'trace': '\.\./.*' lies outside of the workload's folder"
    ):
        stage(load_platform("kth-sp2"), [outside], None, tmp_path / "run")


def test_events_are_copied(tmp_path: Path) -> None:
    (tmp_path / "e.txt").write_text('{"timestamp": 1, "type": "machine_unavailable", "resources": "0"}\n')
    inputs = stage(load_platform("kth-sp2"), [], tmp_path / "e.txt", tmp_path / "run")
    assert inputs.events == "events.txt"
    assert (tmp_path / "run" / "events.txt").read_text() == (tmp_path / "e.txt").read_text()


def test_written_platforms_are_what_is_staged(tmp_path: Path) -> None:
    platform = load_platform("kth-sp2")
    write_platform(platform, tmp_path / "written.xml")
    stage(platform, [], None, tmp_path / "run")
    assert (tmp_path / "run" / "platform.xml").read_bytes() == (tmp_path / "written.xml").read_bytes()
