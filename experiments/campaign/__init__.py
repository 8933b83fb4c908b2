"""Campaigns: the product of factors of one file, run by processes here, by dask, or by pilot jobs on Slurm.

Names are imported when they are first used, so that the command line starts without numpy and pandas.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.experiments.campaign.attempts import Attempt, read_attempts
    from wattq.experiments.campaign.cells import Cell, expand
    from wattq.experiments.campaign.collecting import Results, collect
    from wattq.experiments.campaign.conduct import Outcome, RunOptions, run_campaign
    from wattq.experiments.campaign.crews import EXECUTORS, CrewOptions, job_script
    from wattq.experiments.campaign.layout import Layout
    from wattq.experiments.campaign.manifest import Row, Status, read_status, write_manifest
    from wattq.experiments.campaign.model import (
        Campaign,
        Factor,
        MachineSpec,
        SiteSpec,
        SlurmSpec,
        find_campaign,
        load_campaign,
        shipped_campaigns,
    )
    from wattq.experiments.campaign.report import write_report
    from wattq.experiments.campaign.robin import write_robin_files
    from wattq.experiments.campaign.tables import FactorTable, factor_tables

_MODULES = {
    "attempts": ("Attempt", "read_attempts"),
    "cells": ("Cell", "expand"),
    "collecting": ("Results", "collect"),
    "conduct": ("Outcome", "RunOptions", "run_campaign"),
    "crews": ("EXECUTORS", "CrewOptions", "job_script"),
    "layout": ("Layout",),
    "manifest": ("Row", "Status", "read_status", "write_manifest"),
    "model": (
        "Campaign",
        "Factor",
        "MachineSpec",
        "SiteSpec",
        "SlurmSpec",
        "find_campaign",
        "load_campaign",
        "shipped_campaigns",
    ),
    "report": ("write_report",),
    "robin": ("write_robin_files",),
    "tables": ("FactorTable", "factor_tables"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "EXECUTORS",
    "Attempt",
    "Campaign",
    "Cell",
    "CrewOptions",
    "Factor",
    "FactorTable",
    "Layout",
    "MachineSpec",
    "Outcome",
    "Results",
    "Row",
    "RunOptions",
    "SiteSpec",
    "SlurmSpec",
    "Status",
    "collect",
    "expand",
    "factor_tables",
    "find_campaign",
    "job_script",
    "load_campaign",
    "read_attempts",
    "read_status",
    "run_campaign",
    "shipped_campaigns",
    "write_manifest",
    "write_report",
    "write_robin_files",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
