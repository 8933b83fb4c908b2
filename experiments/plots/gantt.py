"""Gantt chart: which job ran where and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from wattq.experiments.plots.style import PALETTE, new_figure, style_axes, time_axis
from wattq.experiments.results import RunResults
from wattq.experiments.timelines import span

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["EVALYS_LIMIT", "gantt_figure", "gantt_note"]

EVALYS_LIMIT = 500
"""Most jobs that evalys draws; it needs about 2 ms a job, wattq's own drawing about 10 us."""


def gantt_figure(run: RunResults, *, title: str = "") -> Figure:
    """Return the Gantt chart of a run: time by host, one rectangle per job and interval of hosts."""
    hosts = max(run.n_hosts, 1)
    figure = new_figure(9.0, min(6.5, 2.2 + 0.09 * hosts))
    if run.jobs.rejected.all():
        axes = figure.add_subplot()
        axes.text(0.5, 0.5, "No job started", ha="center", va="center", transform=axes.transAxes)
    elif len(run.jobs) <= EVALYS_LIMIT:
        from wattq.experiments.plots.evalys_adapter import gantt_axes

        axes = gantt_axes(run, figure)
    else:
        axes = figure.add_subplot()
        _draw_boxes(run, axes)
    _finish(run, axes, title)
    return figure


def gantt_note(run: RunResults) -> str:
    """Return one sentence that says how to read the chart."""
    if len(run.jobs) <= EVALYS_LIMIT:
        return "One box per job; colours only tell neighbours apart."
    return f"{len(run.jobs):,} jobs: boxes without outlines or ids; colours only tell neighbours apart."


def _finish(run: RunResults, axes: Axes, title: str) -> None:
    style_axes(axes, grid="")
    begin, end = span(run)
    time_axis(axes, begin, end)
    top = max(run.n_hosts, int(run.jobs.allocation.high.max(initial=0)) + 1)
    # evalys draws host h over [h, h + 1); the ticks stand in the middle of the box
    axes.set_ylim(top, 0)
    ticks = MaxNLocator(nbins=8, integer=True).tick_values(0, top - 1)
    hosts = sorted({int(tick) for tick in ticks if 0 <= tick <= top - 1})
    axes.set_yticks([host + 0.5 for host in hosts], [str(host) for host in hosts])
    axes.set_ylabel("Host")
    axes.set_title(title, loc="left", fontsize=10)


def _draw_boxes(run: RunResults, axes: Axes) -> None:
    table = run.jobs.allocation
    colors = np.array([to_rgba(color, 0.85) for color in PALETTE])
    boxes = PolyCollection(
        list(_corners(run)),
        facecolors=colors[table.job % len(colors)].tolist(),
        edgecolors="none",
        linewidths=0,
        rasterized=True,
        antialiased=False,
    )
    axes.add_collection(boxes, autolim=False)


def _corners(run: RunResults) -> NDArray[np.float64]:
    """Return the corners of each box, shape (n_intervals, 4, 2)."""
    table = run.jobs.allocation
    left, right = run.jobs.start_s[table.job], run.jobs.finish_s[table.job]
    low, high = table.low.astype(np.float64), table.high + 1.0
    x = np.stack([left, right, right, left], axis=1)
    y = np.stack([low, low, high, high], axis=1)
    return np.stack([x, y], axis=2)
