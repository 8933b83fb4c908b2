"""What may be changed about cap and signal of the energy-aware policies from a job's submission on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wattq.experiments.explain.causes_green import issue_of, table_of
from wattq.experiments.explain.game import Game
from wattq.experiments.explain.scene import Scene
from wattq.experiments.explain.wording import number
from wattq.schedulers import kinds
from wattq.schedulers.green import slots as p
from wattq.simulator.interface import CompiledPolicy

if TYPE_CHECKING:
    from wattq.experiments.explain.levers import Lever, LeverOut

__all__ = ["green_levers", "signal_unit"]

_STEPS = 10_000
_RAMP = 1e-9


def green_levers(scene: Scene) -> Iterator[Lever | LeverOut]:
    """Yield a higher cap and a lower intensity, where the policy knows a cap and a signal."""
    policy = scene.run.make_policy()
    if not isinstance(policy, CompiledPolicy) or policy.kind != kinds.GREEN:
        return
    if policy.par[p.N_CAP] > 0:
        yield _cap(scene, policy.par)
    if policy.par[p.N_ISSUES] > 0:
        yield _intensity(scene, policy.par)


def _with_par(par: NDArray[np.float64]) -> Callable[[Game], None]:
    """Return the change that gives a policy other parameters from now on."""

    def change(game: Game) -> None:
        game.par = par

    return change


def _cap(scene: Scene, par: NDArray[np.float64]) -> Lever | LeverOut:
    from wattq.experiments.explain.levers import Lever, LeverOut

    at, n = int(par[p.CAP_AT]), int(par[p.N_CAP])
    caps = par[at + 1 : at + 2 * n : 2]
    dates = par[at : at + 2 * n : 2]
    now_w = float(caps[max(int(np.searchsorted(dates, scene.submit_s, side="right")) - 1, 0)])
    machine = scene.world.platform
    peak_w = float(np.nansum(np.nanmax(machine.full_w[: machine.n_compute], axis=1)))
    most = math.ceil(peak_w - float(caps.min()))
    if most < 1:
        return LeverOut("cap", "the cap is above what the machine can draw")

    def raised(amount: int) -> NDArray[np.float64]:
        changed = par.copy()
        changed[at + 1 : at + 2 * n : 2] += amount
        return changed

    return Lever(
        "cap",
        most,
        lambda amount: scene.branch(_with_par(raised(amount))),
        lambda amount: f"{number(amount / 1e3)} kW more under the cap (of {number(now_w / 1e3)} kW)",
        lambda amount: now_w + amount,
        now_w,
        "W",
    )


def _intensity(scene: Scene, par: NDArray[np.float64]) -> Lever | LeverOut:
    from wattq.experiments.explain.levers import Lever, LeverOut

    window = _window(scene, par)
    values = table_of(par)[window]
    if not len(values):
        return LeverOut("intensity", "the forecasts do not cover the job's wait")
    top, bottom = float(values.max()), float(table_of(par)[_rows_from(scene, par)].min())
    step = max(10.0 ** math.floor(math.log10(max(top - bottom, 1e-9))) / 1e3, (top - bottom) / _STEPS)
    unit = signal_unit(scene.run.params)

    def lowered(amount: int) -> NDArray[np.float64]:
        changed = par.copy()
        table = table_of(changed)
        # A policy may wait for what is better by a rounding error, so that equal hours would not do.
        ceiling = top - amount * step + _RAMP * max(abs(top), 1.0) * np.arange(table.shape[1])
        table[window] = np.minimum(table, ceiling)[window]
        return changed

    return Lever(
        "intensity",
        math.ceil((top - bottom) / step) + 1,
        lambda amount: scene.branch(_with_par(lowered(amount))),
        lambda amount: (
            f"at most {number(top - amount * step)} {unit} expected until its start (it was up to {number(top)})"
        ),
        lambda amount: top - amount * step,
        top,
        unit,
    )


def _rows_from(scene: Scene, par: NDArray[np.float64]) -> slice:
    """Return the forecasts that are in use from the job's submission on."""
    return slice(max(issue_of(par, scene.submit_s), 0), None)


def _window(scene: Scene, par: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which values of the forecasts are about the hours from the job's submission to its start.

    Shape (issues, leads). Forecasts issued before the one in use at the submission are left alone.
    """
    table = table_of(par)
    issue_s = par[p.ISSUE_S] + np.arange(len(table)) * par[p.ISSUE_STEP_S]
    from_s = issue_s[:, None] + np.arange(table.shape[1]) * par[p.LEAD_STEP_S]
    end_s = scene.start_s if math.isfinite(scene.start_s) else math.inf
    inside = (from_s + par[p.LEAD_STEP_S] > scene.submit_s) & (from_s <= end_s)
    inside[: max(issue_of(par, scene.submit_s), 0)] = False
    return np.asarray(inside, dtype=np.bool_)


def signal_unit(params: object) -> str:
    """Return the unit of the signal that a policy's parameters name."""
    from wattq.platforms.signals import read_signal

    path = params.get("signal") if isinstance(params, dict) else None
    return read_signal(path).unit if isinstance(path, str | Path) and Path(path).is_file() else ""
