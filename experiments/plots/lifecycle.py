"""Lifecycle of the jobs: when they were submitted, started and finished, by size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from wattq.experiments.plots.style import PALETTE, new_figure, style_axes, time_axis
from wattq.experiments.results import RunResults
from wattq.experiments.timelines import span

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["EVALYS_LIMIT", "lifecycle_figure"]

EVALYS_LIMIT = 300
"""Most jobs that evalys draws: beyond it the links that it draws between events cover each other."""

_EVENTS = ("submit", "start", "finish")
_WORDS = {"submit": "Submission", "start": "Start", "finish": "Finish"}


def lifecycle_figure(run: RunResults, *, title: str = "") -> Figure:
    """Return three strips (finish, start, submission) of job size over time.

    Small runs are drawn by evalys, which links the events of a job; large runs as counts per cell of time and size.
    """
    by_evalys = bool((~run.jobs.rejected).any()) and len(run.jobs) <= EVALYS_LIMIT
    figure = new_figure(9.0, 4.6, constrained=not by_evalys)
    if by_evalys:
        from wattq.experiments.plots.evalys_adapter import lifecycle_axes

        # evalys nests its strips without gaps, which a constrained layout squeezes flat
        figure.subplots_adjust(left=0.09, right=0.98, top=0.94, bottom=0.11)
        axes = lifecycle_axes(run, figure)
    else:
        axes = _density_axes(run, figure)
    begin, end = span(run)
    for event, strip in axes.items():
        style_axes(strip, grid="x" if by_evalys else "")
        time_axis(strip, begin, end, label=event == "submit")
        strip.set_ylabel(f"{_WORDS[event]}\n(hosts)")
        strip.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True, prune="upper" if by_evalys else None))
    axes["finish"].set_title(title, loc="left", fontsize=10)
    return figure


def _density_axes(run: RunResults, figure: Figure) -> dict[str, Axes]:
    rows = figure.subplots(3, 1, sharex=True, sharey=True)
    axes = dict(zip(("finish", "start", "submit"), rows, strict=True))
    jobs, ran = run.jobs, ~run.jobs.rejected
    dates = {"submit": jobs.submit_s[ran], "start": jobs.start_s[ran], "finish": jobs.finish_s[ran]}
    for color, event in zip(PALETTE, _EVENTS, strict=False):
        axes[event].scatter(
            dates[event],
            jobs.hosts[ran],
            s=4,
            color=color,
            alpha=float(np.clip(1500 / max(len(jobs), 1), 0.04, 0.8)),
            linewidths=0,
            rasterized=True,
        )
        axes[event].set_ylim(0, max(1, int(jobs.hosts.max(initial=1))) * 1.05)
    return axes
