"""``wattq campaign``: the product of factors of one file, run here, by dask or on Slurm, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.core

if TYPE_CHECKING:
    from wattq.experiments.campaign import Campaign, Outcome, Status

__all__ = ["app"]

_SHOWN = 5
TERMINATED = 143
"""Exit code after SIGTERM: 128 + 15, as shells count."""


class _Campaigns(typer.core.TyperGroup):
    """The group of commands; ``campaign FILE ...`` without a command is short for ``campaign run FILE ...``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_Campaigns,
    no_args_is_help=True,
    help="Run the product of factors of one file, resumable; `campaign FILE` is short for `campaign run FILE`.",
)

Folder = Annotated[Path, typer.Argument(help="Folder of a campaign.")]


@app.command()
def run(
    experiment: Annotated[str, typer.Argument(help="Campaign file (YAML), or the name of a shipped one.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder of the campaign (default: results/NAME).")
    ] = None,
    executor: Annotated[str, typer.Option(help="Who runs the cells: local, dask or slurm.")] = "local",
    workers: Annotated[int | None, typer.Option(help="Processes, each with one cell at a time (default: 2).")] = None,
    scheduler_file: Annotated[Path | None, typer.Option(help="Of a dask scheduler that is there already.")] = None,
    address: Annotated[str | None, typer.Option(help="Of a dask scheduler that is there already.")] = None,
    retry: Annotated[int, typer.Option(help="How often a cell that failed is tried again.")] = 1,
    only: Annotated[
        list[str] | None, typer.Option(help="Only cells with COLUMN=VALUE, or of a key's begin; repeatable.")
    ] = None,
    fix_weights: Annotated[
        list[str] | None, typer.Option(help="NAME=WEIGHT that stays in every simplex that has it; repeatable.")
    ] = None,
    continue_only: Annotated[
        bool, typer.Option("--continue-only", help="Finish what was begun; begin no cell that never was.")
    ] = False,
    print_job_script: Annotated[
        bool, typer.Option("--print-job-script", help="Print what is given to sbatch, and stop.")
    ] = False,
    to_robin: Annotated[
        Path | None, typer.Option(help="Write one robin file per run to this folder, and stop.")
    ] = None,
) -> None:
    """Run the cells that are not done yet, then write manifest, results, tables by factor and a figure."""
    from wattq.experiments.campaign import (
        CrewOptions,
        RunOptions,
        find_campaign,
        job_script,
        load_campaign,
        run_campaign,
    )

    path = find_campaign(experiment)
    campaign = _fixed(load_campaign(path), fix_weights or [])
    crew = CrewOptions(
        executor, workers, None if scheduler_file is None else str(scheduler_file), address, campaign.slurm
    )
    if print_job_script:
        typer.echo(job_script(crew), nl=False)
        return
    if to_robin is not None:
        _write_robin(campaign, path, to_robin)
        return
    from wattq.cli.run import default_output

    folder = output or default_output(campaign)
    options = RunOptions(crew, retry, only or [], continue_only)
    with _ended_by_sigterm(), _bar() as progress:
        outcome = run_campaign(campaign, folder, base=path.parent, options=options, progress=progress)
    _tell(outcome, folder)
    if outcome.done + outcome.skipped:
        _report(folder)
    if outcome.failed:
        raise typer.Exit(1)


def _fixed(campaign: Campaign, words: list[str]) -> Campaign:
    """Return the campaign with weights fixed in every simplex that has them."""
    from wattq.cli.values import pairs
    from wattq.errors import CampaignError

    if not words:
        return campaign
    given: dict[str, float] = {}
    for name, value in pairs(words, "--fix-weights").items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise CampaignError(f"--fix-weights {name}={value}: a weight is a number from 0 to 1")
        given[name] = float(value)
    factors = {}
    for name, factor in campaign.factors.items():
        own = {part: weight for part, weight in given.items() if part in (factor.simplex or [])}
        factors[name] = factor.model_copy(update={"fixed": {**factor.fixed, **own}}) if own else factor
    known = {part for factor in campaign.factors.values() for part in factor.simplex or []}
    unknown = next((name for name in given if name not in known), None)
    if unknown is not None:
        raise CampaignError(f"--fix-weights {unknown}: no simplex of this campaign has it; there are "
                            f"{', '.join(sorted(known)) or 'none'}")  # fmt: skip
    return campaign.model_copy(update={"factors": factors})


def _write_robin(campaign: Campaign, path: Path, folder: Path) -> None:
    from wattq.experiments.campaign import write_robin_files

    files = write_robin_files(campaign, folder, base=path.parent)
    typer.echo("\n".join(map(str, files)))
    typer.echo(f"{len(files)} robin files; run one from here with robin FILE or wattq robin FILE", err=True)


@app.command()
def status(folder: Folder) -> None:
    """Print what became of the cells, the failures, and what was run more than once."""
    from wattq.experiments.campaign import read_status

    found = read_status(folder)
    counts = found.counts
    words = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    typer.echo(f"{found.name}: {len(found.rows)} cells, {sum(counts.values())} runs: {words}")
    if found.unused:
        typer.echo(
            f"{found.unused} finished runs belong to other code, other files or other factors; they are not used"
        )
    _failures({row.label: row.error for row in found.rows if row.error})
    again = _again(found)
    typer.echo(f"{sum(again)} attempts, {again[1]} of them after the run was done")


def _again(found: Status) -> tuple[int, int]:
    """Return how many attempts there were up to the end of each run, and how many began after it."""
    tried = {row.key: row.attempts for row in found.rows}
    before = after = 0
    for attempts in tried.values():
        ends = [attempt.ended for attempt in attempts if attempt.status == "done"]
        late = sum(bool(ends) and attempt.started > min(ends) for attempt in attempts)
        before, after = before + len(attempts) - late, after + late
    return before, after


@app.command()
def collect(folder: Folder) -> None:
    """Write manifest, results, tables by factor and the figure of what is done so far; also while the campaign runs."""
    from wattq.experiments.campaign import Layout, write_manifest

    write_manifest(Layout(folder))
    _report(folder)


def _report(folder: Path) -> None:
    """Collect results, print the table of each factor, and the places of the files."""
    from wattq.experiments.campaign import collect as gather
    from wattq.experiments.campaign import factor_tables, write_report
    from wattq.experiments.campaign.tables import tables_text

    results = gather(folder)
    typer.echo(tables_text(factor_tables(results)))
    typer.echo("\n" + "\n".join(map(str, write_report(results, folder))))


def _tell(outcome: Outcome, folder: Path) -> None:
    words = [f"{outcome.done} done now", f"{outcome.skipped} done before"]
    words += [f"{len(outcome.failed)} failed"] if outcome.failed else []
    words += [f"{outcome.left} never begun and left"] if outcome.left else []
    typer.echo(f"{outcome.cells} cells, {outcome.runs} runs, {outcome.asked} asked for: {', '.join(words)}")
    _failures(outcome.failed)
    if outcome.failed:
        typer.echo(f"logs of failures in {folder / 'attempts'}; run the same command to try them again", err=True)


def _failures(errors: Mapping[str, str]) -> None:
    """Print why cells failed, the reasons that most have in common first."""
    for error, count in Counter(errors.values()).most_common(_SHOWN):
        first = next(label for label, found in errors.items() if found == error)
        others = f" (and {count - 1} others)" if count > 1 else ""
        typer.echo(f"failed: {first}{others}: {error}", err=True)


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM, such as of scancel, end the block like Ctrl-C does."""
    import signal

    def end(number: int, frame: object) -> None:
        raise SystemExit(TERMINATED)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _bar() -> Iterator[Callable[[int, int, str], None] | None]:
    """Yield what shows the progress on standard error; None where that is no terminal."""
    from wattq.cli.progress import progress_bar

    with progress_bar(remaining=True) as progress:
        yield progress
