"""``wattq slurm files|qos|energy``: hooks for a cluster, its QoS classes, and the energy of its jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["energy", "files", "qos"]

Config = Annotated[
    Path | None, typer.Option("--config", help="Settings file; by default the one in use (wattq config show).")
]
Classes = Annotated[Path | None, typer.Option("--classes", help="Table of classes (YAML); the shipped one by default.")]


def files(
    folder: Annotated[Path, typer.Argument(help="Folder to write to, the same on all nodes.")],
    config: Config = None,
    classes: Classes = None,
    python: Annotated[str, typer.Option("--python", help="Python that has wattq; this one by default.")] = "",
) -> None:
    """Write prolog, epilog, monitor, suspend and resume programs, qos.sh and a sample of slurm.conf."""
    import sys

    from wattq.schedulers.slurm.qos import qos_script, read_cluster_qos
    from wattq.settings import find_settings, load_settings
    from wattq.telemetry.slurm import write_hook_files

    script = qos_script(read_cluster_qos(classes))
    settings = load_settings(config)
    written = write_hook_files(
        folder, settings, qos_script=script, config=find_settings(config), python=python or sys.executable
    )
    for path in written:
        typer.echo(str(path))
    typer.echo(f"add to slurm.conf: Prolog={written[0]}, Epilog={written[1]}, PrologFlags=Alloc")


def qos(
    classes: Classes = None,
    apply: Annotated[bool, typer.Option("--apply", help="Run sacctmgr; without it, the script is printed.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the commands of sacctmgr alone.")] = False,
) -> None:
    """Print a script that sets up the QoS classes of a cluster, or run it; run again, it changes nothing."""
    import subprocess

    from wattq.errors import InvalidInputError, SlurmError
    from wattq.schedulers.slurm.qos import qos_script, read_cluster_qos

    script = qos_script(read_cluster_qos(classes))
    if apply and dry_run:
        raise InvalidInputError("qos: --apply and --dry-run; use one of them")
    if not apply and not dry_run:
        typer.echo(script, nl=False)
        return
    words = ["sh", "-s", *(["--", "--dry-run"] if dry_run else [])]
    done = subprocess.run(words, input=script, text=True, capture_output=True, check=False)
    typer.echo(done.stdout, nl=False)
    if done.returncode != 0:
        raise SlurmError(f"sacctmgr: {done.stderr.strip()[-500:] or done.returncode}; does slurmdbd run, and may you?")
    if apply:
        typer.echo("the QoS classes of the cluster are as in the table; see them with: sacctmgr show qos")


def energy(
    job: Annotated[str, typer.Argument(help="A job, such as 17 or 17_3; the latest ones without it.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many of the latest.")] = 20,
    store: Annotated[str, typer.Option("--store", help="Store; that of the settings by default.")] = "",
    config: Config = None,
) -> None:
    """Show what jobs have used, as the hooks wrote it into the store."""
    from wattq.errors import InvalidInputError
    from wattq.settings import load_settings
    from wattq.telemetry.slurm.energy_table import energy_rows, energy_table

    url = store or load_settings(config).store.url
    if not url:
        raise InvalidInputError("no store; give --store, or set store.url in the settings")
    typer.echo(energy_table(energy_rows(url, job or None, limit)), nl=False)
