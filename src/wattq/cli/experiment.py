"""``wattq experiment``: experiment files to robin files and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Experiment files to robin files and back.")


@app.command("to-robin")
def to_robin(
    experiment: Annotated[str, typer.Argument(help="Experiment file (YAML), or the name of a shipped experiment.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the robin files.")],
    inputs: Annotated[
        str | None, typer.Option(help="Folder of inputs and results, as the robin files name it (default: that of -o).")
    ] = None,
    batsim: Annotated[str, typer.Option(help="Command of Batsim, such as batsim or wattq-batsim.")] = "batsim",
    port: Annotated[int, typer.Option(help="TCP port on which Batsim and the scheduler meet.")] = 28000,
    simulation_timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="Longest time a process may run.")
    ] = 604800,
    ready_timeout: Annotated[float, typer.Option(metavar="SECONDS", help="Longest wait until the port is free.")] = 10,
    success_timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="Time left to the other once one ended well.")
    ] = 3600,
    failure_timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="Time left to the other once one failed.")
    ] = 5,
) -> None:
    """Write one robin file per run of an experiment, with platform and workloads as Batsim reads them.

    Paths in the robin files refer to the directory where this command runs; run robin there.
    """
    from wattq.experiments.batsim.robin_file import RobinFile
    from wattq.experiments.batsim.robin_writing import RobinOptions, write_robin
    from wattq.experiments.experiment_file import find_experiment, load_experiment

    path = find_experiment(experiment)
    times = RobinFile("batsim", "out", "", simulation_timeout, ready_timeout, success_timeout, failure_timeout)
    options = RobinOptions(str(output) if inputs is None else inputs, batsim, port, times)
    files = write_robin(load_experiment(path), output, options, base=path.parent)
    typer.echo("\n".join(map(str, files)))
    typer.echo(f"{len(files)} robin files; run one from here with robin FILE or wattq robin FILE", err=True)


@app.command("from-robin")
def from_robin(
    files: Annotated[list[Path], typer.Argument(help="Robin files: all policies on all workloads.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Experiment file to write; standard output when absent.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the experiment (default: the file's).")] = None,
) -> None:
    """Write the experiment whose runs are those of robin files; what it cannot hold is refused by name."""
    from wattq.experiments.batsim.robin_reading import NOT_CARRIED, experiment_from_robin, experiment_text
    from wattq.experiments.folders import write_text

    made = experiment_from_robin(files, name=name, beside=None if output is None else output.parent)
    text = experiment_text(made)
    if output is None:
        typer.echo(text, nl=False)
    else:
        write_text(output, text)
        typer.echo(output)
    typer.echo(f"left out: {NOT_CARRIED}", err=True)
