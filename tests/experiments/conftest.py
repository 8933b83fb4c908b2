"""Tiny hand-made run directories."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

JOBS_HEADER = (
    "job_id,workload_name,profile,submission_time,requested_number_of_resources,requested_time,success,final_state,"
    "starting_time,execution_time,finish_time,waiting_time,turnaround_time,stretch,allocated_resources,"
    "consumed_energy,metadata"
)
STATES_HEADER = "time,nb_sleeping,nb_switching_on,nb_switching_off,nb_idle,nb_computing"
ENERGY_HEADER = "time,energy,event_type,wattmin,epower"
SUBMITTED_HEADER = "job_id,workload_name,submission_time,requested_number_of_resources,requested_time,user"

Row = tuple[str, float, int, float, float, str]
"""Id, submission, hosts, start, run time, allocated hosts."""

MakeRun = Callable[..., Path]


def job_line(row: Row, *, state: str = "COMPLETED_SUCCESSFULLY", wall: float = 100.0) -> str:
    job, submit, hosts, start, run, allocated = row
    finish, turnaround = start + run, start + run - submit
    stretch = turnaround / run if run else float("inf")
    ok = int(state == "COMPLETED_SUCCESSFULLY")
    times = f"{start:.6f},{run:.6f},{finish:.6f},{start - submit:.6f},{turnaround:.6f},{stretch:.6f}"
    return f'{job},w0,p,{submit:.6f},{hosts},{wall:.6f},{ok},{state},{times},{allocated},-1.000000,""'


def rejected_line(job: str, submit: float, hosts: int) -> str:
    return f'{job},w0,p,{submit:.6f},{hosts},100.000000,0,REJECTED,,,,,,,,,""'


@pytest.fixture(scope="session")
def craft() -> SimpleNamespace:
    """Return the makers of lines of ``jobs.csv``."""
    return SimpleNamespace(job=job_line, rejected=rejected_line, header=JOBS_HEADER)


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Write a run directory from lines; returns its path."""

    def write(
        lines: Sequence[str],
        *,
        name: str = "run",
        hosts: int = 4,
        states: Sequence[str] = (),
        energy: Sequence[str] = (),
        submitted: Sequence[str] = (),
        files: dict[str, str] | None = None,
        joules: float = 0.0,
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        tables = {"jobs.csv": (JOBS_HEADER, lines)}
        tables["schedule.csv"] = (
            "batsim_version,consumed_joules,makespan,nb_computing_machines,nb_jobs",
            [f"v4.2.1,{joules:.6f},0.000000,{hosts},{len(lines)}"],
        )
        if states:
            tables["machine_states.csv"] = (STATES_HEADER, states)
        if energy:
            tables["consumed_energy.csv"] = (ENERGY_HEADER, energy)
        if submitted:
            tables["submitted.csv"] = (SUBMITTED_HEADER, submitted)
        for file, (header, rows) in tables.items():
            (folder / file).write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        for file, text in (files or {}).items():
            (folder / file).write_text(text, encoding="utf-8")
        return folder

    return write


@pytest.fixture
def small_run(make_run: MakeRun) -> Path:
    """Three jobs on four hosts: one waits; with machine states, energy and users."""
    return make_run(
        [
            job_line(("1", 0.0, 2, 0.0, 100.0, "0-1")),
            job_line(("2", 10.0, 4, 100.0, 50.0, "0-3")),
            job_line(("3", 20.0, 1, 20.0, 5.0, "3")),
        ],
        states=["0,0,0,0,2,2", "20,0,0,0,1,3", "25,0,0,0,2,2", "100,0,0,0,4,0", "100,0,0,0,0,4", "150,0,0,0,4,0"],
        energy=[
            "0.000000,0.000000,s,400.000000,NA",
            "20.000000,12000.000000,s,400.000000,600.000000",
            "25.000000,15500.000000,e,400.000000,700.000000",
            "100.000000,60500.000000,e,400.000000,600.000000",
            "100.000000,60500.000000,s,400.000000,NA",
            "150.000000,100500.000000,e,400.000000,800.000000",
        ],
        submitted=[
            "1,w0,0.000000,2,100.000000,7",
            "2,w0,10.000000,4,100.000000,7",
            "3,w0,20.000000,1,100.000000,8",
        ],
        joules=100500.0,
    )
