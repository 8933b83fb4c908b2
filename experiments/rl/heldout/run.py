"""Running an evaluation: heuristics on the tuning weeks to find the best of them, then all on the held-out weeks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from wattq.errors import LearningError
from wattq.experiments.experiment_model import Experiment
from wattq.experiments.rl.heldout.policies import heuristics_of, labels_of, with_learned
from wattq.experiments.rl.heldout.verdict import Verdict, best_heuristic, verdicts
from wattq.experiments.study.run import Progress, Study, baseline_title, run_study

__all__ = ["HeldOut", "evaluate_learned"]


@dataclass(frozen=True)
class HeldOut:
    """What came of an evaluation.

    Attributes:
        study: every policy on the held-out weeks.
        learned: labels of the learned policies.
        best: (log, grid) -> the heuristic that was best on the tuning weeks.
        verdicts: one per log, grid and learned policy.
    """

    study: Study
    learned: tuple[str, ...]
    best: dict[tuple[str, str], str]
    verdicts: tuple[Verdict, ...]


def evaluate_learned(
    experiment: Experiment,
    models: Sequence[Path],
    output: Path,
    *,
    base: Path | None = None,
    workers: int | None = None,
    most_weeks: int | None = None,
    labels: Collection[str] = (),
    random_seeds: int = 3,
    progress: Progress | None = None,
) -> HeldOut:
    """Compare learned policies with the heuristics of a study on its test weeks.

    Which heuristic is the best one is decided on the tuning weeks alone.

    Args:
        experiment: a study with tuning and test weeks; its policies are the heuristics, textbook EASY among them.
        models: files of learned policies, of several seeds for instance.
        output: folder for the series that policies read.
        base: directory that relative paths of the experiment refer to.
        workers: number of processes.
        most_weeks: only the first so many weeks of each part.
        labels: only these workloads.
        random_seeds: how many random policies stand beside them.
        progress: told as weeks finish.

    Raises:
        LearningError: no file, a file that is none, or a study without EASY.
        WattqError: as `run_study`.
    """
    if not models:
        raise LearningError("no learned policy was given; name one file or more")
    if baseline_title(experiment) is None:
        raise LearningError(f"experiment {experiment.name}: has no policy 'easy' without parameters; add it")
    both = with_learned(experiment, models, random_seeds)
    tuning = run_study(
        experiment, output, base=base, part="tuning", workers=workers, most_weeks=most_weeks, labels=labels,
        progress=progress,
    )  # fmt: skip
    titles = heuristics_of(experiment)
    best = {(group.workload, group.grid): best_heuristic(group, titles) for group in tuning.groups}
    study = run_study(
        both, output, base=base, workers=workers, most_weeks=most_weeks, labels=labels, progress=progress
    )  # fmt: skip
    names = labels_of(models)
    return HeldOut(study, tuple(names), best, tuple(verdicts(study.records, study.groups, best, names)))
