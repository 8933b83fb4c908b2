"""Weeks in several processes; the results do not depend on how many."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

from wattq.errors import InvalidInputError, WattqError
from wattq.experiments.engines import Engine
from wattq.experiments.study.grids import Grid
from wattq.experiments.study.plan import WeekTask
from wattq.experiments.study.playing import play_week
from wattq.experiments.study.records import WeekRecord

__all__ = ["default_workers", "play_all"]

MOST_WORKERS = 64

_shared: list[tuple[Mapping[str, Grid], Engine]] = []
"""In a worker: the grids and the engine, sent once."""


def default_workers() -> int:
    """Return 2, or 1 on a machine with one processor."""
    return min(2, os.cpu_count() or 1)


def play_all(
    tasks: Sequence[WeekTask],
    grids: Mapping[str, Grid],
    engine: Engine,
    workers: int,
    done: Callable[[WeekTask], None],
) -> list[WeekRecord]:
    """Return the records of all weeks in the order of the tasks.

    Args:
        tasks: the weeks.
        grids: the grids by name.
        engine: what simulates.
        workers: number of processes; with 1 everything runs in this one.
        done: told of each week that is finished, in whatever order.

    Raises:
        InvalidInputError: an impossible number of workers.
        WattqError: as `play_week`; weeks that wait are dropped then.
    """
    if not 1 <= workers <= MOST_WORKERS:
        raise InvalidInputError(f"--workers {workers}: give a number from 1 to {MOST_WORKERS}")
    if workers == 1 or len(tasks) == 1:
        return [record for task in tasks for record in _told(task, play_week(task, grids, engine), done)]
    return [record for records in _spread(tasks, grids, engine, min(workers, len(tasks)), done) for record in records]


def _told(task: WeekTask, records: list[WeekRecord], done: Callable[[WeekTask], None]) -> Iterator[WeekRecord]:
    done(task)
    yield from records


def _spread(
    tasks: Sequence[WeekTask],
    grids: Mapping[str, Grid],
    engine: Engine,
    workers: int,
    done: Callable[[WeekTask], None],
) -> list[list[WeekRecord]]:
    # spawn: a fork would copy numba's threads and locks in whatever state they are
    context = multiprocessing.get_context("spawn")
    found: dict[int, list[WeekRecord]] = {}
    with ProcessPoolExecutor(workers, context, _prepare, (dict(grids), engine)) as pool:
        try:
            futures: dict[Future[list[WeekRecord]], int] = {pool.submit(_play, task): n for n, task in enumerate(tasks)}
            for future in as_completed(futures):
                found[futures[future]] = future.result()
                done(tasks[futures[future]])
        except BrokenProcessPool as error:
            raise WattqError(
                f"a worker process ended before its week was done ({error}); free memory, or take --workers 1"
            ) from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [found[number] for number in range(len(tasks))]


def _prepare(grids: Mapping[str, Grid], engine: Engine) -> None:
    # Ctrl-C reaches every process of a terminal; the one that shares out the weeks answers it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _shared[:] = [(grids, engine)]


def _play(task: WeekTask) -> list[WeekRecord]:
    grids, engine = _shared[0]
    return play_week(task, grids, engine)
