"""How fast work runs, and what it draws, under a lower clock or a power cap."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.errors import PlatformError
from wattq.platforms.make import ComputeState

__all__ = ["CurvePoint", "MeasuredCurves", "PowerCurve", "cap_states", "runtime_ratio", "sensitivity"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CurvePoint:
    """One setting of a clock or a cap, against the reference setting of the same device.

    Attributes:
        setting: frequency or cap, in the unit of the curve.
        runs: number of runs behind the point.
        speed: effective speed, reference = 1: the inverse of the mean relative run time.
        speed_error: standard error of it; NaN when there are too few runs.
        power: mean power, reference = 1: mean relative energy by mean relative run time.
        power_error: standard error of it; NaN when there are too few runs.
    """

    setting: float
    runs: int
    speed: float
    speed_error: float
    power: float
    power_error: float

    @property
    def energy(self) -> float:
        """Energy of the same work, reference = 1."""
        return self.power / self.speed


@dataclass(frozen=True)
class PowerCurve:
    """The points of one class of applications.

    Attributes:
        app_class: what ran; ``all`` for the mean of the classes, each weighing alike.
        unit: of the settings, ``W`` or ``GHz``.
        full_w: mean power at the reference setting, W (per node or device where the source says how many there were,
            else of all nodes of a run).
        points: the reference first, then downwards.
        beta: sensitivity, in [0, 1]: T = T0 (beta s0/s + 1 - beta) with the speed s of the most sensitive class.
        beta_error: standard error of beta.
    """

    app_class: str
    unit: str
    full_w: float
    points: tuple[CurvePoint, ...]
    beta: float
    beta_error: float


@dataclass(frozen=True)
class MeasuredCurves:
    """All curves of one source.

    Attributes:
        name: short name of the source.
        curves: by class of applications.
        reference_class: the most sensitive class, whose beta is 1.
        source: where the measurements come from.
        sha256: digest of the file they were computed from.
        notes: what was left out, and assumptions.
    """

    name: str
    curves: Mapping[str, PowerCurve]
    reference_class: str
    source: str
    sha256: str
    notes: tuple[str, ...] = ()


def runtime_ratio(beta: float | Floats, speed: float | Floats) -> float | Floats:
    """Return T/T0 = beta / speed + 1 - beta, for a speed relative to the reference state."""
    return beta / speed + 1.0 - beta


def sensitivity(times: Floats, speeds: Floats) -> float:
    """Return the beta of `runtime_ratio` that fits relative run times best (least squares), within [0, 1].

    Args:
        times: run times relative to the reference state.
        speeds: relative speeds of the states they were measured in; all 1 says nothing about beta.

    Raises:
        PlatformError: when no speed differs from 1, or a number is no such ratio.
    """
    if not all(((ratios >= 1e-6) & (ratios <= 1e6)).all() for ratios in (times, speeds)):
        raise PlatformError("sensitivity: every relative time and speed must be a ratio from 1e-6 to 1e6")
    x, y = 1.0 / speeds - 1.0, times - 1.0
    if not x.any():
        raise PlatformError("sensitivity: all speeds are 1; give the run time in at least one slower state")
    return float(np.clip(x @ y / (x @ x), 0.0, 1.0))


def cap_states(
    curve: PowerCurve, *, idle_w: float, full_w: float, fixed_w: float = 0.0, speed_flops: float = 1e9
) -> tuple[ComputeState, ...]:
    """Return the computing states of a host that follows a measured curve, the fastest first.

    The full power of state k is ``fixed_w + (full_w - fixed_w) * power_k``; the idle power is the same in each state,
    but never above the full one. Settings that are no slower, or draw no less, than one before them are left out.

    Args:
        curve: speeds and powers of the settings.
        idle_w: idle power of the host, W.
        full_w: power of the host with all cores loaded in the fastest state, W.
        fixed_w: part of the full power that no setting changes, W (all but the accelerators, for a cap on these).
        speed_flops: speed of the fastest state, flop/s.

    Raises:
        PlatformError: when 0 <= fixed_w <= full_w does not hold, or idle_w is above full_w.
    """
    if not (0 <= fixed_w <= full_w and 0 <= idle_w <= full_w and math.isfinite(full_w)):
        raise PlatformError(
            f"states from a curve: idle {idle_w} W, fixed {fixed_w} W, full {full_w} W; "
            "idle and fixed must be from 0 to full"
        )
    states: list[ComputeState] = []
    speed, power = math.inf, math.inf
    for point in curve.points:
        if point.speed < speed and point.power < power:
            speed, power = point.speed, point.power
            full = fixed_w + (full_w - fixed_w) * power
            states.append(ComputeState(speed_flops * speed, min(idle_w, full), full))
    return tuple(states)
