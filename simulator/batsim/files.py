"""The files of a simulation: checked when it begins, written when it ends, all of them or none."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from wattq.errors import SimulationAbortError
from wattq.simulator.batsim.ending import OutputError

if TYPE_CHECKING:
    from wattq.simulator.run import Run

__all__ = ["OutputFiles"]

_PATIENCE_S = 2.0


class OutputFiles:
    """The output files under one prefix.

    Each is written beside its place under the name ``*.part``; once all are there, they are moved into place.

    Args:
        prefix: put before ``_jobs.csv`` and the others; may hold folders, which must exist.
        energy: whether the two files about energy are written.
        machine_states: whether machine_states.csv is written.
        schedule_trace: whether schedule.trace is written.
    """

    def __init__(self, prefix: str, *, energy: bool, machine_states: bool, schedule_trace: bool) -> None:
        self._prefix = prefix
        self._schedule_trace = schedule_trace
        kept = {
            "jobs.csv": True,
            "schedule.csv": True,
            "machine_states.csv": machine_states,
            "pstate_changes.csv": energy,
            "consumed_energy.csv": energy,
            "schedule.trace": schedule_trace,
            "summary.json": True,
        }
        self.names = tuple(name for name, wanted in kept.items() if wanted)
        self._lock = threading.Lock()

    def path(self, name: str) -> Path:
        """Return where a file goes."""
        return Path(f"{self._prefix}_{name}")

    def _part(self, name: str) -> Path:
        return Path(f"{self._prefix}_{name}.part")

    def prepare(self) -> None:
        """Make sure that the files can be written, and remove those of an earlier simulation.

        Raises:
            SimulationAbortError: a file cannot be written; Batsim aborts then.
        """
        for name in self.names:
            try:
                with self._lock:
                    self._part(name).touch()
                    self._part(name).unlink()
                    self.path(name).unlink(missing_ok=True)
            except OSError as error:
                raise SimulationAbortError(
                    f"output file '{self.path(name)}' cannot be written ({error.strerror}); "
                    "make the folder, or give another prefix with -e"
                ) from None

    def write(self, run: Run) -> None:
        """Write the files of a simulation.

        Raises:
            OutputError: one of them cannot be written; none is left then.
        """
        texts = self._texts(run)
        name = ""
        try:
            for name, text in texts.items():
                with self._lock:
                    self._part(name).write_text(text, encoding="utf-8", errors="surrogateescape", newline="")
            with self._lock:
                for name in texts:
                    self._part(name).replace(self.path(name))
        except OSError as error:
            self._remove([*map(self._part, texts), *map(self.path, texts)])
            raise OutputError(
                f"output file '{self.path(name)}' cannot be written ({error.strerror}); no results are left, "
                "make room and run again"
            ) from None

    def _texts(self, run: Run) -> Mapping[str, str]:
        """Return the contents of the files by name."""
        texts = run.files() | {"summary.json": json.dumps(run.summary, indent=1, ensure_ascii=False) + "\n"}
        if self._schedule_trace:
            from wattq.simulator.batsim.paje import schedule_trace

            texts["schedule.trace"] = schedule_trace(run)
        return {name: texts[name] for name in self.names}

    def clean(self) -> None:
        """Remove unfinished files, and keep anybody from making new ones; for the end of the program."""
        self._lock.acquire(timeout=_PATIENCE_S)
        self._remove([self._part(name) for name in self.names])

    @staticmethod
    def _remove(paths: list[Path]) -> None:
        for path in paths:
            with suppress(OSError):
                path.unlink(missing_ok=True)
