"""``wattq doctor``: what is installed, what is missing, and how to get it."""

from __future__ import annotations

import typer

__all__ = ["doctor"]


def doctor() -> None:
    """Say what is installed and what is missing; exit 1 when wattq itself lacks something."""
    from wattq.experiments.doctor import core_is_complete, doctor_lines

    for line in doctor_lines():
        typer.echo(line)
    if not core_is_complete():
        raise typer.Exit(1)
