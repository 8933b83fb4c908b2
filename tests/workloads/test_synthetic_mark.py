"""Generated work keeps its name: the mark survives being written and read."""

from __future__ import annotations

from pathlib import Path

import pytest

from wattq.workloads import generate_saturated, read_workload, write_batsim_json, write_swf


@pytest.mark.parametrize(("name", "write"), [("w.swf.gz", write_swf), ("w.json", write_batsim_json)])
def test_generated_work_is_read_back_as_generated(tmp_path: Path, name: str, write: object) -> None:
    made = generate_saturated(30, 8, seed=4)
    write(made, tmp_path / name)  # type: ignore[operator]
    assert read_workload(tmp_path / name).synthetic


def test_a_log_is_not_called_generated(tmp_path: Path) -> None:
    path = tmp_path / "log.swf"
    path.write_text(
        "; MaxProcs: 4\n; Note: jobs were logged, none generated\n1 0 0 10 1 -1 -1 1 20 -1 1 1 1 1 1 1 -1 -1\n"
    )
    assert not read_workload(path).synthetic
