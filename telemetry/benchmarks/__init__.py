"""Benchmarks: CPU, I/O and mixed work, with the energy that it takes.

Names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.telemetry.benchmarks.options import (
        CPU_WORKLOADS,
        INTENSITIES,
        IO_WORKLOADS,
        PATTERNS,
        CpuOptions,
        IoOptions,
        MixedOptions,
        parse_intensity,
    )
    from wattq.telemetry.benchmarks.output import benchmark_text, samples_csv
    from wattq.telemetry.benchmarks.report import benchmark_document
    from wattq.telemetry.benchmarks.running import Measured, run_benchmark

__all__ = [
    "CPU_WORKLOADS",
    "INTENSITIES",
    "IO_WORKLOADS",
    "PATTERNS",
    "CpuOptions",
    "IoOptions",
    "Measured",
    "MixedOptions",
    "benchmark_document",
    "benchmark_text",
    "parse_intensity",
    "run_benchmark",
    "samples_csv",
]

_MODULES = {
    "options": (
        "CPU_WORKLOADS",
        "INTENSITIES",
        "IO_WORKLOADS",
        "PATTERNS",
        "CpuOptions",
        "IoOptions",
        "MixedOptions",
        "parse_intensity",
    ),
    "output": ("benchmark_text", "samples_csv"),
    "report": ("benchmark_document",),
    "running": ("Measured", "run_benchmark"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
