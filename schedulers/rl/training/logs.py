"""Progress of a training: ``progress.csv``, one row per rollout, and event files where TensorBoard is installed."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stable_baselines3.common.logger import KVWriter, Logger

from wattq.files import write_whole

__all__ = ["ProgressCsv", "make_logger"]

PROGRESS_FILE = "progress.csv"
STEPS = "time/steps"
"""Column with the steps of all environments so far."""


class ProgressCsv(KVWriter):
    """Rows of figures as CSV; a figure that appears later gets a column at the end, and empty cells before.

    Args:
        path: the file.
        until: keep the rows of an earlier run up to this step; None starts a new file.
    """

    def __init__(self, path: Path, until: int | None = None) -> None:
        self._path = path
        self._rows: list[dict[str, str]] = []
        self._columns: list[str] = []
        if until is not None and path.is_file():
            with path.open(newline="", encoding="utf-8") as stream:
                reader = csv.DictReader(stream)
                self._columns = list(reader.fieldnames or ())
                self._rows = [row for row in reader if _steps(row) <= until]
        self._write_all()

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, Any], step: int = 0) -> None:
        """Add a row."""
        row = {name: _cell(value) for name, value in key_values.items() if not isinstance(value, str)}
        new = [name for name in row if name not in self._columns]
        self._columns += new
        self._rows.append(row)
        if new:
            self._write_all()
            return
        with self._path.open("a", newline="", encoding="utf-8") as stream:
            csv.DictWriter(stream, self._columns, lineterminator="\n").writerow(row)

    def close(self) -> None:
        """Nothing is held open."""

    def _write_all(self) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, self._columns, lineterminator="\n")
        if self._columns:
            writer.writeheader()
            writer.writerows(self._rows)
        write_whole(self._path, text.getvalue().encode())


def _cell(value: Any) -> str:
    number = float(value)
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def _steps(row: Mapping[str, str]) -> float:
    try:
        return float(row.get(STEPS) or "nan")
    except ValueError:
        return float("nan")


def make_logger(folder: Path, *, tensorboard: bool, until: int | None = None) -> tuple[Logger, list[str]]:
    """Return a logger of Stable-Baselines3 that writes into a folder, and notes.

    Args:
        folder: of the training.
        tensorboard: write event files into ``tensorboard/``, too.
        until: go on after this step of an earlier run; None starts again.
    """
    writers: list[Any] = [ProgressCsv(folder / PROGRESS_FILE, until)]
    notes: list[str] = []
    if tensorboard:
        try:
            writers.append(_events(folder / "tensorboard", until))
        except ImportError:
            notes.append(
                "TensorBoard is not installed, so there are no event files; install it with: pip install tensorboard"
            )
    return Logger(str(folder), writers), notes


def _events(folder: Path, until: int | None) -> KVWriter:
    from stable_baselines3.common.logger import TensorBoardOutputFormat
    from torch.utils.tensorboard import SummaryWriter

    folder.mkdir(parents=True, exist_ok=True)
    events = TensorBoardOutputFormat(str(folder))
    if until is not None:
        # what was written after the checkpoint is not shown any more
        events.writer.close()
        events.writer = SummaryWriter(str(folder), purge_step=until + 1)
    return events
