"""Running a campaign: what is missing is given to the crew, failures are tried again, and what is done stays."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import CancelledError, Executor, Future
from dataclasses import dataclass, field
from pathlib import Path

from wattq.errors import CampaignError, WattqError
from wattq.experiments.campaign import lock
from wattq.experiments.campaign.attempts import begun_keys
from wattq.experiments.campaign.cells import Cell, expand, selected
from wattq.experiments.campaign.crews import CrewOptions, hired
from wattq.experiments.campaign.digests import code_digest
from wattq.experiments.campaign.layout import Layout
from wattq.experiments.campaign.manifest import write_cells, write_manifest
from wattq.experiments.campaign.model import Campaign
from wattq.experiments.campaign.task import Report, Task, perform

__all__ = ["Outcome", "Progress", "RunOptions", "run_campaign"]

Progress = Callable[[int, int, str], None]
"""Told as runs finish: number done, number in all, and what was done last."""

_MANIFEST_S = 10.0
"""How often the manifest is written while cells run, s; less often where that takes long."""
_MANIFEST_SHARE = 20.0


@dataclass(frozen=True)
class RunOptions:
    """How a campaign is run.

    Attributes:
        crew: who runs the cells.
        retry: how often a cell that failed is tried again.
        only: which cells, as `wattq.experiments.campaign.cells.selected` takes them; all when empty.
        continue_only: whether cells that were never begun are left.
    """

    crew: CrewOptions = field(default_factory=CrewOptions)
    retry: int = 1
    only: Sequence[str] = ()
    continue_only: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.retry <= 100:
            raise CampaignError(f"--retry {self.retry}: give a number from 0 to 100")


@dataclass
class Outcome:
    """What came of running a campaign.

    Attributes:
        cells: number of rows of the results.
        runs: number of runs that they share.
        asked: number of runs that were asked for now.
        skipped: runs that were done before.
        done: runs that were done now.
        left: runs that were never begun, and left so.
        failed: columns of each run that failed, in one line, and why.
    """

    cells: int
    runs: int
    asked: int
    skipped: int = 0
    done: int = 0
    left: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def run_campaign(
    campaign: Campaign,
    output: Path,
    *,
    base: Path | None = None,
    options: RunOptions | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Run the cells of a campaign that are not done yet, and write the manifest; results are collected elsewhere.

    Args:
        campaign: what to run.
        output: its folder; on a cluster, one that all nodes share.
        base: directory that relative paths refer to first.
        options: how.
        progress: told as runs finish.

    Raises:
        CampaignError: the folder is another's, another campaign runs in it, or nobody can run cells.
        WattqError: an input is missing or breaks its format.
    """
    options = options or RunOptions()
    base = None if base is None else base.resolve()
    cells = expand(campaign, base)
    wanted = selected(cells, options.only)
    layout = Layout(output.resolve())
    layout.make()
    with lock.held(layout.root):
        layout.sweep()
        write_cells(layout, campaign, cells)
        outcome, tasks = _planned(layout, cells, wanted, options, base)
        try:
            if tasks:
                with hired(options.crew, layout.logs) as executor:
                    _conduct(executor, tasks, layout, options.retry, outcome, _Counter(wanted, outcome, progress))
        finally:
            write_manifest(layout)
            layout.sweep()
    return outcome


def _planned(
    layout: Layout, cells: Sequence[Cell], wanted: Sequence[Cell], options: RunOptions, base: Path | None
) -> tuple[Outcome, dict[str, Task]]:
    """Return what there is to do, by key, in the order of the cells."""
    finished = layout.finished()
    by_key = {cell.key: cell for cell in wanted}
    outcome = Outcome(len(cells), len({cell.key for cell in cells}), len(by_key))
    outcome.skipped = sum(key in finished for key in by_key)
    missing = [key for key in by_key if key not in finished]
    if options.continue_only:
        begun = begun_keys(layout)
        outcome.left = sum(key not in begun for key in missing)
        missing = [key for key in missing if key in begun]
    place = None if base is None else str(base)
    code = code_digest()
    return outcome, {key: Task(key, by_key[key].content, str(layout.root), place, code) for key in missing}


class _Counter:
    """Tells the progress."""

    def __init__(self, wanted: Collection[Cell], outcome: Outcome, progress: Progress | None) -> None:
        self.labels = {cell.key: cell.label for cell in wanted}
        self.outcome, self.progress = outcome, progress

    def tell(self, key: str = "") -> None:
        """Tell how far it is, and what was done last."""
        if self.progress is not None:
            found = self.outcome
            done = found.skipped + found.done + len(found.failed)
            self.progress(done, found.asked - found.left, self.labels.get(key, ""))


def _conduct(
    executor: Executor, tasks: Mapping[str, Task], layout: Layout, retry: int, outcome: Outcome, counter: _Counter
) -> None:
    """Give all tasks to the crew, take in what comes back, and give failures back to it."""
    back: queue.SimpleQueue[tuple[str, Future[Report]]] = queue.SimpleQueue()

    def give(key: str) -> None:
        executor.submit(perform, tasks[key]).add_done_callback(lambda future: back.put((key, future)))

    left = dict.fromkeys(tasks, retry)
    counter.tell()
    for key in tasks:
        give(key)
    due = time.monotonic() + _MANIFEST_S
    open_tasks = len(tasks)
    while open_tasks:
        key, future = back.get()
        error = _error(future)
        if error and left[key]:
            left[key] -= 1
            give(key)
            continue
        open_tasks -= 1
        if error:
            outcome.failed[counter.labels[key]] = error
        else:
            outcome.done += 1
        counter.tell(key)
        if time.monotonic() > due:
            due = _written(layout)


def _written(layout: Layout) -> float:
    """Write the manifest, and return when it is due again."""
    begin = time.monotonic()
    write_manifest(layout)
    end = time.monotonic()
    return end + max(_MANIFEST_S, _MANIFEST_SHARE * (end - begin))


def _error(future: Future[Report]) -> str:
    """Return why a task failed; empty when it did not."""
    try:
        return future.result().error
    except WattqError as error:
        return str(error)
    except CancelledError:
        return "its worker, or the way to it, was lost"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
