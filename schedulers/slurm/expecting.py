"""Run times that a surrogate expects of the jobs in a live queue."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

from wattq.schedulers.slurm.machine import Expected
from wattq.schedulers.slurm.pools import Pool, Task, remaining_s
from wattq.simulator.layout import job_view_t

__all__ = ["predicted"]

_NEW_NUMBERS = 1_000_000
"""Users of the queue are nobody whom the model saw in its training: names are not in a bundle."""


def predicted(pool: Pool, bundle: Path, now_s: float, unlimited_s: float) -> Expected:
    """Return the run times that a bundle expects, at most the time limits.

    Submissions and starts are told to the model in the order of their dates. Of a job that has outlived its expected
    end, the model's rule for such jobs says how long it goes on.

    Args:
        pool: the pool.
        bundle: bundle of `wattq surrogate train`.
        now_s: date of the snapshot, Unix s.
        unlimited_s: run time of jobs without a limit, s.

    Raises:
        PolicyError: the bundle cannot be used.
        MissingFileError: it cannot be read.
    """
    from wattq.schedulers.predictors import predictor_source

    tasks = (*pool.running, *pool.waiting)
    zero_s = min((task.job.submit_s for task in tasks), default=now_s)
    source = predictor_source(
        "slurm advise", str(bundle), value="point", factor=1.0, correction="request", clock_s=_clock_s(zero_s)
    )
    ask = source()
    known: dict[int, float] = {}
    numbers: dict[tuple[str, str], int] = {}
    for date_s, _, k in _dates(pool, tasks, now_s):
        if k in known:
            ask.started(k, date_s - zero_s)
        else:
            limit_s = _limit_s(tasks[k], unlimited_s)
            said = ask.submitted(k, _facts(tasks[k], numbers, unlimited_s), date_s - zero_s)
            known[k] = limit_s if math.isnan(said) else min(max(said, 1.0), limit_s)
    running = tuple(
        _left_s(task, known[k], now_s, unlimited_s, partial(ask.outlived, k)) for k, task in enumerate(pool.running)
    )
    waiting = tuple(known[len(running) + k] for k in range(len(pool.waiting)))
    return Expected(running, waiting, f"predicted by {bundle.name}")


def _dates(pool: Pool, tasks: Sequence[Task], now_s: float) -> list[tuple[float, int, int]]:
    """Return date, kind (0: submission, 1: start) and number of what happened, in order."""
    told = [(min(task.job.submit_s, now_s), 0, k) for k, task in enumerate(tasks)]
    begun = [(min(max(task.begin_s, task.job.submit_s), now_s), 1, k) for k, task in enumerate(pool.running)]
    return sorted([*told, *begun])


def _facts(task: Task, numbers: dict[tuple[str, str], int], unlimited_s: float) -> np.void:
    """Return what a model may know of a job at its submission."""
    row: np.void = np.zeros(1, dtype=job_view_t)[0]
    row["hosts"], row["submit_s"] = task.hosts, task.job.submit_s
    row["walltime_s"] = _limit_s(task, unlimited_s) if math.isfinite(task.limit_s) else -1.0
    words = {"user": task.job.user, "group": task.job.account, "queue": ",".join(task.job.partitions)}
    for name, word in words.items():
        row[name] = numbers.setdefault((name, word), _NEW_NUMBERS + len(numbers)) if word else -1
    row["application"] = -1
    return row


def _limit_s(task: Task, unlimited_s: float) -> float:
    return unlimited_s if math.isinf(task.limit_s) else max(task.limit_s, 1.0)


def _left_s(task: Task, run_s: float, now_s: float, unlimited_s: float, outlived: Callable[[float], float]) -> float:
    """Return how long a running job is expected to go on, s."""
    elapsed_s = max(now_s - task.begin_s, 0.0)
    if run_s <= elapsed_s:
        run_s = outlived(elapsed_s)
    most_s = remaining_s(task, now_s, unlimited_s)
    return most_s if math.isnan(run_s) else min(max(run_s - elapsed_s, 1.0), most_s)


def _clock_s(date_s: float) -> float:
    """Return what the clock of this machine shows at a date, s since 1970-01-01T00:00."""
    offset = datetime.fromtimestamp(date_s, UTC).astimezone().utcoffset()
    return date_s + (offset.total_seconds() if offset is not None else 0.0)
