"""Twelve panels of a sweep of the hourly task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from wattq.experiments.plots.style import new_figure, policy_colors, style_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SWEEP_PANELS", "sweep_panels"]

SWEEP_PANELS: Sequence[tuple[str, str, str]] = (
    ("occupancy_percent", "Occupancy", "% of all cores"),
    ("saved_always_on_percent", "Saved against always-on", "% of its cost"),
    ("saved_idle_free_percent", "Saved against idle-free", "% of its cost"),
    ("work_percent", "Work done", "% of always-on's"),
    ("effective_percent", "Effective saving", "% x work² / (h + 1)"),
    ("cost_per_1000_delta", "Cost of 1,000 jobs, change", "EUR"),
    ("energy_delta_mwh", "Energy, change", "MWh"),
    ("mean_wait_h", "Mean wait", "h"),
    ("submitted", "Arrivals", "jobs"),
    ("lost", "Jobs lost", "jobs"),
    ("nodes_on_percent", "Nodes on", "% of all nodes"),
    ("capture_contiguous_percent", "Capture of the bound", "% of what is possible"),
)
"""Column, heading and y label of each panel; changes are against always-on."""


def sweep_panels(
    rows: Sequence[Mapping[str, object]], axis: str, axis_label: str, title: str, *, names: Sequence[str] | None = None
) -> Figure:
    """Return twelve panels over what is swept, one line for each policy; hollow points are void (less work done).

    Args:
        rows: one mapping for each policy and value: `axis`, ``policy``, ``void`` and columns of `SWEEP_PANELS`. A
            value that is None or missing is not drawn; a panel without any stays blank.
        axis: column of the x axis.
        axis_label: its label, with unit.
        title: what the picture shows.
        names: labels of the ticks where the axis counts combinations.
    """
    figure = new_figure(13.5, 9.0)
    figure.suptitle(title, fontsize=11)
    policies = list(dict.fromkeys(str(row["policy"]) for row in rows))
    colors = policy_colors(policies)
    grid = np.asarray(figure.subplots(3, 4, sharex=True)).ravel()
    for axes, (column, heading, label) in zip(grid, SWEEP_PANELS, strict=True):
        style_axes(axes)
        axes.set_title(heading, fontsize=9.5)
        axes.set_ylabel(label)
        drawn = False
        for policy in policies:
            points = _points(rows, policy, axis, column)
            if not len(points):
                continue
            drawn = True
            axes.plot(points[:, 0], points[:, 1], "-", lw=1.1, color=colors[policy], label=policy)
            for void, face in ((0.0, colors[policy]), (1.0, "white")):
                some = points[points[:, 2] == void]
                axes.plot(some[:, 0], some[:, 1], "o", ms=4, mec=colors[policy], mfc=face)
        if not drawn:
            axes.text(0.5, 0.5, "no data", ha="center", va="center", transform=axes.transAxes, color="#888888")
        if names is not None:
            axes.set_xticks(range(len(names)), list(names), rotation=60, ha="right", fontsize=6)
    for axes in grid[-4:]:
        axes.set_xlabel(axis_label, fontsize=9)
    if policies:
        handles, labels = max((axes.get_legend_handles_labels() for axes in grid), key=lambda found: len(found[1]))
        figure.legend(
            handles, labels, loc="outside lower center", ncols=min(len(labels), 8) or 1, fontsize=8, frameon=False
        )
    return figure


def _points(rows: Sequence[Mapping[str, object]], policy: str, axis: str, column: str) -> np.ndarray:
    found = [
        (float(str(row[axis])), float(str(row[column])), float(bool(row.get("void"))))
        for row in rows
        if row["policy"] == policy and row.get(column) is not None
    ]
    return np.array(sorted(found), dtype=np.float64).reshape(-1, 3)
