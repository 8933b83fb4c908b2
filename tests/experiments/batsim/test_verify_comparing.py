"""Which differences between two run directories count."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from wattq.experiments.batsim.comparing import energy_gap, first_difference

JOBS = """\
job_id,workload_name,submission_time,final_state,starting_time,execution_time,stretch,allocated_resources,consumed_energy
a,w0,1.000000,COMPLETED_SUCCESSFULLY,20.000000,10.000000,2.900000,0,2000000.000000
b,w0,0.000000,COMPLETED_SUCCESSFULLY,5.000000,10.000000,1.500000,0-1,1000.000000
c,w0,2.000000,REJECTED,,,,,
"""
SCHEDULE = """\
batsim_version,consumed_joules,max_slowdown,mean_slowdown,nb_jobs,scheduling_time,time_idle
v4.2.1,3000.000000,2.900000,2.200000,3,0.100000,7.000000
"""
STATES = "time,nb_idle,nb_computing\n5,0,2\n1.23457e+06,2,0\n"
PSTATES = "time,machine_id,new_pstate\n0,0-1,0\n"
ENERGY = """\
time,energy,event_type,wattmin,epower
0.000000,0.000000,s,190.000000,NA
0.000001,0.000100,p,190.000000,100.000000
15.000001,3000.000000,e,190.000000,299.999990
"""
TABLES = {
    "jobs.csv": JOBS,
    "schedule.csv": SCHEDULE,
    "machine_states.csv": STATES,
    "pstate_changes.csv": PSTATES,
    "consumed_energy.csv": ENERGY,
}
Difference = Callable[..., str]


def write(folder: Path, changes: tuple[tuple[str, str], ...] = ()) -> Path:
    folder.mkdir()
    for name, text in TABLES.items():
        for before, after in changes:
            text = text.replace(before, after)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def difference(tmp_path: Path) -> Difference:
    """Compare the tables with changed ones."""

    def compare(*changes: tuple[str, str], energy: bool = True) -> str:
        for before, _ in changes:
            assert any(before in text for text in TABLES.values())
        found = first_difference(write(tmp_path / "a"), write(tmp_path / "b", changes), energy=energy)
        return "" if found is None else found.text("here", "there")

    return compare


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("5.000000,10.000000,1.5", "5.000001,10.000000,1.5", "job w0!b, column starting_time: here '5.000000', there"),
        (",20.000000,10.000000", ",20.000000,10.000001", "job w0!a, column execution_time"),
        ("0-1,1000", "0-2,1000", "job w0!b, column allocated_resources: here '0-1', there '0-2'"),
        ("c,w0,2.000000,REJECTED", "c,w0,2.000000,COMPLETED_KILLED", "job w0!c, column final_state"),
        ("1.500000,0-1", "1.500001,0-1", "job w0!b, column stretch"),
        ("0-1,1000.000000", "0-1,1000.002000", "job w0!b, column consumed_energy"),
        ("c,w0", "d,w0", "job w0!c: here 'present', there 'missing'"),
        ("2.900000,2.200000", "2.900001,2.200000", "schedule.csv, row 1, column max_slowdown"),
        ("3,0.100000", "4,0.100000", "schedule.csv, row 1, column nb_jobs"),
        ("2.200000,3", "2.200003,3", "schedule.csv, row 1, column mean_slowdown"),
        ("v4.2.1,3000.000000", "v4.2.1,3000.010000", "schedule.csv, row 1, column consumed_joules"),
        ("1.23457e+06", "1.23458e+06", "machine_states.csv, row 2, column time: here '1.23457e+06', there"),
        ("0,0-1,0\n", "0,0-1,1\n", "pstate_changes.csv, row 1, column new_pstate"),
        ("0,0-1,0\n", "0,0-1,0\n1,0,1\n", "pstate_changes.csv, column number of rows: here '1', there '2'"),
        ("299.999990", "300.001000", "consumed_energy.csv, row 3, column epower"),
        ("time,energy", "date,energy", "consumed_energy.csv, column header"),
    ],
)
def test_what_differs(before: str, after: str, words: str, difference: Difference) -> None:
    assert words in difference((before, after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("v4.2.1", "4.2.0"),
        ("3,0.100000", "3,9.900000"),
        ("0-1,1000.000000", "0-1,1000.000900"),
        ("v4.2.1,3000.000000", "v4.2.1,3000.002900"),
        ("2.200000,3", "2.200001,3"),
        ("7.000000\n", "7.000001\n"),
        ("NA", "7.000000"),
        ("100.000000\n", "200.000000\n"),
        ("299.999990", "299.999991"),
    ],
)
def test_what_may_differ(before: str, after: str, difference: Difference) -> None:
    assert difference((before, after)) == ""


def test_equal_folders_and_their_energy(tmp_path: Path) -> None:
    a, b = write(tmp_path / "a"), write(tmp_path / "b", (("v4.2.1,3000.000000", "v4.2.1,3003.000000"),))
    assert first_difference(a, a, energy=True) is None
    assert energy_gap(a, a) == 0.0
    assert energy_gap(a, b) == pytest.approx(3 / 3003)
    assert first_difference(a, b, energy=False) is not None


def test_the_job_that_started_first_is_told(difference: Difference) -> None:
    changes = ((",20.000000,10", ",21.000000,10"), (",5.000000,10", ",6.000000,10"))
    assert "job w0!b, column starting_time: here '5.000000', there '6.000000'" in difference(*changes)


def test_the_order_of_rows_counts(difference: Difference) -> None:
    _, a, b, _ = JOBS.splitlines(keepends=True)
    assert "jobs.csv, row 1, column job_id: here 'w0!a', there 'w0!b'" in difference((a + b, b + a))


def test_slowdowns_of_jobs_that_hardly_ran(tmp_path: Path) -> None:
    short = (("5.000000,10.000000,1.5", "5.000000,0.000000,1.5"),)
    other = (*short, ("1.500000,0-1", "7.000000,0-1"), ("2.900000,2.200000,3", "9.000000,8.000000,3"))
    assert first_difference(write(tmp_path / "a", short), write(tmp_path / "b", other), energy=True) is None


def test_nan_has_no_sign(tmp_path: Path) -> None:
    a = write(tmp_path / "a", (("2.200000,3", "nan,3"),))
    b = write(tmp_path / "b", (("2.200000,3", "-nan,3"),))
    assert first_difference(a, b, energy=True) is None
    assert first_difference(a, write(tmp_path / "c"), energy=True) is not None
