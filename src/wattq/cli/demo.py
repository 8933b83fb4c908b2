"""``wattq demo``: the main job on real input, with nothing to prepare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["demo"]


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the results.")] = Path("results/demo"),
    offline: Annotated[bool, typer.Option("--offline", help="Do not download a trace.")] = False,
) -> None:
    """Compare policies on a real trace; print the table and write report.html."""
    from wattq.cli.run import run_experiment
    from wattq.experiments.demo import demo_experiment

    experiment, path, words = demo_experiment(offline=offline)
    typer.echo(words)
    run_experiment(experiment, output, path)
