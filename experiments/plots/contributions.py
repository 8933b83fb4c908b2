"""The contributions to one prediction as bars, from the mean prediction to that of the job."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from wattq.errors import InvalidInputError
from wattq.experiments.plots.style import PALETTE, new_figure, number_text, render, style_axes
from wattq.files import write_whole
from wattq.surrogates.explain.job import Explanation

__all__ = ["write_contributions"]

_TOP = 12
_NAMES = {"s": "Predicted run time (s)", "J": "Predicted energy (J)"}


def write_contributions(found: Explanation, path: str | Path) -> Path:
    """Write a picture of an explanation, ``.png`` or ``.svg`` by the ending of its name.

    Raises:
        InvalidInputError: when the ending is another one.
        MissingFileError: when it cannot be written.
    """
    path = Path(path)
    if path.suffix not in (".png", ".svg"):
        raise InvalidInputError(f"{path}: pictures are .png or .svg; end the name with one of them")
    parts = found.contributions
    order = parts.order()
    shown = [
        found.words.get(name, _shown(value)) for name, value in zip(parts.names, parts.values.tolist(), strict=True)
    ]
    labels = [f"{parts.names[at]} = {shown[at] or 'unknown'}" for at in order[:_TOP]]
    steps = parts.contribution[order[:_TOP]].tolist()
    if len(order) > _TOP:
        labels.append(f"{len(order) - _TOP} more")
        steps.append(float(parts.contribution[order[_TOP:]].sum()))
    ends = parts.base + np.cumsum(steps)
    starts = np.concatenate([[parts.base], ends[:-1]])
    figure = new_figure(8.0, 1.2 + 0.32 * len(steps))
    axes = figure.add_subplot()
    colors = [PALETTE[4] if step > 0 else PALETTE[0] for step in steps]
    axes.barh(np.arange(len(steps)), steps, left=starts, color=colors, height=0.7)
    for value, words in ((parts.base, "mean of other jobs"), (parts.value, "this job")):
        axes.axvline(value, color="#555555", linewidth=0.8, linestyle="--")
        axes.annotate(f"{words}: {number_text(value)}", (value, -0.9), fontsize=8, ha="center", annotation_clip=False)
    axes.set_yticks(np.arange(len(steps)), labels)
    axes.set_ylim(len(steps) - 0.4, -0.7)
    axes.set_xlabel(_NAMES[found.unit])
    axes.margins(x=0.08)
    style_axes(axes, grid="x")
    return write_whole(path, render(figure, "png" if path.suffix == ".png" else "svg"))


def _shown(value: float) -> str:
    return "unknown" if np.isnan(value) else number_text(value)
