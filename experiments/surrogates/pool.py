"""Tasks in several processes; the results do not depend on how many."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

from wattq.errors import WattqError
from wattq.experiments.surrogates.tasks import Arrays, Task, perform

__all__ = ["Done", "perform_all"]

Done = Callable[[str], None]
"""Told the label of each task that is finished, in whatever order."""


def perform_all(tasks: Sequence[Task], workers: int, cache: Path | None, done: Done) -> list[Arrays]:
    """Return the results of tasks in their order; they are begun in that order, too.

    Args:
        tasks: the tasks, the longest ones first.
        workers: number of processes; with 1 everything runs in this one.
        cache: folder of results that are kept; None keeps nothing.
        done: told of each task that is finished.

    Raises:
        WattqError: as the tasks; those that wait are dropped then, those that run are stopped.
    """
    if workers == 1 or len(tasks) <= 1:
        found = []
        for task in tasks:
            found.append(perform(task, cache))
            done(task.label)
        return found
    return _spread(tasks, min(workers, len(tasks)), cache, done)


def _spread(tasks: Sequence[Task], workers: int, cache: Path | None, done: Done) -> list[Arrays]:
    # spawn: a fork would copy numba's threads and locks in whatever state they are
    context = multiprocessing.get_context("spawn")
    found: dict[int, Arrays] = {}
    with ProcessPoolExecutor(workers, context, _prepare) as pool, _stopped(pool):
        futures: dict[Future[Arrays], int] = {pool.submit(perform, task, cache): n for n, task in enumerate(tasks)}
        try:
            for future in as_completed(futures):
                found[futures[future]] = future.result()
                done(tasks[futures[future]].label)
        except BrokenProcessPool as error:
            raise WattqError(
                f"a worker process ended before its task was done ({error}); free memory, or take --workers 1; what "
                "was finished is kept"
            ) from error
    return [found[number] for number in range(len(tasks))]


@contextmanager
def _stopped(pool: ProcessPoolExecutor) -> Iterator[None]:
    """End the processes of a pool at once when the block is left by an exception: a task may run for minutes."""
    before = set(multiprocessing.active_children())
    try:
        yield
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        raise


def _prepare() -> None:
    # Ctrl-C reaches every process of a terminal; in this one it has nothing to say, the first one speaks
    signal.signal(signal.SIGINT, signal.SIG_DFL)
