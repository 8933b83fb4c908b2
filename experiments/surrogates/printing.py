"""The tables of an evaluation on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from wattq.experiments.surrogates.evaluation import Evaluation
from wattq.experiments.surrogates.tables import (
    Table,
    ablation_table,
    matrix_table,
    model_table,
    schedule_table,
    search_tables,
)

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["show_evaluation", "show_table"]


def show_evaluation(evaluation: Evaluation, console: Console) -> None:
    """Print the compact tables of an evaluation."""
    for name, reason in evaluation.not_run.items():
        console.print(f"{name}: not run: {reason}", highlight=False, markup=False)
    for table in _tables(evaluation):
        show_table(table, console)


def _tables(evaluation: Evaluation) -> Iterator[Table]:
    for results in evaluation.logs:
        if results.models:
            yield model_table(results)
        schedule = schedule_table(results)
        if schedule is not None:
            yield schedule
        if results.ablation:
            yield ablation_table(results, evaluation.study_model)
        if results.search is not None:
            yield from search_tables(results.search)
    if evaluation.matrix:
        yield matrix_table(evaluation, [evaluation.study_model], "accuracy")
        yield matrix_table(evaluation, [evaluation.study_model], "mae_s")


def show_table(table: Table, console: Console) -> None:
    """Print one table."""
    from rich import box
    from rich.table import Table as RichTable

    shown = RichTable(title=table.title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for place, heading in enumerate(table.headings):
        shown.add_column(heading, justify="right" if place else "left", no_wrap=place == 0)
    for row in table.rows:
        shown.add_row(*row)
    with console.capture() as drawn:
        console.print(shown, highlight=False, markup=False)
    console.file.write("\n".join(line.rstrip() for line in drawn.get().split("\n")))
