"""What trials are judged on: the tuning weeks of each log, once for each seed, with EASY's results on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from wattq.errors import TuningError
from wattq.experiments.direct import Direct
from wattq.experiments.experiment_model import PolicySpec
from wattq.experiments.study.grids import Grid, Placed, load_grid
from wattq.experiments.study.plan import PlannedRun, Source, WeekTask, plan, planned_runs, sources
from wattq.experiments.study.playing import play_week
from wattq.experiments.study.records import WeekRecord
from wattq.experiments.study.signal_files import write_series
from wattq.experiments.tuning.keys import TunedPolicy, Tuning
from wattq.experiments.tuning.measures import Measure, find_measure, further_of

__all__ = ["Arena", "Step", "build_arena", "takes_seed"]

EASY = PolicySpec(name="easy")

Groups = dict[tuple[str, str], list[WeekRecord]]
"""(log, grid) -> one record per week, in the order in which they were played."""


@dataclass(frozen=True)
class Step:
    """A week of a log under a seed: what one step of a trial plays.

    Attributes:
        label: of the log; with the seed where there are several.
        log: label of the log alone.
        seed: the seed.
        task: the week, without runs.
        placed: where it lies on the calendar of each grid.
        easy: EASY's records of it, one per grid.
    """

    label: str
    log: str
    seed: int
    task: WeekTask
    placed: tuple[Placed, ...]
    easy: tuple[WeekRecord, ...] = ()

    @property
    def words(self) -> str:
        """The step in words."""
        return f"{self.label}, week {self.task.part.week.number}"


@dataclass(frozen=True)
class Arena:
    """All that trials are judged on; it can be sent to another process.

    Attributes:
        tuning: the file.
        grids: by name.
        files: (grid, quantity) -> file of the series, for policies that read it.
        steps: the weeks in the order in which every trial plays them: shuffled once, so that the first few already
            show several logs and seasons.
        sources: the logs with their machines, by label and seed.
        base: directory that relative paths of the file refer to.
    """

    tuning: Tuning
    grids: Mapping[str, Grid]
    files: Mapping[tuple[str, str], Path]
    steps: tuple[Step, ...]
    sources: Mapping[tuple[str, int], Source]
    base: Path | None = None

    @property
    def measures(self) -> tuple[Measure, ...]:
        """What objectives and constraints name."""
        names = [o.metric for o in self.tuning.objectives] + [c.metric for c in self.tuning.all_constraints]
        return tuple(find_measure(name) for name in dict.fromkeys(names))

    def play(self, step: Step, policy: PolicySpec) -> list[WeekRecord]:
        """Simulate a policy in one week and return one record per grid.

        Raises:
            WattqError: the policy is unknown, the simulation aborts, ...
        """
        policy = _seeded(policy, step.seed, several=len(self.tuning.seeds) > 1)
        runs = tuple(planned_runs([policy], step.task.platform, list(self.grids.values()), step.placed, self.files))
        return _played(self, step, runs)

    def groups(self, played: Sequence[Sequence[WeekRecord]]) -> Groups:
        """Put the records of the first steps together, by log and grid."""
        found: Groups = {}
        for step, records in zip(self.steps, played, strict=False):
            for record in records:
                found.setdefault((step.label, record.grid), []).append(record)
        return found

    def easy_groups(self, n_steps: int | None = None) -> Groups:
        """Return EASY's records of the first steps, by log and grid."""
        return self.groups([step.easy for step in self.steps[:n_steps]])


def _played(arena: Arena, step: Step, runs: tuple[PlannedRun, ...]) -> list[WeekRecord]:
    further = further_of(arena.measures, arena.tuning.tau_s)
    task = WeekTask(step.label, step.task.part, step.task.platform, runs, step.task.tau_s, step.task.energy)
    return play_week(task, arena.grids, Direct(), further)


def takes_seed(name: str) -> bool:
    """Return whether a built-in policy has a parameter ``seed``."""
    from wattq.schedulers.registry import policy_spec

    if ":" in name or name.endswith(".py"):
        return False
    return any(parameter.name == "seed" for parameter in policy_spec(name)[1].parameters)


def _seeded(policy: PolicySpec, seed: int, *, several: bool) -> PolicySpec:
    """Return a policy that knows the seed, if it takes one and the file does not fix it."""
    if not several or "seed" in policy.params or not takes_seed(policy.name):
        return policy
    return policy.model_copy(update={"params": {**policy.params, "seed": seed}, "label": policy.title})


def build_arena(
    tuning: Tuning,
    folder: Path,
    base: Path | None = None,
    told: Callable[[int, int, str], None] | None = None,
    most_weeks: int | None = None,
) -> Arena:
    """Read logs and series, plan the tuning weeks, and play EASY on them.

    Args:
        tuning: the file.
        folder: gets the series that policies read, in ``signals/``.
        base: directory that relative paths of the file refer to.
        told: of weeks played: done, in all, which.
        most_weeks: only the first so many tuning weeks of each log.

    Raises:
        TuningError: several seeds change nothing.
        WattqError: an input is missing or breaks its format, a week is not in the log, ...
    """
    _check_seeds(tuning)
    grids = {name: load_grid(name, spec, base) for name, spec in tuning.signals.items()} or {"": Grid("")}
    files = write_series(grids, folder / "signals")
    logs: dict[tuple[str, int], Source] = {}
    steps: list[Step] = []
    for seed in tuning.seeds:
        for source in _sources(tuning, seed, base, logs):
            logs[source.spec.name, seed] = source
            steps += _steps(tuning, source, seed, list(grids.values()), files, most_weeks)
    order = np.random.default_rng(tuning.sampler.seed).permutation(len(steps)).tolist()
    bare = Arena(tuning, grids, files, tuple(steps[number] for number in order), logs, base)
    return _with_easy(bare, told)


def _sources(
    tuning: Tuning, seed: int, base: Path | None, before: Mapping[tuple[str, int], Source]
) -> Iterator[Source]:
    """Yield the logs; one that is read from a file is the same for every seed."""
    for spec in tuning.workloads:
        again = before.get((spec.name, tuning.seeds[0]))
        if again is not None and spec.generate is None:
            yield again
            continue
        experiment = tuning.experiment([EASY], seed)
        yield from sources(experiment.model_copy(update={"workloads": [spec]}), base)


def _steps(
    tuning: Tuning,
    source: Source,
    seed: int,
    grids: Sequence[Grid],
    files: Mapping[tuple[str, str], Path],
    most: int | None,
) -> Iterator[Step]:
    log = source.spec.name
    label = f"{log}, seed {seed}" if len(tuning.seeds) > 1 else log
    for task in plan(tuning.experiment([EASY], seed), source, grids, files, "tuning", most):
        yield Step(label, log, seed, task, task.runs[0].placed)


def _with_easy(bare: Arena, told: Callable[[int, int, str], None] | None) -> Arena:
    steps = []
    for number, step in enumerate(bare.steps):
        if told is not None:
            told(number, len(bare.steps), f"EASY: {step.words}")
        steps.append(replace(step, easy=tuple(bare.play(step, EASY))))
    return replace(bare, steps=tuple(steps))


def _check_seeds(tuning: Tuning) -> None:
    if len(tuning.seeds) == 1 or any(workload.generate is not None for workload in tuning.workloads):
        return
    if not any(_seed_matters(policy) for policy in tuning.policies):
        raise TuningError(
            "several 'seeds' change nothing: no workload is generated, no policy takes a seed, and nothing is trained; "
            "keep one"
        )


def _seed_matters(policy: TunedPolicy) -> bool:
    return policy.train is not None or (takes_seed(policy.name) and "seed" not in policy.params)
