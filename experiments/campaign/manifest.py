"""Which cells there are, what became of each, and the table of all results."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wattq.errors import CampaignError
from wattq.experiments.campaign.attempts import Attempt, read_attempts
from wattq.experiments.campaign.cells import Cell
from wattq.experiments.campaign.digests import code_digest
from wattq.experiments.campaign.factors import levels_of
from wattq.experiments.campaign.layout import Layout, read_json, write_file, write_json
from wattq.experiments.campaign.model import Campaign
from wattq.experiments.experiment_model import Scalar
from wattq.experiments.folders import json_text

__all__ = ["Row", "Status", "read_status", "table_csv", "write_cells", "write_manifest"]

STATES = ("done", "failed", "begun", "new")
"""What becomes of a cell: done; failed in its last attempt; begun by a process that is gone; never begun."""


@dataclass(frozen=True)
class Row:
    """One cell and what became of it.

    Attributes:
        key: of its run.
        columns: what tells it apart.
        status: one of `STATES`.
        attempts: at its run, in order.
        weights: of its score.
        is_baseline: whether others are scored against it.
    """

    key: str
    columns: Mapping[str, Scalar]
    status: str
    attempts: Sequence[Attempt]
    weights: Mapping[str, float] = field(default_factory=dict)
    is_baseline: bool = False

    @property
    def told(self) -> Attempt | None:
        """The attempt that the status comes from: the one that was done, else the last."""
        done = [attempt for attempt in self.attempts if attempt.status == "done"]
        return (done or [*self.attempts])[-1] if self.attempts else None

    @property
    def error(self) -> str:
        """Why it failed; empty when it did not."""
        return self.told.error if self.status == "failed" and self.told is not None else ""

    @property
    def label(self) -> str:
        """The columns in one line."""
        return ", ".join(f"{name} {value}" for name, value in self.columns.items())


@dataclass(frozen=True)
class Status:
    """What is known of a campaign's folder.

    Attributes:
        name: of the campaign.
        title: its heading.
        rows: its cells, in order.
        unused: finished runs that none of them is: of other code, other files or other factors.
        factors: name of each factor and its columns; several for a simplex.
    """

    name: str
    title: str
    rows: Sequence[Row]
    unused: int
    factors: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """Number of runs by status; several cells may share one."""
        by_key = {row.key: row.status for row in self.rows}
        return {state: sum(status == state for status in by_key.values()) for state in STATES}

    @property
    def columns(self) -> list[str]:
        """Names of all columns, in order."""
        return list(dict.fromkeys(name for row in self.rows for name in row.columns))


def write_cells(layout: Layout, campaign: Campaign, cells: Sequence[Cell]) -> None:
    """Write what was asked for, so that status and results need the folder alone."""
    content = {
        "name": campaign.name,
        "title": campaign.title or campaign.name,
        "code": code_digest(),
        "factors": {name: list(levels_of(name, factor)[0].columns) for name, factor in campaign.factors.items()},
        "cells": [
            {
                "key": cell.key,
                "columns": dict(cell.columns),
                "weights": dict(cell.weights),
                "is_baseline": cell.is_baseline,
            }
            for cell in cells
        ],
    }
    write_json(layout.cells, content)


def read_status(folder: Path) -> Status:
    """Return what became of each cell of the campaign in a folder; nothing is locked or changed.

    Raises:
        CampaignError: there is no campaign.
    """
    layout = Layout(folder)
    content = read_json(layout.cells)
    if content is None or not isinstance(content.get("cells"), list):
        raise CampaignError(f"{folder}: holds no campaign (no cells.json); give the folder of wattq campaign -o")
    finished, attempts = layout.finished(), read_attempts(layout)
    try:
        rows = [_row(cell, finished, attempts) for cell in content["cells"]]
    except (KeyError, TypeError, AttributeError):
        raise CampaignError(f"{layout.cells}: is damaged; run the campaign again to write it anew") from None
    unused = len(finished - {row.key for row in rows})
    factors = content.get("factors")
    return Status(
        str(content.get("name", "")),
        str(content.get("title", "")),
        rows,
        unused,
        {str(name): [str(column) for column in columns] for name, columns in factors.items()}
        if isinstance(factors, Mapping)
        else {},
    )


def _row(cell: Mapping[str, Any], finished: set[str], attempts: Mapping[str, list[Attempt]]) -> Row:
    key = str(cell["key"])
    tried = attempts.get(key, [])
    status = (
        "done" if key in finished else "new" if not tried else "failed" if tried[-1].status == "failed" else "begun"
    )
    return Row(key, dict(cell["columns"]), status, tried, dict(cell["weights"]), bool(cell["is_baseline"]))


_FACTS = ("key", "status", "attempts", "host", "started", "ended", "seconds", "error")


def write_manifest(layout: Layout) -> Status:
    """Write ``manifest.csv`` and ``manifest.json``, one row per cell, and return what they say."""
    status = read_status(layout.root)
    rows = [_facts(row) for row in status.rows]
    write_file(layout.root / "manifest.csv", table_csv([*_FACTS, *status.columns], rows))
    summary = {"campaign": status.name, "runs": status.counts, "unused_runs": status.unused, "cells": rows}
    write_file(layout.root / "manifest.json", json_text(summary))
    return status


def _facts(row: Row) -> dict[str, Any]:
    told = row.told
    facts: dict[str, Any] = {"host": "", "started": "", "ended": "", "seconds": None}
    if told is not None:
        facts = {
            "host": told.host,
            "started": told.started,
            "ended": told.ended,
            "seconds": told.seconds,
        }
    return {"key": row.key, "status": row.status, "attempts": len(row.attempts), **facts, "error": row.error} | dict(
        row.columns
    )


def table_csv(names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as CSV; what a row lacks is empty."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_text(row.get(name)) for name in names] for row in rows)
    return stream.getvalue()


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)
