"""``wattq bound``: what the work of a run must use, cost and emit at least."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wattq.cli import account

__all__ = ["bound"]


def bound(
    baseline: Annotated[Path, typer.Argument(help="Run directory whose work is bounded, such as that of EASY.")],
    policy: Annotated[Path | None, typer.Argument(help="Another run: how much of the possible saving it has.")] = None,
    *,
    workload: Annotated[list[str], typer.Option("--workload", "-w", help="Workload of the runs; repeatable.")],
    platform: account.PlatformOption = None,
    carbon: account.CarbonOption = None,
    price: account.PriceOption = None,
    pue: account.PueOption = "1",
    origin: account.OriginOption = None,
    kind: Annotated[
        str, typer.Option(help="liquid (any pieces of work, for any policy) or contiguous (whole jobs, few of them).")
    ] = "liquid",
    max_extra_wait: Annotated[
        float | None, typer.Option(help="Let jobs start at most so long after their start in the baseline, s.")
    ] = None,
    step: Annotated[float, typer.Option(help="Step of the bound's grid, s.")] = 3600.0,
    region: account.RegionOption = None,
    scope: account.ScopeOption = None,
    gaps: account.GapsOption = "refuse",
    prefix: account.PrefixOption = "",
) -> None:
    """Bound energy, cost and carbon of a run's work from below; say what share of the saving a policy reached."""
    from wattq.experiments.bounds import bound_runs, bound_text
    from wattq.experiments.experiment_model import WorkloadSpec
    from wattq.experiments.inputs import find_workload

    tariff = account.tariff_of(carbon, price, pue, origin, region, scope, gaps)
    tables = [find_workload(WorkloadSpec(source=source), index) for index, source in enumerate(workload)]
    first = account.history_of(baseline, platform, prefix, None)
    second = None if policy is None else account.history_of(policy, platform, prefix, None)
    found = bound_runs(first, second, tables, tariff=tariff, kind=kind, max_extra_wait_s=max_extra_wait, step_s=step)
    typer.echo(bound_text(found, tariff.currency))
