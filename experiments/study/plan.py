"""The tasks of a study: each week of each log, with the policies that run on it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wattq.errors import InvalidInputError
from wattq.experiments.experiment_model import Experiment, PolicySpec, WorkloadSpec
from wattq.experiments.inputs import find_platform, find_workload
from wattq.experiments.savings import BASELINE
from wattq.experiments.study.grids import Grid, Placed, place
from wattq.experiments.study.weeks import WeekPart, site_zone, week_part, weeks_of
from wattq.platforms.model import Platform
from wattq.workloads.model import Workload

__all__ = ["PlannedRun", "Source", "WeekTask", "needs", "plan", "planned_runs", "sources"]

_OF_PEAK = re.compile(r"(\d{1,3}(?:\.\d{1,6})?) % of peak")

GRID_PARAMETERS = ("signal", "origin")
"""Parameters of a policy that the runner fills in: the file of a series, and the date of time 0."""

LEARNED = "rl"
"""The policy whose model tells which signals it looks at."""


@dataclass(frozen=True)
class PlannedRun:
    """One simulation of a week.

    Attributes:
        policy: with every parameter that the runner fills in.
        title: what tables call it.
        placed: the grids that its results are counted on: one for a policy that looks at a grid, else all.
        is_baseline: whether it is textbook EASY, which the others are compared with.
    """

    policy: PolicySpec
    title: str
    placed: tuple[Placed, ...]
    is_baseline: bool = False


@dataclass(frozen=True)
class Source:
    """A log of a study with its machine."""

    spec: WorkloadSpec
    workload: Workload
    platform: Platform


@dataclass(frozen=True)
class WeekTask:
    """Everything that one week needs, ready to be sent to another process.

    Attributes:
        label: of the log.
        part: the week.
        platform: the machine.
        runs: the simulations.
        tau_s: bound of the bounded slowdown, s.
        energy: whether energy is counted.
        bounds_drain_s: how long after the cool-down work may run in lower bounds, s; None without bounds.
    """

    label: str
    part: WeekPart
    platform: Platform
    runs: tuple[PlannedRun, ...]
    tau_s: float
    energy: bool
    bounds_drain_s: float | None = None


def sources(experiment: Experiment, base: Path | None) -> Iterator[Source]:
    """Yield the logs of a study with their machines."""
    for spec in experiment.workloads:
        workload = find_workload(spec, 0, seed=experiment.seeds[0], base=base)
        yield Source(spec, workload, find_platform(experiment.platform_of(spec), base))


def plan(
    experiment: Experiment,
    source: Source,
    grids: Sequence[Grid],
    files: Mapping[tuple[str, str], Path],
    part: str,
    most: int | None = None,
) -> list[WeekTask]:
    """Return one task for each week of a log.

    Args:
        experiment: the study.
        source: the log.
        grids: the grids; one without a name and series for a study without signals.
        files: (grid, quantity) -> file of the series, for policies that read it.
        part: ``test`` or ``tuning``.
        most: number of weeks at most, the first ones.

    Raises:
        InvalidInputError: there are no such weeks, or a policy needs a signal that a grid does not have.
    """
    spec = experiment.weeks_of(source.spec)
    numbers = spec.numbers(part)
    if not numbers:
        raise InvalidInputError(f"workload {source.spec.name}: 'weeks' name no {part} weeks; give '{part}'")
    weeks = weeks_of(source.workload, site_zone(source.workload, source.spec))
    tasks = []
    for index, number in enumerate(numbers[:most]):
        cut = week_part(source.workload, weeks, number, spec, source.spec.name)
        placed = [place(cut, grid, experiment.calendar, spec.drain_s, index) for grid in grids]
        runs = tuple(planned_runs(experiment.policies, source.platform, grids, placed, files))
        drain_s = spec.drain_s if experiment.bounds else None
        tasks.append(
            WeekTask(source.spec.name, cut, source.platform, runs, experiment.tau_s, experiment.energy, drain_s)
        )
    return tasks


def with_watts(policy: PolicySpec, platform: Platform) -> PolicySpec:
    """Return a policy with the powers that stand as a share of the machine's peak, ``70 % of peak``, in W.

    The peak is the power of all hosts under load in the state that they begin with. The policy keeps its title.
    """
    hosts = np.arange(platform.n_compute)
    peak_w = float(np.sum(platform.full_w[hosts, platform.initial_pstate[: platform.n_compute]]))
    found = {name: _OF_PEAK.fullmatch(str(value)) for name, value in policy.params.items()}
    watts = {name: peak_w * float(match[1]) / 100.0 for name, match in found.items() if match is not None}
    if not watts:
        return policy
    return policy.model_copy(update={"params": {**policy.params, **watts}, "label": policy.title})


def planned_runs(
    policies: Sequence[PolicySpec],
    platform: Platform,
    grids: Sequence[Grid],
    placed: Sequence[Placed],
    files: Mapping[tuple[str, str], Path],
) -> Iterator[PlannedRun]:
    """Yield the simulations of policies: one on each grid for those that look at a grid, else one for all of them.

    A policy that names a quantity of which a grid has no series does not run there.

    Args:
        policies: with the parameters that the experiment gives.
        platform: the machine.
        grids: the grids.
        placed: where the run lies on the calendar of each.
        files: (grid, quantity) -> file of the series.

    Raises:
        InvalidInputError: a policy needs a signal that a grid does not have.
    """
    for given in policies:
        policy = with_watts(given, platform)
        wanted = needs(policy)
        if not wanted:
            plain = policy.name == BASELINE and not policy.params
            yield PlannedRun(policy, policy.title, tuple(placed), plain)
            continue
        for grid, where in zip(grids, placed, strict=True):
            if policy.params.get("signal") in _lacking(grid):
                continue
            filled = _filled(policy, wanted, grid, where, files)
            yield PlannedRun(policy.model_copy(update={"params": filled}), policy.title, (where,))


def _lacking(grid: Grid) -> tuple[str, ...]:
    """Return the quantities that a grid has no series of; a policy that names one does not run there."""
    pairs = (("carbon", grid.carbon), ("price", grid.price))
    return tuple(name for name, signal in pairs if signal is None) if grid.signals else ()


def needs(policy: PolicySpec) -> tuple[str, ...]:
    """Return which of ``signal`` and ``origin`` the runner fills in.

    Those that a built-in policy takes and the experiment does not give; and, for any policy, ``signal: carbon``,
    ``signal: price`` and ``origin: calendar``, which name what is to be filled in. A policy with ``signal: ""`` looks
    at no grid.
    """
    if policy.params.get("signal") == "" or _learned_signals(policy) == ():
        return ()
    named = {"signal": ("carbon", "price"), "origin": ("calendar",)}
    taken = _parameters(policy.name)
    return tuple(
        name
        for name in GRID_PARAMETERS
        if (name in taken and name not in policy.params) or policy.params.get(name) in named[name]
    )


def _learned_signals(policy: PolicySpec) -> tuple[str, ...] | None:
    """Return the signals that a learned policy looks at; None for other policies, and for one without a model."""
    if policy.name.strip().lower() != LEARNED or not policy.params.get("model"):
        return None
    from wattq.schedulers.rl.backfill.pack import signals_needed

    return signals_needed(str(policy.params["model"]))


def _parameters(name: str) -> frozenset[str]:
    from wattq.schedulers.registry import policy_spec

    if ":" in name or name.endswith(".py"):
        return frozenset()
    return frozenset(parameter.name for parameter in policy_spec(name)[1].parameters)


def _filled(
    policy: PolicySpec,
    wanted: Sequence[str],
    grid: Grid,
    placed: Placed,
    files: Mapping[tuple[str, str], Path],
) -> dict[str, Any]:
    if not grid.signals:
        raise InvalidInputError(
            f"policy {policy.title}: takes {' and '.join(wanted)}; give 'signals' in the experiment, or set them"
        )
    params = dict(policy.params)
    if "signal" in wanted:
        usual = "carbon" if grid.carbon is not None else "price"
        quantities = _learned_signals(policy) or (str(params.get("signal") or usual),)
        # a policy that was learned with both looks at the carbon intensity first
        for key, quantity in zip(("signal", "price"), quantities, strict=False):
            if (grid.name, quantity) not in files:
                raise InvalidInputError(
                    f"policy {policy.title}: needs a {quantity} signal, which '{grid.name}' does not have; give one"
                )
            params[key] = str(files[grid.name, quantity])
    if "origin" in wanted:
        params["origin"] = placed.origin_s
    return params
