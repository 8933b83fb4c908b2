"""``wattq telemetry stack``: files of Prometheus, Alertmanager, Grafana and compose."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["stack"]

_Addresses = list[str] | None


def stack(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write to.")],
    node: Annotated[_Addresses, typer.Option(metavar="HOST:PORT", help="A node exporter; may be repeated.")] = None,
    slurm: Annotated[_Addresses, typer.Option(metavar="HOST:PORT", help="A Slurm exporter; may be repeated.")] = None,
    api: Annotated[_Addresses, typer.Option(metavar="HOST:PORT", help="An HTTP API; may be repeated.")] = None,
    alertmanager: Annotated[
        _Addresses, typer.Option(metavar="HOST:PORT", help="An Alertmanager; may be repeated.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there with another content.")] = False,
) -> None:
    """Write Prometheus' rules, Alertmanager's routes, Grafana's dashboards and a compose file into a folder."""
    from wattq.telemetry.ops import ROLES, write_stack

    given = dict(zip(ROLES, (node, slurm, api, alertmanager), strict=True))
    written = write_stack(folder, {role: addresses or [] for role, addresses in given.items()}, force=force)
    typer.echo(f"{len(written)} files written below {folder}")
