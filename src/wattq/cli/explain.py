"""``wattq explain``: why a job of a run started when it did, and what would have started it earlier."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from wattq.cli.cleaning import with_cleaning
from wattq.cli.progress import progress_bar
from wattq.cli.values import pairs

__all__ = ["explain"]


@with_cleaning
def explain(
    run: Annotated[Path, typer.Argument(help="Run directory of wattq run or compare.")],
    job: Annotated[str, typer.Argument(help="Id of the job, such as 42, or w0!42 where there are several workloads.")],
    by: Annotated[
        float, typer.Option(help="Share of its wait by which a change is to start it earlier; 1: at its submission.")
    ] = 0.25,
    scaling: Annotated[
        str, typer.Option(help="On fewer hosts the job runs longer, its work staying the same (linear), or not (none).")
    ] = "linear",
    horizon: Annotated[
        float, typer.Option(help="Leave out jobs submitted later than so long after its start, s.")
    ] = 86400.0,
    simulations: Annotated[int, typer.Option(help="Simulations at most for each kind of change.")] = 60,
    workload: Annotated[
        list[str] | None,
        typer.Option("--workload", "-w", help="Workload of the run, where the file it names is gone; repeatable."),
    ] = None,
    events: Annotated[
        Path | None, typer.Option(help="External events of the run, if not those its command names.")
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option(help="Parameter of its policy to replace, such as a moved signal's path.")
    ] = None,
    beta: Annotated[str | None, typer.Option(help="Sensitivity to speed, as wattq run was given it.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print all that is known as JSON.")] = False,
    options: Any = None,
) -> None:
    """Explain when a job of a run started: what held it, and which smallest changes would have started it earlier."""
    params = pairs(param or [], "--param")

    from wattq.experiments.explain import explain as explain_job
    from wattq.experiments.explain import explanation_json, explanation_text
    from wattq.workloads import parse_beta

    with progress_bar() as progress:
        found = explain_job(
            run, job, workloads=tuple(workload or ()), events=events, params=params, options=options,
            beta=None if beta is None else parse_beta(beta), by=by, scaling=scaling, horizon_s=horizon,
            simulations=simulations, tell=progress,
        )  # fmt: skip
    typer.echo(explanation_json(found) if json else explanation_text(found))
