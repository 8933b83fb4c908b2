"""Shapes of the rewards of the hourly task, drawn by the code that pays them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wattq.experiments.plots.style import PALETTE, new_figure, style_axes
from wattq.schedulers.rl.node_power.config import PARTS, NodePowerConfig
from wattq.schedulers.rl.node_power.layout import HOURLY, Task, task_of
from wattq.schedulers.rl.node_power.prices import Prices, named_prices
from wattq.schedulers.rl.node_power.rewards import hour_parts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SHAPES", "Shape", "hour_rewards", "reward_curves", "reward_shapes"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Shape:
    """A panel: one part of the reward over one quantity of the hour, for some values of another.

    Attributes:
        part: of the reward, one of `PARTS`.
        title: of the panel.
        label: of the x axis, with unit.
        over: what the x axis is: a column of the hour, or ``load``, the share of the machine's cores in use.
        most: greatest value of it; the least is 0.
        lines: what distinguishes the lines, its values, and the words for each.
    """

    part: str
    title: str
    label: str
    over: str
    most: float
    lines: tuple[str, tuple[float, ...], str]


_ON = "{:.0%} of the nodes on"

SHAPES: Sequence[Shape] = (
    Shape("efficiency", "Efficiency", "Cores in use (share of the machine)", "load", 1.0,
          ("on_share", (0.25, 0.5, 1.0), _ON)),
    Shape("price", "Price", "Price of the hour (EUR/MWh)", "price", 160.0,
          ("load", (0.05, 0.25, 1.0), "{:.0%} of the cores in use")),
    Shape("idle", "Idle nodes", "Idle nodes (share of the machine)", "idle_share", 1.0, ("", (0.0,), "")),
    Shape("age", "Age of the oldest job", "Age (h)", "oldest_h", 336.0, ("on_share", (0.5, 1.0), _ON)),
    Shape("drop", "Jobs lost", "Jobs lost in the hour", "lost_full", 100.0, ("", (0.0,), "")),
    Shape("blackout", "Nothing runs", "Jobs that wait", "queue", 30.0, ("on_share", (0.0, 0.01), _ON)),
)  # fmt: skip
"""The six panels."""


def hour_rewards(config: NodePowerConfig, prices: Prices, **hour: float) -> dict[str, float]:
    """Return the parts of the reward of one hour, not weighted, by the code of the environment.

    Args:
        config: the task.
        prices: give the usual range of prices.
        hour: columns of `wattq.schedulers.rl.node_power.layout.HOURLY`; others are 0.
    """
    return dict(zip(PARTS, _parts(task_of(config, prices), hour).tolist(), strict=True))


def _parts(task: Task, hour: dict[str, float]) -> Floats:
    row, parts = np.zeros(len(HOURLY)), np.zeros(len(PARTS))
    for name, value in hour.items():
        row[HOURLY.index(name)] = value
    hour_parts(task.num, task.real, row, parts)
    return parts


def reward_curves(
    shape: Shape, config: NodePowerConfig, prices: Prices, context: float, *, points: int = 161
) -> tuple[Floats, list[tuple[str, Floats]]]:
    """Return the x values of a panel, and legend and y values of each of its lines.

    Args:
        shape: the panel.
        config: the task.
        prices: give the usual range of prices.
        context: mean price of the hours around.
        points: of a line.
    """
    x = np.linspace(0.0, shape.most, points)
    if shape.over in ("queue", "lost_full"):
        x = np.unique(np.round(x))
    task, (name, values, words) = task_of(config, prices), shape.lines
    found = []
    for value in values:
        hours = [_hour(config, context, **{shape.over: float(at)}, **({name: value} if name else {})) for at in x]
        y = np.array([_parts(task, hour)[PARTS.index(shape.part)] if hour else np.nan for hour in hours])
        found.append((words.format(value), y))
    return x, found


def _hour(config: NodePowerConfig, context: float, **given: float) -> dict[str, float]:
    """Return a whole hour from shares of the machine; empty where that cannot be."""
    load, on = given.pop("load", 0.0), given.pop("on_share", 1.0) * config.n_nodes
    used = load * config.n_nodes
    idle = given.pop("idle_share") * config.n_nodes if "idle_share" in given else on - used
    if used > on + 1e-9:
        return {}
    mwh = (on * config.idle_w + used * (config.used_w - config.idle_w)) * 1e-6
    hour = {"price": context, "context": context, "on": on, "used": used, "mwh": mwh}
    return hour | {"idle": idle, "cores_used": load * config.total_cores, "launched": load * 1500.0, **given}


def reward_shapes(config: NodePowerConfig, prices: Prices | str = "sinus", *, context: float = 80.0) -> Figure:
    """Return a picture of six panels, one for each part of the reward of the published task, not weighted.

    Args:
        config: the task, whose form of the rewards is drawn.
        prices: give the usual range of prices.
        context: mean price of the hours around the one that is shown.
    """
    market = prices if isinstance(prices, Prices) else named_prices(prices)
    figure = new_figure(12.0, 6.4)
    figure.suptitle(f"Rewards of an hour, form '{config.shapes}', price around {context:g} {market.unit}", fontsize=11)
    for axes, shape in zip(np.asarray(figure.subplots(2, 3)).ravel(), SHAPES, strict=True):
        _draw(axes, shape, reward_curves(shape, config, market, context))
    return figure


def _draw(axes: Any, shape: Shape, curves: tuple[Floats, list[tuple[str, Floats]]]) -> None:
    style_axes(axes)
    axes.set_title(shape.title, fontsize=9.5)
    axes.set_xlabel(shape.label)
    axes.set_ylabel("Part of the reward")
    x, lines = curves
    for number, (words, y) in enumerate(lines):
        axes.plot(x, y, lw=1.4, color=PALETTE[number], label=words)
    if len(lines) > 1:
        axes.legend(fontsize=7.5, frameon=False)
