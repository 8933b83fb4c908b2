"""Pictures of an evaluation: savings as they add up over the held-out weeks, and one week as a dashboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from wattq.experiments.plots.style import new_figure, policy_colors, style_axes
from wattq.experiments.rl.heldout.verdict import aim_of
from wattq.experiments.study.quantities import QUANTITIES
from wattq.experiments.study.records import WeekRecord
from wattq.experiments.study.summary import Group

__all__ = ["cumulative_figure", "waits_figure"]


def _weekly(group: Group, records: Sequence[WeekRecord]) -> dict[str, list[WeekRecord]]:
    found: dict[str, list[WeekRecord]] = {}
    for record in records:
        if (record.workload, record.grid) == (group.workload, group.grid):
            found.setdefault(record.policy, []).append(record)
    return found


def cumulative_figure(group: Group, records: Sequence[WeekRecord], shown: Sequence[str]) -> Figure | None:
    """Return the aim saved against EASY, summed over the held-out weeks; None where nobody served EASY's work.

    Args:
        group: one log on one grid.
        records: the weeks of the study.
        shown: labels of the policies to draw, apart from those that served less work.
    """
    base, aim = group.baseline, aim_of(group)
    weeks = _weekly(group, records)
    good = [row.policy for row in group.rows if row.policy in shown and not row.void and not row.is_baseline]
    if base is None or not good:
        return None
    easy = np.array([week.values[aim] for week in weeks[base.policy]])
    figure = new_figure(9.0, 4.0)
    axes = figure.add_subplot()
    colors = policy_colors(shown)
    for name in good:
        saved = np.cumsum(easy - np.array([week.values[aim] for week in weeks[name]]))
        axes.plot(np.arange(1, len(saved) + 1), saved, marker="o", ms=3, color=colors[name], label=name)
    axes.axhline(0.0, color="#888888", lw=0.8)
    axes.set_xlabel("Held-out weeks so far")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel(f"{QUANTITIES[aim].label.split(' (')[0]} saved against EASY ({QUANTITIES[aim].unit})")
    axes.set_title(group.title)
    axes.legend(frameon=False, fontsize=8)
    style_axes(axes)
    return figure


def waits_figure(group: Group, records: Sequence[WeekRecord], shown: Sequence[str]) -> Figure:
    """Return the share of jobs that waited longer than a time, over all held-out weeks, one curve per policy.

    A job that never started counts with the time from its submission to the end of its run.
    """
    weeks = _weekly(group, records)
    figure = new_figure(9.0, 4.0)
    axes = figure.add_subplot()
    colors: Mapping[str, str] = policy_colors(shown)
    for name in shown:
        waits = np.concatenate([week.jobs.wait_s[week.jobs.counted] for week in weeks.get(name, [])] or [np.zeros(0)])
        if len(waits):
            waits = np.sort(waits) / 3600.0
            share = 100.0 * (1.0 - np.arange(1, len(waits) + 1) / len(waits))
            axes.step(np.maximum(waits, 1e-2), share, where="post", color=colors[name], label=name)
    axes.set_xscale("log")
    axes.set_yscale("symlog", linthresh=0.1)
    axes.axhline(5.0, color="#888888", lw=0.8, ls="--")
    axes.set_xlabel("Wait (h)")
    axes.set_ylabel("Jobs that waited longer (%)")
    axes.set_title(f"{group.title}: the dashed line is where the p95 wait is read")
    axes.legend(frameon=False, fontsize=8)
    style_axes(axes)
    return figure
