"""Policies side by side: slowdown distribution and bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from wattq.experiments.catalogue import METRICS
from wattq.experiments.plots.style import new_figure, number_text, policy_colors, shortened, style_axes
from wattq.experiments.results import RunResults
from wattq.experiments.waits import population

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Bar", "bars_figure", "slowdown_figure"]

Bar = tuple[float, float | None, float | None]
"""Height of a bar, and the ends of its interval where there is one."""

_POINTS = 1000

_SCALES = {"s": ((86400.0, "days"), (3600.0, "h"), (60.0, "min")), "J": ((3.6e9, "MWh"), (3.6e6, "kWh"), (1e3, "kJ"))}


def slowdown_figure(runs: Mapping[str, RunResults], tau_s: float = 10.0) -> Figure:
    """Return the share of jobs with at most a given bounded slowdown, logarithmic in x; censored jobs never arrive.

    A job that never started has only a lower bound, so its curve stays below 100 %.
    """
    figure = new_figure(9.0, 3.8)
    axes = figure.add_subplot()
    colors = policy_colors(runs)
    for name, run in runs.items():
        jobs = population(run, tau_s)
        values, share = _thinned(np.sort(jobs.bounded_slowdown[~jobs.censored]), max(len(jobs.key), 1))
        never = f" ({int(jobs.censored.sum())} never started)" if jobs.censored.any() else ""
        axes.step(values, share, where="post", color=colors[name], linewidth=1.4, label=shortened(name) + never)
    axes.set_xscale("log")
    axes.set_xlim(left=0.9)
    axes.set_ylim(0, 101)
    axes.set_xlabel(f"Bounded slowdown (tau = {tau_s:g} s)")
    axes.set_ylabel("Jobs with at most this slowdown (%)")
    style_axes(axes, grid="both")
    axes.legend(fontsize=8.5, frameon=False, loc="lower right")
    return figure


def _thinned(values: NDArray[np.float64], n_jobs: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return at most `_POINTS` evenly ranked values and the share (%) of all jobs up to each; the ends are kept."""
    ranks = np.unique(np.linspace(0, max(len(values) - 1, 0), min(len(values), _POINTS)).astype(np.int64))
    return values[ranks], (ranks + 1) / n_jobs * 100.0


def bars_figure(values: Mapping[str, Mapping[str, Bar]], names: Sequence[str]) -> Figure:
    """Return one panel per metric with one bar per policy.

    Args:
        values: policy -> metric name -> height and interval; a missing metric leaves a gap marked "n/a".
        names: metrics to draw, keys of `METRICS`.
    """
    columns = min(len(names), 3)
    rows = -(-len(names) // columns)
    figure = new_figure(9.0, rows * (0.75 + 0.27 * len(values)))
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    for axes, name in zip(panels, names, strict=False):
        _panel(axes, {policy: metrics.get(name) for policy, metrics in values.items()}, name)
    return figure


def _panel(axes: Axes, bars: Mapping[str, Bar | None], name: str) -> None:
    metric, colors = METRICS[name], policy_colors(bars)
    tallest = max((abs(bar[2] or bar[0]) for bar in bars.values() if bar is not None), default=0.0)
    factor, unit = _scale(metric.unit, float(np.median([bar[0] for bar in bars.values() if bar is not None] or [0.0])))
    for row, (policy, bar) in enumerate(bars.items()):
        if bar is None:
            axes.text(0, row, " n/a", va="center", fontsize=8, color="#555555")
            continue
        height = bar[0] / factor
        axes.barh(row, height, color=colors[policy], height=0.68)
        reach = height
        if bar[1] is not None and bar[2] is not None:
            axes.plot([bar[1] / factor, bar[2] / factor], [row, row], color="#222222", linewidth=1.2)
            reach = max(height, bar[2] / factor)
        axes.annotate(number_text(height), (reach, row), (3, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_yticks(range(len(bars)), [shortened(policy) for policy in bars])
    axes.set_ylim(len(bars) - 0.5, -0.5)
    axes.set_xlim(0, tallest / factor * 1.28 or 1.0)
    axes.set_title(f"{metric.label}{f' ({unit})' if unit else ''}", loc="left", fontsize=9.5)
    style_axes(axes, grid="x")
    axes.locator_params(axis="x", nbins=4)


def _scale(unit: str, typical: float) -> tuple[float, str]:
    """Return the factor and unit that make a typical bar a readable number."""
    return next(((size, name) for size, name in _SCALES.get(unit, ()) if typical >= size), (1.0, unit))
