"""``wattq rl evaluate``: learned policies beside rules and bounds, on what they have not seen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["evaluate"]


def evaluate(
    models: Annotated[
        list[Path] | None, typer.Argument(help="Files of learned policies, by `wattq rl train`; may be none.")
    ] = None,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for tables and pictures.")],
    task: Annotated[str, typer.Option(help="node-power.")] = "node-power",
    prices: Annotated[
        list[str] | None, typer.Option(help="Series of prices: FILE or FILE#REGION; repeatable. node-power.")
    ] = None,
    rates: Annotated[str, typer.Option(help="Jobs per hour: 50,100 or FROM:TO:HOW_MANY. node-power.")] = "50,100,200",
    seeds: Annotated[int, typer.Option(help="Seeds of the arrivals.")] = 3,
    weeks: Annotated[int | None, typer.Option(help="Held-out fortnights of each series; all when not given.")] = None,
    forecast: Annotated[str, typer.Option(help="What is known of prices: day-ahead, perfect, ...")] = "day-ahead",
    rules: Annotated[str, typer.Option(help="Rules to compare with, such as queue,sized; all when empty.")] = "",
    into_card: Annotated[
        bool, typer.Option("--into-card", help="Write the results into the cards of the policies, too.")
    ] = False,
    workers: Annotated[int, typer.Option(help="Processes.")] = 1,
) -> None:
    """Evaluate learned policies: fixed held-out weeks, intervals, rules and lower bounds beside."""
    from wattq.cli.rl_node_power import evaluate_node_power
    from wattq.errors import LearningError

    if task != "node-power":
        raise LearningError(f"--task {task[:60]}: no such evaluation; there is node-power")
    if not prices:
        raise LearningError("--prices: give one series of prices at least, such as FILE#REGION")
    evaluate_node_power(
        models or [],
        prices,
        output,
        rates=rates,
        seeds=seeds,
        weeks=weeks,
        forecast=forecast,
        workers=workers,
        rules=rules,
        into_card=into_card,
    )
