"""Loggers: meters read on a fixed cadence, into CSV, Parquet and the store.

Names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.telemetry.loggers.cadence import Cadence
    from wattq.telemetry.loggers.columns import Column, Recorder, Sample
    from wattq.telemetry.loggers.csv_sink import CsvSink
    from wattq.telemetry.loggers.node_log import NODE_COLUMNS, NodeRecorder
    from wattq.telemetry.loggers.nvml_log import NVML_COLUMNS, NvmlRecorder
    from wattq.telemetry.loggers.parquet_sink import ParquetSink
    from wattq.telemetry.loggers.rapl_log import RaplRecorder, rapl_columns
    from wattq.telemetry.loggers.running import LogReport, run_logger
    from wattq.telemetry.loggers.sink import Sink
    from wattq.telemetry.loggers.stopping import Stop
    from wattq.telemetry.loggers.store_sink import StoreSink, spool_folder

__all__ = [
    "NODE_COLUMNS",
    "NVML_COLUMNS",
    "Cadence",
    "Column",
    "CsvSink",
    "LogReport",
    "NodeRecorder",
    "NvmlRecorder",
    "ParquetSink",
    "RaplRecorder",
    "Recorder",
    "Sample",
    "Sink",
    "Stop",
    "StoreSink",
    "rapl_columns",
    "run_logger",
    "spool_folder",
]

_MODULES = {
    "cadence": ("Cadence",),
    "columns": ("Column", "Recorder", "Sample"),
    "csv_sink": ("CsvSink",),
    "node_log": ("NODE_COLUMNS", "NodeRecorder"),
    "nvml_log": ("NVML_COLUMNS", "NvmlRecorder"),
    "parquet_sink": ("ParquetSink",),
    "rapl_log": ("RaplRecorder", "rapl_columns"),
    "running": ("LogReport", "run_logger"),
    "sink": ("Sink",),
    "stopping": ("Stop",),
    "store_sink": ("StoreSink", "spool_folder"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
