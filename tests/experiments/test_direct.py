from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wattq.experiments.direct import Direct, results_of
from wattq.experiments.experiment_model import PolicySpec
from wattq.experiments.reading import read_run
from wattq.experiments.results import RunResults
from wattq.experiments.runner import submitted_csv
from wattq.platforms import load_platform
from wattq.schedulers import make_policy
from wattq.simulator import simulate
from wattq.workloads import generate_saturated


def same(mine: Any, theirs: Any, place: str) -> None:
    """Compare tables field by field; numbers may differ by one in the last of six decimals."""
    if theirs is None or isinstance(theirs, (tuple, str)):
        assert mine == theirs, place
    elif isinstance(theirs, np.ndarray):
        assert mine.dtype == theirs.dtype, place
        np.testing.assert_allclose(mine, theirs, rtol=1e-15, atol=2e-6, err_msg=place)
    elif isinstance(theirs, dict):
        assert mine == pytest.approx(theirs, nan_ok=True), place
    else:
        for field in fields(theirs):
            same(getattr(mine, field.name), getattr(theirs, field.name), f"{place}.{field.name}")


@pytest.mark.parametrize(("policy", "energy"), [("easy", False), ("fcfs", True), ("sleep", True), ("dvfs", True)])
def test_results_without_files_are_those_of_the_files(policy: str, energy: bool, tmp_path: Path) -> None:
    platform = load_platform("kth-sp2-dvfs")
    workload = generate_saturated(120, 100, 3, load=0.7)
    run = simulate(platform, [workload], make_policy(policy), energy=energy)
    run.write(tmp_path)
    (tmp_path / "submitted.csv").write_text(submitted_csv([workload]), encoding="utf-8")
    read, mine = read_run(tmp_path), results_of(run, [workload])
    for field in fields(RunResults):
        if field.name not in ("directory", "schedule", "summary"):
            same(getattr(mine, field.name), getattr(read, field.name), field.name)
    assert dict(mine.schedule) == pytest.approx(dict(read.schedule), nan_ok=True)
    assert mine.summary["end_s"] == read.summary["end_s"]
    again = Direct().results(platform, [workload], PolicySpec(name=policy), energy=energy)
    same(again.jobs, mine.jobs, "jobs")
