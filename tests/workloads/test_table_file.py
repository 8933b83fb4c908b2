"""The table of a workload as CSV and Parquet: nothing is lost, and what does not fit together is named."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wattq.errors import InvalidInputError, MissingDependencyError, WorkloadError
from wattq.workloads import (
    CleaningOptions,
    Workload,
    generate_saturated,
    parse_workload,
    read_workload,
    write_table,
)
from wattq.workloads.table_file import table_csv

_SWF = b"""; MaxProcs: 16
; UnixStartTime: 844079881
; TimeZoneString: Europe/Stockholm
7 0.1 5 20.3333333333 3 1.1 -1 3 100 -1 1 3 2 -1 1 -1 -1 -1
8 0.3 -1 1e-3 17 -1 -1 17 -1 -1 0 -1 -1 -1 -1 -1 -1 -1
9 0.3 0 0 1 -1 -1 1 -1 -1 0 -1 -1 -1 -1 -1 -1 -1
"""
_JSON = b"""{"nb_res": 4, "jobs": [
 {"id": "w0!b", "subtime": 0.1, "res": 2, "profile": "seq", "walltime": 9.5, "user": 3, "note": "a \\"b\\",\\n c"},
 {"id": 5, "subtime": 0.1, "res": 1, "profile": "d"}],
 "profiles": {"unused": {"type": "delay", "delay": 1}, "d": {"type": "delay", "delay": 2.5, "ret": 1},
 "seq": {"type": "composed", "repeat": 2, "seq": ["d", "p"]},
 "p": {"type": "parallel_homogeneous", "cpu": 5, "com": 1}}}
"""


def same(one: Workload, two: Workload) -> None:
    """Check that two workloads are equal but for the sentence that names the file between them."""
    for field in dataclasses.fields(Workload):
        _same(getattr(one, field.name), getattr(two, field.name), field.name)
    assert list(one.listed_profiles) == list(two.listed_profiles)


def _same(one: Any, two: Any, name: str) -> None:
    if isinstance(one, np.ndarray):
        assert one.dtype == two.dtype
        np.testing.assert_array_equal(one, two, err_msg=name)
    elif name == "outcome" and one is not None:
        for field in dataclasses.fields(one):
            _same(getattr(one, field.name), getattr(two, field.name), f"outcome.{field.name}")
    elif name == "report":
        assert two.warnings[:-1] == one.warnings
        assert two.warnings[-1].startswith("read from the table ")
        assert dataclasses.replace(two, warnings=one.warnings) == one
    else:
        assert one == two, name


def works() -> list[Workload]:
    return [
        parse_workload(_SWF, "a.swf", options=CleaningOptions(walltime_fallback="none")),
        parse_workload(_SWF, "a.swf", form="delay", options=CleaningOptions(zero_runtime_s=0.1, overrun="keep")),
        parse_workload(_JSON, "a.json"),
        generate_saturated(50, 8, seed=1),
        parse_workload(b'{"nb_res": 1, "jobs": [], "profiles": {}}', "none.json"),
    ]


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".csv.xz"])
def test_csv_and_back(tmp_path: Path, number: int, ending: str) -> None:
    workload = works()[number]
    path = write_table(workload, tmp_path / f"t{ending}")
    again = read_workload(path)
    same(workload, again)
    assert write_table(again, tmp_path / f"u{ending}").stat().st_size > 0
    third = read_workload(tmp_path / f"u{ending}")
    assert len(third.report.warnings) == len(workload.report.warnings) + 1


@pytest.mark.parametrize("number", range(5))
def test_parquet_and_back(tmp_path: Path, number: int) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    workload = works()[number]
    same(workload, read_workload(write_table(workload, tmp_path / "t.parquet")))


def test_a_strange_parquet_file_is_named(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.table({"a": ["x"]}), tmp_path / "a.parquet")
    with pytest.raises(WorkloadError, match="not a table that wattq wrote"):
        read_workload(tmp_path / "a.parquet")
    parquet.write_table(pyarrow.table({"a": [1]}), tmp_path / "b.parquet")
    with pytest.raises(WorkloadError, match="columns that are no texts"):
        read_workload(tmp_path / "b.parquet")
    data = write_table(works()[0], tmp_path / "t.parquet").read_bytes()
    with pytest.raises(WorkloadError, match="damaged Parquet data"):
        parse_workload(data[:-20], "t.parquet")


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependencyError, match=r"install the extra 'parquet' \(pip install 'wattq\[parquet\]'\)"):
        write_table(works()[0], tmp_path / "t.parquet")
    with pytest.raises(MissingDependencyError, match="parquet"):
        parse_workload(b"PAR1....PAR1", "t.parquet")
    assert not (tmp_path / "t.parquet").exists()


def test_other_endings_and_options_are_refused(tmp_path: Path) -> None:
    for name in ("t.txt", "t.parquet.gz"):
        with pytest.raises(InvalidInputError, match=r"a table is written as \.csv"):
            write_table(works()[0], tmp_path / name)
    path = write_table(works()[0], tmp_path / "t.csv")
    with pytest.raises(WorkloadError, match="this is a table that is clean already"):
        read_workload(path, options=CleaningOptions(max_jobs=1))


def test_real_logs(shared_dir: Path, tmp_path: Path) -> None:
    workload = read_workload(shared_dir / "data/swf/KTH-SP2-1996-2.1-cln.swf.gz")
    same(workload, read_workload(write_table(workload, tmp_path / "kth.csv")))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "\n7,0,",
            "\n7,5,",
            "line 4: column 'submit_s' is '0.19999999999999998'; it must be in the order of submission",
        ),
        ("\n7,0,3,", "\n7,0,three,", "line 3: column 'hosts' is 'three'"),
        (",100,p20", ",-3,p20", "line 3: column 'walltime_s' is '-3'; it must be a number above 0, or empty"),
        (",p20.3333333333,p", ",p9,p", "key 'profile' is 'p9'; it must be the name of one of the workload's profiles"),
        ("\n8,", "\n7,", "id '7' is given to two jobs"),
        (",3,2,1,", ",3.5,2,1,", "line 3: column 'user' is '3.5'; it must be a whole number"),
        ('"version": 1', '"version": 2', "line 1: not a table of version 1"),
        ('"nb_res": 16', '"nb_res": 0', "key 'nb_res' is 0; it must be the number of hosts"),
        ('"profiles": {', '"profile": {', "line 1, key 'profiles': not an object"),
        ('"n_read": 3', '"n_read": -3', "line 1, key 'report': not a report"),
        (
            '"unix_start_s": 8',
            '"unix_start_s": "x", "y": 8',
            "line 1, key 'unix_start_s': x; it must be a finite number",
        ),
        (",logged_run_s", ",run", "line 1: no column 'logged_run_s'"),
        ('{"version"', '{version"', "line 1: what concerns the workload is no JSON"),
    ],
)
def test_what_does_not_fit_is_named(old: str, new: str, words: str) -> None:
    text = table_csv(works()[0])
    assert old in text
    with pytest.raises(WorkloadError) as caught:
        parse_workload(text.replace(old, new, 1).encode(), "t.csv")
    assert words in str(caught.value)


def test_cells_that_contradict_the_job_objects_are_named() -> None:
    text = table_csv(works()[2])
    for old, new, words in (
        ("\n5,0.1,1", "\n5,0.1,3", "line 3: column 'hosts' is '3'; it must be 1, as the order of submission"),
        ('{""id"": 5', '{""id"": 6', "line 3: column 'job_id' is '5'; it must be 6"),
        ('{""id"": 5', '[""id"": 5', "line 3: column 'job' is"),
    ):
        assert old in text
        with pytest.raises(WorkloadError) as caught:
            parse_workload(text.replace(old, new, 1).encode(), "t.csv")
        assert words in str(caught.value)
