"""``wattq tune``: the search, from the file to the results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wattq import __version__
from wattq.experiments.provenance import describe_platform
from wattq.experiments.study.plan import Source
from wattq.experiments.tuning.arena import Arena, build_arena
from wattq.experiments.tuning.keys import Tuning
from wattq.experiments.tuning.outcome import Outcome, defaults_label, outcome_of
from wattq.experiments.tuning.samplers import make_sampler, pruner_name, sampler_name
from wattq.experiments.tuning.scoring import directions, score
from wattq.experiments.tuning.space import check_space, combinations, defaults_of, has_defaults, starts
from wattq.experiments.tuning.storage import drop_stale, find_storage, locked, needed, open_study, opened
from wattq.experiments.tuning.trials import judge
from wattq.experiments.tuning.workers import Job, work

if TYPE_CHECKING:
    from optuna import Study

__all__ = ["Settings", "identity", "tune"]

Told = Callable[[int, int, str], None]

_MOST_COMBINATIONS = 100_000


@dataclass(frozen=True)
class Settings:
    """What the command line adds to a tuning file.

    Attributes:
        folder: of the results.
        base: directory that relative paths of the file refer to.
        trials: number of trials in place of the file's, those of an earlier search among them.
        workers: number of processes.
        storage: journal file or URL of a data base, in place of ``study.journal`` in the folder.
        resume: whether a study that is there is gone on with.
        most_weeks: only the first so many tuning and test weeks of each log.
    """

    folder: Path
    base: Path | None = None
    trials: int | None = None
    workers: int = 1
    storage: str | None = None
    resume: bool = False
    most_weeks: int | None = None


def tune(tuning: Tuning, settings: Settings, told: Told | None = None) -> Outcome:
    """Search, and run what was found on the test weeks.

    Every finished trial is in the storage: after a kill or Ctrl-C the same call with ``resume`` goes on.

    Raises:
        MissingDependencyError: Optuna or what a sampler needs is not installed.
        TuningError: the space, the weeks or the study do not fit; the message says why.
        WattqError: an input is missing or breaks its format.
    """
    needed()
    check_space(tuning)
    ways = directions(tuning.objectives)
    make_sampler(tuning, 0)
    storage = find_storage(settings.storage, settings.folder)
    with locked(storage), opened(storage) as held:
        arena = build_arena(tuning, settings.folder, settings.base, told, settings.most_weeks)
        _check_known(arena)
        study, new = open_study(held, tuning.name, ways, identity(arena), resume=settings.resume, place=storage.words)
        trials = _begin(tuning, study, settings.trials or tuning.trials, new=new)
        drop_stale(study, alone=storage.path is not None)
        models = settings.folder / "models"
        work(Job(arena, storage, tuning.name, trials, models), study, settings.workers, told)
        references = _references(arena, models, told)
        return outcome_of(
            arena,
            study,
            references,
            settings.folder,
            settings.base,
            settings.workers,
            told,
            settings.most_weeks,
        )


def _begin(tuning: Tuning, study: Study, trials: int, *, new: bool) -> int:
    """Put the trials in line that a new study begins with, and return how many trials shall count."""
    first = starts(tuning)
    if sampler_name(tuning) == "grid":
        first = list(combinations(tuning, _MOST_COMBINATIONS))
        trials = min(trials, len(first))
    for params in first if new else ():
        study.enqueue_trial(params)
    return trials


def _check_known(arena: Arena) -> None:
    """Refuse what no trial could know, before any is made: EASY itself must have every metric of the file."""
    score(arena, [step.easy for step in arena.steps])


def _references(arena: Arena, folder: Path, told: Told | None) -> dict[str, Any]:
    """Return the scores of EASY and of every policy with what the file fixes alone, on the tuning weeks."""
    found = {"easy": score(arena, [step.easy for step in arena.steps])}
    plain = [policy for policy in arena.tuning.policies if has_defaults(policy)]
    for number, tuned in enumerate(plain):
        if told is not None:
            told(number, len(plain), f"defaults of {tuned.title}")
        found[defaults_label(tuned.title)] = judge(arena, defaults_of(tuned), folder)
    return found


def identity(arena: Arena) -> dict[str, Any]:
    """Return what trials depend on, in parts by name, ready for JSON: a study is gone on with for equal parts only."""
    tuning = arena.tuning
    asked = tuning.model_dump(mode="json", by_alias=True)
    return {
        "wattq": __version__,
        "policies": dict(zip((policy.title for policy in tuning.policies), asked["policies"], strict=True)),
        "objectives": asked["objectives"],
        "constraints": [constraint.words for constraint in tuning.all_constraints],
        "sampler": {**asked["sampler"], "name": sampler_name(tuning)},
        "pruner": {**asked["pruner"], "name": pruner_name(tuning)},
        "tau_s": tuning.tau_s,
        "energy": tuning.energy,
        "weeks": [[step.label, step.task.part.week.number] for step in arena.steps],
        "logs": {f"{label}, seed {seed}": _log(source) for (label, seed), source in arena.sources.items()},
        "signals": {name: [*(s.sha256 for s in grid.signals), grid.pue] for name, grid in arena.grids.items()},
        "calendar": [[placed.grid, placed.origin_s] for step in arena.steps for placed in step.placed],
    }


def _log(source: Source) -> dict[str, Any]:
    return {
        "sha256": source.workload.report.sha256,
        "platform": describe_platform(source.platform)["sha256"],
        "walltime_factor": source.spec.walltime_factor,
        "beta": _beta(source.spec.beta),
        "cleaning": dict(source.spec.cleaning),
    }


def _beta(beta: float | Mapping[int, float] | None) -> Any:
    """Return a sensitivity to speed as JSON has it."""
    return {str(queue): share for queue, share in beta.items()} if isinstance(beta, Mapping) else beta
