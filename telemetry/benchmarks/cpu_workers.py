"""Processes that do CPU work together."""

from __future__ import annotations

import contextlib
import multiprocessing as mp
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from wattq.errors import TelemetryError
from wattq.telemetry.benchmarks.duty import Duty

__all__ = ["CpuCrew", "WorkerResult", "work_on_duty"]

_READY_S = 120.0
_GRACE_S = 60.0


@dataclass
class WorkerResult:
    """What a worker did.

    Attributes:
        worker: its name.
        workload: its work.
        operations: by kind of work.
        batches: how often it did a piece of work.
        busy_s: time in which it worked, s.
        cpu_s: CPU time that it used, s.
        read_bytes: bytes that it read.
        written_bytes: bytes that it wrote.
    """

    worker: str
    workload: str
    operations: dict[str, float] = field(default_factory=dict)
    batches: int = 0
    busy_s: float = 0.0
    cpu_s: float = 0.0
    read_bytes: int = 0
    written_bytes: int = 0

    @property
    def count(self) -> float:
        """Operations; batches where kinds of work that cannot be added take turns."""
        return float(self.batches) if self.workload == "mixed" else sum(self.operations.values())


def work_on_duty(batch: Any, duty: Duty, duration_s: float, result: WorkerResult, tally: Any, index: int) -> None:
    """Do batches while on duty until the time is over.

    Args:
        batch: does a batch, returns its kind and its operations.
        duty: when to work.
        duration_s: how long, s.
        result: gets what was done.
        tally: an array whose place `index` always holds `result.count`.
        index: of the worker.
    """
    begin = time.monotonic()
    while (age := time.monotonic() - begin) < duration_s:
        wait_s = duty.wait_s(age)
        if wait_s > 0:
            time.sleep(min(wait_s, duration_s - age))
            continue
        started = time.monotonic()
        kind, operations = batch()
        result.busy_s += time.monotonic() - started
        result.batches += 1
        result.operations[kind] = result.operations.get(kind, 0.0) + operations
        tally[index] = result.count


@dataclass(frozen=True)
class _Job:
    """What a process is told."""

    workload: str
    duty: Duty
    duration_s: float
    patience_s: float


def _work(channel: Connection, ready: Any, job: _Job, tally: Any, index: int) -> None:
    """Run in a process of its own: be ready, begin with the others, send what was done."""
    from threadpoolctl import threadpool_limits

    from wattq.telemetry.benchmarks.cpu_work import make_kernel

    # Ctrl-C goes to all processes of a terminal; the first one ends the others
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    result = WorkerResult(f"cpu{index}", job.workload)
    batch = make_kernel(job.workload)
    batch()
    with threadpool_limits(1), contextlib.suppress(threading.BrokenBarrierError):
        ready.wait(_READY_S)
        # the second time all wait until whoever began them says so, for as long as idle power is measured
        ready.wait(job.patience_s)
        before = time.process_time()
        work_on_duty(batch, job.duty, job.duration_s, result, tally, index)
        result.cpu_s = time.process_time() - before
        channel.send(result)


class CpuCrew:
    """CPU workers, each a process.

    Args:
        count: how many.
        workload: of `options.CPU_WORKLOADS`.
        duty: when they work.
        duration_s: how long, s.
        idle_s: how long after they are ready they begin, at most, s.
    """

    def __init__(self, count: int, workload: str, duty: Duty, duration_s: float, idle_s: float = 0.0) -> None:
        self._context = mp.get_context("spawn")
        self.tally: Any = self._context.RawArray("d", count)
        self._job = _Job(workload, duty, duration_s, idle_s + _READY_S)
        self._ready = self._context.Barrier(count + 1)
        self._channels: list[Connection] = []
        self._processes: list[Any] = []

    @contextlib.contextmanager
    def standing_by(self) -> Iterator[CpuCrew]:
        """Wait until all are ready to begin; end them all at the end of the ``with`` block.

        Raises:
            TelemetryError: a worker ended before.
        """
        try:
            for index in range(len(self.tally)):
                self._start(index)
            self._meet("before it began")
            yield self
        finally:
            for process, channel in zip(self._processes, self._channels, strict=True):
                process.terminate()
                process.join()
                channel.close()

    def _start(self, index: int) -> None:
        ours, theirs = self._context.Pipe(duplex=False)
        words = (theirs, self._ready, self._job, self.tally, index)
        process = self._context.Process(target=_work, args=words, daemon=True, name=f"cpu{index}")
        process.start()
        theirs.close()
        self._channels.append(ours)
        self._processes.append(process)

    def begin(self) -> None:
        """Let all begin at once."""
        self._meet("when it was to begin")

    def results(self) -> list[WorkerResult]:
        """Wait for the workers and return what they did.

        Raises:
            TelemetryError: a worker ended in the middle, or does not end.
        """
        return [self._result(index) for index in range(len(self._processes))]

    def _result(self, index: int) -> WorkerResult:
        channel, process = self._channels[index], self._processes[index]
        with contextlib.suppress(EOFError, OSError):
            if channel.poll(self._job.duration_s + _GRACE_S):
                result: WorkerResult = channel.recv()
                return result
        process.join(1.0)
        raise TelemetryError(f"benchmark: worker {process.name} ended with code {process.exitcode}, without a result")

    def _meet(self, when: str) -> None:
        try:
            self._ready.wait(_READY_S)
        except threading.BrokenBarrierError:
            codes = [process.exitcode for process in self._processes]
            raise TelemetryError(f"benchmark: a worker ended {when} (exit codes {codes}); is memory short?") from None
