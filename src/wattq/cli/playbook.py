"""``wattq playbook``: what an operator may conclude from a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["playbook"]


def playbook(
    results: Annotated[Path, typer.Argument(help="Folder of a study (wattq compare), or its study.json.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Markdown file; standard output when absent.")
    ] = None,
) -> None:
    """Write which policy saves what at which load: sentences, each with its figure, as Markdown."""
    from wattq.experiments.folders import write_text
    from wattq.experiments.playbook import playbook_markdown
    from wattq.experiments.study import read_numbers

    text = playbook_markdown(read_numbers(results))
    if output is None:
        typer.echo(text, nl=False)
    else:
        write_text(output, text)
        typer.echo(output)
