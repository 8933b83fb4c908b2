"""``wattq slurm``: beside a live Slurm, advising it, holding jobs that agreed to wait, and its hooks."""

from __future__ import annotations

import typer

from wattq.cli import slurm_advise, slurm_hold

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Advise a live Slurm, and hold jobs that agreed to wait.")

app.command("advise")(slurm_advise.advise)
app.command("record")(slurm_advise.record)
app.command("hold")(slurm_hold.hold)
