"""The work: the Workload table, readers, writers, cleaning, statistics, a generator and a catalogue of public traces.

Names are imported when they are first used, so that the command line starts without numpy and pandas.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.workloads.alibaba_gpu import NodeList, read_node_list
    from wattq.workloads.anonymize import anonymize_file
    from wattq.workloads.anonymize_options import AnonymizeOptions
    from wattq.workloads.anonymize_report import AnonymizeReport, anonymize_lines
    from wattq.workloads.arrivals import Law
    from wattq.workloads.batsim_json import parse_batsim_json
    from wattq.workloads.bursts import HEAVY, SMALL, Burst
    from wattq.workloads.catalogue import TRACES, Trace, find_entry
    from wattq.workloads.fetch import cache_dir, find_trace, get_trace, locate_workload
    from wattq.workloads.formats import FORMATS, Format
    from wattq.workloads.generate import generate_saturated
    from wattq.workloads.generate_hours import HourlyModel, generate_hourly, hourly_jobs
    from wattq.workloads.generate_table import JobTable, table_of
    from wattq.workloads.google2019 import google2019_query
    from wattq.workloads.lublin import generate_lublin, lublin_jobs
    from wattq.workloads.lublin_parameters import LUBLIN_CLASSES, LublinParameters
    from wattq.workloads.merge import merge_workloads
    from wattq.workloads.model import CleaningReport, Outcome, Profile, Workload
    from wattq.workloads.options import CleaningOptions
    from wattq.workloads.profiles import profile_runtime_s
    from wattq.workloads.purge import purge_files
    from wattq.workloads.purge_audit import AuditEntry
    from wattq.workloads.reader import (
        parse_workload,
        read_batsim_json,
        read_log_table,
        read_swf,
        read_workload,
    )
    from wattq.workloads.replay import aggregate, replay_workload, scale_arrivals
    from wattq.workloads.report import report_lines
    from wattq.workloads.sampler import HourSampler, sample_hours
    from wattq.workloads.sampler_duration import DurationSampler, read_durations
    from wattq.workloads.sensitivity import mean_beta, parse_beta, with_beta
    from wattq.workloads.stats import stats_lines, workload_stats
    from wattq.workloads.suggest import Suggestion, suggest_generators, suggestion_lines
    from wattq.workloads.swf import SwfTable, parse_swf
    from wattq.workloads.swf_header import SwfHeader
    from wattq.workloads.table_file import write_table
    from wattq.workloads.writer import write_batsim_json, write_jobs_csv, write_swf

__all__ = [
    "FORMATS",
    "HEAVY",
    "LUBLIN_CLASSES",
    "SMALL",
    "TRACES",
    "AnonymizeOptions",
    "AnonymizeReport",
    "AuditEntry",
    "Burst",
    "CleaningOptions",
    "CleaningReport",
    "DurationSampler",
    "Format",
    "HourSampler",
    "HourlyModel",
    "JobTable",
    "Law",
    "LublinParameters",
    "NodeList",
    "Outcome",
    "Profile",
    "Suggestion",
    "SwfHeader",
    "SwfTable",
    "Trace",
    "Workload",
    "aggregate",
    "anonymize_file",
    "anonymize_lines",
    "cache_dir",
    "find_entry",
    "find_trace",
    "generate_hourly",
    "generate_lublin",
    "generate_saturated",
    "get_trace",
    "google2019_query",
    "hourly_jobs",
    "locate_workload",
    "lublin_jobs",
    "mean_beta",
    "merge_workloads",
    "parse_batsim_json",
    "parse_beta",
    "parse_swf",
    "parse_workload",
    "profile_runtime_s",
    "purge_files",
    "read_batsim_json",
    "read_durations",
    "read_log_table",
    "read_node_list",
    "read_swf",
    "read_workload",
    "replay_workload",
    "report_lines",
    "sample_hours",
    "scale_arrivals",
    "stats_lines",
    "suggest_generators",
    "suggestion_lines",
    "table_of",
    "with_beta",
    "workload_stats",
    "write_batsim_json",
    "write_jobs_csv",
    "write_swf",
    "write_table",
]

_MODULES = {
    "alibaba_gpu": ("NodeList", "read_node_list"),
    "anonymize": ("anonymize_file",),
    "anonymize_options": ("AnonymizeOptions",),
    "anonymize_report": ("AnonymizeReport", "anonymize_lines"),
    "arrivals": ("Law",),
    "batsim_json": ("parse_batsim_json",),
    "bursts": ("HEAVY", "SMALL", "Burst"),
    "catalogue": ("TRACES", "Trace", "find_entry"),
    "fetch": ("cache_dir", "find_trace", "get_trace", "locate_workload"),
    "formats": ("FORMATS", "Format"),
    "generate": ("generate_saturated",),
    "generate_hours": ("HourlyModel", "generate_hourly", "hourly_jobs"),
    "generate_table": ("JobTable", "table_of"),
    "google2019": ("google2019_query",),
    "lublin": ("generate_lublin", "lublin_jobs"),
    "lublin_parameters": ("LUBLIN_CLASSES", "LublinParameters"),
    "merge": ("merge_workloads",),
    "model": ("CleaningReport", "Outcome", "Profile", "Workload"),
    "options": ("CleaningOptions",),
    "profiles": ("profile_runtime_s",),
    "purge": ("purge_files",),
    "purge_audit": ("AuditEntry",),
    "reader": ("parse_workload", "read_batsim_json", "read_log_table", "read_swf", "read_workload"),
    "replay": ("aggregate", "replay_workload", "scale_arrivals"),
    "report": ("report_lines",),
    "sampler": ("HourSampler", "sample_hours"),
    "sampler_duration": ("DurationSampler", "read_durations"),
    "sensitivity": ("mean_beta", "parse_beta", "with_beta"),
    "stats": ("stats_lines", "workload_stats"),
    "suggest": ("Suggestion", "suggest_generators", "suggestion_lines"),
    "swf": ("SwfTable", "parse_swf"),
    "swf_header": ("SwfHeader",),
    "table_file": ("write_table",),
    "writer": ("write_batsim_json", "write_jobs_csv", "write_swf"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
