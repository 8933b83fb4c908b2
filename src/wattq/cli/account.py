"""``wattq account``, ``wattq decompose`` and ``wattq estimate``: energy, cost and carbon of runs and of jobs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wattq.errors import InvalidInputError

if TYPE_CHECKING:
    from wattq.experiments.accounting import PowerHistory, Tariff

__all__ = ["account", "decompose", "estimate", "history_of", "tariff_of"]

PlatformOption = Annotated[
    str | None,
    typer.Option("--platform", "-p", help="Preset or SimGrid XML, for runs without platform.xml (of the real Batsim)."),
]
CarbonOption = Annotated[Path | None, typer.Option(help="Series of carbon intensity.")]
PriceOption = Annotated[Path | None, typer.Option(help="Series of prices.")]
PueOption = Annotated[str, typer.Option(help="PUE of the facility: a number, or a series.")]
OriginOption = Annotated[
    str | None, typer.Option(help="Date of the run's time 0: ISO 8601 with its zone, or Unix seconds.")
]
RegionOption = Annotated[str | None, typer.Option(help="Zone to take from series that hold several.")]
ScopeOption = Annotated[
    str | None, typer.Option(help="Carbon: direct or life-cycle, where the series has both (default: life-cycle).")
]
GapsOption = Annotated[
    str, typer.Option(help="Values missing in a series: refuse, or fill by hold, linear or same-hour.")
]
JsonOption = Annotated[Path | None, typer.Option("--json", help="Write the account to this JSON file.")]
CsvOption = Annotated[Path | None, typer.Option("--csv", help="Write the table to this CSV file.")]
PrefixOption = Annotated[str, typer.Option(help="What precedes the file names, such as out_ for Batsim's -e out.")]


def account(
    run: Annotated[Path, typer.Argument(help="Run directory, also of the real Batsim.")],
    platform: PlatformOption = None,
    carbon: CarbonOption = None,
    price: PriceOption = None,
    pue: PueOption = "1",
    origin: OriginOption = None,
    by: Annotated[str, typer.Option(help="Break down by job, user or class.")] = "",
    since: Annotated[float | None, typer.Option("--from", help="Count from this date of the run on, s.")] = None,
    until: Annotated[float | None, typer.Option("--to", help="Count up to this date of the run, s.")] = None,
    horizon: Annotated[
        float | None, typer.Option(help="Let the machine go on as it ended, up to this date, s.")
    ] = None,
    region: RegionOption = None,
    scope: ScopeOption = None,
    gaps: GapsOption = "refuse",
    workload: Annotated[
        Path | None, typer.Option("--workload", "-w", help="Workload w0 of a run without submitted.csv, for its users.")
    ] = None,
    saved: Annotated[
        bool, typer.Option("--savings", help="Print what was saved against no host ever asleep, by month.")
    ] = False,
    time_zone: Annotated[str, typer.Option(help="Zone of the months of --savings.")] = "UTC",
    json: JsonOption = None,
    csv: CsvOption = None,
    prefix: PrefixOption = "",
) -> None:
    """Account for a run: energy, carbon and cost by part, and by job, user or class."""
    from wattq.experiments.accounting import (
        account_csv,
        account_history,
        account_json,
        account_text,
        savings,
        savings_text,
    )
    from wattq.experiments.accounting.owners import GROUPINGS

    if by and by not in GROUPINGS:
        raise InvalidInputError(f"--by {by}: no such grouping; there are {', '.join(GROUPINGS)}")
    if saved and origin is None:
        raise InvalidInputError("--savings: is by month; give the date of the run's time 0 with --origin")
    tariff = tariff_of(carbon, price, pue, origin, region, scope, gaps)
    history = history_of(run, platform, prefix, workload)
    window = None
    if since is not None or until is not None:
        window = (0.0 if since is None else since, float("inf") if until is None else until)
    found = account_history(history, tariff, window=window, horizon_s=horizon)
    _write({json: lambda: account_json(found, by), csv: lambda: account_csv(found, by)})
    typer.echo(account_text(found, by))
    if saved:
        months = savings(history, tariff, time_zone=time_zone, horizon_s=horizon)
        typer.echo(f"\n{savings_text(months, tariff.currency)}")


def decompose(
    run_a: Annotated[Path, typer.Argument(help="Run to compare with, such as that of EASY.")],
    run_b: Annotated[Path, typer.Argument(help="The other run.")],
    platform: PlatformOption = None,
    carbon: CarbonOption = None,
    price: PriceOption = None,
    pue: PueOption = "1",
    origin: OriginOption = None,
    horizon: Annotated[
        str, typer.Option(help="Let both machines go on as they ended up to this date, s; common: to the later end.")
    ] = "",
    less_work: Annotated[
        bool, typer.Option("--less-work", help="Go on where the second run served over 1 % fewer jobs.")
    ] = False,
    region: RegionOption = None,
    scope: ScopeOption = None,
    gaps: GapsOption = "refuse",
    json: JsonOption = None,
    csv: CsvOption = None,
    prefix: PrefixOption = "",
) -> None:
    """Explain why two runs differ in energy, carbon and cost."""
    from wattq.experiments import accounting

    tariff = tariff_of(carbon, price, pue, origin, region, scope, gaps)
    histories = [history_of(run, platform, prefix, None) for run in (run_a, run_b)]
    until = _horizon(horizon, max(history.end_s for history in histories))
    a, b = (accounting.account_history(history, tariff, horizon_s=until) for history in histories)
    found = accounting.decompose(a, b, allow_less_work=less_work)
    currency = tariff.currency
    _write(
        {
            json: lambda: accounting.decomposition_json(found, currency),
            csv: lambda: accounting.decomposition_csv(found, currency),
        }
    )
    typer.echo(accounting.decomposition_text(found, currency))


def estimate(
    power: Annotated[float, typer.Option(help="Mean power of one host while it runs the job, W.")],
    hours: Annotated[float, typer.Option(help="Run time, h.")],
    hosts: Annotated[int, typer.Option(help="Number of hosts.")] = 1,
    price: Annotated[float, typer.Option(help="Price per kWh.")] = 0.12,
    currency: Annotated[str, typer.Option(help="Currency of the price.")] = "USD",
    carbon: Annotated[float, typer.Option(help="Carbon intensity, kg/kWh.")] = 0.5,
    pue: Annotated[float, typer.Option(help="Facility over machine power.")] = 1.0,
) -> None:
    """Estimate what a job uses, costs and emits: hosts x power x time x PUE, times price and carbon intensity."""
    from wattq.experiments.accounting import estimate as of_job

    found = of_job(power, hours, hosts, price_per_kwh=price, carbon_kg_per_kwh=carbon, pue=pue)
    typer.echo(f"{found.facility_kwh:,.3f} kWh, {found.carbon_kg:,.3f} kg CO2e, {found.cost:,.2f} {currency}")


def history_of(run: Path, platform: str | None, prefix: str, workload: Path | None) -> PowerHistory:
    """Return the power of a run over time; its platform is the one named, else its own ``platform.xml``."""
    from wattq.experiments.accounting import reconstruct
    from wattq.experiments.inputs import find_platform
    from wattq.experiments.reading import read_run
    from wattq.experiments.submitted import with_workload
    from wattq.platforms import read_platform

    results = read_run(run, prefix)
    if workload is not None:
        results = with_workload(results, workload)
    own = run / "platform.xml"
    if platform is None and not own.is_file():
        raise InvalidInputError(f"{run}: has no platform.xml; name the platform of the run with --platform")
    return reconstruct(results, read_platform(own) if platform is None else find_platform(platform))


def tariff_of(
    carbon: Path | None,
    price: Path | None,
    pue: str,
    origin: str | None,
    region: str | None,
    scope: str | None,
    gaps: str,
) -> Tariff:
    """Return signals and PUE at the date of origin."""
    from wattq.experiments.accounting import Tariff
    from wattq.platforms.signals import read_signal
    from wattq.schedulers.outlook import unix_time

    factor = _number(pue)
    words: dict[str, Any] = {"region": region, "gaps": gaps}
    if origin is None and (carbon is not None or price is not None or factor is None):
        raise InvalidInputError("--origin: is needed with series; give the date of the run's time 0, with its zone")
    return Tariff(
        None if carbon is None else read_signal(carbon, quantity="carbon", scope=scope, **words),
        None if price is None else read_signal(price, quantity="price", **words),
        read_signal(pue, quantity="pue", gaps=gaps) if factor is None else factor,
        0.0 if origin is None else unix_time(origin),
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _horizon(text: str, common_s: float) -> float | None:
    if text in ("", "common"):
        return common_s if text else None
    value = _number(text)
    if value is None:
        raise InvalidInputError(f"--horizon {text}: is neither a number of seconds nor 'common'")
    return value


def _write(texts: dict[Path | None, Any]) -> None:
    from wattq.experiments.folders import write_text

    for path, make in texts.items():
        if path is not None:
            write_text(path, make())
