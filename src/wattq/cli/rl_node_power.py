"""``wattq rl evaluate --task node-power`` and ``wattq rl sweep``: the hourly node-power task, measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import typer

from wattq.cli.progress import progress_bar

__all__ = ["evaluate_node_power", "model_names", "rule_names"]


def evaluate_node_power(
    models: list[Path],
    prices: list[str],
    output: Path,
    *,
    rates: str = "50,100,200",
    seeds: int = 3,
    weeks: int | None = None,
    forecast: str = "day-ahead",
    workers: int = 1,
    rules: str = "",
    into_card: bool = False,
) -> None:
    """Compare learned policies of the node-power task with rules and bounds on held-out weeks."""
    from wattq.experiments.rl.node_power.evaluation import Plan, evaluate
    from wattq.experiments.rl.node_power.grids import parse_values
    from wattq.experiments.rl.node_power.output import write_card, write_evaluation
    from wattq.experiments.rl.node_power.summary import summarise, summary_text

    values = parse_values("--rates", rates)
    plan = Plan(model_names(models), prices, values, seeds, weeks, forecast, rule_names(rules))
    with progress_bar(remaining=True) as told:
        entries = evaluate(plan, output, workers=workers, done=_told(told))
    rows = summarise(entries)
    text = summary_text(rows)
    typer.echo(text)
    write_evaluation(plan, entries, rows, text, output)
    if into_card:
        write_card(plan, rows)
    typer.echo(f"\nwritten: {output}")


def rule_names(text: str) -> tuple[str, ...]:
    """Return the rules of ``queue,sized``; all that there are for an empty text."""
    from wattq.experiments.rl.node_power.candidates import BASELINES

    return tuple(name.strip() for name in text.split(",") if name.strip()) or tuple(BASELINES)


def model_names(models: list[Path]) -> dict[str, str]:
    """Return the files of models by their names; the folder's where the file is called policy."""
    found: dict[str, str] = {}
    for path in models:
        name = path.stem if path.stem != "policy" else path.resolve().parent.name
        found[name if name not in found else f"{name}-{len(found) + 1}"] = str(path)
    return found


def _told(told: Callable[[int, int, str], None] | None) -> Callable[[int, int], None]:
    """Return what is told of each result that is ready."""
    return lambda ready, total: None if told is None else told(ready, total, "episodes")
