"""The power model of a device from its telemetry: one state per clock or cap."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError, PlatformError
from wattq.platforms.calibrate.fit import Fit, Value, fit_loads, fit_quantiles
from wattq.platforms.calibrate.samples import Samples
from wattq.platforms.calibrate.speeds import place_of, relative_speeds
from wattq.platforms.make import ComputeState

__all__ = ["CalibratedState", "Calibration", "FitOptions", "calibrate_power"]

Floats = NDArray[np.float64]
_MOST_SETTINGS = 64


@dataclass(frozen=True)
class FitOptions:
    """How to fit.

    Attributes:
        settle_s: a sample without load is idle when the device had none for so long before and after it, s.
        average_s: samples are averaged over windows of this length first; 0 leaves them as they are.
        affine: one line through idle and loaded samples: epsilon is idle.
        quantiles: quantiles of the power taken as idle and full, for samples without utilisation.
        combine: the result for several devices is their ``mean``, or their ``sum`` (parts of one host).
        setting_step: settings are rounded to multiples of it, in the unit of the setting; 0 leaves them.
        speeds: relative speed of each setting, where the file does not have the rate of work.
        seed: of the bootstrap.
    """

    settle_s: float = 0.0
    average_s: float = 0.0
    affine: bool = False
    quantiles: tuple[float, float] | None = None
    combine: Literal["mean", "sum"] = "mean"
    setting_step: float = 0.0
    speeds: Mapping[float, float] = field(default_factory=dict)
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        for name, value in (("settle", self.settle_s), ("average", self.average_s), ("step", self.setting_step)):
            if not (value >= 0 and math.isfinite(value)):
                raise InvalidInputError(f"calibration: {name} {value}; give a number from 0 on")
        if self.quantiles is not None and not 0 <= self.quantiles[0] < self.quantiles[1] <= 1:
            raise InvalidInputError(f"calibration: quantiles {self.quantiles}; give two, 0 <= low < high <= 1")
        if self.combine not in ("mean", "sum"):
            raise InvalidInputError(f"calibration: combine '{self.combine}'; there are mean and sum")
        if any(not (0 < speed <= 1e6) for speed in self.speeds.values()):
            raise InvalidInputError("calibration: speeds must be above 0")


@dataclass(frozen=True)
class CalibratedState:
    """One computing state.

    Attributes:
        setting: clock (GHz) or cap (W); NaN when the file has none.
        speed: relative to the first state.
        idle_w: power without load.
        epsilon_w: power at the limit of zero load.
        full_w: power under full load.
        fits: fit of each device, by name.
    """

    setting: float
    speed: Value
    idle_w: Value
    epsilon_w: Value
    full_w: Value
    fits: Mapping[str, Fit]


@dataclass(frozen=True)
class Calibration:
    """The fitted model, with what it was made of.

    Attributes:
        states: the highest setting first.
        unit: of the settings, empty without any.
        source: file of the samples.
        sha256: digest of its content.
        dropped: rows left out, by reason.
        notes: what was assumed.
    """

    states: tuple[CalibratedState, ...]
    unit: str
    source: str
    sha256: str
    dropped: Mapping[str, int]
    notes: tuple[str, ...]

    def compute_states(self, speed_flops: float = 1e9) -> tuple[ComputeState, ...]:
        """Return the states for `make_platform`; the first has the given speed.

        Raises:
            PlatformError: when a state draws less under load than without: no machine does, the samples mislead.
        """
        for state in self.states:
            least = max(state.idle_w.value, state.epsilon_w.value)
            if not 0 <= least <= state.full_w.value:
                place = f"calibration of {self.source}" + place_of(state.setting, self.unit)
                found = ", ".join(f"{v.value:g} W" for v in (state.idle_w, state.epsilon_w, state.full_w))
                raise PlatformError(f"{place}: idle, epsilon and full power {found}: less under load than without")
        return tuple(
            ComputeState(speed_flops * s.speed.value, s.idle_w.value, s.full_w.value, s.epsilon_w.value)
            for s in self.states
        )


def calibrate_power(samples: Samples, options: FitOptions | None = None) -> Calibration:
    """Fit the power model to samples.

    Raises:
        InvalidInputError: when the samples do not tell what is asked: no utilisation and no quantiles, loads all alike,
            caps without the speed under them, a clock that never rests at a value.
    """
    options = options or FitOptions()
    setting = _settings(samples, options)
    values = sorted({float(value) for value in setting[~np.isnan(setting)]}, reverse=True) or [math.nan]
    notes = list(samples.notes)
    fits = [_fits(samples, options, setting, value, notes) for value in values]
    speeds = relative_speeds(samples, options.speeds, setting, values, notes)
    states = tuple(_state(*entry, options) for entry in zip(values, speeds, fits, strict=True))
    unsettled = int(np.isnan(setting).sum()) if samples.unit else 0
    dropped = dict(samples.dropped) | ({"no setting": unsettled} if unsettled else {})
    about = (samples.unit, samples.source, samples.sha256)
    return Calibration(states, *about, dropped, tuple(dict.fromkeys(notes)))


def _settings(samples: Samples, options: FitOptions) -> Floats:
    step = options.setting_step
    setting = np.round(samples.setting / step) * step if step else samples.setting
    setting = np.round(setting, 9)
    count = len(np.unique(setting[~np.isnan(setting)]))
    if samples.unit and not count:
        raise InvalidInputError(f"{samples.source}: no sample has a setting ({samples.unit}); fill in the column")
    if count > _MOST_SETTINGS:
        raise InvalidInputError(
            f"{samples.source}: {count} different settings ({samples.unit}); round them with --setting-step"
        )
    return setting


def _fits(samples: Samples, options: FitOptions, setting: Floats, value: float, notes: list[str]) -> dict[str, Fit]:
    here = np.ones(len(setting), bool) if math.isnan(value) else setting == value
    if np.isnan(samples.load).all():
        if options.quantiles is None:
            raise InvalidInputError(
                f"{samples.source}: no utilisation: name its column with --load, or take quantiles of the power as "
                "idle and full with --quantiles LOW:HIGH"
            )
        power = _together(samples, here) if options.combine == "sum" else samples.power_w[here]
        fits = {"all": fit_quantiles(power, *options.quantiles, seed=options.seed)}
    else:
        fits = {
            name: _fit(samples, options, rows, f"{samples.source}, device {name}{place_of(value, samples.unit)}")
            for name, rows in _groups(samples, here).items()
        }
    notes += [note for fit in fits.values() for note in fit.notes if not note[0].isdigit()]
    return fits


def _together(samples: Samples, here: NDArray[np.bool_]) -> Floats:
    """Return the sum over devices of their first, second, ... samples."""
    series = [samples.power_w[rows] for rows in _groups(samples, here).values()]
    if len({len(each) for each in series}) != 1:
        raise InvalidInputError(f"{samples.source}: devices have different numbers of samples; they cannot be added")
    return np.asarray(np.sum(series, axis=0))


def _groups(samples: Samples, here: NDArray[np.bool_]) -> dict[str, NDArray[np.bool_]]:
    groups = {name: here & (samples.device == k) for k, name in enumerate(samples.devices)}
    return {name: rows for name, rows in groups.items() if rows.any()}


def _fit(samples: Samples, options: FitOptions, rows: NDArray[np.bool_], place: str) -> Fit:
    time, power, load = samples.time_s[rows], samples.power_w[rows], samples.load[rows]
    if (options.settle_s or options.average_s) and np.isnan(time).any():
        raise InvalidInputError(f"{place}: --settle and --average need a time in each row")
    if not np.isnan(time).any():
        order = np.argsort(time, kind="stable")
        time, power, load = time[order], power[order], load[order]
    if options.average_s:
        time, power, load = _averaged(time, power, load, options.average_s)
    return fit_loads(
        power, load, _idle(time, load, options.settle_s), affine=options.affine, seed=options.seed, place=place
    )


def _averaged(time: Floats, power: Floats, load: Floats, width_s: float) -> tuple[Floats, Floats, Floats]:
    _, window = np.unique(np.floor((time - time[0]) / width_s), return_inverse=True)
    n = np.bincount(window)
    return np.bincount(window, time) / n, np.bincount(window, power) / n, np.bincount(window, load) / n


def _idle(time: Floats, load: Floats, settle_s: float) -> NDArray[np.bool_]:
    """Return which samples have no load, nor any within `settle_s`."""
    idle: NDArray[np.bool_] = load == 0
    if not settle_s or not (~idle).any():
        return idle
    busy = time[~idle]
    after = np.searchsorted(busy, time)
    since = time - np.where(after > 0, busy[np.maximum(after - 1, 0)], -np.inf)
    until = np.where(after < len(busy), busy[np.minimum(after, len(busy) - 1)], np.inf) - time
    settled: NDArray[np.bool_] = idle & (since >= settle_s) & (until >= settle_s)
    return settled


def _state(setting: float, speed: Value, fits: Mapping[str, Fit], options: FitOptions) -> CalibratedState:
    idle = _combined([fit.idle_w for fit in fits.values()], options.combine)
    epsilon = _combined([fit.epsilon_w for fit in fits.values()], options.combine)
    full = _combined([fit.full_w for fit in fits.values()], options.combine)
    return CalibratedState(setting, speed, idle, epsilon, full, fits)


def _combined(values: list[Value], how: str) -> Value:
    numbers, errors = np.array([v.value for v in values]), np.array([v.error for v in values])
    error = float(np.sqrt((errors**2).sum()))
    if how == "sum":
        return Value(float(numbers.sum()), error)
    # Devices differ: the spread between them may say more than the errors of each.
    spread = float(numbers.std(ddof=1) / math.sqrt(len(numbers))) if len(numbers) > 1 else 0.0
    return Value(float(numbers.mean()), max(error / len(numbers), spread))
