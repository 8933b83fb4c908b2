"""``wattq rl sweep``: the node-power task over weights, arrivals and seeds, as tables and twelve panels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wattq.cli.progress import progress_bar

if TYPE_CHECKING:
    from wattq.experiments.rl.node_power.evaluation import Plan

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Sweeps of the node-power task: tables and twelve panels, resumable.")

Output = Annotated[Path, typer.Option("--output", "-o", help="Folder; whole results in it are not made again.")]
Prices = Annotated[str, typer.Option(help="Series of prices: FILE, FILE#REGION, sinus, logic or noisy-logic.")]
Models = Annotated[list[Path] | None, typer.Argument(help="Files of learned policies; may be none.")]
Workers = Annotated[int, typer.Option(help="Processes.")]
Weeks = Annotated[int | None, typer.Option(help="Held-out fortnights; all when not given.")]
Rules = Annotated[str, typer.Option(help="Rules to compare with, such as queue,sized; all when empty.")]
Seeds = Annotated[int, typer.Option(help="Seeds of the arrivals.")]


@app.command()
def weights(
    *,
    output: Output,
    prices: Prices = "sinus",
    step: Annotated[float, typer.Option(help="Step of the weights, which sum to one.")] = 0.5,
    fix_weights: Annotated[str, typer.Option(help="Weights that stay, such as drop=0,age=0.1.")] = "",
    continue_only: Annotated[bool, typer.Option("--continue-only", help="Only what an earlier call began.")] = False,
    steps: Annotated[int, typer.Option(help="Steps of each training.")] = 50_000,
    n_envs: Annotated[int, typer.Option(help="Episodes side by side.")] = 16,
    rate: Annotated[float, typer.Option(help="Jobs per hour.")] = 100.0,
    weeks: Annotated[int, typer.Option(help="Held-out fortnights to measure with.")] = 2,
    seeds: Annotated[int, typer.Option(help="Seeds of trainings.")] = 1,
    workers: Workers = 1,
) -> None:
    """Train a policy for every combination of the reward's weights, and measure it."""
    from wattq.experiments.rl.node_power.grids import SWEPT_WEIGHTS, parse_fixed, weight_simplex
    from wattq.experiments.rl.node_power.sweeps import WeightSweep, sweep_weights, write_sweep

    rows = weight_simplex(step, parse_fixed(fix_weights))
    plan = WeightSweep(prices, steps=steps, n_envs=n_envs, rate=rate, weeks=weeks, seeds=tuple(range(seeds)))
    with progress_bar() as told:
        found = sweep_weights(plan, rows, output, continue_only=continue_only, workers=workers, done=_told(told))
    kept = list(dict.fromkeys(tuple(row[name] for name in SWEPT_WEIGHTS) for row in found))
    for row in found:
        row["combination"] = kept.index(tuple(row[name] for name in SWEPT_WEIGHTS))
        row["policy"] = f"seed {row['seed']}"
    names = ["/".join(f"{value:g}" for value in combination) for combination in kept]
    label = f"weights: {'/'.join(SWEPT_WEIGHTS)}"
    write_sweep(found, output, "combination", label, f"Weights of the reward: {len(kept)} combinations", names)
    typer.echo(f"{len(found)} trainings of {len(rows)} combinations; written: {output}")


@app.command("arrival-scale")
def arrival_scale(
    models: Models = None,
    *,
    output: Output,
    prices: Prices = "sinus",
    values: Annotated[
        str, typer.Option(help="Scales of 200 jobs per hour: A,B,... or FROM:TO:HOW_MANY.")
    ] = "0.25:1.5:6",
    weeks: Weeks = 2,
    seeds: Seeds = 1,
    rules: Rules = "",
    workers: Workers = 1,
) -> None:
    """Measure policies at several scales of the arrivals."""
    from wattq.experiments.rl.node_power.sweeps import BASE_RATE

    rates = [BASE_RATE * value for value in _values("--values", values)]
    plan = _plan(models, prices, rates, weeks, seeds, rules)
    _rates(plan, output, workers, ("arrival_scale", "scale of 200 jobs/h"))


@app.command("lambda")
def arrival_rate(
    models: Models = None,
    *,
    output: Output,
    prices: Prices = "sinus",
    values: Annotated[str, typer.Option(help="Jobs per hour: A,B,... or FROM:TO:HOW_MANY.")] = "50:300:6",
    weeks: Weeks = 2,
    seeds: Seeds = 1,
    rules: Rules = "",
    workers: Workers = 1,
) -> None:
    """Measure policies at several rates of the Poisson arrivals."""
    plan = _plan(models, prices, _values("--values", values), weeks, seeds, rules)
    _rates(plan, output, workers, ("lambda", "jobs per hour"))


@app.command()
def seed(
    models: Models = None,
    *,
    output: Output,
    prices: Prices = "sinus",
    rate: Annotated[float, typer.Option(help="Jobs per hour.")] = 100.0,
    weeks: Weeks = 2,
    seeds: Seeds = 8,
    rules: Rules = "",
    workers: Workers = 1,
) -> None:
    """Measure policies with several seeds of the arrivals."""
    from wattq.experiments.rl.node_power.sweeps import sweep_seeds, write_sweep

    plan = _plan(models, prices, [rate], weeks, seeds, rules)
    with progress_bar() as told:
        rows = sweep_seeds(plan, seeds, output, workers=workers, done=_told(told))
    write_sweep(rows, output, "seed", "seed of the arrivals", f"Seeds: {prices.rpartition('/')[2]}, {rate:g} jobs/h")
    typer.echo(f"{len(rows)} rows; written: {output}")


def _rates(plan: Plan, output: Path, workers: int, axis: tuple[str, str]) -> None:
    from wattq.experiments.rl.node_power.sweeps import sweep_rates, write_sweep

    with progress_bar() as told:
        rows = sweep_rates(plan, plan.rates, output, workers=workers, done=_told(told))
    write_sweep(rows, output, *axis, f"Arrivals: {plan.prices[0].rpartition('/')[2]}")
    typer.echo(f"{len(rows)} rows; written: {output}")


def _values(option: str, text: str) -> list[float]:
    from wattq.errors import LearningError
    from wattq.experiments.rl.node_power.grids import parse_values

    values = parse_values(option, text)
    if values[0] <= 0:
        raise LearningError(f"{option} '{text[:60]}': give numbers above 0")
    return values


def _plan(
    models: list[Path] | None, prices: str, rates: list[float], weeks: int | None, seeds: int, rules: str
) -> Plan:
    from wattq.cli.rl_node_power import model_names, rule_names
    from wattq.experiments.rl.node_power.evaluation import Plan

    names = rule_names(rules)
    return Plan(model_names(models or []), [prices], tuple(rates), seeds, weeks, policies=names)


def _told(told: Any) -> Any:
    return lambda ready, total: None if told is None else told(ready, total, "results")
