"""Tiny hand-made run directories, and a small study: a machine, a log of six weeks, two series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
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


STUDY = """\
name: small
platform: machine.xml
workloads: [{source: log.swf, time_zone: Europe/Stockholm, walltime_factor: 1.5}]
policies: [fcfs, easy, easy-sjbf]
energy: true
weeks: {test: [1, 2, 4], tuning: [3], warmup_s: 172800, cooldown_s: 86400, drain_s: 259200}
signals:
  made:
    carbon: carbon.csv
    price: price.csv
    time_zone: Europe/London
    pue: 1.5
bounds: true
"""


def swf(weeks: int, *, per_day: int = 20, start: datetime = datetime(1996, 10, 2, 9, tzinfo=UTC)) -> str:
    """Return a log of four hosts that begins on a Wednesday in summer time, with a fixed seed."""
    random = np.random.default_rng(7)
    days = 7 * weeks + 6
    at = np.sort(np.concatenate([[0.0], random.integers(0, days * 86400, size=per_day * days)]))
    size = random.integers(1, 5, size=len(at))
    run = random.integers(60, 7200, size=len(at))
    lines = [f"; MaxProcs: 4\n; MaxNodes: 4\n; UnixStartTime: {start.timestamp():.0f}\n"]
    lines += [
        f"{number} {submit:.0f} -1 {seconds} {hosts} -1 -1 {hosts} {2 * seconds} -1 1 1 1 -1 1 1 -1 -1\n"
        for number, (submit, hosts, seconds) in enumerate(zip(at, size, run, strict=True), start=1)
    ]
    return "".join(lines)


def hourly(quantity: str, unit: str, value: str) -> str:
    """Return a year of hours, 2021, in wattq's CSV; ``value`` is a formula of the hour's number h."""
    begin = datetime(2021, 1, 1, tzinfo=UTC)
    rows = [f'# wattq signal {{"quantity": "{quantity}", "synthetic": true}}', "from,to,forecast,actual,region,unit"]
    for h in range(365 * 24):
        dates = (begin + timedelta(hours=hour) for hour in (h, h + 1))
        start, end = (date.strftime("%Y-%m-%dT%H:%MZ") for date in dates)
        rows.append(f"{start},{end},,{eval(value, {'h': h}):g},XX,{unit}")
    return "\n".join(rows) + "\n"


@pytest.fixture(scope="session")
def study_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a machine, a log of six weeks, two synthetic series of 2021 and an experiment."""
    from wattq.platforms import ComputeState, SleepState, make_platform, write_platform

    base = tmp_path_factory.mktemp("study")
    states = [ComputeState(1e9, 100.0, 200.0), ComputeState(0.8e9, 100.0, 130.0)]
    sleep = SleepState(10.0, off_s=5.0, off_w=125.0, on_s=64.0, on_w=115.0)
    write_platform(make_platform(4, states, sleep=[sleep]), base / "machine.xml")
    (base / "log.swf").write_text(swf(6), encoding="utf-8")
    (base / "carbon.csv").write_text(hourly("carbon", "g/kWh", "100 + 10 * (h % 24)"), encoding="utf-8")
    (base / "price.csv").write_text(hourly("price", "EUR/MWh", "50 if h % 24 < 12 else -10"), encoding="utf-8")
    (base / "small.yaml").write_text(STUDY, encoding="utf-8")
    return base
