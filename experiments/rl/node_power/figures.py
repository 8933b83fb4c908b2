"""Pictures of the hourly task: a dashboard of an episode, savings that add up, and a summary of episodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wattq.experiments.plots.style import PALETTE, new_figure, policy_colors, style_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["PANELS", "cumulative_savings", "dashboard", "episode_summary"]

Series = Mapping[str, NDArray[np.float64]]

PANELS: Sequence[tuple[str, str, tuple[tuple[str, str], ...]]] = (
    ("Price", "EUR/MWh", (("price", "price"),)),
    ("Nodes", "nodes", (("nodes_on", "on"), ("nodes_used", "with work"))),
    ("Cores at work", "share of all cores", (("core_share", "at work"),)),
    ("Jobs", "jobs", (("queued", "queued"), ("running", "running"), ("backlog", "backlog"))),
    ("Arrivals and drops", "jobs per hour", (("arrived", "arrived"), ("dropped", "dropped"))),
    ("Work that waits", "core-hours", (("waiting_core_h", "waiting"),)),
    ("Cost", "EUR per hour", (("cost", "policy"), ("cost_always_on", "always-on"), ("cost_idle_free", "idle-free"))),
    ("Reward", "weighted reward", (("reward", "sum"),)),
    ("Parts of the reward", "weighted reward", ()),
)
"""Title, y label and (series, legend) of each panel; parts of the reward are the series that begin with ``reward_``."""


def dashboard(series: Series, title: str, *, hours: int | None = None) -> Figure:
    """Return at most nine panels of an episode by the hour; a panel whose series are all missing stays blank.

    Args:
        series: values by hour, named as in `PANELS`.
        title: what the picture shows.
        hours: how many hours are shown from the first; all when None.
    """
    figure = new_figure(12.5, 7.6)
    figure.suptitle(title, fontsize=11)
    grid = np.asarray(figure.subplots(3, 3, sharex=True)).ravel()
    for axes, (heading, label, lines) in zip(grid, PANELS, strict=True):
        names = lines or tuple((name, name.removeprefix("reward_")) for name in sorted(series) if "reward_" in name)
        shown = [(name, text) for name, text in names if name in series and len(series[name])]
        _panel(axes, heading, label, bool(shown))
        for number, (name, text) in enumerate(shown):
            values = np.asarray(series[name], dtype=np.float64)[:hours]
            axes.step(np.arange(len(values)), values, where="post", lw=1.0, color=_color(number), label=text)
        if shown:
            axes.legend(fontsize=7, frameon=False, loc="best", ncols=2 if len(shown) > 3 else 1)
    for axes in grid[-3:]:
        axes.set_xlabel("Hour of the episode (h)", fontsize=9)
    return figure


def cumulative_savings(
    cost: Mapping[str, NDArray[np.float64]], against: Mapping[str, NDArray[np.float64]], title: str, month_h: float
) -> Figure:
    """Return what policies saved up to each hour, in EUR, and by month in percent.

    Args:
        cost: cost of each policy by hour, EUR; equal lengths.
        against: cost of each baseline by hour.
        title: what the picture shows.
        month_h: hours of a month; the last one may be shorter.
    """
    figure = new_figure(12.0, 4.4 if len(against) == 1 else 7.6)
    figure.suptitle(title, fontsize=11)
    grid = np.asarray(figure.subplots(max(len(against), 1), 2, squeeze=False))
    colors = policy_colors(cost)
    months = max((int(np.ceil(len(base) / month_h)) for base in against.values()), default=1)
    for row, (name, base) in zip(grid, against.items(), strict=False):
        _panel(row[0], f"Saved against {name}", "EUR", bool(cost))
        _panel(row[1], f"Saved against {name}, by month", "% of its cost", bool(cost))
        for number, (policy, paid) in enumerate(cost.items()):
            hours = np.arange(1, len(paid) + 1)
            row[0].plot(hours, np.cumsum(base - paid), lw=1.2, color=colors[policy], label=policy)
            share = _monthly(base, paid, month_h)
            width = 0.8 / len(cost)
            place = np.arange(1, len(share) + 1) + (number - (len(cost) - 1) / 2) * width
            row[1].bar(place, share, width, color=colors[policy], label=policy)
        row[0].axhline(0.0, color="#888888", lw=0.8)
        row[1].axhline(0.0, color="#888888", lw=0.8)
        row[0].set_xlabel("Hours billed (h)", fontsize=9)
        row[1].set_xticks(range(1, months + 1))
        row[1].set_xlabel(f"Month of the hours billed ({month_h:.0f} h)", fontsize=9)
        if cost:
            row[0].legend(fontsize=7.5, frameon=False)
    return figure


def episode_summary(values: Mapping[str, Mapping[str, Sequence[float]]], title: str) -> Figure:
    """Return one panel for each quantity: the values of every policy in every episode, and their means, in brackets.

    Args:
        values: by quantity with its unit (the y label), by policy: one value for each episode.
        title: what the picture shows.
    """
    figure = new_figure(12.5, 4.4)
    figure.suptitle(title, fontsize=11)
    grid = np.asarray(figure.subplots(1, max(len(values), 1), squeeze=False)).ravel()
    for axes, (label, by_policy) in zip(grid, values.items(), strict=False):
        _panel(axes, "", label, bool(by_policy))
        colors, texts = policy_colors(by_policy), []
        for place, (policy, points) in enumerate(by_policy.items()):
            spread = place + np.linspace(-0.18, 0.18, max(len(points), 1))[: len(points)]
            axes.plot(spread, points, ".", ms=3.5, alpha=0.5, color=colors[policy])
            mean = float(np.mean(points)) if len(points) else float("nan")
            axes.plot([place - 0.3, place + 0.3], [mean, mean], lw=2.0, color=colors[policy])
            texts.append(f"{policy} ({mean:,.4g})")
        axes.set_xticks(range(len(texts)), texts, rotation=38, ha="right", fontsize=7.5)
    return figure


def _panel(axes: Axes, heading: str, label: str, filled: bool) -> None:
    style_axes(axes)
    axes.set_title(heading, fontsize=9.5)
    axes.set_ylabel(label)
    if not filled:
        axes.text(0.5, 0.5, "no data", ha="center", va="center", transform=axes.transAxes, color="#888888", fontsize=9)


def _color(number: int) -> str:
    return PALETTE[number % len(PALETTE)]


def _monthly(base: NDArray[np.float64], paid: NDArray[np.float64], month_h: float) -> NDArray[np.float64]:
    """Return the saving of each month in percent; NaN in a month whose baseline cost is not positive."""
    month = (np.arange(len(base)) / month_h).astype(np.int64)
    before, after = np.bincount(month, weights=base), np.bincount(month, weights=paid)
    found: NDArray[np.float64] = 100.0 * np.divide(before - after, before, where=before > 0, out=before * np.nan)
    return found
