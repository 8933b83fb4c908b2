"""Energy, CO2e or cost against service, policy by policy, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from wattq.experiments.plots.style import new_figure, number_text, policy_colors, shortened, style_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ParetoPoint", "pareto_figure"]

Span = tuple[float, float | None, float | None]
"""A number and the ends of its interval where there is one."""

_SAME = 1e-3
"""Percent by which a point must be lower to count as better."""

_MARKERS = "osD^vPX<>*hp"


@dataclass(frozen=True)
class ParetoPoint:
    """One policy in one panel.

    Attributes:
        policy: its label.
        x: service, lower is better.
        y: energy, CO2e or cost in percent of EASY's, lower is better; None where it is void.
    """

    policy: str
    x: Span
    y: Span | None


def pareto_figure(
    panels: Sequence[tuple[str, Sequence[ParetoPoint]]], y_label: str, title: str, floor: float | None = None
) -> Figure:
    """Return panels that share an axis of energy, CO2e or cost; down and left is better in each.

    A step line joins the points that no other one beats in both directions. A policy whose saving is void has no
    point; the legend names it.

    Args:
        panels: label of the axis of service, with its unit, and the points.
        y_label: label of the shared axis, with its unit.
        title: heading.
        floor: what no schedule can go below, on the shared axis.
    """
    figure = new_figure(9.0, 4.3)
    axes_of = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    names = list(dict.fromkeys(point.policy for _, points in panels for point in points))
    colors = policy_colors(names)
    markers = {name: _MARKERS[index % len(_MARKERS)] for index, name in enumerate(names)}
    for axes, (label, points) in zip(axes_of, panels, strict=True):
        if floor is not None:
            axes.axhline(floor, color="#333333", linewidth=0.9, linestyle=":", zorder=0, label="lower bound")
        _panel(axes, points, colors, markers, floor)
        axes.set_xlabel(label)
    axes_of[0].set_ylabel(y_label)
    figure.suptitle(title, x=0.01, ha="left", fontsize=10)
    handles, labels = axes_of[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", fontsize=8.5, frameon=False)
    return figure


def _panel(
    axes: Axes,
    points: Sequence[ParetoPoint],
    colors: dict[str, str],
    markers: dict[str, str],
    floor: float | None,
) -> None:
    known = [point for point in points if point.y is not None]
    for point in points:
        color, marker = colors[point.policy], markers[point.policy]
        if point.y is None:
            label = f"{shortened(point.policy)} (void)"
            axes.plot([], [], linestyle="", fillstyle="none", label=label, color=color, marker=marker)
            continue
        _cross(axes, point.x, point.y, color)
        look: dict[str, Any] = {"linestyle": "", "markersize": 7, "color": color, "marker": marker}
        axes.plot(point.x[0], point.y[0], label=shortened(point.policy), zorder=3, **look)
    front = _front(known)
    axes.step([p[0] for p in front], [p[1] for p in front], where="post", color="#999999", linewidth=1.0, zorder=1)
    axes.axhline(100.0, color="#BBBBBB", linewidth=0.8, linestyle="--", zorder=0)
    style_axes(axes, grid="both")
    _scale(axes, known, floor)


def _cross(axes: Axes, x: Span, y: Span, color: str) -> None:
    if x[1] is not None and x[2] is not None:
        axes.plot([x[1], x[2]], [y[0], y[0]], color=color, linewidth=1.0, alpha=0.7)
    if y[1] is not None and y[2] is not None:
        axes.plot([x[0], x[0]], [y[1], y[2]], color=color, linewidth=1.0, alpha=0.7)


def _front(points: Sequence[ParetoPoint]) -> list[tuple[float, float]]:
    """Return the points that no other one beats, by increasing x."""
    found: list[tuple[float, float]] = []
    for x, y in sorted((point.x[0], point.y[0]) for point in points if point.y is not None):
        if not found or y < found[-1][1] - _SAME:
            found.append((x, y))
    return found


def _scale(axes: Axes, points: Sequence[ParetoPoint], floor: float | None) -> None:
    """Take a logarithmic axis where the points spread over more than a factor of eight; leave room at the edges."""
    values = [point.x[0] for point in points]
    ends = [end for point in points for end in point.x if end is not None]
    if values and min(values) > 0 and max(values) > 8 * min(values):
        axes.set_xscale("log")
        subs = (1, 2, 5) if max(ends) < 30 * min(ends) else (1, 3)
        axes.xaxis.set_major_locator(LogLocator(base=10, subs=subs, numticks=9))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number_text(value)))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        top = max(ends, default=0.0) or 1.0
        axes.set_xlim(-0.04 * top, 1.06 * top)
    heights = [end for point in points for end in (point.y or ()) if end is not None] + [99.5, 100.5]
    heights += [] if floor is None else [floor]
    room = 0.06 * (max(heights) - min(heights))
    low, high = axes.get_ylim() if axes.get_autoscaley_on() is False else (min(heights), max(heights))
    axes.set_ylim(min(low, min(heights) - room), max(high, max(heights) + room))
