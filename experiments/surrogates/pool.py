"""Tasks in several processes; the results do not depend on how many.

Each process has a pipe of its own and shares no lock, so that all of them can be ended at any moment: a task may run
for a minute, and whoever presses Ctrl-C shall not wait for it.
"""

from __future__ import annotations

import multiprocessing
import signal
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

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
        WattqError: as the tasks, or a process ended by itself; those that run are stopped then.
    """
    if workers == 1 or len(tasks) <= 1:
        found = []
        for task in tasks:
            found.append(perform(task, cache))
            done(task.label)
        return found
    crew: dict[Connection, BaseProcess] = {}
    try:
        for _ in range(min(workers, len(tasks))):
            connection, process = _begun()
            crew[connection] = process
        return _shared_out(tasks, crew, cache, done)
    finally:
        _ended(crew)


def _begun() -> tuple[Connection, BaseProcess]:
    # spawn: a fork would copy numba's threads and locks in whatever state they are
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    return ours, process


def _ended(crew: dict[Connection, BaseProcess]) -> None:
    for connection, process in crew.items():
        connection.close()
        process.terminate()
    for process in crew.values():
        process.join()


def _shared_out(
    tasks: Sequence[Task], crew: dict[Connection, BaseProcess], cache: Path | None, done: Done
) -> list[Arrays]:
    found: dict[int, Arrays] = {}
    queue = iter(enumerate(tasks))
    at_work: dict[Connection, int] = {}

    def give(connection: Connection) -> None:
        number, task = next(queue, (-1, None))
        if task is not None:
            at_work[connection] = number
            connection.send((task, cache))

    for connection in crew:
        give(connection)
    while at_work:
        ready = wait(list(at_work))
        for connection in [connection for connection in at_work if connection in ready]:
            number = at_work.pop(connection)
            found[number] = _received(connection, tasks[number])
            done(tasks[number].label)
            give(connection)
    return [found[number] for number in range(len(tasks))]


def _received(connection: Connection, task: Task) -> Arrays:
    try:
        arrays, error = connection.recv()
    except (EOFError, OSError):
        raise WattqError(
            f"{task.label}: its process ended before it was done; free memory, or take --workers 1 (what was finished "
            "is kept)"
        ) from None
    if error is not None:
        raise error
    found: Arrays = arrays
    return found


def _work(connection: Connection) -> None:
    """Perform tasks until the pipe is closed."""
    # Ctrl-C reaches every process of a terminal; this one has nothing to say about it
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    while True:
        try:
            task, cache = connection.recv()
        except (EOFError, OSError):
            return
        connection.send(_answer(task, cache))


def _answer(task: Task, cache: Path | None) -> tuple[Arrays | None, Any]:
    try:
        return perform(task, cache), None
    except WattqError as error:
        return None, error
    except Exception:
        return None, RuntimeError(f"{task.label}:\n{traceback.format_exc()}")
