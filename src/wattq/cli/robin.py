"""``wattq robin``: one simulation as robin runs it, for machines without robin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattq.errors import InvalidInputError

if TYPE_CHECKING:
    from wattq.experiments.batsim.robin_file import RobinFile

__all__ = ["robin"]


def robin(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[generate] [FILE]", help="Robin file (YAML); 'generate' writes it from the options."),
    ] = None,
    output_dir: Annotated[str | None, typer.Option(help="Folder of scripts and logs.")] = None,
    batcmd: Annotated[str | None, typer.Option(help="Command line of Batsim.")] = None,
    schedcmd: Annotated[str | None, typer.Option(help="Command line of the scheduler.")] = None,
    simulation_timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Longest time a process may run (default: 604800).")
    ] = None,
    ready_timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Longest wait until the port is free (default: 10).")
    ] = None,
    success_timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Time left to the other once one is done (default: 3600).")
    ] = None,
    failure_timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Time left to the other once one failed (default: 5).")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing when all goes well.")] = False,
) -> None:
    """Run Batsim and a scheduler under watch. Options go before the file's values.

    Exit code: 0 fine, 1 time-out or no start, 2 a process failed or the file breaks a rule, 3 SIGTERM or Ctrl-C.
    """
    given = {
        "output_dir": output_dir,
        "batcmd": batcmd,
        "schedcmd": schedcmd,
        "simulation_timeout_s": simulation_timeout,
        "ready_timeout_s": ready_timeout,
        "success_timeout_s": success_timeout,
        "failure_timeout_s": failure_timeout,
    }
    told = {name: value for name, value in given.items() if value is not None}
    names = list(words or [])
    if names[:1] == ["generate"] and len(names) <= 2:
        _generate(names[1:], told)
    elif len(names) <= 1:
        _run(_instance(names, told), quiet)
    else:
        raise InvalidInputError(f"robin {' '.join(names)}: one robin file is expected, or generate and a file")


def _generate(names: list[str], told: dict[str, str | float]) -> None:
    from wattq.experiments.batsim.robin_file import robin_text
    from wattq.experiments.folders import write_text

    if not names:
        raise InvalidInputError("robin generate: name the file to write, as in robin generate run.yaml --batcmd ...")
    write_text(Path(names[0]), robin_text(_instance([], told)))
    typer.echo(names[0])


def _instance(names: list[str], told: dict[str, str | float]) -> RobinFile:
    """Return a file's simulation with the options in place of its values, checked like a file."""
    from wattq.experiments.batsim.robin_file import RobinFile, parse_robin, read_robin, robin_text

    if names:
        values = vars(read_robin(names[0])) | told
    else:
        missing = [f"--{key.replace('_', '-')}" for key in ("output_dir", "batcmd") if key not in told]
        if missing:
            raise InvalidInputError(f"robin: {' and '.join(missing)} missing; give a robin file or these options")
        values = {"schedcmd": "", **told}
    return parse_robin(robin_text(RobinFile(**values)), "robin options")


def _run(instance: RobinFile, quiet: bool) -> None:
    import os
    import sysconfig

    from wattq.experiments.batsim.supervise import TERMINATED, supervise

    # behind everything else: wattq-batsim and pybatsim of this environment are found though it is not activated
    paths = [os.environ.get("PATH", os.defpath), sysconfig.get_path("scripts")]
    try:
        outcome = supervise(instance, env={**os.environ, "PATH": os.pathsep.join(paths)})
    except KeyboardInterrupt:
        typer.echo("wattq: robin: interrupted; Batsim and the scheduler were stopped", err=True)
        raise typer.Exit(TERMINATED) from None
    for warning in outcome.warnings:
        typer.echo(f"wattq: robin: warning: {warning}", err=True)
    if outcome.message:
        typer.echo(f"wattq: robin: error: {outcome.message}", err=True)
    elif not quiet:
        typer.echo(f"simulation over; logs in {outcome.log_dir}")
    raise typer.Exit(outcome.exit_code)
