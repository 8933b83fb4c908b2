"""``wattq slurm advise`` and ``record``: what would start when, and what waiting would save."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wattq.cli.values import pairs
from wattq.errors import InvalidInputError

if TYPE_CHECKING:
    from wattq.platforms.model import Platform
    from wattq.schedulers.slurm.advise import Measured
    from wattq.schedulers.slurm.grid import Grid
    from wattq.schedulers.slurm.machine import Scene
    from wattq.settings import Settings
    from wattq.simulator.run import Run

__all__ = ["advise", "node_power", "record", "source"]

ConfigOption = Annotated[Path | None, typer.Option("--config", help="Settings file (default: $WATTQ_CONFIG, ...).")]
CarbonOption = Annotated[
    str, typer.Option(help="File of carbon intensities (default: signals.carbon of the settings).")
]
PriceOption = Annotated[str, typer.Option(help="File of prices (default: signals.price of the settings).")]

RecordedOption = Annotated[Path | None, typer.Option(help="Answers of wattq slurm record in place of a live Slurm.")]


def advise(
    policy: Annotated[str, typer.Option("--policy", help="Policy to try, by name or path/to/file.py:Class.")] = "defer",
    param: Annotated[list[str] | None, typer.Option(help="Parameter of the policy, KEY=VALUE; repeatable.")] = None,
    against: Annotated[str, typer.Option(help="Policy to compare with.")] = "easy",
    platform: Annotated[
        str,
        typer.Option(
            "--platform", "-p", help="Preset or XML file of the machine (default: section node of the settings)."
        ),
    ] = "",
    model: Annotated[
        Path | None,
        typer.Option(help="Bundle of wattq surrogate train that predicts run times (default: time limits)."),
    ] = None,
    carbon: CarbonOption = "",
    price: PriceOption = "",
    forecast: Annotated[
        str, typer.Option(help="published: what the files say of times to come; or persistence, persistence:DAYS.")
    ] = "published",
    hours: Annotated[
        str, typer.Option(help="Hours from now to which jobs might be held, by commas or FIRST-LAST.")
    ] = "1-24",
    unit: Annotated[str, typer.Option(help="What jobs take: node, core, or auto.")] = "auto",
    unlimited: Annotated[float, typer.Option(min=1, help="Run time of jobs without a time limit, s.")] = 86400.0,
    recorded: RecordedOption = None,
    rows: Annotated[int, typer.Option(min=1, help="Jobs of each machine in the table.")] = 50,
    json: Annotated[bool, typer.Option("--json", help="Print all that is known as JSON.")] = False,
    config: ConfigOption = None,
) -> None:
    """Say what would start when under a policy, what that saves, and what holding each job would save.

    Nothing is changed. The machine is taken as it is, and simulated on from now.
    """
    from wattq.schedulers.slurm.advice_text import advice_json, advice_text
    from wattq.settings import load_settings

    settings = load_settings(config)
    found = _advice(
        settings, policy, pairs(param or [], "--param"), against, platform=platform, model=model,
        signals=(carbon or settings.signals.carbon, price or settings.signals.price), forecast=forecast,
        hours=_hours(hours), unit=unit, unlimited_s=unlimited, recorded=recorded,
    )  # fmt: skip
    typer.echo(advice_json(found) if json else advice_text(found, rows))


def _advice(
    settings: Settings,
    policy: str,
    params: Mapping[str, Any],
    against: str,
    *,
    platform: str,
    model: Path | None,
    signals: tuple[str, str],
    forecast: str,
    hours: list[float],
    unit: str,
    unlimited_s: float,
    recorded: Path | None,
) -> Any:
    from wattq.platforms import load_platform
    from wattq.schedulers.registry import make_policy
    from wattq.schedulers.slurm.advise import Advice, advise_pool, horizon_s
    from wattq.schedulers.slurm.grid import read_grid
    from wattq.schedulers.slurm.limits import limits_of
    from wattq.schedulers.slurm.pools import pools_of
    from wattq.schedulers.slurm.reading import read_snapshot

    for name in (policy, against):
        _known(name)
    ask, clock = source(settings, recorded)
    snapshot = read_snapshot(ask, clock)
    pools, left = pools_of(snapshot, unit)
    busy = tuple(pool for pool in pools if pool.running or pool.waiting)
    machine = load_platform(platform) if platform else None
    scenes = [_scene(pool, settings, machine, model, snapshot.now_s, unlimited_s) for pool in busy]
    given = settings.signals
    grid = read_grid(
        *signals, now_s=snapshot.now_s, horizon_s=horizon_s(scenes, 3600.0 * max(hours)) if scenes else 3600.0,
        model=forecast, pue=given.pue, carbon_kg_per_kwh=given.carbon_kg_per_kwh,
        price_per_kwh=given.price_per_kwh, currency=given.currency,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        full = _with_signal(policy, params, grid, Path(folder), snapshot.now_s)
        base = _with_signal(against, {}, grid, Path(folder), snapshot.now_s)
        found = tuple(
            advise_pool(
                scene, lambda: make_policy(policy, full), lambda: make_policy(against, base), grid, hours, _measure
            )
            for scene in scenes
        )
    dropped = (*left, *(one for pool in busy for one in pool.left_out))
    name = " ".join([policy, *(f"{key}={value}" for key, value in params.items())])
    return Advice(snapshot.now_s, name, against, found, dropped, limits_of(busy), (*snapshot.notes, *grid.notes))


def source(settings: Settings, recorded: Path | None) -> tuple[Callable[..., str], Callable[[], float]]:
    """Return what answers Slurm's commands and what tells the time: a live Slurm, or recorded answers."""
    import time

    from wattq.schedulers.slurm.command import SlurmCommands
    from wattq.schedulers.slurm.recorded import Recorded

    if recorded is None:
        return SlurmCommands(settings.hold.time_box_s), time.time
    answers = Recorded(recorded)
    return answers, answers.clock


def _scene(
    pool: Any, settings: Settings, machine: Platform | None, model: Path | None, now_s: float, unlimited_s: float
) -> Scene:
    from wattq.schedulers.slurm.machine import limits_only, platform_of, scene_of

    if model is None:
        expected = limits_only(pool, now_s, unlimited_s)
    else:
        from wattq.schedulers.slurm.expecting import predicted

        expected = predicted(pool, model, now_s, unlimited_s)
    platform = platform_of(pool, node_power(settings), machine)
    return scene_of(pool, platform, now_s, expected, unlimited_s)


def node_power(settings: Settings) -> Any:
    """Return the power of a node by the settings."""
    from wattq.platforms.node import NodePower

    return NodePower(**settings.node.model_dump(exclude={"name"}))


def _known(policy: str) -> None:
    """Refuse a policy that does not exist before Slurm is asked anything."""
    from wattq.schedulers.registry import policy_spec

    if not _of_a_file(policy):
        policy_spec(policy)


def _of_a_file(policy: str) -> bool:
    return ":" in policy or policy.endswith(".py")


def _with_signal(policy: str, params: Mapping[str, Any], grid: Grid, folder: Path, now_s: float) -> dict[str, Any]:
    """Return the parameters with the grid as known now, where the policy takes a signal and is given none.

    Its date 0 is the simulation's, one second before now.
    """
    from wattq.schedulers.registry import policy_spec
    from wattq.schedulers.slurm.machine import FIRST_S

    full = dict(params)
    if _of_a_file(policy):
        return full
    name, spec = policy_spec(policy)
    names = {parameter.name for parameter in spec.parameters}
    if "signal" in spec.needs and "signal" not in full and not grid.given:
        raise InvalidInputError(
            f"policy '{name}' waits for cleaner or cheaper hours, and nothing is known of them; give --carbon or "
            "--price (settings: signals.carbon, signals.price), or another --policy, such as conservative"
        )
    if "signal" in names and "signal" not in full and grid.given:
        paths = grid.write(folder)
        full |= {"signal": str(paths.get("carbon") or paths["price"]), "origin": now_s - FIRST_S}
    elif "origin" in names and "origin" not in full:
        full["origin"] = now_s - FIRST_S
    return full


def _measure(run: Run, scene: Scene, grid: Grid, until_s: float) -> Measured:
    """Measure a run from now to a date by the account of finished runs."""
    from wattq.experiments.accounting import account
    from wattq.experiments.direct import results_of
    from wattq.schedulers.slurm.advise import Measured
    from wattq.schedulers.slurm.machine import FIRST_S

    found = account(
        results_of(run, [scene.workload]), scene.platform, carbon=grid.carbon, price=grid.price, pue=grid.pue,
        origin_s=scene.origin_s, window=(FIRST_S, until_s), horizon_s=until_s,
    )  # fmt: skip
    total = found.total
    return Measured(total.facility_j / 3.6e6, (total.carbon_g or 0.0) / 1e3, total.cost or 0.0, found.currency)


def _hours(text: str) -> list[float]:
    try:
        first, dash, last = text.partition("-")
        found = [float(h) for h in range(int(first), int(last) + 1)] if dash else [float(h) for h in text.split(",")]
        if not found or not all(0 <= hour <= 720 for hour in found) or len(found) > 720:
            raise ValueError(text)
    except ValueError:
        raise InvalidInputError(f"--hours '{text}': give hours from 0 to 720, such as 1-24 or 2,6,12") from None
    return found


def record(
    folder: Annotated[Path, typer.Argument(help="Folder to write.")],
    config: ConfigOption = None,
) -> None:
    """Keep the answers of a live Slurm that advice rests on, for wattq slurm advise --recorded."""
    from wattq.schedulers.slurm.command import SlurmCommands
    from wattq.schedulers.slurm.recorded import record_answers
    from wattq.settings import load_settings

    names = record_answers(SlurmCommands(load_settings(config).hold.time_box_s), folder)
    typer.echo(f"{len(names)} files written to {folder}")
