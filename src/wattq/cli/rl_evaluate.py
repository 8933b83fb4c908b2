"""``wattq rl evaluate``: learned policies beside rules and bounds, on what they have not seen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["evaluate"]

_HOURLY = "node-power"
_BATCH = "batch"


def evaluate(
    models: Annotated[
        list[Path] | None,
        typer.Argument(help="Files of learned policies, of several seeds for instance; none (node-power): rules."),
    ] = None,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for tables, report and pictures.")],
    task: Annotated[str | None, typer.Option(help="node-power or batch; that of the files when not given.")] = None,
    weeks: Annotated[
        int | None, typer.Option(min=1, help="Only so many weeks of each part (batch) or fortnights of each series.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes (default: batch: 2, node-power: 1).")] = None,
    experiment: Annotated[
        str | None,
        typer.Option("--experiment", "-e", help="batch: heuristics to beat (default: learned-kth)."),
    ] = None,
    workload: Annotated[
        list[str] | None, typer.Option("--workload", "-w", help="batch: only this workload, by its label; repeatable.")
    ] = None,
    random: Annotated[
        int | None, typer.Option(min=0, max=100, help="batch: random policies to stand beside them (default: 3).")
    ] = None,
    prices: Annotated[
        list[str] | None, typer.Option(help="node-power: series of prices, FILE or FILE#REGION; repeatable.")
    ] = None,
    rates: Annotated[
        str | None, typer.Option(help="node-power: jobs per hour, 50,100 or FROM:TO:HOW_MANY (default: 50,100,200).")
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="node-power: seeds of the arrivals (default: 3).")] = None,
    forecast: Annotated[
        str | None, typer.Option(help="node-power: what is known of prices, as perfect (default: day-ahead).")
    ] = None,
    rules: Annotated[
        str | None, typer.Option(help="node-power: rules to compare with, as queue,sized (default: all).")
    ] = None,
    into_card: Annotated[
        bool, typer.Option("--into-card", help="node-power: write the results into the cards of the policies, too.")
    ] = False,
) -> None:
    """Evaluate learned policies on held-out weeks, with intervals, rules and lower bounds; say whether they win.

    Batch logs: the best heuristic of a study is chosen on its tuning weeks, by the least CO2e (or cost) at no longer
    p95 wait than EASY's, and all are compared on its test weeks.
    """
    from wattq.errors import LearningError

    kind = _kind(task, models or [])
    hourly: dict[str, object] = {"--prices": prices, "--rates": rates, "--seeds": seeds, "--forecast": forecast}
    hourly |= {"--rules": rules, "--into-card": into_card or None}
    batch: dict[str, object] = {"--experiment": experiment, "--workload": workload, "--random": random}
    wrong = next((name for name, value in (batch if kind == _HOURLY else hourly).items() if value is not None), None)
    if wrong is not None:
        raise LearningError(f"{wrong}: not an option of the {kind} evaluation; leave it out")
    if kind == _BATCH:
        _batch(models or [], output, experiment or "learned-kth", workload or [], weeks, workers, random)
        return
    from wattq.cli.rl_node_power import evaluate_node_power

    if not prices:
        raise LearningError("--prices: give one series of prices at least, such as FILE#REGION")
    evaluate_node_power(
        models or [], prices, output, rates=rates or "50,100,200", seeds=3 if seeds is None else seeds, weeks=weeks,
        forecast=forecast or "day-ahead", workers=workers or 1, rules=rules or "", into_card=into_card,
    )  # fmt: skip


def _kind(task: str | None, models: Sequence[Path]) -> str:
    """Return which evaluation is asked for."""
    from wattq.errors import LearningError
    from wattq.schedulers.rl.model_file import load_learned

    if task is not None and task not in (_HOURLY, _BATCH):
        raise LearningError(f"--task {task[:60]}: there is {_HOURLY} and {_BATCH}")
    if task is not None:
        return task
    # Without a policy there are still the rules of the node-power task to measure.
    return _HOURLY if not models or load_learned(models[0]).task == _HOURLY else _BATCH


def _batch(
    models: Sequence[Path],
    output: Path,
    experiment: str,
    workload: Sequence[str],
    weeks: int | None,
    workers: int | None,
    random: int | None,
) -> None:
    """Evaluate policies of batch jobs."""
    from wattq.cli.progress import progress_bar
    from wattq.experiments.experiment_file import find_experiment, load_experiment
    from wattq.experiments.rl.heldout import evaluate_learned
    from wattq.experiments.rl.heldout.output import evaluation_text, write_evaluation
    from wattq.experiments.study import study_text

    path = find_experiment(experiment)
    loaded = load_experiment(path)
    with progress_bar() as progress:
        found = evaluate_learned(
            loaded, models, output, base=path.parent, workers=workers, most_weeks=weeks, labels=workload,
            random_seeds=3 if random is None else random, progress=progress,
        )  # fmt: skip
    files = write_evaluation(found, output, path.name)
    typer.echo(study_text(found.study.groups))
    typer.echo("\n" + evaluation_text(found))
    shown = [str(file) for file in files if file.parent == output]
    typer.echo("\n" + "\n".join([*shown, str(output / "pictures")]))
