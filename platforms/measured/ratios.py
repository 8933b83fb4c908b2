"""Ratios of means with their standard errors, and curves made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.platforms.measured.curve import CurvePoint, PowerCurve

__all__ = ["ClassRuns", "curves_of"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ClassRuns:
    """Relative run times and energies of one class, one row per run (or group of like runs), one column per setting.

    Attributes:
        times: T/T0, shape (runs, settings).
        energies: E/E0, shape (runs, settings).
        time_errors: standard errors of the rows' times, for rows that are ratios of means themselves; else zeros.
        power_errors: the same for E/T relative to the reference.
        full_w: mean power at the reference setting, W.
        runs: number of measured runs per setting.
    """

    times: Floats
    energies: Floats
    time_errors: Floats
    power_errors: Floats
    full_w: float
    runs: int


def curves_of(
    settings: Sequence[float], unit: str, classes: Mapping[str, ClassRuns]
) -> tuple[dict[str, PowerCurve], str]:
    """Return the curve of each class and of all, and the most sensitive class.

    A point's speed is 1 / mean(T/T0), its power mean(E/E0) / mean(T/T0). Standard errors: of the mean over rows, or
    those of the rows themselves where a class has one row. `all` is the mean over classes, each weighing alike.

    Args:
        settings: the reference first.
        unit: of the settings.
        classes: runs by class; every class has all settings.
    """
    means = {name: runs.times.mean(axis=0) for name, runs in classes.items()}
    reference = max(means, key=lambda name: float(means[name].sum()))
    curves = {}
    for name, runs in classes.items():
        beta, error = _beta(runs, classes[reference], same=name == reference)
        points = _points(settings, runs.times, runs.energies, (runs.time_errors, runs.power_errors), runs.runs)
        curves[name] = PowerCurve(name, unit, runs.full_w, points, beta, error)
    times = np.array([means[name] for name in classes])
    energies = np.array([runs.energies.mean(axis=0) for runs in classes.values()])
    runs_of_all = sum(runs.runs for runs in classes.values())
    points = _points(settings, times, energies, (np.zeros_like(times),) * 2, runs_of_all)
    betas = np.array([curve.beta for curve in curves.values()])
    curves["all"] = PowerCurve(
        "all",
        unit,
        float(np.mean([runs.full_w for runs in classes.values()])),
        points,
        float(betas.mean()),
        float(_standard_error(betas[:, None])[0]),
    )
    return curves, reference


def _points(
    settings: Sequence[float], times: Floats, energies: Floats, errors: tuple[Floats, Floats], runs: int
) -> tuple[CurvePoint, ...]:
    time, energy = times.mean(axis=0), energies.mean(axis=0)
    power = energy / time
    time_error = errors[0][0] if len(times) == 1 else _standard_error(times)
    power_error = errors[1][0] if len(times) == 1 else _standard_error(energies - power * times) / time
    return tuple(
        CurvePoint(float(s), runs, float(1 / t), float(te / t**2), float(p), float(pe))
        for s, t, te, p, pe in zip(settings, time, time_error, power, power_error, strict=True)
    )


def _standard_error(rows: Floats) -> Floats:
    if len(rows) < 2:
        return np.full(rows.shape[1], np.nan)
    return np.asarray(rows.std(axis=0, ddof=1) / np.sqrt(len(rows)))


def _beta(runs: ClassRuns, reference: ClassRuns, *, same: bool) -> tuple[float, float]:
    """Return beta by least squares over the settings, the mean of the rows, and its standard error."""
    if same:
        return 1.0, 0.0
    x = reference.times.mean(axis=0) - 1.0
    betas = (runs.times - 1.0) @ x / (x @ x)
    if len(betas) > 1:
        own = float(_standard_error(betas[:, None])[0])
    else:
        own = float(np.sqrt(((runs.time_errors[0] * x) ** 2).sum()) / (x @ x))
    beta = float(betas.mean())
    spread = _standard_error(reference.times) if len(reference.times) > 1 else reference.time_errors[0]
    error = float(np.hypot(own, beta * np.sqrt(((spread * x) ** 2).sum()) / (x @ x)))
    return min(max(beta, 0.0), 1.0), error
