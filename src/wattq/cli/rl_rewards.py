"""``wattq rl plot-rewards``: shapes of the rewards of the node-power task, drawn by the code that pays them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["plot_rewards"]


def plot_rewards(
    output: Annotated[Path, typer.Option("--output", "-o", help="Picture to write, .png or .svg.")],
    shapes: Annotated[str, typer.Option(help="Form of the rewards: tanh or ratio.")] = "tanh",
    prices: Annotated[
        str, typer.Option(help="Give the usual range: sinus, logic, noisy-logic, or the file of a signal.")
    ] = "logic",
    context: Annotated[float, typer.Option(help="Mean price of the hours around the one that is shown.")] = 80.0,
) -> None:
    """Draw the parts of the reward of the node-power task over what each of them depends on."""
    from wattq.errors import LearningError
    from wattq.experiments.plots import render
    from wattq.experiments.rl.node_power.shapes import reward_shapes
    from wattq.files import write_whole
    from wattq.schedulers.rl.node_power.config import NodePowerConfig

    form = output.suffix.lower().removeprefix(".")
    if form not in ("png", "svg"):
        raise LearningError(f"picture '{output}': the name must end in .png or .svg")
    if not math.isfinite(context):
        raise LearningError(f"--context {context}: it must be a number")
    figure = reward_shapes(NodePowerConfig(shapes=shapes), prices, context=context)
    write_whole(output, render(figure, "png" if form == "png" else "svg"))
    typer.echo(f"rewards of an hour written to {output}")
