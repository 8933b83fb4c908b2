"""Options that the models of ``wattq workload generate`` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["CoresPerNode", "Form", "Out", "Seed", "Speed", "WalltimeFactor"]

Out = Annotated[
    Path,
    typer.Option(
        "--output", "-o", help="File to write: .json (Batsim), .swf or .csv (table of jobs), also with .gz or .xz."
    ),
]
Seed = Annotated[int, typer.Option(help="Seed; the same seed and options give the same file.")]
Form = Annotated[
    str, typer.Option(help="Profiles: delay (draws idle power) or parallel_homogeneous (draws computing power).")
]
Speed = Annotated[float, typer.Option("--speed", help="Speed of a host, flop/s, at which a job lasts its run time.")]
WalltimeFactor = Annotated[
    float, typer.Option("--walltime-factor", help="Jobs ask for this x their run time, and one second; 1 or more.")
]
CoresPerNode = Annotated[
    int, typer.Option("--cores-per-node", help="Cores of a node where the jobs of the log do not say.")
]
