"""The pictures of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from wattq.experiments.plots.style import PALETTE, new_figure, style_axes, time_axis
from wattq.experiments.surrogates.evaluation import LogResults
from wattq.experiments.surrogates.scores import Scores
from wattq.experiments.surrogates.search import SearchResult
from wattq.surrogates.metrics import pinball_name
from wattq.surrogates.model import LEVELS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ablation_figure", "calibration_figure", "decile_figure", "models_figure", "periods_figure", "search_figure"]

_MARKERS = "osD^vPX<>*hp"
_GREY = "#888888"


def _looks(models: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return colour and marker of each model; they are the same in every picture of a report."""
    return {name: (PALETTE[n % len(PALETTE)], _MARKERS[n % len(_MARKERS)]) for n, name in enumerate(models)}


def models_figure(results: LogResults) -> Figure:
    """Return accuracy, MAE and coverage of every model, with 95 % intervals; one row per model."""
    models = results.models
    figure = new_figure(9.0, 1.5 + 0.3 * len(models))
    looks = _looks([entry.model for entry in models])
    panels = (("accuracy", "Accuracy (mean min/max)"), ("mae_s", "Mean absolute error (s)"))
    axes_of = figure.subplots(1, 3, sharey=True)
    for axes, (name, label) in zip(axes_of, panels, strict=False):
        for row, entry in enumerate(models):
            _span(axes, entry.rolling, name, row, *looks[entry.model])
        axes.set_xlabel(label)
    for row, entry in enumerate(models):
        _span(axes_of[2], entry.rolling, "coverage", row, *looks[entry.model])
    axes_of[2].axvline(0.9, color=_GREY, linewidth=0.9, linestyle="--", zorder=0)
    axes_of[2].set_xlabel("Coverage of the 90 % interval")
    axes_of[2].xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes_of[1].set_xlim(right=_limit([entry.rolling.figures["mae_s"].value for entry in models]))
    axes_of[1].xaxis.set_major_locator(MaxNLocator(nbins=4))
    for axes in axes_of:
        style_axes(axes, grid="x")
    axes_of[0].set_yticks(range(len(models)), [entry.model for entry in models])
    axes_of[0].set_ylim(len(models) - 0.5, -0.5)
    figure.suptitle(f"{results.log.name}: 95 % intervals over weeks", x=0.01, ha="left", fontsize=10)
    return figure


def _limit(values: Sequence[float], room: float = 3.0) -> float | None:
    """Return where an axis should end so that a model that is far off does not squeeze the others; None: anywhere."""
    end = room * float(np.median(values)) if len(values) else 0.0
    return end if values and max(values) > end > 0 else None


def _span(axes: Axes, scores: Scores, name: str, row: int, color: str, marker: str) -> None:
    estimate = scores.figures[name]
    if estimate.low is not None and estimate.high is not None:
        axes.plot([estimate.low, estimate.high], [row, row], color=color, linewidth=1.6, solid_capstyle="butt")
    axes.plot([estimate.value], [row], marker=marker, markersize=6, color=color, linestyle="")


def calibration_figure(results: LogResults) -> Figure:
    """Return, for each level, the share of jobs at or below the quantile, and the loss."""
    figure = new_figure(9.0, 3.7)
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], color=_GREY, linewidth=0.9, linestyle="--", zorder=0, label="as promised")
    looks = _looks([entry.model for entry in results.models])
    for entry in results.models:
        color, marker = looks[entry.model]
        losses = [entry.rolling.figures[pinball_name(level)].value for level in LEVELS]
        for axes, values in ((left, entry.rolling.calibration), (right, losses)):
            axes.plot(LEVELS, values, color=color, marker=marker, markersize=4, linewidth=1.1, label=entry.model)
    left.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    left.set_ylim(0, 1)
    left.set_ylabel("Jobs that ran at most so long")
    worst = [max(entry.rolling.figures[pinball_name(level)].value for level in LEVELS) for entry in results.models]
    right.set_ylim(bottom=0, top=_limit(worst))
    right.set_ylabel("Pinball loss (s)")
    for axes in (left, right):
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_xlabel("Level of the quantile")
        style_axes(axes, grid="both")
    return _finished(figure, left, results.log.name)


def _finished(figure: Figure, axes: Axes, title: str) -> Figure:
    """Return a figure with its title, and one legend, that of these axes, beside it."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", fontsize=8.5, frameon=False)
    figure.suptitle(title, x=0.01, ha="left", fontsize=10)
    return figure


def periods_figure(results: LogResults) -> Figure:
    """Return accuracy and coverage of every model over time, in periods of four weeks."""
    figure = new_figure(9.0, 4.6)
    above, below = figure.subplots(2, 1, sharex=True)
    looks = _looks([entry.model for entry in results.models])
    for entry in results.models:
        color, marker = looks[entry.model]
        begins = [row.begin_s for row in entry.rolling.periods]
        for axes, name in ((above, "accuracy"), (below, "coverage")):
            values = [row.figures[name] for row in entry.rolling.periods]
            axes.plot(begins, values, color=color, marker=marker, markersize=3.5, linewidth=1.1, label=entry.model)
    below.axhline(0.9, color=_GREY, linewidth=0.9, linestyle="--", zorder=0)
    above.set_ylabel("Accuracy")
    below.set_ylabel("Coverage of the\n90 % interval")
    below.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    for axes in (above, below):
        style_axes(axes)
    dates = [row.begin_s for entry in results.models for row in entry.rolling.periods]
    time_axis(below, min(dates, default=0.0), max(dates, default=1.0))
    return _finished(figure, above, f"{results.log.name}: periods of four weeks")


def decile_figure(results: LogResults) -> Figure:
    """Return accuracy and coverage of every model by tenths of the users."""
    figure = new_figure(9.0, 3.4)
    left, right = figure.subplots(1, 2, sharex=True)
    looks = _looks([entry.model for entry in results.models])
    for entry in results.models:
        color, marker = looks[entry.model]
        numbers = [row.number for row in entry.rolling.deciles]
        for axes, name in ((left, "accuracy"), (right, "coverage")):
            values = [row.figures[name] for row in entry.rolling.deciles]
            axes.plot(numbers, values, color=color, marker=marker, markersize=4, linewidth=1.1, label=entry.model)
    right.axhline(0.9, color=_GREY, linewidth=0.9, linestyle="--", zorder=0)
    right.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    left.set_ylabel("Accuracy")
    right.set_ylabel("Coverage of the 90 % interval")
    for axes in (left, right):
        axes.set_xlabel("Tenth of the users, fewest jobs first")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        axes.set_xticks(range(1, 11))
        style_axes(axes)
    return _finished(figure, left, results.log.name)


def schedule_figure(results: LogResults) -> Figure:
    """Return the mean bounded slowdown by estimates, one panel per policy: of the second half, and of the whole."""
    rows = [] if results.schedule is None else results.schedule.rows()
    policies = list(dict.fromkeys(row.policy for row in rows))
    height = 1.5 + 0.28 * max(1, len(rows) // max(1, len(policies)))
    figure = new_figure(9.0, height)
    axes_of = figure.subplots(1, max(1, len(policies)), squeeze=False, sharey=True)[0]
    for axes, policy in zip(axes_of, policies, strict=False):
        of_policy = [row for row in rows if row.policy == policy]
        for place, row in enumerate(of_policy):
            color = PALETTE[1] if row.chosen else PALETTE[0]
            values = [row.slowdown[part] for part in ("second half", "whole")]
            axes.plot(values, [place, place], color=color, linewidth=1.0)
            axes.plot(values[:1], [place], marker="o", fillstyle="none", color=color, linestyle="")
            axes.plot(values[1:], [place], marker="o", color=color, linestyle="")
        axes.set_title(policy, loc="left", fontsize=9.5)
        axes.set_xlabel("Mean bounded slowdown")
        axes.set_yticks(range(len(of_policy)), [row.estimate for row in of_policy])
        axes.set_ylim(len(of_policy) - 0.5, -0.5)
        style_axes(axes, grid="both")
    looks = {
        "second half": ("none", PALETTE[0]),
        "whole": ("full", PALETTE[0]),
        "chosen on the first half": ("full", PALETTE[1]),
    }
    for label, (fill, color) in looks.items():
        axes_of[0].plot([], [], marker="o", linestyle="", fillstyle=fill, color=color, label=label)
    return _finished(figure, axes_of[0], results.log.name)


def ablation_figure(logs: Sequence[LogResults], model: str) -> Figure:
    """Return the accuracy of a model without each group of features, with 95 % intervals; one panel per log."""
    figure = new_figure(9.0, 1.4 + 0.3 * max(len(results.ablation) for results in logs))
    axes_of = figure.subplots(1, len(logs), squeeze=False, sharey=True)[0]
    for axes, results in zip(axes_of, logs, strict=True):
        for row, entry in enumerate(results.ablation):
            _span(axes, entry.scores, "accuracy", row, PALETTE[0] if row else "#222222", "o")
        if results.ablation:
            axes.axvline(results.ablation[0].scores.figures["accuracy"].value, color=_GREY, linewidth=0.8, zorder=0)
        axes.set_title(results.log.name, loc="left", fontsize=9.5)
        axes.set_xlabel("Accuracy (mean min/max)")
        style_axes(axes, grid="x")
    labels = [entry.label.partition(" (")[0] for entry in logs[0].ablation]
    axes_of[0].set_yticks(range(len(labels)), labels)
    axes_of[0].set_ylim(len(labels) - 0.5, -0.5)
    figure.suptitle(f"{model}: 95 % intervals over weeks", x=0.01, ha="left", fontsize=10)
    return figure


def search_figure(found: SearchResult, label: str) -> Figure:
    """Return the objective of each trial and the best so far."""
    values = np.array([trial.value for trial in found.trials])
    up = values[found.best] >= values[0]
    best = np.maximum.accumulate(values) if up else np.minimum.accumulate(values)
    figure = new_figure(9.0, 2.6)
    axes = figure.add_subplot()
    numbers = np.arange(len(values))
    axes.plot(numbers, values, linestyle="", marker="o", markersize=5, color=PALETTE[0], label="trial")
    axes.step(numbers, best, where="post", color=PALETTE[1], linewidth=1.3, label="best so far")
    axes.axhline(values[0], color=_GREY, linewidth=0.9, linestyle="--", zorder=0, label="default settings")
    axes.set_xlabel("Trial")
    axes.set_ylabel(label)
    style_axes(axes)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return _finished(figure, axes, f"{found.log}: {found.model} on the validation period")
