"""``wattq rl evaluate``: learned policies on weeks and episodes that they never saw."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["evaluate"]


def evaluate(
    models: Annotated[list[Path], typer.Argument(help="Files of learned policies, of several seeds for instance.")],
    experiment: Annotated[
        str, typer.Option("--experiment", "-e", help="Study with the heuristics to beat: a file, or a shipped one.")
    ] = "learned-kth",
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the results.")] = Path("results/learned"),
    workload: Annotated[
        list[str] | None, typer.Option("--workload", "-w", help="Only this workload, by its label; repeatable.")
    ] = None,
    weeks: Annotated[int | None, typer.Option(min=1, help="Only the first so many weeks of each part.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that share the weeks [2].")] = None,
    random: Annotated[int, typer.Option(min=0, max=100, help="Random policies to stand beside them.")] = 3,
) -> None:
    """Compare learned policies with tuned heuristics on held-out weeks, and say plainly whether they win.

    The best heuristic is chosen on the tuning weeks, by the least CO2e (or cost) at no longer p95 wait than EASY's.
    """
    from wattq.cli.progress import progress_bar
    from wattq.experiments.experiment_file import find_experiment, load_experiment
    from wattq.experiments.rl.heldout import evaluate_learned
    from wattq.experiments.rl.heldout.output import evaluation_text, write_evaluation
    from wattq.experiments.study import study_text

    path = find_experiment(experiment)
    loaded = load_experiment(path)
    with progress_bar() as progress:
        found = evaluate_learned(
            loaded, models, output, base=path.parent, workers=workers, most_weeks=weeks, labels=workload or [],
            random_seeds=random, progress=progress,
        )  # fmt: skip
    files = write_evaluation(found, output, path.name)
    typer.echo(study_text(found.study.groups))
    typer.echo("\n" + evaluation_text(found))
    shown = [str(file) for file in files if file.parent == output]
    typer.echo("\n" + "\n".join([*shown, str(output / "pictures")]))
