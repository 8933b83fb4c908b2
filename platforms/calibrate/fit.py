"""Idle, epsilon and full power of one device in one setting, by least squares, with standard errors.

The model is SimGrid's: P = idle without load, P = epsilon + (full - epsilon) u under a utilisation u above 0. Samples
follow each other closely, so that they are not independent: errors come from a bootstrap over blocks of consecutive
samples (H. R. Kuensch, Annals of Statistics 17(3), 1989; blocks here do not overlap).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError

__all__ = ["Fit", "Residuals", "Value", "fit_loads", "fit_quantiles"]

Floats = NDArray[np.float64]

BLOCKS = 50
REPEATS = 400
_MOST_DRAWN = 10_000
_NARROW = 0.05
_NEAR_FULL = 0.95


@dataclass(frozen=True)
class Value:
    """A fitted number and its standard error (NaN when there is none)."""

    value: float
    error: float


@dataclass(frozen=True)
class Residuals:
    """What the fit leaves over.

    Attributes:
        samples: number of samples.
        rmse_w: root of the mean squared residual, W.
        bias_w: mean residual (measured - model), W.
        worst_w: largest absolute residual, W.
        r2: share of the variance that the model explains; NaN when the power does not vary.
    """

    samples: int
    rmse_w: float
    bias_w: float
    worst_w: float
    r2: float


@dataclass(frozen=True)
class Fit:
    """Fitted powers of one device in one setting.

    Attributes:
        idle_w: power without load.
        epsilon_w: power at the limit of zero load.
        full_w: power under full load.
        residuals: what is left over.
        notes: what the fit had to assume.
    """

    idle_w: Value
    epsilon_w: Value
    full_w: Value
    residuals: Residuals
    notes: tuple[str, ...] = ()


def fit_loads(power_w: Floats, load: Floats, idle: NDArray[np.bool_], *, affine: bool, seed: int, place: str) -> Fit:
    """Fit powers to samples with utilisation.

    Args:
        power_w: power of each sample, in order of time, W.
        load: utilisation of each, 0 to 1.
        idle: which samples count as idle (without load, and long enough so).
        affine: one line through all samples, idle ones too: epsilon is idle.
        seed: of the bootstrap.
        place: what is fitted, for messages.

    Raises:
        InvalidInputError: when the loads are too much alike to tell full power from them.
    """
    sums = _block_sums(power_w, load, idle, loaded=idle | (load > 0) if affine else load > 0)
    notes: list[str] = []
    if not _spread(load[load > 0] if not affine else load[idle | (load > 0)]):
        return _flat(power_w, load, idle, seed, place)
    if not idle.any():
        notes.append("no idle samples: idle power is the line at zero load")
    one_line = affine or not idle.any()
    values = _solve(sums.sum(axis=0), affine=one_line)
    draws = np.random.default_rng(seed).integers(0, len(sums), (REPEATS, len(sums)))
    repeats = np.array([_solve(sums[draw].sum(axis=0), affine=one_line) for draw in draws])
    errors = _errors(repeats) if len(sums) > 1 else np.full(3, np.nan)
    idle_w, epsilon_w, full_w = (Value(float(v), float(e)) for v, e in zip(values, errors, strict=True))
    used = idle | (load > 0)
    model = np.where(idle, values[0], values[1] + (values[2] - values[1]) * load)
    if not used.all():
        notes.append(f"{int((~used).sum())} samples without load, but not for long enough to be idle, left out")
    return Fit(idle_w, epsilon_w, full_w, _residuals(power_w[used] - model[used], power_w[used]), tuple(notes))


def _spread(load: Floats) -> bool:
    return load.size >= 3 and float(np.ptp(load)) >= _NARROW


def _block_sums(power: Floats, load: Floats, idle: NDArray[np.bool_], loaded: NDArray[np.bool_]) -> Floats:
    """Return, per block of consecutive samples, n, P of the idle ones and n, u, uu, P, uP of the loaded ones."""
    count = min(BLOCKS, len(power))
    block = np.arange(len(power)) * count // len(power)
    weights = (
        idle * 1.0,
        idle * power,
        loaded * 1.0,
        loaded * load,
        loaded * load**2,
        loaded * power,
        loaded * load * power,
    )
    return np.stack([np.bincount(block, weight, count) for weight in weights], axis=1)


def _solve(sums: Floats, *, affine: bool) -> tuple[float, float, float]:
    idles, idle_power, n, u, uu, p, up = map(float, sums)
    spread = n * uu - u * u
    if n < 2 or spread <= 1e-12 * n * max(uu, 1e-300) or not (idles or affine):
        return math.nan, math.nan, math.nan
    slope = (n * up - u * p) / spread
    epsilon = (p - slope * u) / n
    idle = epsilon if affine else idle_power / idles
    return idle, epsilon, epsilon + slope


def _errors(repeats: Floats) -> Floats:
    """Return the standard deviation over repeats; a repeat that drew too few loads says nothing."""
    good = repeats[~np.isnan(repeats).any(axis=1)]
    return np.asarray(good.std(axis=0, ddof=1)) if len(good) > 1 else np.full(3, np.nan)


def _flat(power: Floats, load: Floats, idle: NDArray[np.bool_], seed: int, place: str) -> Fit:
    """Return the fit of samples that are all idle or all fully loaded: the two means."""
    busy = load >= _NEAR_FULL
    if not (idle.any() and busy.any()):
        seen = f"{float(load.min()):.2f} to {float(load.max()):.2f}"
        raise InvalidInputError(
            f"{place}: utilisation only from {seen}: full power cannot be told; "
            "log the device idle and under load, or at several loads"
        )
    low, high = _mean(power[idle], seed), _mean(power[busy], seed)
    used = idle | busy
    model = np.where(idle, low.value, high.value)
    left = _residuals((power - model)[used], power[used])
    return Fit(low, low, high, left, ("loads are 0 or full only: epsilon is the idle power (assumed)",))


def _mean(power: Floats, seed: int) -> Value:
    count = min(BLOCKS, len(power))
    if count < 2:
        return Value(float(power.mean()), math.nan)
    block = np.arange(len(power)) * count // len(power)
    total, n = np.bincount(block, power, count), np.bincount(block, minlength=count)
    draws = np.random.default_rng(seed).integers(0, count, (REPEATS, count))
    means = total[draws].sum(axis=1) / n[draws].sum(axis=1)
    return Value(float(power.mean()), float(means.std(ddof=1)))


def fit_quantiles(power_w: Floats, low: float, high: float, *, seed: int) -> Fit:
    """Take two quantiles of the power as idle and full, for samples without utilisation.

    The error is that of a bootstrap over single samples; of many samples, fewer are drawn and the error is scaled.
    """
    values = np.quantile(power_w, [low, high])
    drawn = min(len(power_w), _MOST_DRAWN)
    draws = np.random.default_rng(seed).choice(power_w, (REPEATS, drawn))
    errors = np.quantile(draws, [low, high], axis=1).std(axis=1, ddof=1) * math.sqrt(drawn / len(power_w))
    if len(power_w) < 2:
        errors = np.full(2, np.nan)
    idle, full = (Value(float(v), float(e)) for v, e in zip(values, errors, strict=True))
    inside = np.clip(power_w, values[0], values[1])
    note = f"no utilisation: idle and full are the quantiles {low:g} and {high:g} of the power (assumed)"
    return Fit(idle, idle, full, _residuals(power_w - inside, power_w), (note,))


def _residuals(left: Floats, power: Floats) -> Residuals:
    variance = float(((power - power.mean()) ** 2).sum())
    squares = float((left**2).sum())
    return Residuals(
        samples=len(left),
        rmse_w=math.sqrt(squares / len(left)),
        bias_w=float(left.mean()),
        worst_w=float(np.abs(left).max()),
        r2=1 - squares / variance if variance > 0 else math.nan,
    )
