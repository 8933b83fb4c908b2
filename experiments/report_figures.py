"""The pictures of a report as data URIs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from matplotlib.figure import Figure

from wattq.experiments.comparison import Case, Measured, mean_metrics
from wattq.experiments.plots import (
    bars_figure,
    gantt_figure,
    lifecycle_figure,
    machine_states_figure,
    power_figure,
    queue_figure,
    slowdown_figure,
    utilisation_figure,
)
from wattq.experiments.plots.gantt import gantt_note
from wattq.pages.figures import data_uri

__all__ = ["bars_source", "case_figures"]

_BARS = (
    "wait_mean_s",
    "bounded_slowdown_mean",
    "bounded_slowdown_p95",
    "wait_p95_s",
    "utilisation",
    "jobs_never_started",
    "jobs_rejected",
    "energy_j",
)


def bars_source(cases: Sequence[Case]) -> tuple[str, str]:
    """Return the bars of the main metrics over all cases, and their caption."""
    values = mean_metrics(cases)
    known = [name for name in _BARS if any(metrics.get(name, (0.0,))[0] for metrics in values.values())]
    caption = "Main metrics by policy."
    if len(cases) > 1:
        caption = f"Means over {len(cases)} cases by policy"
        caption += "; lines are 95 % bootstrap intervals of the mean." if len(cases) > 2 else "."
    return data_uri(bars_figure(values, known), "svg"), caption


def case_figures(case: Case, tau_s: float, *, each_run: bool = True) -> dict[str, Any]:
    """Return the pictures of a case: those that compare policies and, if asked for, those of each run in a fold-out."""
    runs = case.by_policy
    figures: list[tuple[Figure | None, str, str]] = [
        (
            slowdown_figure(runs, tau_s),
            "Bounded slowdown distribution",
            "Share of the jobs with at most a given bounded slowdown. Higher and further left is better; a job that "
            "never started is in no step, so such a curve ends below 100 %.",
        ),
        (utilisation_figure(runs), "Utilisation over time", "Share of the hosts that run jobs."),
        (queue_figure(runs), "Queue over time", "Jobs submitted and not yet started; rejected jobs are left out."),
        (power_figure(runs), "Power over time", "Power of all hosts, from consumed_energy.csv."),
    ]
    shown = [_image(figure, alt, caption, "svg") for figure, alt, caption in figures if figure is not None]
    open_one = next((measured for measured in case.runs if measured.is_baseline), case.runs[0])
    details = [_details(measured, measured is open_one) for measured in case.runs if each_run]
    return {"title": case.title, "figures": shown, "details": details}


def _image(figure: Figure, alt: str, caption: str, form: Literal["png", "svg"]) -> dict[str, str]:
    return {"src": data_uri(figure, form), "alt": alt, "caption": caption}


def _details(measured: Measured, is_open: bool) -> dict[str, Any]:
    run, name = measured.run, measured.policy
    drawings: list[tuple[Callable[[], Figure | None], str, str]] = [
        (lambda: gantt_figure(run), f"Gantt chart of {name}", f"Gantt chart: time by host. {gantt_note(run)}"),
        (lambda: machine_states_figure(run), f"Machine states of {name}", "Hosts by state, stacked."),
        (lambda: lifecycle_figure(run), f"Lifecycle of {name}", "Submission, start and finish of the jobs by size."),
    ]
    made = [(draw(), alt, caption) for draw, alt, caption in drawings]
    images = [_image(figure, alt, caption, "png") for figure, alt, caption in made if figure is not None]
    return {"title": f"{name}: Gantt chart, machine states, lifecycle", "open": is_open, "figures": images}
