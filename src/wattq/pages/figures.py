"""How every picture of wattq looks: colours, frames, and saving without pyplot's global state."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Literal

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PALETTE", "data_uri", "duration_text", "new_figure", "number_text", "render", "style_axes"]

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#8C6D31", "#4D4D4D", "#999933", "#AA4499")
"""Colours that people with the common forms of colour blindness tell apart (Okabe and Ito, then Tol)."""

_INK = "#222222"
_GRID = "#DDDDDD"


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


def data_uri(figure: Figure, form: Literal["png", "svg"]) -> str:
    """Return a figure as the ``src`` of an image element."""
    kind = "image/svg+xml" if form == "svg" else "image/png"
    return f"data:{kind};base64,{base64.b64encode(render(figure, form, dpi=160)).decode('ascii')}"
