"""evalys behind one door: its Gantt and lifecycle charts, drawn on figures that pyplot does not know.

What of evalys 4.0.7 is used works with current pandas and matplotlib. What is not used is broken or about to break:
SWF loading, windowed utilisation and series comparison (pandas 3), fragmentation (pandas 1), ``plot_details`` (its own
arguments), and its machine-state chart (``numpy.row_stack`` is deprecated, and its reader needs a module that
evalys does not install); wattq draws those itself. Its drawing takes one artist, about 2 ms, per job, so
larger runs are drawn by `wattq.experiments.plots.gantt` and `wattq.experiments.plots.lifecycle`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec

from wattq.experiments.plots.style import PALETTE
from wattq.experiments.results import RunResults

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LABEL_LIMIT", "gantt_axes", "jobset", "lifecycle_axes"]

LABEL_LIMIT = 100
"""Most jobs that still get their id written into their box; beyond it the chart would be black."""


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the warnings that evalys itself causes (deprecated pandas and numpy calls), and no others."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"evalys(\.|$)")
        yield


def jobset(run: RunResults) -> Any:
    """Return the started jobs of a run as ``evalys.jobset.JobSet``; columns as in ``jobs.csv``.

    Raises:
        ValueError: no job started (evalys cannot hold an empty set).
    """
    import pandas as pd
    from procset import ProcSet

    jobs = run.jobs
    ran = ~jobs.rejected
    if not ran.any():
        raise ValueError("no job started: evalys cannot draw an empty set of jobs")
    frame = pd.DataFrame(
        {
            "jobID": [key.partition("!")[2] for key in jobs.key],
            "submission_time": jobs.submit_s,
            "requested_number_of_resources": jobs.hosts,
            "starting_time": jobs.start_s,
            "execution_time": jobs.run_s,
            "finish_time": jobs.finish_s,
            "waiting_time": jobs.start_s - jobs.submit_s,
            "allocated_resources": [ProcSet.from_str(text) for text in jobs.allocated],
        }
    )[ran]
    with _quiet():
        from evalys.jobset import JobSet

        bounds = (0, run.n_hosts - 1) if run.n_hosts else None
        return JobSet(frame, resource_bounds=bounds)


def gantt_axes(run: RunResults, figure: Figure) -> Axes:
    """Draw evalys's Gantt chart on a figure and return its axes; ids only up to `LABEL_LIMIT` jobs."""
    jobs = jobset(run)
    with _quiet():
        from evalys.visu.gantt import NOLABEL, GanttVisualization

        chart = GanttVisualization(SimpleNamespace(fig=figure, spec=GridSpec(1, 1, figure=figure)[0]), title="")
        chart.palette = list(PALETTE)
        chart.alpha = 0.55
        if len(jobs.df) > LABEL_LIMIT:
            chart.labeler = NOLABEL
        chart.build(jobs)
    return figure.axes[0]


def lifecycle_axes(run: RunResults, figure: Figure) -> dict[str, Axes]:
    """Draw evalys's lifecycle chart (submit, start, finish by job size); return its axes by event."""
    jobs = jobset(run)
    with _quiet():
        from evalys.visu.lifecycle import LifecycleVisualization

        chart = LifecycleVisualization(SimpleNamespace(fig=figure, spec=GridSpec(1, 1, figure=figure)[0]), title="")
        chart.palette = PALETTE[:3]
        chart.build(jobs)
    for axes in figure.axes:
        if (legend := axes.get_legend()) is not None:
            legend.remove()  # it would cover the first jobs; the strips are named instead
    events = ("submit", "start", "finish")
    return dict(zip(events, figure.axes[:3], strict=True))
