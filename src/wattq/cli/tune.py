"""``wattq tune``: a search for the knobs of policies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["tune"]


def tune(
    file: Annotated[str, typer.Argument(help="Tuning file (YAML), or the name of a shipped one such as tune-eco.")],
    trials: Annotated[
        int | None, typer.Option(min=1, help="Trials, those of an earlier search among them (default: the file's).")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes; with 1, the same seed gives the same trials.")] = 1,
    storage: Annotated[
        str | None,
        typer.Option(help="Journal file, or URL of a data base such as postgresql://... (default: DIR/study.journal)."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the study that is there; begin one where there is none.")
    ] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder of the results.")] = None,
    weeks: Annotated[
        int | None, typer.Option(min=1, help="Only the first so many tuning and test weeks of each log.")
    ] = None,
) -> None:
    """Search for knobs on tuning weeks; run the best, EASY and the untuned policies on test weeks.

    Writes trials.csv, best.yaml (for wattq compare), gap.csv, report.html and provenance.json. Every finished trial is
    kept: after Ctrl-C or a kill, --resume goes on.
    """
    from wattq.cli.progress import progress_bar
    from wattq.experiments.folders import folder_name
    from wattq.experiments.tuning import Settings, find_tuning, load_tuning, tuning_text, write_tuning
    from wattq.experiments.tuning import tune as search

    path = find_tuning(file)
    tuning = load_tuning(path)
    folder = Path(output or tuning.outputs.directory or Path("results") / folder_name(tuning.name))
    settings = Settings(folder, path.parent, trials, workers, storage, resume, weeks)
    with _going_on(file, folder, storage), progress_bar() as progress:
        outcome = search(tuning, settings, progress)
    paths = write_tuning(outcome, folder, path.parent, path.name)
    typer.echo(tuning_text(outcome))
    typer.echo("\n" + "\n".join(map(str, paths)))


@contextmanager
def _going_on(file: str, folder: Path, storage: str | None) -> Iterator[None]:
    """Say on Ctrl-C how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        more = f" --storage {storage}" if storage is not None else ""
        typer.echo(f"finished trials are kept; go on with: wattq tune {file} --resume -o {folder}{more}", err=True)
        raise
