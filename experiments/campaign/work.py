"""One cell: found, simulated by the runner, and accounted for. What cells share stays loaded in the process."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from wattq.errors import CampaignError
from wattq.experiments.campaign.layout import new_nonce
from wattq.experiments.campaign.machines import resized
from wattq.experiments.campaign.measuring import plain_values, week_values
from wattq.experiments.campaign.model import Campaign, MachineSpec
from wattq.experiments.campaign.sites import origin_s, tariff
from wattq.experiments.engines import make_engine
from wattq.experiments.experiment_model import PolicySpec, WorkloadSpec
from wattq.experiments.inputs import find_platform, find_workload
from wattq.experiments.results import RunResults
from wattq.experiments.runner import run_once
from wattq.experiments.study.grids import Grid, Placed, load_grid, place
from wattq.experiments.study.keys import GridSpec
from wattq.experiments.study.plan import planned_runs
from wattq.experiments.study.weeks import WeekPart, site_zone, week_part, weeks_of
from wattq.experiments.windows import cut
from wattq.platforms.model import Platform
from wattq.workloads.model import Workload

__all__ = ["simulate_cell"]

_Found = TypeVar("_Found")


def simulate_cell(content: Mapping[str, Any], base: Path | None, folder: Path, series: Path) -> dict[str, float]:
    """Run one cell into a folder, as `wattq.experiments.run_once` writes it, and return its figures.

    Args:
        content: a campaign of one workload, policy, window or week, seed and grid, as plain lists and mappings.
        base: directory that relative paths refer to first.
        folder: the run directory to be made.
        series: folder of grid series as policies read them; made where it is needed.

    Raises:
        WattqError: an input is missing, a policy is unknown, a simulation aborts, ...
    """
    campaign = Campaign.model_validate(dict(content))
    scene = _scene(campaign, base)
    policy = _filled(campaign, scene, base, series)
    results = run_once(
        scene.platform,
        [scene.workload],
        policy,
        folder,
        energy=campaign.energy,
        labels=[campaign.workloads[0].name],
        tau_s=campaign.tau_s,
        origin=_origin(campaign),
        engine=make_engine(campaign.engine, campaign.simulation_timeout_s),
    )
    return _values(campaign, scene, results, base)


@dataclass(frozen=True)
class _Scene:
    """What is simulated, and where it lies on a grid's calendar."""

    platform: Platform
    workload: Workload
    week: WeekPart | None
    grid: Grid | None
    placed: Placed


def _scene(campaign: Campaign, base: Path | None) -> _Scene:
    spec = campaign.workloads[0]
    platform = _platform(campaign.platform_of(spec), base, campaign.machine)
    whole = _cached(_workload, spec, campaign.seeds[0], base)
    grids = [_cached(_grid, grid, name, base) for name, grid in campaign.signals.items()]
    grid = grids[0] if grids else None
    if not campaign.is_study:
        part = cut(whole, campaign.windows[0]) if campaign.windows else whole
        begin_s = origin_s(campaign, part, grid, base)
        return _Scene(platform, part, None, grid, Placed(grid.name if grid else "", begin_s))
    asked = campaign.weeks_of(spec)
    (number,) = asked.numbers("test")
    week = week_part(whole, weeks_of(whole, site_zone(whole, spec)), number, asked, spec.name)
    # logs without a date take the Mondays by the number of the week, so that no week depends on the others
    placed = place(week, grid or Grid(""), campaign.calendar, asked.drain_s, number)
    return _Scene(platform, week.workload, week, grid, placed)


def _cached(load: Callable[..., _Found], spec: WorkloadSpec | GridSpec, *words: Any) -> _Found:
    """Return what a loader makes of a specification; it is found again by the text of the specification."""
    return load(spec.model_dump_json(exclude_unset=True), *words)


@lru_cache(maxsize=8)
def _workload(text: str, seed: int, base: Path | None) -> Workload:
    return find_workload(WorkloadSpec.model_validate_json(text), 0, seed=seed, base=base)


@lru_cache(maxsize=8)
def _grid(text: str, name: str, base: Path | None) -> Grid:
    return load_grid(name, GridSpec.model_validate_json(text), base)


@lru_cache(maxsize=16)
def _platform(name: str, base: Path | None, machine: MachineSpec) -> Platform:
    return resized(find_platform(name, base), machine)


def _filled(campaign: Campaign, scene: _Scene, base: Path | None, series: Path) -> PolicySpec:
    """Return the policy with shares of the peak power in W, and with the series and the date that it takes."""
    grid = scene.grid or Grid("")
    files = {(grid.name, signal.quantity): _file(campaign, signal.quantity, base, series) for signal in grid.signals}
    given = campaign.policies[0]
    runs = list(planned_runs([given], scene.platform, [grid], [scene.placed], files))
    if not runs:
        raise CampaignError(
            f"policy {given.title}: names a signal that grid '{grid.name}' does not have; exclude the two together"
        )
    # tables go by what the file says, not by what was filled in
    return runs[0].policy.model_copy(update={"label": runs[0].title})


def _file(campaign: Campaign, quantity: str, base: Path | None, series: Path) -> Path:
    """Return the file of a series, written the first time that it is asked for."""
    from wattq.experiments.campaign.digests import text_digest
    from wattq.platforms.signals import write_signal

    ((name, spec),) = campaign.signals.items()
    grid = _cached(_grid, spec, name, base)
    signal = grid.carbon if quantity == "carbon" else grid.price
    assert signal is not None, "asked for by those that the grid has"
    path = series / f"{text_digest(f'{signal!r} {signal.sha256} {spec.model_dump_json()}')}-{quantity}.csv"
    if not path.is_file():
        # several processes may come here at once; each writes its own file, and the last rename wins
        part = path.with_name(f".{new_nonce()}.csv")
        write_signal(signal, part)
        part.replace(path)
    return path.resolve()


def _origin(campaign: Campaign) -> dict[str, Any]:
    window = campaign.windows[0].name if campaign.windows else ""
    return {
        "experiment": campaign.name,
        "experiment_file": "",
        "window": window,
        "seed": campaign.seeds[0],
        "several_seeds": campaign.workloads[0].generate is not None,
        "tau_s": campaign.tau_s,
    }


def _values(campaign: Campaign, scene: _Scene, results: RunResults, base: Path | None) -> dict[str, float]:
    rates = tariff(campaign, scene.grid, scene.placed.origin_s, base) if campaign.energy else None
    if scene.week is not None:
        return week_values(results, scene.week, scene.platform, rates, campaign.tau_s)
    metrics = json.loads((results.directory / "metrics.json").read_bytes())
    return plain_values(results, scene.platform, metrics, rates)
