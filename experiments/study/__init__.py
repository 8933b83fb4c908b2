"""Studies: weeks of logs on grids' calendars, every policy on each, energy, CO2e, cost and service with intervals.

Names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.experiments.study.archive import StudyNumbers, read_numbers
    from wattq.experiments.study.bootstrap import Estimate
    from wattq.experiments.study.output import numbers_of, write_study
    from wattq.experiments.study.run import Study, run_study
    from wattq.experiments.study.summary import Group, Row, summarise
    from wattq.experiments.study.tables import markdown_tables, study_csv, study_text

_MODULES = {
    "archive": ("StudyNumbers", "read_numbers"),
    "bootstrap": ("Estimate",),
    "output": ("numbers_of", "write_study"),
    "run": ("Study", "run_study"),
    "summary": ("Group", "Row", "summarise"),
    "tables": ("markdown_tables", "study_csv", "study_text"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Estimate",
    "Group",
    "Row",
    "Study",
    "StudyNumbers",
    "markdown_tables",
    "numbers_of",
    "read_numbers",
    "run_study",
    "study_csv",
    "study_text",
    "summarise",
    "write_study",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
