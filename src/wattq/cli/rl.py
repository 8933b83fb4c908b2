"""``wattq rl``: policies that are learned."""

from __future__ import annotations

import typer

from wattq.cli import rl_evaluate, rl_evolve, rl_rewards, rl_sweep, rl_train

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Learn policies, evaluate them, and see what they say of themselves.")
app.command("train")(rl_train.train)
app.command("evolve")(rl_evolve.evolve)
app.command("evaluate")(rl_evaluate.evaluate)
app.command("show")(rl_train.show)
app.command("plot-rewards")(rl_rewards.plot_rewards)
app.add_typer(rl_sweep.app, name="sweep")
