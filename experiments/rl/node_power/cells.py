"""Results of a sweep as files named by what they are results of; whole ones are never made again."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from wattq.errors import InvalidInputError, WattqError
from wattq.files import write_whole

__all__ = ["Cell", "cell_path", "read_cell", "run_cells"]

Cell = Mapping[str, Any]
"""What a result is of: plain values that JSON can hold."""

_FOLDER = "cells"
_MOST_WORKERS = 64


def cell_path(folder: Path, cell: Cell) -> Path:
    """Return where the result of a cell lies: its name is the digest of all that the cell says."""
    text = json.dumps(cell, sort_keys=True, allow_nan=False)
    return folder / _FOLDER / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.json"


def read_cell(folder: Path, cell: Cell) -> Any | None:
    """Return the result of a cell, or None where there is none that is whole and of this very cell."""
    try:
        found = json.loads(cell_path(folder, cell).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    same = isinstance(found, dict) and found.get("cell") == json.loads(json.dumps(cell))
    return found.get("result") if same else None


def run_cells(
    folder: Path,
    cells: Sequence[Cell],
    work: Callable[[Cell], Any],
    *,
    workers: int = 1,
    done: Callable[[int, int], None] | None = None,
) -> list[Any]:
    """Return the result of each cell, in order; only cells without a whole result are worked on.

    Args:
        folder: where results lie.
        cells: what to do.
        work: a function of a module, which makes the result of one cell, of plain values.
        workers: processes.
        done: told how many cells are ready, and of how many.

    Raises:
        InvalidInputError: an impossible number of workers.
        WattqError: as `work`; results that were whole by then are kept.
    """
    if not 1 <= workers <= _MOST_WORKERS:
        raise InvalidInputError(f"--workers {workers}: give a number from 1 to {_MOST_WORKERS}")
    found = [read_cell(folder, cell) for cell in cells]
    missing = [number for number, result in enumerate(found) if result is None]
    told = done or (lambda ready, total: None)
    told(len(cells) - len(missing), len(cells))
    if workers == 1 or len(missing) <= 1:
        for count, number in enumerate(missing):
            found[number] = _kept(folder, cells[number], work(cells[number]))
            told(len(cells) - len(missing) + count + 1, len(cells))
        return found
    for count, (number, result) in enumerate(_spread(cells, missing, work, min(workers, len(missing)))):
        found[number] = _kept(folder, cells[number], result)
        told(len(cells) - len(missing) + count + 1, len(cells))
    return found


def _kept(folder: Path, cell: Cell, result: Any) -> Any:
    path = cell_path(folder, cell)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"cell": cell, "result": result}, indent=1, sort_keys=True)
    write_whole(path, (text + "\n").encode())
    return json.loads(text)["result"]


def _spread(cells: Sequence[Cell], missing: Sequence[int], work: Callable[[Cell], Any], workers: int) -> Any:
    # spawn: a fork would copy the threads and locks of compiled code in whatever state they are
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _quiet) as pool:
        try:
            futures = {pool.submit(work, cells[number]): number for number in missing}
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise WattqError(f"a worker process ended early ({error}); free memory, or take --workers 1") from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _quiet() -> None:
    # Ctrl-C reaches every process of a terminal; the one that shares out the work answers it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
