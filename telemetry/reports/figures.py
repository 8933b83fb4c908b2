"""The pictures of a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, PercentFormatter

from wattq.pages.figures import PALETTE, new_figure, style_axes
from wattq.telemetry.reports.schema import AnomalyPart, Daily, Group, NodeUse, PredictionPart, ThermalPart
from wattq.telemetry.reports.thermal import CPU_CRITICAL_C, CPU_WARNING_C
from wattq.units import JOULES_PER_KWH

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["anomalies_figure", "daily_figure", "groups_figure", "heat_figure", "nodes_figure", "predictions_figure"]

SOURCE_COLORS = {"measured": PALETTE[0], "modelled": PALETTE[1], "synthetic": PALETTE[3], "unknown": "#999999"}
_MOST_BARS = 12
_MOST_TICKS = 14
_GREY = "#888888"


def daily_figure(days: Sequence[Daily]) -> Figure:
    """Return the energy of each day, stacked by where it comes from."""
    figure = new_figure(9.0, 3.0)
    axes = figure.add_subplot()
    places, below = np.arange(len(days)), np.zeros(len(days))
    for source, color in SOURCE_COLORS.items():
        energy = np.array([getattr(day, f"{source}_j") for day in days]) / JOULES_PER_KWH
        if energy.any():
            axes.bar(places, energy, 0.8, bottom=below, color=color, label=source)
            below += energy
    step = max(1, -(-len(days) // _MOST_TICKS))
    axes.set_xticks(places[::step].tolist(), [day.day[5:] for day in days[::step]])
    axes.set_xlim(-0.6, len(days) - 0.4)
    axes.set_xlabel(f"Day of the begin of a run (UTC), {days[0].day} to {days[-1].day}" if days else "Day")
    axes.set_ylabel("Energy of runs (kWh)")
    style_axes(axes)
    if below.any():
        axes.legend(fontsize=8.5, frameon=False, ncols=4, loc="upper left", bbox_to_anchor=(0.0, 1.14))
    return figure


def groups_figure(groups: Sequence[Group], what: str) -> Figure:
    """Return energy and energy for a CPU-hour of the groups with most energy."""
    shown = [group for group in groups if group.energy_j > 0][:_MOST_BARS]
    figure = new_figure(9.0, 1.1 + 0.3 * max(1, len(shown)))
    left, right = figure.subplots(1, 2, sharey=True)
    places = np.arange(len(shown))
    below = np.zeros(len(shown))
    for source in ("measured", "modelled"):
        share = np.array([getattr(group, f"{source}_share") or 0.0 for group in shown])
        energy = share * np.array([group.energy_j for group in shown]) / JOULES_PER_KWH
        if energy.any():
            left.barh(places, energy, 0.7, left=below, color=SOURCE_COLORS[source], label=source)
            below += energy
    rest = np.array([group.energy_j for group in shown]) / JOULES_PER_KWH - below
    if (rest > 1e-9 * np.max(below + rest, initial=0.0)).any():
        left.barh(places, rest, 0.7, left=below, color=SOURCE_COLORS["unknown"], label="other")
    right.barh(places, [group.wh_per_cpu_hour or 0.0 for group in shown], 0.7, color=PALETTE[2])
    left.set_yticks(places.tolist(), [_short(group.name) for group in shown])
    left.set_ylim(len(shown) - 0.5, -0.5)
    left.set_xlabel(f"Energy by {what} (kWh)")
    right.set_xlabel("Energy for a CPU-hour (Wh/h)")
    for axes in (left, right):
        style_axes(axes, grid="x")
    left.legend(fontsize=8, frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(0.0, 1.0))
    return figure


def nodes_figure(nodes: Sequence[NodeUse]) -> Figure:
    """Return the measured energy of nodes: of jobs, and idle."""
    shown = nodes[: 2 * _MOST_BARS]
    figure = new_figure(9.0, 3.0)
    axes = figure.add_subplot()
    places = np.arange(len(shown))
    jobs = np.array([node.jobs_j for node in shown]) / JOULES_PER_KWH
    axes.bar(places, jobs, 0.8, color=PALETTE[0], label="of jobs")
    axes.bar(places, [node.idle_j / JOULES_PER_KWH for node in shown], 0.8, bottom=jobs, color=PALETTE[4], label="idle")
    axes.set_xticks(places.tolist(), [_short(node.node, 12) for node in shown], rotation=0 if len(shown) < 9 else 60)
    axes.set_xlim(-0.6, max(len(shown), 6) - 0.4)
    axes.set_xlabel("Node, most idle energy first")
    axes.set_ylabel("Measured energy (kWh)")
    style_axes(axes)
    axes.legend(fontsize=8.5, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def anomalies_figure(part: AnomalyPart) -> Figure:
    """Return the listed runs: how far from usual, and how much energy."""
    figure = new_figure(9.0, 3.0)
    axes = figure.add_subplot()
    for measure, color, marker in (("power", PALETTE[0], "o"), ("energy", PALETTE[4], "D")):
        mine = [each for each in part.anomalies if each.measure == measure and each.energy_j > 0]
        if mine:
            energy = [each.energy_j / JOULES_PER_KWH for each in mine]
            label = "power per node" if measure == "power" else "energy of the run"
            axes.plot(energy, [each.ratio for each in mine], marker, color=color, markersize=5, label=label)
    axes.axhline(1.0, color=_GREY, linewidth=0.9, linestyle="--", zorder=0)
    _logarithmic(axes)
    axes.set_xlabel("Energy of the run (kWh)")
    axes.set_ylabel("Value over the usual of its like")
    style_axes(axes, grid="both")
    axes.legend(fontsize=8.5, frameon=False, title="unlike in", title_fontsize=8.5)
    return figure


def heat_figure(part: ThermalPart) -> Figure:
    """Return the highest temperatures of nodes."""
    shown = [node for node in part.nodes if (node.max_cpu_c or node.max_event_c or node.max_gpu_c) is not None]
    shown = shown[: 2 * _MOST_BARS]
    figure = new_figure(9.0, 3.0)
    axes = figure.add_subplot()
    places = np.arange(len(shown))
    rows = (
        ("CPU, samples", [node.max_cpu_c for node in shown], "o", PALETTE[0]),
        ("GPU, samples", [node.max_gpu_c for node in shown], "s", PALETTE[2]),
        ("events", [node.max_event_c for node in shown], "D", PALETTE[4]),
    )
    for label, values, marker, color in rows:
        if any(value is not None for value in values):
            numbers = [np.nan if value is None else value for value in values]
            axes.plot(places, numbers, marker, color=color, markersize=5, label=label)
    for limit, style in ((CPU_WARNING_C, ":"), (CPU_CRITICAL_C, "--")):
        axes.axhline(limit, color=_GREY, linewidth=0.9, linestyle=style, zorder=0, label=f"CPU limit {limit:g} °C")
    axes.set_xticks(places.tolist(), [_short(node.node, 12) for node in shown], rotation=0 if len(shown) < 9 else 60)
    axes.set_xlabel("Node, hottest first")
    axes.set_ylabel("Highest temperature (°C)")
    style_axes(axes)
    axes.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def predictions_figure(part: PredictionPart) -> Figure:
    """Return predicted over actual energy, and the distribution of relative errors."""
    figure = new_figure(9.0, 3.6)
    left, right = figure.subplots(1, 2)
    sources = list(dict.fromkeys(source for source, _, _ in part.pairs))
    ends = [value / JOULES_PER_KWH for _, *pair in part.pairs for value in pair if value > 0]
    for source in sources:
        pairs = np.array([pair for name, *pair in part.pairs if name == source]) / JOULES_PER_KWH
        color = SOURCE_COLORS.get(source, _GREY)
        good = (pairs > 0).all(axis=1)
        left.plot(pairs[good, 1], pairs[good, 0], "o", color=color, markersize=3.5, alpha=0.6, label=f"{source} actual")
        error = pairs[good, 0] / pairs[good, 1] - 1.0
        if error.size:
            right.hist(
                np.clip(error, -1.0, 1.0),
                bins=np.linspace(-1.0, 1.0, 41).tolist(),
                color=color,
                alpha=0.6,
                label=source,
            )
    if ends:
        _equality(left, min(ends), max(ends))
    left.set_xlabel("Actual energy (kWh)")
    left.set_ylabel("Predicted energy (kWh)")
    right.set_xlabel("(predicted - actual) / actual, beyond ±100 % at the ends")
    right.set_ylabel("Predictions")
    right.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    right.axvline(0.0, color=_GREY, linewidth=0.9, zorder=0)
    for axes in (left, right):
        style_axes(axes, grid="both")
    left.legend(fontsize=8, frameon=False)
    return figure


def _equality(axes: Axes, low: float, high: float) -> None:
    """Draw where prediction and actual value are equal, and where they differ by at most 10 %."""
    line = np.array([low, high])
    axes.plot(line, line, color=_GREY, linewidth=0.9, label="equal")
    axes.fill_between(line, 0.9 * line, 1.1 * line, color=_GREY, alpha=0.2, linewidth=0, label="within 10 %")
    _logarithmic(axes)


def _logarithmic(axes: Axes) -> None:
    """Make both axes logarithmic, with plain numbers at 1, 2 and 5 of each decade."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(10, subs=(1.0, 2.0, 5.0), numticks=12))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.10g}"))
        axis.set_minor_formatter(NullFormatter())


def _short(name: str, most: int = 26) -> str:
    """Return a name as a label; between two dollar signs matplotlib would read a formula."""
    cut = name if len(name) <= most else f"{name[: most - 1]}…"
    return cut.replace("$", r"\$")
