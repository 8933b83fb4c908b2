"""``wattq surrogate evaluate`` and ``tune``: how good predictions of run times are, and with which settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["evaluate", "tune"]

_WIDTH = 132


def evaluate(
    logs: Annotated[list[str], typer.Argument(help="Logs: names of the catalogue or files.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the results.")],
    model: Annotated[
        list[str] | None, typer.Option("--model", "-m", help="Model to run; repeatable (default: all of them).")
    ] = None,
    first: Annotated[int, typer.Option(help="Jobs at the begin of a log that are not measured.")] = 2000,
    split: Annotated[float, typer.Option(help="Share of the jobs before the cut of the plain split.")] = 0.5,
    seed: Annotated[int, typer.Option(help="Seed of models, resamples and search.")] = 0,
    parts: Annotated[
        str, typer.Option(help="What to do: some of accuracy,schedule,matrix,ablation,search.")
    ] = "accuracy,schedule,matrix,ablation,search",
    study_model: Annotated[str, typer.Option(help="Model of ablation and search (default: one that learns).")] = "",
    trials: Annotated[int, typer.Option(help="Settings that the search tries for each log.")] = 8,
    simulated: Annotated[
        int, typer.Option(help="Logs, from the first on, whose schedule is simulated with models that learn (slow).")
    ] = 1,
    workers: Annotated[int, typer.Option(help="Number of processes; results do not depend on it.")] = 2,
    cache: Annotated[
        Path | None, typer.Option(help="Folder of results that took long (default: in the user's cache).")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Compute everything again; keep nothing.")] = False,
) -> None:
    """Measure models of run times on logs: accuracy, intervals, effect on the schedule, transfer, ablation, search.

    What took long is kept: after Ctrl-C the same command goes on where it was stopped.
    """
    from wattq.cli.progress import progress_bar
    from wattq.experiments.folders import check_target
    from wattq.experiments.surrogates import Settings, default_cache, find_logs, is_evaluation, write_evaluation
    from wattq.experiments.surrogates import evaluate as compute
    from wattq.experiments.surrogates.printing import show_evaluation

    check_target(output, is_evaluation)
    settings = Settings(
        logs=find_logs(logs),
        models=tuple(model or ()),
        first=first,
        split=split,
        seed=seed,
        parts=tuple(part.strip() for part in parts.split(",") if part.strip()),
        workers=workers,
        trials=trials,
        simulated=simulated,
        study_model=study_model,
        cache=None if fresh else cache or default_cache(),
    )
    with progress_bar() as progress:
        found = compute(settings, progress)
    paths = write_evaluation(found, output)
    show_evaluation(found, _console())
    typer.echo(f"written: {', '.join(str(path) for path in paths)}")


def tune(
    log: Annotated[str, typer.Argument(help="Log: a name of the catalogue or a file.")],
    *,
    model: Annotated[str, typer.Option("--model", "-m", help="Model whose settings are searched.")],
    trials: Annotated[int, typer.Option(help="Settings to try, the default ones among them.")] = 20,
    seed: Annotated[int, typer.Option(help="Seed of the model and of the search.")] = 0,
    objective: Annotated[str, typer.Option(help="Figure to improve on the validation period.")] = "accuracy",
    journal: Annotated[
        Path | None, typer.Option(help="File NAME.journal of finished trials, or a folder (default: the user's cache).")
    ] = None,
) -> None:
    """Search for settings of a model on a validation period; measure the best ones on a test period kept apart.

    Finished trials are kept: the same command with more --trials goes on from them.
    """
    from wattq.cli.progress import progress_bar
    from wattq.experiments.surrogates import Search, default_cache, find_logs, search_model
    from wattq.experiments.surrogates.printing import show_table
    from wattq.experiments.surrogates.tables import search_tables

    ((name, path),) = find_logs([log]).items()
    with progress_bar() as progress:
        found = search_model(Search((name, path), model, trials, seed, objective, journal or default_cache()), progress)
    for table in search_tables(found):
        show_table(table, _console())


def _console() -> Console:
    """Return standard output; where it is no terminal, wide enough for the tables."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH)
