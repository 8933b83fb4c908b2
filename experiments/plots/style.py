"""How pictures of runs look: colours of policies, axes of simulated time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter

from wattq.pages.figures import PALETTE, duration_text, new_figure, number_text, render, style_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "PALETTE",
    "duration_text",
    "new_figure",
    "number_text",
    "policy_colors",
    "render",
    "shortened",
    "style_axes",
    "time_axis",
    "time_unit",
]

_KNOWN = {"easy": "#0072B2", "fcfs": "#4D4D4D", "conservative": "#009E73", "easy-sjbf": "#E69F00", "filler": "#CC79A7"}
_STEPS: dict[str, list[float]] = {
    "s": [m * 10.0**k for k in range(-6, 4) for m in (1, 2, 5)],
    "h": [1, 2, 3, 6, 12, 24],
    "d": [1, 2, 5, 7, 10, 14, 20, 30, 50, 100, 200, 365, 730, 1825, 3650],
}
_SECONDS = {"s": 1.0, "h": 3600.0, "d": 86400.0}
_NAMES = {"s": "s", "h": "hours", "d": "days"}
_LONGEST_NAME = 60


def policy_colors(names: Iterable[str]) -> dict[str, str]:
    """Return one colour per policy: the same in every picture, and for the usual policies in every report."""
    unique = list(dict.fromkeys(names))
    colors = {name: _KNOWN[name] for name in unique if name in _KNOWN}
    free = [color for color in PALETTE if color not in colors.values()] or list(PALETTE)
    others = [name for name in unique if name not in colors]
    return colors | {name: free[index % len(free)] for index, name in enumerate(others)}


def shortened(name: str) -> str:
    """Return a policy's name as pictures show it: the middle of a long one, such as with a path, is left out."""
    half = _LONGEST_NAME // 2
    return name if len(name) <= _LONGEST_NAME else f"{name[:half]}…{name[-half:]}"


def time_unit(span_s: float) -> Literal["s", "h", "d"]:
    """Return the unit in which a span is read best: s up to two hours, h up to four days, else d."""
    if span_s <= 2 * 3600:
        return "s"
    return "h" if span_s <= 4 * 86400 else "d"


def time_axis(axes: Axes, begin_s: float, end_s: float, *, label: bool = True, max_ticks: int = 11) -> None:
    """Scale an x axis that holds seconds: limits, ticks at round numbers of s, h or d, and the unit in the label."""
    end_s = end_s if end_s > begin_s else begin_s + 1.0
    unit = time_unit(end_s - begin_s)
    low, high = begin_s / _SECONDS[unit], end_s / _SECONDS[unit]
    step = next((s for s in _STEPS[unit] if (high - low) / s <= max_ticks), (high - low) / max_ticks)
    ticks = np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step + 0.0
    axes.set_xlim(begin_s, end_s)
    axes.xaxis.set_major_locator(FixedLocator((ticks * _SECONDS[unit]).tolist()))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x / _SECONDS[unit] + 0.0:.10g}"))
    if label:
        axes.set_xlabel(f"Time since date 0 of the workload ({_NAMES[unit]})", fontsize=9)
