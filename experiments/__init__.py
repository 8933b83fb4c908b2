"""The studies: experiment files, runner, metrics, plots and reports.

Names are imported when they are first used, so that the command line starts without numpy and pandas.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.experiments.catalogue import DEFAULT_TAU_S, METRICS, Metric
    from wattq.experiments.comparison import Case, Measured, group_runs
    from wattq.experiments.experiment_file import (
        find_experiment,
        load_experiment,
        parse_experiment,
        shipped_experiments,
    )
    from wattq.experiments.experiment_model import Experiment, PolicySpec, Window, WorkloadSpec
    from wattq.experiments.fairness import jain_index
    from wattq.experiments.metrics import compute_metrics
    from wattq.experiments.playbook import playbook_markdown
    from wattq.experiments.reading import read_run
    from wattq.experiments.report import report_html
    from wattq.experiments.results import RunResults
    from wattq.experiments.runner import compare, run_once
    from wattq.experiments.savings import BASELINE, Saving, saving
    from wattq.experiments.study import Study, read_numbers, run_study, write_study
    from wattq.experiments.table import comparison_csv, text_table
    from wattq.experiments.timelines import Steps, busy_hosts, power_w, queue_length
    from wattq.experiments.waits import Population, population

_MODULES = {
    "catalogue": ("DEFAULT_TAU_S", "METRICS", "Metric"),
    "comparison": ("Case", "Measured", "group_runs"),
    "experiment_file": ("find_experiment", "load_experiment", "parse_experiment", "shipped_experiments"),
    "experiment_model": ("Experiment", "PolicySpec", "Window", "WorkloadSpec"),
    "fairness": ("jain_index",),
    "metrics": ("compute_metrics",),
    "waits": ("Population", "population"),
    "playbook": ("playbook_markdown",),
    "study": ("Study", "read_numbers", "run_study", "write_study"),
    "reading": ("read_run",),
    "report": ("report_html",),
    "results": ("RunResults",),
    "runner": ("compare", "run_once"),
    "savings": ("BASELINE", "Saving", "saving"),
    "table": ("comparison_csv", "text_table"),
    "timelines": ("Steps", "busy_hosts", "power_w", "queue_length"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "BASELINE",
    "DEFAULT_TAU_S",
    "METRICS",
    "Case",
    "Experiment",
    "Measured",
    "Metric",
    "PolicySpec",
    "Population",
    "RunResults",
    "Saving",
    "Steps",
    "Study",
    "Window",
    "WorkloadSpec",
    "busy_hosts",
    "compare",
    "comparison_csv",
    "compute_metrics",
    "find_experiment",
    "group_runs",
    "jain_index",
    "load_experiment",
    "parse_experiment",
    "playbook_markdown",
    "population",
    "power_w",
    "queue_length",
    "read_numbers",
    "read_run",
    "report_html",
    "run_once",
    "run_study",
    "saving",
    "shipped_experiments",
    "text_table",
    "write_study",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
