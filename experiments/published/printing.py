"""A reproduced table on a terminal, as CSV and as JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from wattq.errors import InvalidInputError
from wattq.experiments.published.reproduction import Cell, Reproduction
from wattq.workloads.files import write_whole

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["check_output", "csv_text", "json_text", "show", "summary", "write"]

EQUAL, DIFFERENT, ABSENT = "=", "!", "-"
"""Marks of a cell: it has the printed digits, or not; it is not computed."""

_KEYS = ("block", "metric", "trace", "column", "printed", "published", "computed", "equal", "difference")


def show(done: Reproduction, console: Console) -> None:
    """Print the tables with the marks of each cell, what is missing, and the count."""
    protocol = done.protocol
    console.print(f"{protocol.title}\n{protocol.source}", markup=False, highlight=False, soft_wrap=True)
    for block in dict.fromkeys(cell.block for cell in done.cells):
        console.print(_table(block, [cell for cell in done.cells if cell.block == block]))
    for line in _lines(done):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _table(title: str, cells: list[Cell]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    columns = list(dict.fromkeys(cell.column for cell in cells))
    table = Table(title=Text(title), title_justify="left", box=box.ASCII2)
    table.add_column("")
    for column in columns:
        table.add_column(Text(column), justify="right", overflow="fold")
    for trace in dict.fromkeys(cell.trace for cell in cells):
        of_trace = {cell.column: cell for cell in cells if cell.trace == trace}
        for row in _rows(trace, [of_trace.get(column) for column in columns]):
            table.add_row(*(Text(text, style=style) for text, style in row))
        table.add_section()
    return table


def _rows(trace: str, cells: list[Cell | None]) -> Iterator[list[tuple[str, str]]]:
    """Yield the rows of one trace as texts and styles: computed, printed and, where there is one, the difference."""
    yield [(trace, "bold"), *(_computed(cell) for cell in cells)]
    yield [("  printed", "dim"), *(_printed(cell) for cell in cells)]
    if any(cell is not None and cell.equal is False for cell in cells):
        yield [("  difference", ""), *(_difference(cell) for cell in cells)]


def _computed(cell: Cell | None) -> tuple[str, str]:
    if cell is None:
        return "", ""
    if cell.equal is None:
        return f"{ABSENT}  ", "yellow"
    return (f"{cell.text} {EQUAL}", "green") if cell.equal else (f"{cell.text} {DIFFERENT}", "bold red")


def _printed(cell: Cell | None) -> tuple[str, str]:
    if cell is None:
        return "", ""
    return (f"{cell.printed}  " if cell.published else f"({cell.printed}) "), "dim"


def _difference(cell: Cell | None) -> tuple[str, str]:
    return ("", "") if cell is None or cell.equal is not False else (f"{cell.difference:+.3g}  ", "bold red")


def _lines(done: Reproduction) -> Iterator[str]:
    yield f"{EQUAL} has the printed digits; {DIFFERENT} differs; {ABSENT} not computed"
    if any(not cell.published for cell in done.cells):
        yield "(...) a reference value: the publication does not have it"
    yield from (f"note: {note}" for note in done.protocol.notes)
    yield from (f"missing: {text}" for text in done.missing.values())
    yield from (f"refused: {text}" for text in done.refused.values())
    yield summary(done)


def summary(done: Reproduction) -> str:
    """Return the counts in one line."""
    computed = done.computed
    equal = sum(cell.equal is True for cell in computed)
    printed = sum(cell.published for cell in done.cells)
    return (
        f"{equal} of {len(computed)} computed values have the printed digits; {len(done.cells) - len(computed)} of "
        f"{len(done.cells)} ({printed} published) are not computed"
    )


def csv_text(done: Reproduction) -> str:
    """Return one line per cell; an unknown value is empty."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_KEYS)
    for cell in done.cells:
        row = [getattr(cell, key) for key in _KEYS]
        writer.writerow([str(value).lower() if isinstance(value, bool) else value for value in row])
    return stream.getvalue()


def json_text(done: Reproduction) -> str:
    """Return title, source, files, cells, and what is missing or refused, as JSON."""
    protocol = done.protocol
    content = {
        "title": protocol.title,
        "source": protocol.source,
        "traces": {
            name: {"file": done.files.get(name), "sha256": spec.sha256} for name, spec in protocol.traces.items()
        },
        "missing": done.missing,
        "refused": done.refused,
        "cells": [{key: getattr(cell, key) for key in _KEYS} for cell in done.cells],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def check_output(path: Path) -> None:
    """Refuse an output file that is neither CSV nor JSON by its name, before anything is computed."""
    if path.suffix not in (".csv", ".json"):
        raise InvalidInputError(f"-o {path}: the name must end in .csv or .json")


def write(done: Reproduction, path: Path) -> Path:
    """Write the cells as CSV or JSON, by the ending of the name; whole or not at all."""
    check_output(path)
    text = csv_text(done) if path.suffix == ".csv" else json_text(done)
    return write_whole(path, text.encode())
