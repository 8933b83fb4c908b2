"""``wattq platform curves`` and ``energy``: measured curves, and the joules of work in each power state."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wattq.cli.platform_options import pick

__all__ = ["curves", "energy"]


def curves(
    source: Annotated[str | None, typer.Argument(help="archer2 or zeus-v100; all when absent.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="File of measurements: compute the curves from it instead (its format tells).")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the table as CSV, with its provenance.")] = False,
) -> None:
    """Print measured speeds, powers and sensitivities under lower clocks and power caps."""
    from wattq.errors import InvalidInputError
    from wattq.platforms.measured import curves_csv, curves_text, measured_curves, read_curves

    if data is not None:
        if source is not None:
            raise InvalidInputError("give a source or --data FILE, not both")
        chosen = [read_curves(data)]
    else:
        chosen = [pick("source", source, measured_curves())] if source else list(measured_curves().values())
    text = curves_csv(chosen) if as_csv else "\n\n".join(curves_text(each) for each in chosen) + "\n"
    typer.echo(text, nl=False)


def energy(
    platform: Annotated[str, typer.Argument(help="Preset or SimGrid XML file.")],
    beta: Annotated[float, typer.Option(help="Share of the run time that scales with the speed, 0 to 1.")] = 1.0,
    host: Annotated[int, typer.Option(help="Number of the host.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print what the same work takes in each computing state: time, power, energy."""
    import json
    from dataclasses import asdict

    from wattq.errors import InvalidInputError
    from wattq.platforms import energy_table, load_platform
    from wattq.platforms.joules import energy_text

    machine = load_platform(platform)
    if not 0 <= host < machine.n_hosts:
        raise InvalidInputError(f"--host {host}: there are hosts 0 to {machine.n_hosts - 1}")
    rows = energy_table(machine, host, beta=beta)
    typer.echo(json.dumps([asdict(row) for row in rows], indent=2) if as_json else energy_text(rows))
