"""Threads that do I/O work together."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from wattq.errors import TelemetryError
from wattq.telemetry.benchmarks.cpu_workers import WorkerResult, work_on_duty
from wattq.telemetry.benchmarks.duty import Duty
from wattq.telemetry.benchmarks.io_work import IoFile

__all__ = ["IoCrew"]

_MB = 10**6


class IoCrew:
    """I/O workers, each a thread with a file of its own; the system lets others run while one waits for the disk.

    Args:
        count: how many.
        workload: of `options.IO_WORKLOADS`.
        duty: when they work.
        duration_s: how long, s.
        data_mb: size of each file, MB.
        temp_dir: folder for a folder that is removed at the end.

    Raises:
        TelemetryError: the file system has no room for the files.
    """

    def __init__(self, count: int, workload: str, duty: Duty, duration_s: float, data_mb: int, temp_dir: Path) -> None:
        self.tally: Sequence[float] = [0.0] * count
        self._workload, self._duty, self._duration_s = workload, duty, duration_s
        self._size, self._temp_dir = data_mb * _MB, temp_dir
        free = shutil.disk_usage(temp_dir).free
        if free < count * self._size * 1.1:
            need = f"{count} files of {data_mb} MB"
            raise TelemetryError(
                f"--temp-dir '{temp_dir}': {free // _MB} MB free, not enough for {need}; use --data-size"
            )
        self._go = threading.Event()
        self._stop = False
        self._errors: list[OSError] = []
        self._results = [WorkerResult(f"io{index}", workload) for index in range(count)]
        self._threads: list[threading.Thread] = []

    @contextlib.contextmanager
    def standing_by(self) -> Iterator[IoCrew]:
        """Write the files and have the threads ready; remove all at the end of the ``with`` block.

        Raises:
            TelemetryError: the files cannot be written.
        """
        with (
            tempfile.TemporaryDirectory(prefix="wattq-io-", dir=self._temp_dir) as folder,
            contextlib.ExitStack() as open_,
        ):
            files = [self._file(Path(folder), index) for index in range(len(self._results))]
            for file in files:
                open_.callback(file.close)
            jobs = [(file, self._results[index], index) for index, file in enumerate(files)]
            self._threads = [threading.Thread(target=self._work, args=job, daemon=True) for job in jobs]
            for thread in self._threads:
                thread.start()
            try:
                yield self
            finally:
                self._stop = True
                self._go.set()
                for thread in self._threads:
                    thread.join()

    def begin(self) -> None:
        """Let all begin at once."""
        self._go.set()

    def results(self) -> list[WorkerResult]:
        """Wait for the workers and return what they did.

        Raises:
            TelemetryError: a file could not be read or written.
        """
        for thread in self._threads:
            thread.join()
        if self._errors:
            raise self._refusal(self._errors[0])
        return self._results

    def _file(self, folder: Path, index: int) -> IoFile:
        own = folder / str(index)
        try:
            own.mkdir()
            file = IoFile(own, self._size, index)
            file.fill()
        except OSError as error:
            raise self._refusal(error) from None
        return file

    def _work(self, file: IoFile, result: WorkerResult, index: int) -> None:
        kernel = file.kernel(self._workload)

        def batch() -> tuple[str, float]:
            if self._stop:
                raise InterruptedError
            return kernel()

        self._go.wait()
        if self._stop:
            return
        before = time.thread_time()
        try:
            work_on_duty(batch, self._duty, self._duration_s, result, self.tally, index)
        except OSError as error:
            self._errors.append(error)
        result.cpu_s = time.thread_time() - before
        result.read_bytes, result.written_bytes = file.read_bytes, file.written_bytes

    def _refusal(self, error: OSError) -> TelemetryError:
        return TelemetryError(
            f"--temp-dir '{self._temp_dir}': {error.strerror or error}; choose another folder or size"
        )
