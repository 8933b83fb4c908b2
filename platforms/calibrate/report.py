"""A calibration as text, as JSON and as a file of power states."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from wattq.platforms.calibrate.calibration import CalibratedState, Calibration
from wattq.platforms.calibrate.fit import Fit, Value
from wattq.platforms.calibrate.speeds import place_of
from wattq.platforms.measured.curve import MeasuredCurves, PowerCurve, cap_states
from wattq.platforms.states_file import states_yaml

__all__ = ["calibration_json", "calibration_text", "calibration_yaml", "curve_yaml"]


def calibration_text(calibration: Calibration) -> str:
    """Return the fitted states, the fit of each device and its residuals as lines of text for a terminal."""
    lines = [f"{calibration.source}: sha256 {calibration.sha256}"]
    lines += [f"left out: {count} sample(s), {reason}" for reason, count in calibration.dropped.items()]
    lines += [f"note: {note}" for note in calibration.notes]
    for state in calibration.states:
        lines.append(f"state{place_of(state.setting, calibration.unit)}: {_state(state)}")
        lines += [f"  device {name}: {_fit(fit)}" for name, fit in _listed(state.fits).items()]
        hidden = len(state.fits) - len(_listed(state.fits))
        lines += [f"  and {hidden} devices more"] if hidden else []
    return "\n".join(lines)


def _listed(fits: Mapping[str, Fit]) -> dict[str, Fit]:
    return dict(list(fits.items())[:16])


def _state(state: CalibratedState) -> str:
    parts = (("idle", state.idle_w), ("epsilon", state.epsilon_w), ("full", state.full_w))
    watts = ", ".join(f"{name} {_pm(value)} W" for name, value in parts)
    return f"speed {_pm(state.speed, 3)}, {watts}"


def _fit(fit: Fit) -> str:
    left = fit.residuals
    return (
        f"idle {_pm(fit.idle_w)}, epsilon {_pm(fit.epsilon_w)}, full {_pm(fit.full_w)} W; {left.samples} samples, "
        f"residuals: rms {left.rmse_w:.2f} W, mean {left.bias_w:+.2f} W, worst {left.worst_w:.2f} W, R2 {left.r2:.3f}"
    )


def _pm(value: Value, digits: int = 2) -> str:
    error = "?" if math.isnan(value.error) else f"{value.error:.{digits}f}"
    return f"{value.value:.{digits}f} ± {error}"


def calibration_json(calibration: Calibration) -> dict[str, Any]:
    """Return the calibration as numbers for JSON; what is not known is None."""
    return {
        "source": calibration.source,
        "sha256": calibration.sha256,
        "unit": calibration.unit,
        "dropped": dict(calibration.dropped),
        "notes": list(calibration.notes),
        "states": [_state_json(state) for state in calibration.states],
    }


def _state_json(state: CalibratedState) -> dict[str, Any]:
    row: dict[str, Any] = {"setting": _known(state.setting), "speed": _pair(state.speed)}
    row |= {"idle_w": _pair(state.idle_w), "epsilon_w": _pair(state.epsilon_w), "full_w": _pair(state.full_w)}
    row["devices"] = {
        name: {
            "idle_w": _pair(fit.idle_w),
            "epsilon_w": _pair(fit.epsilon_w),
            "full_w": _pair(fit.full_w),
            "residuals": {key: _known(value) for key, value in vars(fit.residuals).items()},
            "notes": list(fit.notes),
        }
        for name, fit in state.fits.items()
    }
    return row


def _pair(value: Value) -> dict[str, float | None]:
    return {"value": _known(value.value), "error": _known(value.error)}


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def calibration_yaml(calibration: Calibration, speed_flops: float = 1e9) -> str:
    """Return the states as a file for ``wattq platform make --states``.

    Raises:
        PlatformError: when a state draws less under load than without.
    """
    rows = []
    for fitted, state in zip(calibration.states, calibration.compute_states(speed_flops), strict=True):
        setting = place_of(fitted.setting, calibration.unit).removeprefix(" at ")
        rows.append(
            {
                "setting": setting or None,
                "speed_flops": state.speed_flops,
                "speed_error": fitted.speed.error * speed_flops,
                "idle_w": state.idle_w,
                "idle_error_w": fitted.idle_w.error,
                "epsilon_w": state.epsilon_w,
                "epsilon_error_w": fitted.epsilon_w.error,
                "full_w": state.full_w,
                "full_error_w": fitted.full_w.error,
            }
        )
    left = [f"left out: {count} sample(s), {reason}" for reason, count in calibration.dropped.items()]
    method = "errors: one standard error, by a bootstrap over blocks of consecutive samples"
    fits = [
        f"device {name}{place_of(state.setting, calibration.unit)}: {_fit(fit)}"
        for state in calibration.states
        for name, fit in _listed(state.fits).items()
    ]
    notes = [*left, *calibration.notes, method, *fits]
    return states_yaml(rows, source=calibration.source, sha256=calibration.sha256, notes=notes)


def curve_yaml(
    measured: MeasuredCurves,
    curve: PowerCurve,
    *,
    idle_w: float,
    full_w: float,
    fixed_w: float = 0.0,
    speed_flops: float = 1e9,
) -> str:
    """Return the states of a host that follows a measured curve, as a file for ``wattq platform make --states``.

    Raises:
        PlatformError: when the powers do not fit together.
    """
    rows = []
    for state in cap_states(curve, idle_w=idle_w, full_w=full_w, fixed_w=fixed_w, speed_flops=speed_flops):
        point = next(p for p in curve.points if p.speed * speed_flops == state.speed_flops)
        rows.append(
            {
                "setting": f"{point.setting:g} {curve.unit}",
                "speed_flops": state.speed_flops,
                "speed_error": point.speed_error * speed_flops,
                "idle_w": state.idle_w,
                "full_w": state.full_w,
                "full_error_w": point.power_error * (full_w - fixed_w),
            }
        )
    told = f"class {curve.app_class}; {fixed_w:g} W of {full_w:g} W under full load do not follow the curve"
    return states_yaml(rows, source=measured.source, sha256=measured.sha256, notes=[told, *measured.notes])
