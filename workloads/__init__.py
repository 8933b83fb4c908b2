"""The work: the Workload table, readers, writers, cleaning, statistics, a generator and a catalogue of public traces.

Names are imported when they are first used, so that the command line starts without numpy and pandas.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.workloads.batsim_json import parse_batsim_json
    from wattq.workloads.catalogue import TRACES, Trace, find_entry
    from wattq.workloads.fetch import cache_dir, find_trace, get_trace, locate_workload
    from wattq.workloads.generate import generate_saturated
    from wattq.workloads.model import CleaningReport, Outcome, Profile, Workload
    from wattq.workloads.options import CleaningOptions
    from wattq.workloads.profiles import profile_runtime_s
    from wattq.workloads.reader import parse_workload, read_batsim_json, read_swf, read_workload
    from wattq.workloads.report import report_lines
    from wattq.workloads.stats import stats_lines, workload_stats
    from wattq.workloads.swf import parse_swf
    from wattq.workloads.swf_header import SwfHeader
    from wattq.workloads.writer import write_batsim_json, write_jobs_csv, write_swf

__all__ = [
    "TRACES",
    "CleaningOptions",
    "CleaningReport",
    "Outcome",
    "Profile",
    "SwfHeader",
    "Trace",
    "Workload",
    "cache_dir",
    "find_entry",
    "find_trace",
    "generate_saturated",
    "get_trace",
    "locate_workload",
    "parse_batsim_json",
    "parse_swf",
    "parse_workload",
    "profile_runtime_s",
    "read_batsim_json",
    "read_swf",
    "read_workload",
    "report_lines",
    "stats_lines",
    "workload_stats",
    "write_batsim_json",
    "write_jobs_csv",
    "write_swf",
]

_MODULES = {
    "batsim_json": ("parse_batsim_json",),
    "catalogue": ("TRACES", "Trace", "find_entry"),
    "fetch": ("cache_dir", "find_trace", "get_trace", "locate_workload"),
    "generate": ("generate_saturated",),
    "model": ("CleaningReport", "Outcome", "Profile", "Workload"),
    "options": ("CleaningOptions",),
    "profiles": ("profile_runtime_s",),
    "reader": ("parse_workload", "read_batsim_json", "read_swf", "read_workload"),
    "report": ("report_lines",),
    "stats": ("stats_lines", "workload_stats"),
    "swf": ("parse_swf",),
    "swf_header": ("SwfHeader",),
    "writer": ("write_batsim_json", "write_jobs_csv", "write_swf"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
