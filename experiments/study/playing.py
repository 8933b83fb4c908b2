"""One week of a study: every policy on it, measured on every grid."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from wattq.experiments.direct import Direct
from wattq.experiments.engines import Embedded, Engine
from wattq.experiments.folders import write_text
from wattq.experiments.reading import read_run
from wattq.experiments.results import RunResults
from wattq.experiments.runner import submitted_csv
from wattq.experiments.study.energy import WeekEnergy
from wattq.experiments.study.grids import Grid
from wattq.experiments.study.measuring import job_outcomes, nominal_work_host_h, service_values
from wattq.experiments.study.plan import PlannedRun, WeekTask
from wattq.experiments.study.records import WeekRecord

__all__ = ["Further", "play_week"]


Further = Callable[[PlannedRun, RunResults], Mapping[str, float]]
"""Returns numbers of a run, by name, that a study does not count by itself."""


def play_week(
    task: WeekTask, grids: Mapping[str, Grid], engine: Engine | None = None, further: Further | None = None
) -> list[WeekRecord]:
    """Simulate a week under every policy and return one record for each policy and grid, in the order of the plan.

    Result files live in a temporary folder only as long as they are measured.

    Args:
        task: the week.
        grids: the grids by name.
        engine: what simulates; the in-process engine by default.
        further: what else of each run goes into the values of its records.

    Raises:
        WattqError: a policy is unknown, a simulation aborts, ...
    """
    with tempfile.TemporaryDirectory(prefix="wattq-week-") as place:
        runs = [
            _played(task, planned, Path(place) / str(number), engine or Embedded())
            for number, planned in enumerate(task.runs)
        ]
        return list(_records(task, runs, grids, further or (lambda planned, run: {})))


def _played(task: WeekTask, planned: PlannedRun, folder: Path, engine: Engine) -> RunResults:
    if isinstance(engine, Direct):
        return engine.results(task.platform, [task.part.workload], planned.policy, energy=task.energy)
    folder.mkdir()
    workloads = [task.part.workload]
    engine.play(task.platform, workloads, planned.policy, folder, energy=task.energy, events=None, target=folder)
    write_text(folder / "submitted.csv", submitted_csv(workloads))
    return read_run(folder)


def _records(
    task: WeekTask, runs: list[RunResults], grids: Mapping[str, Grid], further: Further
) -> Iterator[WeekRecord]:
    work_host_h = nominal_work_host_h(task.part.workload, task.platform)
    counted = WeekEnergy(task, runs, grids)
    for number, (planned, run) in enumerate(zip(task.runs, runs, strict=True)):
        jobs = job_outcomes(run, task.part, work_host_h, task.tau_s)
        service = service_values(run, task.part, jobs) | dict(further(planned, run))
        for placed in planned.placed:
            energy = counted.of(number, placed)
            yield WeekRecord(
                workload=task.label,
                week=task.part.week.number,
                policy=planned.title,
                grid=placed.grid,
                monday=task.part.week.monday,
                placed=placed.monday,
                season_d=placed.season_d,
                values=service | energy.values,
                jobs=jobs,
                terms=energy.terms,
                fixed=energy.fixed,
                missing=energy.missing,
                bounds=energy.bounds,
            )
