"""``wattq slurm``: beside a live Slurm, advising it, holding jobs that agreed to wait, and its hooks."""

from __future__ import annotations

import typer

from wattq.cli import slurm_advise, slurm_hold, slurm_hooks

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True, help="Advise a live Slurm, hold jobs that agreed to wait, measure what jobs use."
)

app.command("advise")(slurm_advise.advise)
app.command("record")(slurm_advise.record)
app.command("hold")(slurm_hold.hold)
app.command("plugin")(slurm_hold.plugin)
app.command("files")(slurm_hooks.files)
app.command("qos")(slurm_hooks.qos)
app.command("energy")(slurm_hooks.energy)
