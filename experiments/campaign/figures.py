"""A factor in twelve panels: one figure each against the factor's levels, one line per policy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from wattq.experiments.campaign.tables import FactorRow, FactorTable
from wattq.experiments.catalogue import METRICS
from wattq.experiments.plots.style import new_figure, policy_colors, style_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PANELS", "panels_of", "sweep_figure"]

PANELS = 12
_CHOICE = (
    "energy_kwh",
    "co2e_kg",
    "cost_eur",
    "cost_gbp",
    "cost_usd",
    "score",
    "wait_mean_s",
    "wait_p95_s",
    "bounded_slowdown_mean",
    "bounded_slowdown_p95",
    "utilisation",
    "queue_mean",
    "makespan_s",
    "throughput_per_h",
    "power_mean_w",
    "power_max_w",
    "jobs_rejected",
    "jobs_killed",
    "served_work_host_h",
    "unfinished_work_host_h",
    "wait_p50_s",
    "wait_p99_s",
    "wait_max_s",
    "bounded_slowdown_p50",
    "bounded_slowdown_p99",
    "bounded_slowdown_max",
    "turnaround_mean_s",
    "turnaround_p95_s",
)
_LABELS = {
    "energy_kwh": "Energy at the grid (kWh)",
    "co2e_kg": "CO2e (kg)",
    "cost_eur": "Cost (EUR)",
    "cost_gbp": "Cost (GBP)",
    "cost_usd": "Cost (USD)",
    "score": "Score (EASY = 1, less is better)",
    "served_work_host_h": "Served work (host h)",
    "unfinished_work_host_h": "Unfinished work (host h)",
}
_MOST_TICKS = 12
_MARKERS = "osD^vPX<>*hp"


def panels_of(table: FactorTable) -> list[str]:
    """Return the names of the figures that are drawn: the first twelve of those that matter and are there."""
    known = {name for row in table.rows for name in row.figures}
    return [name for name in _CHOICE if name in known][:PANELS]


def sweep_figure(table: FactorTable, title: str) -> Figure:
    """Return a figure of twelve panels with bars for 95 % intervals where there are any.

    Args:
        table: what the factor does.
        title: heading.
    """
    figure = new_figure(13.5, 9.0)
    axes = figure.subplots(3, 4)
    names = panels_of(table)
    policies = list(dict.fromkeys(row.policy for row in table.rows))
    colors = policy_colors(policies)
    levels = list(dict.fromkeys(row.level for row in table.rows))
    places = _places(levels)
    for index, panel in enumerate(axes.flat):
        if index >= len(names):
            panel.set_axis_off()
            continue
        for number, policy in enumerate(policies):
            rows = [row for row in table.rows if row.policy == policy and names[index] in row.figures]
            _draw(panel, rows, names[index], places, (policy, colors[policy], _MARKERS[number % len(_MARKERS)]))
        _dress(panel, table, names[index], levels, places)
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(6, len(policies)), fontsize=9, frameon=False)
    figure.suptitle(title, fontsize=12, x=0.01, ha="left")
    return figure


def _places(levels: Sequence[tuple[Any, ...]]) -> dict[tuple[Any, ...], float]:
    """Return where each level stands: numbers to scale, anything else in its order."""
    return {level: float(level[0]) if _scaled(levels) else float(index) for index, level in enumerate(levels)}


def _scaled(levels: Sequence[tuple[Any, ...]]) -> bool:
    """Return whether all levels are numbers, so that lines between them mean something."""
    return all(len(level) == 1 and type(level[0]) in (int, float) for level in levels)


def _draw(
    axes: Axes,
    rows: Sequence[FactorRow],
    name: str,
    places: dict[tuple[Any, ...], float],
    look: tuple[str, str, str],
) -> None:
    policy, color, marker = look
    points = sorted((places[row.level], row.figures[name]) for row in rows)
    x = [place for place, _ in points]
    y = [mean for _, (mean, _, _) in points]
    # equal values make intervals of a rounding's width beside their mean
    down = [0.0 if low is None else max(0.0, mean - low) for _, (mean, low, _) in points]
    up = [0.0 if high is None else max(0.0, high - mean) for _, (mean, _, high) in points]
    axes.errorbar(
        x,
        y,
        yerr=[down, up],
        label=policy,
        color=color,
        marker=marker,
        markersize=4,
        linewidth=1.3 if _scaled(list(places)) else 0.0,
        capsize=2,
        elinewidth=0.8,
    )


def _dress(
    axes: Axes,
    table: FactorTable,
    name: str,
    levels: Sequence[tuple[Any, ...]],
    places: dict[tuple[Any, ...], float],
) -> None:
    metric = METRICS.get(name)
    unit = f" ({metric.unit})" if metric is not None and metric.unit else ""
    axes.set_title(_LABELS.get(name) or (f"{metric.label}{unit}" if metric is not None else name), fontsize=9.5)
    axes.set_xlabel(table.heading)
    _scale(axes)
    if not _scaled(levels) or len(levels) <= 6:
        shown = levels[:: -(-len(levels) // _MOST_TICKS)]
        texts = [table.level_text(level) for level in shown]
        long = max(map(len, texts)) > 6
        axes.set_xticks([places[level] for level in shown], texts, rotation=30 if long else 0,
                        ha="right" if long else "center")  # fmt: skip
    style_axes(axes, grid="y")


def _scale(axes: Axes) -> None:
    """Give the vertical axis five round numbers with as many digits as tell them apart; noise fills no panel."""
    low, high = axes.get_ylim()
    middle = (low + high) / 2
    if high - low < 0.12 or high - low < 1e-4 * abs(middle):
        values = [value for line in axes.get_lines() for value in np.ravel(line.get_ydata())]
        if not any(values):
            low, high = -0.1, 1.0
        elif max(values) - min(values) <= 1e-4 * abs(middle):
            low, high = 0.98 * middle, 1.02 * middle
        axes.set_ylim(low, high)
    digits = max(0, -math.floor(math.log10((high - low) / 5)))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.{digits}f}"))
