"""The number of a job's program on its way through readers, writers, windows and merged logs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wattq.errors import WorkloadError
from wattq.experiments.windows import Window, cut
from wattq.workloads import merge_workloads, parse_swf, read_workload, write_batsim_json, write_jobs_csv, write_swf
from wattq.workloads.model import Workload
from wattq.workloads.table_file import write_table
from wattq.workloads.writer import batsim_json

_LOG = b"""; MaxProcs: 4
1 0 0 10 1 -1 -1 1 20 -1 1 5 6 700 1 -1 -1 -1
2 5 0 10 1 -1 -1 1 20 -1 1 5 6 -1 1 -1 -1 -1
3 9 0 10 1 -1 -1 1 20 -1 1 5 6 701 1 -1 -1 -1
"""


def log() -> Workload:
    return parse_swf(_LOG, "log.swf")


def test_swf_executable_is_the_application() -> None:
    assert log().application.tolist() == [700, -1, 701]


@pytest.mark.parametrize("name", ["jobs.swf", "jobs.json", "jobs.csv"])
def test_application_survives_a_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write = {".swf": write_swf, ".json": write_batsim_json}.get(path.suffix, write_table)
    write(log(), path)
    assert read_workload(path).application.tolist() == [700, -1, 701]


def test_application_of_a_plain_table(tmp_path: Path) -> None:
    path = write_jobs_csv(log(), tmp_path / "plain.csv")
    assert read_workload(path).application.tolist() == [700, -1, 701]


def test_json_names_the_application_of_those_that_have_one() -> None:
    jobs = json.loads(batsim_json(log()))["jobs"]
    assert [job.get("application") for job in jobs] == [700, None, 701]


def test_columns_without_applications_do_not_name_them(tmp_path: Path) -> None:
    unknown = replace(log(), application=np.full(3, -1))
    assert "application" not in write_jobs_csv(unknown, tmp_path / "plain.csv").read_text()


def test_window_and_merge_keep_applications() -> None:
    assert cut(log(), Window(start_s=5.0, end_s=100.0)).application.tolist() == [-1, 701]
    merged = merge_workloads([log(), log()], same_people=True)
    assert merged.application.tolist() == [700, 700, -1, -1, 701, 701]
    apart = merge_workloads([log(), log()])
    assert apart.application.tolist() == [700, 1402, -1, -1, 701, 1403]


def test_one_application_for_each_job() -> None:
    with pytest.raises(WorkloadError, match="2 applications for 3 jobs"):
        replace(log(), application=np.array([1, 2]))
