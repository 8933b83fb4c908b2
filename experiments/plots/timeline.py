"""Utilisation, queue, power and machine states over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, SymmetricalLogLocator

from wattq.experiments.plots.style import duration_text, new_figure, policy_colors, style_axes, time_axis
from wattq.experiments.results import MACHINE_STATES, RunResults
from wattq.experiments.timelines import Steps, busy_hosts, power_w, queue_length, span

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["MAX_STEPS", "machine_states_figure", "power_figure", "queue_figure", "utilisation_figure"]

MAX_STEPS = 400
"""Steps drawn per curve; a run with more is drawn as exact means over that many equal bins."""

_STATE_COLORS = {
    "computing": "#0072B2",
    "idle": "#E8E8E8",
    "switching_on": "#D55E00",
    "switching_off": "#E69F00",
    "sleeping": "#56606B",
}


def utilisation_figure(runs: Mapping[str, RunResults]) -> Figure:
    """Return one strip per policy: share of the hosts that run jobs, over time."""
    curves = {}
    for name, run in runs.items():
        busy = busy_hosts(run)
        curves[name] = Steps(busy.time_s, busy.value / max(run.n_hosts, 1) * 100.0)
    return _strips(runs, curves, "Utilisation (%)", top=100.0)


def queue_figure(runs: Mapping[str, RunResults]) -> Figure:
    """Return one strip per policy: jobs submitted and not yet started, over time."""
    return _strips(runs, {name: queue_length(run) for name, run in runs.items()}, "Jobs waiting")


def power_figure(runs: Mapping[str, RunResults]) -> Figure | None:
    """Return one strip per policy: power of all hosts over time; None when no run counted energy."""
    curves = {name: power_w(run) for name, run in runs.items()}
    known = {name: Steps(curve.time_s, curve.value / 1e3) for name, curve in curves.items() if curve is not None}
    return _strips({name: runs[name] for name in known}, known, "Power (kW)") if known else None


def machine_states_figure(run: RunResults, *, title: str = "") -> Figure | None:
    """Return the number of hosts per state over time, stacked; None without ``machine_states.csv``."""
    if run.machine_states is None:
        return None
    figure = new_figure(9.0, 3.2)
    axes = figure.add_subplot()
    begin, end = span(run)
    names = [state for state in _STATE_COLORS if run.machine_states.count[:, MACHINE_STATES.index(state)].any()]
    base = np.zeros(0)
    for state in names:
        curve = _state_curve(run, state, end)
        base = np.zeros(len(curve.value)) if not len(base) else base
        edges, top = curve.time_s, base + curve.value
        axes.stairs(top, edges, baseline=base, fill=True, color=_STATE_COLORS[state], label=state.replace("_", " "))
        base = top
    style_axes(axes)
    time_axis(axes, begin, end)
    axes.set_ylim(0, None)
    axes.set_ylabel("Hosts")
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    if len(run.machine_states.time_s) > MAX_STEPS:
        axes.set_title(_bins_text(end - begin), loc="right", fontsize=8.5, color="#555555")
    axes.set_title(title, loc="left", fontsize=10)
    figure.legend(loc="outside lower center", ncols=5, fontsize=8.5, frameon=False)
    return figure


def _state_curve(run: RunResults, state: str, end_s: float) -> Steps:
    assert run.machine_states is not None
    time, last = np.unique(run.machine_states.time_s[::-1], return_index=True)
    counts = run.machine_states.count[::-1, MACHINE_STATES.index(state)][last].astype(np.float64)
    return Steps(np.append(time, max(end_s, float(time[-1]))), counts).binned(MAX_STEPS)


def _bins_text(seconds: float) -> str:
    return f"means over {duration_text(seconds / MAX_STEPS)}"


def _strips(
    runs: Mapping[str, RunResults], curves: Mapping[str, Steps], label: str, top: float | None = None
) -> Figure:
    figure = new_figure(9.0, 0.9 + 1.05 * len(curves))
    rows = figure.subplots(len(curves), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    colors = policy_colors(curves)
    spans = [span(run) for run in runs.values()]
    begin, end = min(pair[0] for pair in spans), max(pair[1] for pair in spans)
    peaks = [float(np.max(curve.binned(MAX_STEPS).value, initial=0.0)) for curve in curves.values()]
    for axes, (name, curve) in zip(rows, curves.items(), strict=True):
        _strip(axes, name, curve, colors[name])
        time_axis(axes, begin, end, label=axes is rows[-1])
    if any(len(curve.value) > MAX_STEPS for curve in curves.values()):
        rows[0].set_title(_bins_text(end - begin), loc="right", fontsize=8.5, color="#555555", pad=2)
    if top is None and max(peaks) > 12 * max(min(peaks), 1.0):
        rows[0].set_yscale("symlog", linthresh=1.0, linscale=0.7)
        rows[0].yaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=1.0))
        label += " (log scale above 1)"
    rows[0].set_ylim(0, top or max(*peaks, 1e-9) * 1.05)
    figure.supylabel(label, fontsize=9)
    return figure


def _strip(axes: Axes, name: str, curve: Steps, color: str) -> None:
    shown = curve.binned(MAX_STEPS)
    style_axes(axes)
    axes.stairs(shown.value, shown.time_s, fill=True, color=color, alpha=0.35)
    axes.stairs(shown.value, shown.time_s, color=color, linewidth=0.9, baseline=None)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=3, steps=[1, 2, 5, 10]))
    axes.set_title(name, loc="left", fontsize=9, color=color, fontweight="bold", pad=2)
