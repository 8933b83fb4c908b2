"""``wattq rl evolve``: a network for `eco`, learned by evolution."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["evolve"]


def evolve(
    file: Annotated[str, typer.Argument(help="Training file (YAML), or the name of a shipped one (evolve-kth).")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the results; resumed if it exists.")],
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of the search.")] = 0,
    generations: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="Generations, in place of the file's.")
    ] = None,
) -> None:
    """Learn when and how fast jobs run beyond `eco`'s parameters, on the tuning weeks of a study.

    Ctrl-C keeps the generations that are done; the same command goes on from there.
    """
    from wattq.cli.progress import progress_bar
    from wattq.experiments.experiment_file import find_experiment, load_experiment
    from wattq.experiments.rl.evolve import evolve as learn
    from wattq.experiments.rl.evolve import find_evolve, load_evolve

    path = find_evolve(file)
    training = load_evolve(path)
    if generations is not None:
        training = training.model_copy(update={"generations": generations})
    beside = path.parent / training.study
    place = beside if beside.is_file() else find_experiment(training.study)
    with progress_bar() as progress:
        made = learn(training, load_experiment(place), output, seed=seed, base=place.parent, progress=progress)
    typer.echo(f"{made}\n{output / 'history.csv'}")
