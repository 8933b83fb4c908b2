"""Workers: this process, or several on one storage, each playing trials until enough of them count."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wattq.errors import TuningError, WattqError
from wattq.experiments.tuning.arena import Arena
from wattq.experiments.tuning.samplers import make_pruner, make_sampler
from wattq.experiments.tuning.storage import Storage, counted, opened, quiet
from wattq.experiments.tuning.trials import play_trial

if TYPE_CHECKING:
    from optuna import Study

__all__ = ["Job", "work"]

Told = Callable[[int, int, str], None]

_LOOK_S = 0.3
_MOST_WORKERS = 64


@dataclass(frozen=True)
class Job:
    """What a worker needs; it can be sent to another process.

    Attributes:
        arena: what trials are judged on.
        storage: where the study is.
        name: the study's name.
        trials: number of trials that shall count.
        folder: gets what trials train.
    """

    arena: Arena
    storage: Storage
    name: str
    trials: int
    folder: Path


def work(job: Job, study: Study, workers: int, told: Told | None = None) -> None:
    """Play trials until enough of them count.

    Args:
        job: what to do.
        study: the study, open in this process.
        workers: number of processes; with 1 everything happens in this one, and the same seed gives the same trials.
        told: of the trials that count: done, in all, what.

    Raises:
        TuningError: an impossible number of workers, or a worker ended before its work was done.
        KeyboardInterrupt: on Ctrl-C; finished trials stay.
    """
    if not 1 <= workers <= _MOST_WORKERS:
        raise TuningError(f"--workers {workers}: give a number from 1 to {_MOST_WORKERS}")
    study.pruner = make_pruner(job.arena.tuning)
    left = job.trials - len(counted(study))
    if workers == 1 or left <= 1:
        _play_all(job, study, _Counter(len(counted(study))), told)
    else:
        _spread(job, study, min(workers, left), told)


class _Counter:
    """Gives each trial its index, in this process."""

    def __init__(self, first: int) -> None:
        self.next = first

    def take(self) -> int:
        self.next += 1
        return self.next - 1


class _SharedCounter:
    """Gives each trial its index, over several processes."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def take(self) -> int:
        with self.value.get_lock():
            self.value.value += 1
            return int(self.value.value) - 1


def _play_all(
    job: Job,
    study: Study,
    counter: _Counter | _SharedCounter,
    told: Told | None,
    alive: Callable[[], None] | None = None,
) -> None:
    index = counter.take()
    while index < job.trials and len(counted(study)) < job.trials:
        if told is not None:
            told(index, job.trials, f"trial {index}")
        study.sampler = make_sampler(job.arena.tuning, index)
        with quiet():
            # a trial that fails is written down with its reason, and the search goes on
            study.optimize(
                lambda trial: play_trial(job.arena, trial, job.folder, alive), n_trials=1, catch=(WattqError,)
            )
        index = counter.take()


def _spread(job: Job, study: Study, workers: int, told: Told | None) -> None:
    # spawn: a fork would copy numba's threads and locks in whatever state they are
    context = multiprocessing.get_context("spawn")
    value = context.Value("q", len(counted(study)))
    processes = [context.Process(target=_worker, args=(job, value)) for _ in range(workers)]
    for process in processes:
        process.start()
    try:
        _watch(job, study, processes, told)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


def _watch(job: Job, study: Study, processes: Sequence[BaseProcess], told: Told | None) -> None:
    while any(process.is_alive() for process in processes):
        time.sleep(_LOOK_S)
        done = len(counted(study))
        if told is not None:
            told(min(done, job.trials), job.trials, f"{len(processes)} workers")
        dead = next((process for process in processes if process.exitcode not in (None, 0)), None)
        if dead is not None:
            raise TuningError(
                f"a worker process ended with code {dead.exitcode} after {done} trials, which stay; free memory or "
                "take fewer --workers, and go on by --resume"
            )


def _worker(job: Job, value: Any) -> None:
    import optuna

    # Ctrl-C reaches every process of a terminal; the one that began the search answers it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def alive() -> None:
        if parent is not None and not parent.is_alive():
            os._exit(1)  # the search was killed: leave the trial as stopped, for the next one to try again

    with opened(job.storage) as storage:
        study = optuna.load_study(storage=storage, study_name=job.name, pruner=make_pruner(job.arena.tuning))
        _play_all(job, study, _SharedCounter(value), None, alive)
