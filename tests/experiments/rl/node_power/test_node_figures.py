"""Pictures of the hourly task: none is empty, and what is missing leaves a blank panel."""

from __future__ import annotations

import numpy as np
import pytest

from wattq.experiments.plots.style import render
from wattq.experiments.rl.node_power.figures import PANELS, cumulative_savings, dashboard, episode_summary
from wattq.experiments.rl.node_power.sweep_figures import SWEEP_PANELS, sweep_panels

HOURS = np.arange(48.0)


def _blank(figure: object) -> int:
    axes = figure.axes  # the texts of blank panels say so
    return sum(any(text.get_text() == "no data" for text in each.texts) for each in axes)


def test_a_dashboard_has_nine_panels_with_units() -> None:
    names = [name for _, _, lines in PANELS for name, _ in lines]
    figure = dashboard(dict.fromkeys([*names, "reward_cost", "reward_idle"], HOURS), "All")
    assert len(figure.axes) == 9
    assert _blank(figure) == 0
    assert [axes.get_ylabel() for axes in figure.axes] == [label for _, label, _ in PANELS]
    assert len(render(figure)) > 20_000


def test_missing_series_leave_blank_panels() -> None:
    figure = dashboard({"price": HOURS, "nodes_on": HOURS}, "Few", hours=24)
    assert _blank(figure) == 7
    assert len(figure.axes[0].lines[0].get_xdata()) == 24
    assert _blank(dashboard({}, "None")) == 9


def test_savings_add_up() -> None:
    figure = cumulative_savings({"learned": HOURS}, {"always-on": HOURS + 2.0, "idle-free": HOURS}, "Saved", 24.0)
    line, flat = figure.axes[0].lines[0], figure.axes[2].lines[0]
    assert line.get_ydata()[-1] == 96.0
    assert not np.any(flat.get_ydata())
    first = 100 * 48.0 / float((HOURS[:24] + 2.0).sum())
    assert figure.axes[1].patches[0].get_height() == pytest.approx(first)
    assert len(render(figure)) > 20_000


def test_months_of_no_cost_have_no_percentage() -> None:
    figure = cumulative_savings({"learned": -HOURS}, {"always-on": -HOURS}, "Earned", 24.0)
    assert np.isnan(figure.axes[1].patches[0].get_height())
    assert len(render(figure)) > 10_000


def test_a_summary_shows_means() -> None:
    figure = episode_summary({"Cost (EUR)": {"learned": [1.0, 3.0], "queue": [2.0, 2.0]}, "Wait (h)": {}}, "Two")
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["learned (2)", "queue (2)"]
    assert _blank(figure) == 1
    assert len(render(figure)) > 10_000


def test_a_sweep_has_twelve_panels() -> None:
    columns = [column for column, _, _ in SWEEP_PANELS]
    rows = [
        {"policy": "learned", "seed": k, "void": "void" if k else "", **dict.fromkeys(columns, k)} for k in range(2)
    ]
    rows.append({"policy": "queue", "seed": 0, "void": "", "lost": None})
    figure = sweep_panels(rows, "seed", "seed", "Seeds")
    assert len(figure.axes) == 12
    assert _blank(figure) == 0
    assert _blank(sweep_panels([], "seed", "seed", "Nothing")) == 12
    assert len(render(figure)) > 20_000
