from __future__ import annotations

import gzip
import lzma
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wattq.errors import InvalidInputError, MissingFileError, WattqError
from wattq.experiments import read_run
from wattq.experiments.intervals import allocation_table, parse_intervals


def test_reads_every_file_of_a_run(small_run: Path) -> None:
    run = read_run(small_run)
    assert run.jobs.key == ("w0!1", "w0!2", "w0!3")
    assert run.jobs.start_s.tolist() == [0.0, 100.0, 20.0]
    assert run.jobs.allocation.size.tolist() == [2, 4, 1]
    assert run.n_hosts == 4
    assert run.end_s == 150.0
    assert run.machine_states is not None
    assert run.machine_states.count.shape == (6, 5)
    assert run.energy is not None
    assert run.energy.energy_j[-1] == 100500.0
    assert run.submitted is not None
    assert run.submitted.user.tolist() == [7, 7, 8]


@pytest.mark.parametrize("name", ["jobs.csv", "out_jobs.csv"])
@pytest.mark.parametrize("suffix", ["", ".gz", ".xz"])
def test_reads_batsims_prefix_and_compression(small_run: Path, name: str, suffix: str) -> None:
    plain = small_run / "jobs.csv"
    data = plain.read_bytes()
    plain.unlink()
    packed = {"": data, ".gz": gzip.compress(data), ".xz": lzma.compress(data)}[suffix]
    (small_run / f"{name}{suffix}").write_bytes(packed)
    assert len(read_run(small_run).jobs) == 3


def test_optional_files_may_be_missing(small_run: Path) -> None:
    for name in ("schedule.csv", "machine_states.csv", "consumed_energy.csv", "submitted.csv"):
        (small_run / name).unlink()
    run = read_run(small_run)
    assert run.machine_states is None
    assert run.energy is None
    assert run.submitted is None
    assert run.n_hosts == 0


def test_missing_directory_and_missing_jobs_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no such directory"):
        read_run(tmp_path / "absent")
    with pytest.raises(MissingFileError, match=r"no jobs\.csv"):
        read_run(tmp_path)
    with pytest.raises(MissingFileError, match=r"no x_jobs\.csv"):
        read_run(tmp_path, "x_")


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("20.000000,1,100", "nan,1,100", r"line 4, column 'submission_time': 'nan' is not a finite number"),
        ("20.000000,1,100", "inf,1,100", r"line 4, column 'submission_time': 'inf' is not a finite number"),
        ("20.000000,1,100", "x,1,100", r"line 4, column 'submission_time': 'x' is not a finite number"),
        (
            "20.000000,1,100",
            "20.000000,1.5,100",
            r"column 'requested_number_of_resources': '1.5' is not a whole number",
        ),
        ("20.000000,1,100", "20.000000,-1,100", r"column 'requested_number_of_resources': '-1' is negative"),
        (",3,-1", ",3-1,-1", r"line 4, column 'allocated_resources': '3-1' is not a set of hosts"),
        (",0-1,-1", ",0;1,-1", r"line 2, column 'allocated_resources': '0;1' is not a set of hosts"),
        ("1,COMPLETED_SUCCESSFULLY,0", "1,DONE,0", r"line 2, column 'final_state': 'DONE' is no final state"),
        (',3,-1.000000,""', ",3,-1.000000", r"line 4: 16 fields, but the header names 17 columns"),
        ("final_state", "state", r"line 1: column 'final_state' is not in the header"),
        ("metadata", "profile", r"line 1: column 'profile' is in the header twice"),
        (",5.000000,25", ",-5.000000,25", r"column 'execution_time': '-5.000000' is not a duration"),
        ("20.000000,5.000000,25", ",5.000000,25", r"column 'starting_time': '' is missing although"),
    ],
)
def test_bad_cells_are_named_by_file_line_and_column(small_run: Path, old: str, new: str, place: str) -> None:
    path = small_run / "jobs.csv"
    text = path.read_text(encoding="utf-8")
    assert old in text
    head, _, tail = text.rpartition(old) if text.count(old) > 1 else text.partition(old)
    path.write_text(head + new + tail, encoding="utf-8")
    with pytest.raises(InvalidInputError, match=rf"jobs\.csv, {place}|jobs\.csv.*{place}"):
        read_run(small_run)


def test_truncated_compression_and_foreign_bytes_are_refused(small_run: Path) -> None:
    data = (small_run / "jobs.csv").read_bytes()
    (small_run / "jobs.csv").unlink()
    packed = small_run / "jobs.csv.gz"
    for bad in (gzip.compress(data)[:-20], b"not gzip", b""):
        packed.write_bytes(bad)
        with pytest.raises(InvalidInputError):
            read_run(small_run)
    packed.unlink()
    (small_run / "jobs.csv").write_bytes(data + b"\xff\xfe")
    with pytest.raises(InvalidInputError, match="not UTF-8"):
        read_run(small_run)


def test_metadata_may_hold_commas_and_line_breaks(make_run: Any, craft: Any) -> None:
    line = craft.job(("1", 0.0, 1, 0.0, 5.0, "0"))[:-2] + "\"a,b\nc 'é'\""
    run = read_run(make_run([line]))
    assert run.jobs.key == ("w0!1",)


def test_damaged_json_is_refused(small_run: Path) -> None:
    for text in ("{", "[1]", '{"end_s": "x"}', '{"end_s": NaN}'):
        (small_run / "summary.json").write_text(text, encoding="utf-8")
        with pytest.raises(InvalidInputError, match=r"summary\.json"):
            read_run(small_run)


def test_schedule_and_energy_rules(small_run: Path) -> None:
    schedule = small_run / "schedule.csv"
    text = schedule.read_text(encoding="utf-8")
    schedule.write_text(text + text.splitlines()[1] + "\n", encoding="utf-8")
    with pytest.raises(InvalidInputError, match="2 lines of values"):
        read_run(small_run)
    schedule.write_text(text.replace("0.000000,4", "-nan,4"), encoding="utf-8")
    assert math.isnan(read_run(small_run).schedule["makespan"])
    energy = small_run / "consumed_energy.csv"
    energy.write_text(energy.read_text(encoding="utf-8").replace("\n150.", "\n99."), encoding="utf-8")
    with pytest.raises(InvalidInputError, match="before the date of the row above"):
        read_run(small_run)


def test_reads_every_recorded_scenario(shared_dir: Path) -> None:
    folders = [path.parent for path in sorted(shared_dir.glob("golden/scenarios/*/jobs.csv"))]
    assert len(folders) > 90
    for folder in folders:
        run = read_run(folder)
        assert len(run.jobs) == run.schedule["nb_jobs"]
        assert run.jobs.rejected.sum() == run.schedule["nb_jobs_rejected"]


def test_intervals() -> None:
    assert parse_intervals("0-3 5 7-9") == ((0, 3), (5, 5), (7, 9))
    assert parse_intervals("") == ()
    for bad in ("3-1", "1 1", "2 1", "1,2", " 1", "1-", "-1", "1  2"):
        with pytest.raises(ValueError, match="set of hosts"):
            parse_intervals(bad)
    table = allocation_table(["0-1 3", "", "7"])
    assert table.job.tolist() == [0, 0, 2]
    assert table.size.tolist() == [3, 0, 1]
    assert np.all(table.low <= table.high)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(0, 10**9),
    st.sampled_from(["jobs.csv", "schedule.csv", "machine_states.csv", "consumed_energy.csv", "submitted.csv"]),
    st.binary(max_size=6),
)
def test_mutated_files_give_a_run_or_a_clear_error(small_run: Path, seed: int, name: str, junk: bytes) -> None:
    path = small_run / name
    data = path.read_bytes()
    message = name
    at = seed % (len(data) + 1)
    try:
        path.write_bytes(data[:at] + junk + data[at + seed % 5 :])
        read_run(small_run)
    except WattqError as error:
        message = str(error)
    finally:
        path.write_bytes(data)
    assert name in message
