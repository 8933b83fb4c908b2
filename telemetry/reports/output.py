"""The files of a report."""

from __future__ import annotations

import json
from pathlib import Path

from wattq.errors import MissingFileError
from wattq.files import write_whole
from wattq.telemetry.reports.page import report_html
from wattq.telemetry.reports.schema import TelemetryReport

__all__ = ["report_json", "write_report"]


def report_json(report: TelemetryReport) -> str:
    """Return a report as JSON; the same bytes for the same report."""
    return report.model_dump_json(indent=1) + "\n"


def write_report(report: TelemetryReport, folder: Path) -> list[Path]:
    """Write ``report.html``, ``report.json`` and ``report.schema.json`` into a folder, each whole or not at all.

    Raises:
        MissingFileError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MissingFileError(f"{folder}: cannot be made ({error.strerror or error}); choose another folder") from None
    schema = json.dumps(TelemetryReport.model_json_schema(), indent=1, sort_keys=True) + "\n"
    texts = {"report.html": report_html(report), "report.json": report_json(report), "report.schema.json": schema}
    return [write_whole(folder / name, text.encode()) for name, text in texts.items()]
