"""An attempt at a cell, in whatever process: recorded, with its output kept, and whole or not at all."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wattq.errors import CampaignError, WattqError
from wattq.experiments.campaign.attempts import Attempt, begin, finish
from wattq.experiments.campaign.digests import code_digest
from wattq.experiments.campaign.layout import CELL, LOG, RESULT, Layout, write_json

__all__ = ["Report", "Task", "perform"]

# standard output and error are those of the whole process; one cell at a time may have them
_turn = threading.Lock()


@dataclass(frozen=True)
class Task:
    """Everything that a worker needs.

    Attributes:
        key: of the cell.
        content: the cell as plain lists and mappings.
        root: folder of the campaign, absolute; shared with the worker.
        base: directory that relative paths refer to first, absolute.
        code: digest of the code that is to run it.
    """

    key: str
    content: Mapping[str, Any]
    root: str
    base: str | None
    code: str


@dataclass(frozen=True)
class Report:
    """What came of a task.

    Attributes:
        key: of the cell.
        attempt: its record; None where the run was there already.
        values: the figures of a run that is done.
    """

    key: str
    attempt: Attempt | None
    values: Mapping[str, float] = field(default_factory=dict)

    @property
    def error(self) -> str:
        """Why it failed; empty when it did not."""
        return "" if self.attempt is None or self.attempt.status != "failed" else self.attempt.error


def perform(task: Task) -> Report:
    """Run a cell, unless it is done; a failure is reported, not raised.

    Raises:
        CampaignError: the campaign's folder cannot be written.
    """
    layout = Layout(Path(task.root))
    if (layout.runs / task.key).is_dir():
        return Report(task.key, None, (layout.result(task.key) or {}).get("values", {}))
    attempt = begin(layout, task.key)
    part = layout.parts / attempt.name
    try:
        part.mkdir(parents=True, exist_ok=True)
        values, error = _tried(task, layout, part)
        if error:
            with suppress(OSError):
                (part / LOG).replace(layout.attempts / f"{attempt.name}.log")
            return Report(task.key, finish(layout, attempt, "failed", error))
        return _kept(task, layout, part, attempt, values)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _tried(task: Task, layout: Layout, part: Path) -> tuple[dict[str, float], str]:
    """Return the figures, or why there are none."""
    with _turn, _output_in(part / LOG):
        try:
            if task.code != code_digest():
                raise CampaignError(
                    "this worker runs other code than the campaign (it was started before a change, or another "
                    "version is installed there); start the workers anew"
                )
            from wattq.experiments.campaign.work import simulate_cell

            base = None if task.base is None else Path(task.base)
            return simulate_cell(task.content, base, part / "run", layout.series), ""
        except WattqError as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            return {}, str(error)
        except Exception as error:
            traceback.print_exc()
            return {}, f"{type(error).__name__}: {error}"


def _kept(task: Task, layout: Layout, part: Path, attempt: Attempt, values: dict[str, float]) -> Report:
    run, target = part / "run", layout.runs / task.key
    write_json(run / CELL, {"key": task.key, "code": task.code, "content": dict(task.content)})
    write_json(run / RESULT, {"key": task.key, "values": values})
    (part / LOG).replace(run / LOG)
    try:
        run.rename(target)
    except OSError as error:
        if not target.is_dir():
            raise CampaignError(f"{target}: cannot be written ({error.strerror or error})") from None
        return Report(task.key, finish(layout, attempt, "double"), values)
    return Report(task.key, finish(layout, attempt, "done"), values)


@contextmanager
def _output_in(path: Path) -> Iterator[None]:
    """Send standard output and error of this process, programs that it starts included, to a file."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    before = sys.stdout, sys.stderr
    with path.open("w", encoding="utf-8", buffering=1) as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
        sys.stdout = sys.stderr = stream
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before
            for number, place in enumerate(kept, 1):
                os.dup2(place, number)
                os.close(place)
