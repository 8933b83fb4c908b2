"""The policies of an evaluation: those of the experiment file, a random one, and one for each learned file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wattq.errors import LearningError
from wattq.experiments.experiment_model import Experiment, PolicySpec

__all__ = ["POLICY_OF_TASK", "RANDOM", "heuristics_of", "learned_policy", "with_learned"]

POLICY_OF_TASK = {"backfill": "rl", "eco": "eco-learned"}
"""Task of a learned file -> the policy that runs it."""

RANDOM = "wattq.experiments.rl.heldout.random_start:RandomStart"
"""Place of the random policy."""


def learned_policy(path: Path, label: str) -> PolicySpec:
    """Return the policy of a learned file.

    Raises:
        LearningError: the file is damaged, or its policy runs on no machine of this kind.
    """
    from wattq.schedulers.rl.model_file import load_learned

    task = load_learned(path).task
    if task not in POLICY_OF_TASK:
        raise LearningError(
            f"{path}: a policy for the task '{task}'; held-out weeks of batch logs take one for "
            f"{' or '.join(POLICY_OF_TASK)}"
        )
    return PolicySpec(name=POLICY_OF_TASK[task], params={"model": str(path.resolve())}, label=label)


def labels_of(models: Sequence[Path]) -> list[str]:
    """Return a name for each learned file: its stem, with the folder's name before it where stems are alike."""
    stems = [path.stem for path in models]
    return [
        f"learned {stem}" if stems.count(stem) == 1 else f"learned {path.resolve().parent.name} {stem}"
        for path, stem in zip(models, stems, strict=True)
    ]


def with_learned(experiment: Experiment, models: Sequence[Path], random_seeds: int) -> Experiment:
    """Return the experiment with random policies and the learned ones behind its own.

    Raises:
        LearningError: a file holds no policy for batch jobs, or two files would have one name in tables.
    """
    added = [
        PolicySpec(name=RANDOM, params={"seed": seed}, label=f"random, seed {seed}") for seed in range(random_seeds)
    ]
    added += [learned_policy(path, label) for path, label in zip(models, labels_of(models), strict=True)]
    titles = [policy.title for policy in (*experiment.policies, *added)]
    twice = next((title for title in titles if titles.count(title) > 1), None)
    if twice is not None:
        raise LearningError(f"two policies are called '{twice}'; rename a file, or give it once")
    return experiment.model_copy(update={"policies": [*experiment.policies, *added]})


def heuristics_of(experiment: Experiment) -> list[str]:
    """Return the titles of the policies of an experiment file that may be the best heuristic: all but plain EASY."""
    return [policy.title for policy in experiment.policies if not (policy.name == "easy" and not policy.params)]
