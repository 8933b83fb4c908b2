"""The command line, ``wattq``: one typer application, one module per group of commands.

Nothing heavy is imported before a command runs, so that ``wattq --help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from wattq import __version__
from wattq.cli import (
    account,
    api,
    benchmark,
    bound,
    campaign,
    config,
    data,
    demo,
    doctor,
    experiment,
    explain,
    platform,
    playbook,
    policy,
    report,
    reproduce,
    rl,
    robin,
    run,
    signal,
    sla,
    slurm,
    surrogate,
    telemetry,
    tune,
    verify,
    workload,
)
from wattq.errors import WattqError

__all__ = ["app", "main"]

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 + SIGINT, as shells count."""

app = typer.Typer(
    name="wattq",
    help="Energy- and carbon-aware scheduling of HPC batch jobs: simulate, compare, report.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"wattq {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


app.command("demo")(demo.demo)
app.command("run")(run.run)
app.command("compare")(run.compare)
app.command("report")(report.report)
app.command("playbook")(playbook.playbook)
app.command("sla")(sla.sla)
app.command("account")(account.account)
app.command("bound")(bound.bound)
app.command("decompose")(account.decompose)
app.command("estimate")(account.estimate)
app.command("explain")(explain.explain)
app.command("doctor")(doctor.doctor)
app.command("robin")(robin.robin)
app.command("reproduce")(reproduce.reproduce)
app.command("tune")(tune.tune)
app.command("verify-backend")(verify.verify_backend)
app.add_typer(api.app, name="api")
app.add_typer(benchmark.app, name="benchmark")
app.add_typer(campaign.app, name="campaign")
app.add_typer(config.app, name="config")
app.add_typer(experiment.app, name="experiment")
app.add_typer(platform.app, name="platform")
app.add_typer(policy.app, name="policy")
app.add_typer(workload.app, name="workload")
app.add_typer(data.app, name="data")
app.add_typer(rl.app, name="rl")
app.add_typer(signal.app, name="signal")
app.add_typer(slurm.app, name="slurm")
app.add_typer(surrogate.app, name="surrogate")
app.add_typer(telemetry.app, name="telemetry")


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with an exit code.

    What the user can mend is one message on standard error and the error's own code (2 for bad input); Ctrl-C
    gives 130; a reader that closes the pipe ends the program quietly.

    Args:
        argv: words after the program's name; those of the process when None.
    """
    try:
        app(args=None if argv is None else list(argv), prog_name="wattq")
    except WattqError as error:
        print(f"wattq: error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # the interpreter flushes standard output once more when it ends; give it a place that takes everything
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (KeyboardInterrupt, SystemExit) as end:
        if isinstance(end, SystemExit) and end.code != INTERRUPTED:
            raise
        print("wattq: interrupted; what was finished stays, nothing is half-written", file=sys.stderr)
        sys.exit(INTERRUPTED)
