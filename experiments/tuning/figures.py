"""The pictures of a search: trials in their order, objectives against each other, shares of the knobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wattq.experiments.plots.style import PALETTE, new_figure, policy_colors, style_axes
from wattq.experiments.tuning.importance import Importance
from wattq.experiments.tuning.outcome import Outcome, TrialRow
from wattq.experiments.tuning.scoring import directions, name_of

__all__ = ["front_figure", "history_figure", "importance_figure", "objective_pairs"]

Number = Callable[[TrialRow], float]
"""A number of a trial."""

_KINDS = (("o", "full", "keeps every bound"), ("o", "none", "breaks a bound"), ("x", "full", "ended early"))


def history_figure(outcome: Outcome) -> Figure:
    """Return the objectives of the trials in their order, the best so far, and the untuned policies as lines."""
    objectives = outcome.arena.tuning.objectives
    figure = new_figure(9.0, 2.8 * len(objectives))
    for number, axes in enumerate(figure.subplots(len(objectives), 1, squeeze=False)[:, 0]):
        _scatter(axes, outcome, lambda row: float(row.number), _objective(number))
        if len(objectives) == 1:
            _best_line(axes, outcome)
        for (name, score), style in zip(outcome.references.items(), ("-", "--", "-.", ":") * 30, strict=False):
            axes.axhline(
                score.objectives[number], color="#888888", linewidth=0.9, linestyle=style, label=name, zorder=0
            )
        axes.set_ylabel(name_of(objectives[number]))
        style_axes(axes)
    axes.set_xlabel("Trial")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", fontsize=8, frameon=False)
    return figure


def _objective(number: int) -> Number:
    return lambda row: row.objectives[number]


def _kind(row: TrialRow) -> int:
    return 2 if row.state == "pruned" else 0 if row.feasible else 1


def _scatter(axes: Axes, outcome: Outcome, x_of: Number, y_of: Number) -> None:
    colors = policy_colors([policy.title for policy in outcome.arena.tuning.policies])
    for policy, color in colors.items():
        for kind, (marker, fill, words) in enumerate(_KINDS):
            rows = [r for r in outcome.trials if r.objectives and r.policy == policy and _kind(r) == kind]
            if rows:
                axes.plot(
                    [x_of(row) for row in rows], [y_of(row) for row in rows], linestyle="", marker=marker,
                    markersize=4.5, color=color, fillstyle=fill, label=f"{policy}: {words}", zorder=2 if kind else 3,
                )  # fmt: skip


def _best_line(axes: Axes, outcome: Outcome) -> None:
    lower = directions(outcome.arena.tuning.objectives)[0] == "minimize"
    rows = [row for row in outcome.trials if row.feasible]
    values = np.array([row.objectives[0] for row in rows])
    if len(values):
        best = np.minimum.accumulate(values) if lower else np.maximum.accumulate(values)
        axes.step([row.number for row in rows], best, where="post", color="#333333", linewidth=1.1, label="best so far")


def objective_pairs(outcome: Outcome) -> list[tuple[str, str]]:
    """Return what is pictured against what: the objectives, or the only one against each quotient that is bounded."""
    names = [name_of(objective) for objective in outcome.arena.tuning.objectives]
    if len(names) > 1:
        return list(pairwise(names))
    bounds = [f"{b.metric}/easy" for b in outcome.arena.tuning.constraints if b.of == "easy"]
    return [(names[0], bound) for bound in dict.fromkeys(bounds) if bound != names[0]]


def front_figure(outcome: Outcome, pair: tuple[str, str]) -> Figure:
    """Return two numbers of the trials, means over logs and grids, against each other; the front, and the untuned."""
    figure = new_figure(7.5, 4.2)
    axes = figure.subplots()
    _scatter(axes, outcome, lambda row: _mean(row.values, pair[0]), lambda row: _mean(row.values, pair[1]))
    front = sorted((_mean(row.values, pair[0]), _mean(row.values, pair[1])) for row in outcome.best)
    if len(front) > 1:
        axes.plot(*zip(*front, strict=True), color="#333333", linewidth=1.0, zorder=1, label="Pareto front")
    for (name, score), marker in zip(outcome.references.items(), "*DPX^v<>sph" * 10, strict=False):
        x, y = _mean(score.values, pair[0]), _mean(score.values, pair[1])
        axes.plot([x], [y], linestyle="", marker=marker, markersize=9, color="#333333", label=name)
    if pair[1] in {f"{bound.metric}/easy" for bound in outcome.arena.tuning.constraints}:
        axes.axhline(1.0, color="#BBBBBB", linewidth=0.8, linestyle="--", zorder=0)
    axes.set_xlabel(pair[0])
    axes.set_ylabel(pair[1])
    style_axes(axes, grid="both")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper", fontsize=8, frameon=False)
    return figure


def _mean(values: Mapping[str, Mapping[str, float]], name: str) -> float:
    found = [row[name] for row in values.values() if name in row]
    return float(np.mean(found)) if found else float("nan")


def importance_figure(importances: Sequence[Importance]) -> Figure:
    """Return the shares of the knobs as bars, one panel per policy and objective."""
    heights = [len(found.shares) for found in importances]
    figure = new_figure(8.0, 0.9 * len(importances) + 0.28 * sum(heights))
    panels = figure.subplots(len(importances), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, found in zip(panels, importances, strict=True):
        names = list(found.shares)[::-1]
        axes.barh(names, [100 * found.shares[name] for name in names], color=PALETTE[0], height=0.6)
        title = found.policy or "choice of the policy"
        axes.set_title(f"{title}: {found.objective} ({found.method}, {found.trials} trials)", fontsize=9, loc="left")
        axes.set_xlim(0, 100)
        style_axes(axes, grid="x")
    panels[-1].set_xlabel("Share (%)")
    return figure
