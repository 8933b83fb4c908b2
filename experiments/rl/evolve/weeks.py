"""The weeks that a network learns from, each set on one grid, ready to be simulated over and over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wattq.errors import LearningError
from wattq.experiments.experiment_model import Experiment
from wattq.experiments.rl.evolve.file import EvolveFile
from wattq.experiments.study.grids import Grid, load_grid, place
from wattq.experiments.study.plan import Source, sources
from wattq.experiments.study.signal_files import write_series
from wattq.experiments.study.weeks import WeekPart, site_zone, week_part, weeks_of
from wattq.platforms.model import Platform
from wattq.platforms.signals import Signal
from wattq.simulator.build import build
from wattq.simulator.external import ExternalEvents
from wattq.simulator.layout import Kernel, Ledger
from wattq.units import JOULES_PER_KWH

__all__ = ["TrainingWeek", "training_weeks"]

_STEP_S = 3600.0


@dataclass(frozen=True)
class TrainingWeek:
    """One week on one grid.

    Attributes:
        part: the week with its warm-up and cool-down.
        platform: the machine.
        grid: name of the grid.
        quantity: ``carbon`` or ``price``.
        series: file of the grid's series.
        origin_s: Unix time of date 0.
        edges_s: dates between which the series counts with its mean, s.
        per_j: mean of the series in each of these stretches, per joule (kg or the currency).
        kernel, ledger: the simulation at its start; to be copied.
    """

    part: WeekPart
    platform: Platform
    grid: str
    quantity: str
    series: Path
    origin_s: float
    edges_s: NDArray[np.float64]
    per_j: NDArray[np.float64]
    kernel: Kernel
    ledger: Ledger


def training_weeks(training: EvolveFile, study: Experiment, base: Path | None, folder: Path) -> list[TrainingWeek]:
    """Return the weeks of a training, dealt out to its grids in turn.

    Args:
        training: which weeks and grids.
        study: whose machines, calendar and grids they are.
        base: directory that relative paths of the study refer to.
        folder: gets the series as files.

    Raises:
        LearningError: the study has no such log or grid, or a week is one of its test weeks.
        WattqError: an input is missing or breaks its format.
    """
    grids = _grids(training, study, base)
    files = write_series(grids, folder)
    spec = next((w for w in study.workloads if w.name == training.workload), None)
    if spec is None:
        logs = ", ".join(w.name for w in study.workloads)
        raise LearningError(f"training {training.name}, key 'workload': study {study.name} has {logs}")
    source = next(iter(sources(study.model_copy(update={"workloads": [spec]}), base)))
    numbers = _week_numbers(training, study, source)
    names = list(grids)
    return [
        _week(study, source, number, index, grids[names[index % len(names)]], files)
        for index, number in enumerate(numbers)
    ]


def _grids(training: EvolveFile, study: Experiment, base: Path | None) -> dict[str, Grid]:
    unknown = next((name for name in training.grids if name not in study.signals), None)
    if unknown is not None:
        raise LearningError(
            f"training {training.name}, key 'grids': study {study.name} has no signals '{unknown}'; it has "
            f"{', '.join(study.signals) or 'none'}"
        )
    return {name: load_grid(name, study.signals[name], base) for name in training.grids}


def _week_numbers(training: EvolveFile, study: Experiment, source: Source) -> Sequence[int]:
    weeks = study.weeks_of(source.spec)
    numbers = training.weeks or weeks.numbers("tuning")
    tested = [number for number in numbers if number in weeks.numbers("test")]
    if tested or not numbers:
        raise LearningError(
            f"training {training.name}, key 'weeks': "
            + (f"week {tested[0]} is a test week of study {study.name}; leave it out" if tested else "there are none")
        )
    return numbers


def _week(
    study: Experiment,
    source: Source,
    number: int,
    index: int,
    grid: Grid,
    files: Mapping[tuple[str, str], Path],
) -> TrainingWeek:
    spec = study.weeks_of(source.spec)
    weeks = weeks_of(source.workload, site_zone(source.workload, source.spec))
    part = week_part(source.workload, weeks, number, spec, source.spec.name)
    origin_s = place(part, grid, study.calendar, spec.drain_s, index).origin_s
    signal, quantity = (grid.carbon, "carbon") if grid.carbon is not None else (grid.price, "price")
    assert signal is not None, "a grid has a series"
    edges_s, per_j = _hourly(signal, origin_s, part.end_s + spec.drain_s)
    kernel, ledger, _ = build(source.platform, [part.workload], energy=True, externals=ExternalEvents.none())
    return TrainingWeek(
        part, source.platform, grid.name, quantity, files[grid.name, quantity], origin_s, edges_s, per_j, kernel, ledger
    )


def _hourly(signal: Signal, origin_s: float, end_s: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return dates and the mean of a series between them, per joule: kg for g/kWh, currency for currency/MWh."""
    edges_s = np.arange(0.0, end_s + _STEP_S, _STEP_S)
    edges_s = edges_s[(edges_s + origin_s >= signal.start_s[0]) & (edges_s + origin_s <= signal.end_s)]
    unix_s = edges_s + origin_s
    mean: NDArray[np.float64] = np.asarray(signal.mean(unix_s[:-1], unix_s[1:]), dtype=np.float64)
    # g/kWh and currency/MWh both become a thousandth: kg and currency per kWh.
    return edges_s, mean / 1000.0 / JOULES_PER_KWH
