"""Processes of this machine that run cells: begun once and kept warm, replaced when one dies.

Each has a pipe of its own and shares no lock with the others, so that any of them may be killed at any moment: its task
alone is lost, and reported as such.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from wattq.errors import WattqError

__all__ = ["LocalPool", "WorkerLostError"]

_WATCH_S = 0.5


class WorkerLostError(WattqError):
    """Raised for a task whose process ended before it was done."""


class LocalPool(Executor):
    """An executor of `concurrent.futures` whose processes are started afresh (spawn) and outlive tasks.

    Args:
        workers: number of processes at most.
        prepare: called once in each new process, to import what tasks need.
    """

    def __init__(self, workers: int, prepare: Callable[[], object] | None = None) -> None:
        # spawn: a fork would copy numba's threads and locks in whatever state they are
        self._context = multiprocessing.get_context("spawn")
        self._workers, self._prepare = workers, prepare
        self._waiting: deque[tuple[Future[Any], Any]] = deque()
        self._at_work: dict[Connection, tuple[BaseProcess, Future[Any] | None]] = {}
        self._lock = threading.Lock()
        self._closed = self._rung = self._drained = False
        self._ours, self._bell = self._context.Pipe(duplex=False)
        self._thread = threading.Thread(target=self._serve, name="wattq-pool", daemon=True)
        self._thread.start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Give a task to whichever process is free next."""
        future: Future[Any] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("the pool is closed")
            self._waiting.append((future, (fn, args, kwargs)))
        self._ring()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more tasks. Waiting for those at hand, or, with ``wait`` false, ending the processes at once."""
        with self._lock:
            self._closed = True
            if cancel_futures or not wait:
                for future, _ in self._waiting:
                    future.cancel()
                self._waiting.clear()
            if not wait:
                for process, _ in self._at_work.values():
                    process.terminate()
        self._ring()
        self._thread.join()

    def _ring(self) -> None:
        with self._lock:
            # once is enough, and the pipe must not fill up
            if not (self._drained or self._rung):
                self._rung = True
                self._bell.send(None)

    def _serve(self) -> None:
        """Share tasks out until the pool is closed and nothing is left."""
        while not self._is_over():
            self._share_out()
            for ready in wait([self._ours, *self._at_work]):
                if ready is self._ours:
                    with self._lock:
                        self._ours.recv()
                        self._rung = False
                elif isinstance(ready, Connection):
                    self._answered(ready)
        with self._lock:
            self._drained = True
        for connection, (process, _) in self._at_work.items():
            connection.close()
            process.join()

    def _is_over(self) -> bool:
        with self._lock:
            busy = any(future is not None for _, future in self._at_work.values())
            return self._closed and not self._waiting and not busy

    def _share_out(self) -> None:
        with self._lock:
            while self._waiting and len(self._at_work) < self._workers:
                connection, process = self._begun()
                self._at_work[connection] = process, None
            for connection, (process, future) in self._at_work.items():
                if future is None and self._waiting:
                    self._give(connection, process)

    def _give(self, connection: Connection, process: BaseProcess) -> None:
        future, work = self._waiting.popleft()
        if not future.set_running_or_notify_cancel():
            return
        self._at_work[connection] = process, future
        try:
            connection.send(work)
        except OSError:
            # the process is dead; its closed pipe is seen next, and the task reported lost
            return

    def _begun(self) -> tuple[Connection, BaseProcess]:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs, os.getpid(), self._prepare), daemon=True)
        process.start()
        theirs.close()
        return ours, process

    def _answered(self, connection: Connection) -> None:
        process, future = self._at_work[connection]
        try:
            found, error = connection.recv()
        except (EOFError, OSError):
            process.join()
            with self._lock:
                del self._at_work[connection]
            connection.close()
            error = WorkerLostError(f"its process ended before it was done ({_end(process.exitcode)}); free memory?")
            found = None
        else:
            with self._lock:
                self._at_work[connection] = process, None
        if future is not None and error is not None:
            future.set_exception(error)
        elif future is not None:
            future.set_result(found)


def _end(code: int | None) -> str:
    if code is not None and code < 0:
        return f"signal {-code}"
    return f"exit code {code}"


def _work(connection: Connection, parent: int, prepare: Callable[[], object] | None) -> None:
    """Perform tasks until the pipe is closed."""
    # Ctrl-C reaches every process of a terminal; the one that shares out the cells answers it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()
    if prepare is not None:
        prepare()
    while True:
        try:
            fn, args, kwargs = connection.recv()
        except (EOFError, OSError):
            return
        try:
            answer: tuple[Any, BaseException | None] = fn(*args, **kwargs), None
        except Exception as error:
            answer = None, error
        try:
            connection.send(answer)
        except OSError:
            return


def _die_with(parent: int) -> None:
    """End this process soon after the one that began it, so that nothing runs on when that one is killed."""
    while os.getppid() == parent:
        time.sleep(_WATCH_S)
    os._exit(1)
