"""How every picture of wattq looks: colours, time axes, and saving without pyplot's global state."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

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

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#8C6D31", "#4D4D4D", "#999933", "#AA4499")
"""Colours that people with the common forms of colour blindness tell apart (Okabe and Ito, then Tol)."""

_KNOWN = {"easy": "#0072B2", "fcfs": "#4D4D4D", "conservative": "#009E73", "easy-sjbf": "#E69F00", "filler": "#CC79A7"}
_STEPS: dict[str, list[float]] = {
    "s": [m * 10.0**k for k in range(-6, 4) for m in (1, 2, 5)],
    "h": [1, 2, 3, 6, 12, 24],
    "d": [1, 2, 5, 7, 10, 14, 20, 30, 50, 100, 200, 365, 730, 1825, 3650],
}
_SECONDS = {"s": 1.0, "h": 3600.0, "d": 86400.0}
_NAMES = {"s": "s", "h": "hours", "d": "days"}
_LONGEST_NAME = 60
_INK = "#222222"
_GRID = "#DDDDDD"


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


def new_figure(width_in: float = 9.0, height_in: float = 3.6, *, constrained: bool = True) -> Figure:
    """Return an empty figure on an Agg canvas, unknown to pyplot."""
    figure = Figure(figsize=(width_in, height_in), layout="constrained" if constrained else None, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def style_axes(axes: Axes, *, grid: Literal["x", "y", "both", ""] = "y") -> None:
    """Give axes a quiet frame, small ticks and, where asked, a light grid behind the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#888888")
    axes.tick_params(labelsize=8.5, colors=_INK, color="#888888")
    axes.xaxis.label.set_fontsize(9)
    axes.yaxis.label.set_fontsize(9)
    axes.set_axisbelow(True)
    axes.grid(visible=False)
    if grid:
        axes.grid(visible=True, axis=grid, color=_GRID, linewidth=0.6)


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


def render(figure: Figure, form: Literal["png", "svg"] = "png", *, dpi: int = 130) -> bytes:
    """Return the figure as PNG or SVG; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    metadata = {"Software": None} if form == "png" else {"Date": None, "Creator": None}
    with mpl.rc_context({"svg.hashsalt": "wattq", "svg.fonttype": "path"}):
        figure.savefig(buffer, format=form, dpi=dpi, metadata=metadata)
    return buffer.getvalue()


def duration_text(seconds: float) -> str:
    """Return a duration with three significant digits in the unit that suits it: ``8.5 h``."""
    for size, name in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {name}"
    return f"{seconds:.3g} s"


def number_text(value: float) -> str:
    """Return a number with three significant digits and thousands separated: ``3,270``, ``0.0957``."""
    if abs(value) >= 1000:
        digits = max(0, len(str(int(abs(value)))) - 3)
        return f"{round(value, -digits):,.0f}"
    return f"{value:.3g}"
