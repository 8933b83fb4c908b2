from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

from wattq.experiments import plots, read_run
from wattq.experiments.plots.evalys_adapter import LABEL_LIMIT, jobset
from wattq.experiments.plots.gantt import EVALYS_LIMIT
from wattq.experiments.plots.style import duration_text, new_figure, number_text, policy_colors, time_axis, time_unit
from wattq.experiments.plots.timeline import MAX_STEPS

PNG = b"\x89PNG"


@pytest.fixture
def many_jobs(make_run: Any, craft: Any) -> Any:
    """A run with more jobs than evalys draws."""
    lines = [craft.job((str(n), n, 1, n + n % 7, 5.0, str(n % 4))) for n in range(EVALYS_LIMIT + 50)]
    states = [f"{n},0,0,0,{4 - n % 4},{n % 4}" for n in range(1000)]
    energy = [f"{n}.000000,{n * 100}.000000,s,1.0,100.0" for n in range(1000)]
    return read_run(make_run(lines, name="many", states=states, energy=energy, joules=99900.0))


def all_figures(run: Any) -> dict[str, Any]:
    runs = {"easy": run, "other": run}
    return {
        "gantt": plots.gantt_figure(run),
        "lifecycle": plots.lifecycle_figure(run),
        "states": plots.machine_states_figure(run),
        "utilisation": plots.utilisation_figure(runs),
        "queue": plots.queue_figure(runs),
        "power": plots.power_figure(runs),
        "slowdown": plots.slowdown_figure(runs),
        "bars": plots.bars_figure({"easy": {"wait_mean_s": (9e4, 8e4, 1e5)}, "b": {}}, ["wait_mean_s", "energy_j"]),
    }


def test_a_long_name_leaves_room_for_the_bars() -> None:
    name = "easy estimate=predictor predictor=/" + "a-folder/" * 30 + "model.wattq"
    figure = plots.bars_figure({name: {"wait_mean_s": (9e4, 8e4, 1e5)}}, ["wait_mean_s", "energy_j", "makespan_s"])
    assert plots.render(figure).startswith(PNG)
    (shown, *_) = (text.get_text() for text in figure.axes[0].get_yticklabels())
    assert shown == name[:30] + "…" + name[-30:]


@pytest.mark.parametrize("size", ["small", "many"])
def test_every_figure_has_axes_with_labels(size: str, small_run: Path, many_jobs: Any) -> None:
    run = read_run(small_run) if size == "small" else many_jobs
    for name, figure in all_figures(run).items():
        assert figure is not None, name
        assert plots.render(figure).startswith(PNG), name
        assert plots.render(figure, "svg").startswith(b"<?xml"), name
        shown = [axes for axes in figure.axes if axes.get_visible()]
        labels = [axes.get_xlabel() + axes.get_ylabel() + axes.get_title(loc="left") for axes in shown]
        assert any(labels), name


def test_drawing_leaves_no_global_state(small_run: Path) -> None:
    before = dict(mpl.rcParams)
    for figure in all_figures(read_run(small_run)).values():
        plots.render(figure, "svg")
    assert dict(mpl.rcParams) == before
    if "matplotlib.pyplot" in sys.modules:
        assert sys.modules["matplotlib.pyplot"].get_fignums() == []


def test_the_same_figure_gives_the_same_bytes(small_run: Path) -> None:
    run = read_run(small_run)
    for form in ("png", "svg"):
        first, second = (plots.render(plots.slowdown_figure({"easy": run}), form) for _ in range(2))  # type: ignore[arg-type]
        assert first == second


def test_labels_are_off_for_many_jobs(make_run: Any, craft: Any) -> None:
    def texts(n_jobs: int) -> int:
        lines = [craft.job((str(n), n, 1, n, 1.0, str(n % 4))) for n in range(n_jobs)]
        axes = plots.gantt_figure(read_run(make_run(lines, name=f"n{n_jobs}"))).axes[0]
        return sum(1 for text in axes.texts if text.get_text())

    assert texts(LABEL_LIMIT) == LABEL_LIMIT
    assert texts(LABEL_LIMIT + 1) == 0


def test_a_run_without_started_jobs_is_drawn(make_run: Any, craft: Any) -> None:
    run = read_run(make_run([craft.rejected("1", 0.0, 9)]))
    assert plots.render(plots.gantt_figure(run)).startswith(PNG)
    assert plots.render(plots.lifecycle_figure(run)).startswith(PNG)
    assert plots.render(plots.slowdown_figure({"easy": run})).startswith(PNG)
    assert plots.render(plots.utilisation_figure({"easy": run})).startswith(PNG)
    assert plots.power_figure({"easy": run}) is None
    assert plots.machine_states_figure(run) is None
    with pytest.raises(ValueError, match="no job started"):
        jobset(run)


def test_boxes_of_the_own_gantt_cover_what_jobs_used(many_jobs: Any) -> None:
    axes = plots.gantt_figure(many_jobs).axes[0]
    paths = axes.collections[0].get_paths()
    area = sum(np.prod(path.get_extents().size) for path in paths)
    assert area == pytest.approx(float(np.sum(many_jobs.jobs.run_s * many_jobs.jobs.allocation.size)))


def test_curves_are_thinned_by_exact_means(many_jobs: Any) -> None:
    figure = plots.utilisation_figure({"easy": many_jobs})
    values, edges, _ = figure.axes[0].patches[0].get_data()
    assert len(values) == MAX_STEPS
    work = float(np.sum(many_jobs.jobs.run_s)) / 4 * 100
    assert float(np.sum(values * np.diff(edges))) == pytest.approx(work)


@pytest.mark.parametrize(
    ("span_s", "unit", "ticks"),
    [
        (50.0, "s", ["0", "5", "10"]),
        (2 * 3600.0, "s", ["0", "1000", "2000"]),
        (10 * 3600.0, "h", ["0", "1", "2"]),
        (10 * 86400.0, "d", ["0", "1", "2"]),
        (333 * 86400.0, "d", ["0", "50", "100"]),
    ],
)
def test_time_axes_have_round_ticks_in_a_fitting_unit(span_s: float, unit: str, ticks: list[str]) -> None:
    assert time_unit(span_s) == unit
    figure = new_figure()
    axes = figure.add_subplot()
    time_axis(axes, 0.0, span_s)
    figure.draw_without_rendering()
    assert [label.get_text() for label in axes.get_xticklabels()][:3] == ticks
    assert axes.get_xlabel().endswith({"s": "(s)", "h": "(hours)", "d": "(days)"}[unit])


def test_policies_keep_their_colours() -> None:
    colors = policy_colors(["mine", "easy", "fcfs", "yours"])
    assert colors["easy"] == policy_colors(["easy"])["easy"]
    assert len(set(colors.values())) == 4
    assert len(policy_colors([f"p{n}" for n in range(50)])) == 50


def test_numbers_as_text() -> None:
    shown = {0.0: "0", 0.0957: "0.0957", 3271.0: "3,270", 45012.0: "45,000", 999.4: "999"}
    assert {value: number_text(value) for value in shown} == shown
    assert [duration_text(value) for value in (5.0, 300.0, 8e3, 2e5)] == ["5 s", "5 min", "2.22 h", "2.31 d"]
