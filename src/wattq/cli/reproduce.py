"""``wattq reproduce``: a published table, computed from its traces and compared to the printed digits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["reproduce"]

_WIDTH = 132


def reproduce(
    name: Annotated[str, typer.Argument(help="sc20-table5, sc15-easy, or a protocol file.")],
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", help="Folder with traces (plain, .gz, .xz), searched first; repeatable."),
    ] = None,
    learned: Annotated[
        bool, typer.Option("--learned", help="Policies learned here beside the printed ones (sc20-table5).")
    ] = False,
    output: Annotated[
        list[Path] | None, typer.Option("--output", "-o", help="Write the cells to a .csv or .json file; repeatable.")
    ] = None,
) -> None:
    """Reproduce a published table: computed and printed values side by side, with a mark for each cell.

    Traces are told by their sha256. One that is not here is named with where to get it; the others are computed.

    Exit code: 0 all computed cells have the printed digits, 1 a cell differs, 2 a trace is refused or none is here.
    """
    from wattq.experiments.published import TraceFinder, load_protocol
    from wattq.experiments.published.printing import check_output, show, write
    from wattq.experiments.published.reproduction import reproduce as compute

    for path in output or []:
        check_output(path)
    protocol = load_protocol(name)
    done = compute(protocol, TraceFinder(data or []))
    show(done, _console())
    if learned:
        from wattq.experiments.published.learned import learned_cells, learned_lines

        typer.echo("\n".join(learned_lines(learned_cells(protocol, TraceFinder(data or [])))))
    for path in output or []:
        typer.echo(f"written: {write(done, path)}")
    if done.exit_code:
        raise typer.Exit(done.exit_code)


def _console() -> Console:
    """Return standard output; where it is no terminal, wide enough for the tables."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH)
