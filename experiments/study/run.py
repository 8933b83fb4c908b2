"""Running a study: every week of every log under every policy, and the files that come of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from wattq.errors import InvalidInputError
from wattq.experiments.engines import Engine, make_engine
from wattq.experiments.experiment_model import Experiment
from wattq.experiments.savings import BASELINE
from wattq.experiments.study.grids import Grid, load_grid
from wattq.experiments.study.plan import Source, WeekTask, plan, sources
from wattq.experiments.study.pool import default_workers, play_all
from wattq.experiments.study.records import WeekRecord
from wattq.experiments.study.signal_files import write_series
from wattq.experiments.study.summary import Group, summarise

__all__ = ["PARTS", "Study", "run_study"]

PARTS = ("test", "tuning")
"""The parts of a study: the weeks that results are reported on, and those that knobs are chosen on."""

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Study:
    """What came of a study.

    Attributes:
        experiment: what was asked for.
        part: which weeks were run, one of `PARTS`.
        grids: the grids by name.
        sources: the logs.
        records: one per log, week, policy and grid.
        groups: the same put together.
    """

    experiment: Experiment
    part: str
    grids: dict[str, Grid]
    sources: tuple[Source, ...]
    records: tuple[WeekRecord, ...]
    groups: tuple[Group, ...]


def run_study(
    experiment: Experiment,
    output: Path,
    *,
    base: Path | None = None,
    part: str = "test",
    workers: int | None = None,
    most_weeks: int | None = None,
    labels: Collection[str] = (),
    progress: Progress | None = None,
    engine: Engine | None = None,
) -> Study:
    """Run a study; nothing but the series for policies is written (`wattq.experiments.study.write_study` does that).

    Args:
        experiment: one with ``weeks``.
        output: folder of the results; the series go to ``signals/`` in it.
        base: directory that relative paths of the experiment refer to.
        part: which weeks, one of `PARTS`.
        workers: number of processes; 2 by default, 1 on a machine with one processor. Results do not depend on it.
        most_weeks: only the first so many weeks of each log.
        labels: only these workloads; all when empty.
        progress: told as weeks finish: number done, number in all, what was done last.
        engine: what simulates, in place of the experiment's engine.

    Raises:
        InvalidInputError: the experiment is no study, or there is no such part or workload.
        WattqError: an input is missing or breaks its format, a policy is unknown, a simulation aborts.
    """
    if not experiment.is_study:
        raise InvalidInputError(f"experiment {experiment.name}: has no 'weeks'; only a study has parts and workers")
    if part not in PARTS:
        raise InvalidInputError(f"--part {part}: there is {' and '.join(PARTS)}")
    experiment = _only(experiment, labels)
    engine = engine or make_engine(experiment.engine, experiment.simulation_timeout_s)
    grids = {name: load_grid(name, spec, base) for name, spec in experiment.signals.items()} or {"": Grid("")}
    logs = tuple(sources(experiment, base))
    files = write_series(grids, output / "signals")
    tasks = [task for log in logs for task in plan(experiment, log, list(grids.values()), files, part, most_weeks)]
    records = play_all(
        tasks, grids, engine, default_workers() if workers is None else workers, _counter(len(tasks), progress)
    )
    groups = summarise(records, baseline_title(experiment))
    return Study(experiment, part, grids, logs, tuple(records), tuple(groups))


def _only(experiment: Experiment, labels: Collection[str]) -> Experiment:
    known = [workload.name for workload in experiment.workloads]
    unknown = next((label for label in labels if label not in known), None)
    if unknown is not None:
        raise InvalidInputError(f"--workload {unknown}: experiment {experiment.name} has {', '.join(known)}")
    kept = [workload for workload in experiment.workloads if not labels or workload.name in labels]
    return experiment.model_copy(update={"workloads": kept})


def _counter(n_tasks: int, progress: Progress | None) -> Callable[[WeekTask], None]:
    finished = 0

    def done(task: WeekTask) -> None:
        nonlocal finished
        finished += 1
        if progress is not None:
            progress(finished, n_tasks, f"{task.label}, week {task.part.week.number}")

    if progress is not None:
        progress(0, n_tasks, "weeks")
    return done


def baseline_title(experiment: Experiment) -> str | None:
    """Return the label of the policy that is textbook EASY with its default parameters, or None."""
    plain = (policy.title for policy in experiment.policies if policy.name == BASELINE and not policy.params)
    return next(plain, None)
