"""A progress bar on standard error, and none when that is not a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["progress_bar"]


@contextmanager
def progress_bar(*, remaining: bool = False) -> Iterator[Callable[[int, int, str], None] | None]:
    """Yield a function of (runs done, runs in all, what comes next), or None when nobody watches.

    Args:
        remaining: whether the time that is left is shown, too; for runs that take about as long as each other.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns: list[ProgressColumn] = [
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    ]
    columns += [TextColumn("left"), TimeRemainingColumn()] if remaining else []
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def show(done: int, total: int, what: str) -> None:
            if bar.tasks[0].total is None:
                # what was done before says nothing about the speed
                bar.reset(task, completed=done, total=total, description=what)
            bar.update(task, completed=done, total=total, description=what)

        yield show
