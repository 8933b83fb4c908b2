"""Cleaning against the workloads of recorded Batsim runs, rebuilt job by job; JSON of every recorded scenario."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wattq.errors import WorkloadError
from wattq.workloads import CleaningOptions, read_batsim_json, read_swf, read_workload
from wattq.workloads.files import read_plain
from wattq.workloads.rapid_numbers import parse_number
from wattq.workloads.writer import batsim_json

_TRACES = {
    "kth3k": ("KTH-SP2-1996-2.1-cln.swf.gz", CleaningOptions.golden(100, 3000)),
    "kth28k": ("KTH-SP2-1996-2.1-cln.swf.gz", CleaningOptions.golden(100)),
    "sdsc3k": ("SDSC-SP2-1998-4.2-cln.swf.gz", CleaningOptions.golden(128, 3000)),
}
_FORMS = {"delay": "delay", "ptask": "parallel_homogeneous"}


@pytest.mark.parametrize("form", _FORMS)
@pytest.mark.parametrize("trace", _TRACES)
def test_golden_workload_is_rebuilt_job_by_job(shared_dir: Path, trace: str, form: str) -> None:
    filename, options = _TRACES[trace]
    expected = json.loads(read_plain(shared_dir / f"golden/policies/workloads/{trace}-{form}.json.xz"))
    workload = read_swf(shared_dir / "data/swf" / filename, options=options, form=_FORMS[form])
    unknown = np.full(workload.n_jobs, -1)  # the recorded workloads do not tell whose jobs they are
    nobody = replace(workload, user=unknown, group=unknown, queue=unknown, application=unknown)
    found = json.loads(batsim_json(nobody))
    assert found["nb_res"] == expected["nb_res"]
    assert found["jobs"] == expected["jobs"]
    assert [list(job) for job in found["jobs"]] == [list(job) for job in expected["jobs"]]
    assert found["profiles"] == expected["profiles"]
    assert {type(value) for profile in found["profiles"].values() for value in profile.values()} <= {str, int, float}


def test_golden_cleaning_of_kth_counts_every_row(shared_dir: Path) -> None:
    workload = read_swf(shared_dir / "data/swf/KTH-SP2-1996-2.1-cln.swf.gz", options=CleaningOptions.golden(100))
    report = workload.report
    assert (report.n_read, report.n_kept) == (28_476, 28_467)
    assert report.dropped == {"no processors known": 1, "run time 0": 8}
    assert report.repaired == {"ran to its walltime or beyond: run time clipped": 513}
    assert report.sha256 == "fba36494c4e4257f72182e8b629ebb0bcb054b3b82851ef957445bd627adcc87"


def test_recorded_workloads_load_and_write_back_unchanged(shared_dir: Path) -> None:
    files = sorted((shared_dir / "golden/scenarios").glob("*/workload*.json*"))
    assert len(files) == 147
    for path in files:
        if path.parent.name == "s27_duplicate_ids":
            with pytest.raises(WorkloadError, match="id '1' is given to two jobs"):
                read_workload(path)
            continue
        document = json.loads(read_plain(path), parse_float=parse_number)
        workload = read_batsim_json(path)
        assert workload.n_jobs == len(document["jobs"])
        keys = list(zip(workload.submit_s.tolist(), (job_id.encode() for job_id in workload.job_id), strict=True))
        assert keys == sorted(keys)
        written = json.loads(batsim_json(workload))
        assert sorted(map(json.dumps, written["jobs"])) == sorted(map(json.dumps, document["jobs"]))
        for name, description in written["profiles"].items():
            assert json.dumps(description) == json.dumps(document["profiles"][name])


def test_usage_traces_are_read_beside_the_workload(shared_dir: Path) -> None:
    workload = read_batsim_json(shared_dir / "golden/scenarios/s09_usage_trace/workload.json")
    traces = {profile.name: profile.trace for profile in workload.profiles}
    ranks = (((1.0, 1e9), (0.3, 5e8)), ((0.5, 8e8), (0.0, 2e8)), ((0.3, 3e8), (1.0, 4e8)))
    assert traces == {"u": ranks, "u5": ranks}


def test_ids_are_ordered_by_bytes(shared_dir: Path) -> None:
    workload = read_batsim_json(shared_dir / "golden/scenarios/s27_ids/workload.json")
    assert workload.job_id == ("", "2", "A", "é1", "10", "7", "a", "a b", "k", "x-1", "日本")
    assert workload.extra is not None
    assert [job["id"] for job in workload.extra][5:9:3] == [7, "w0!k"]
