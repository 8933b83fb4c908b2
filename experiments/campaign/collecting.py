"""The table of results: one row per cell, factors and figures as columns; CSV always, Parquet where it can be."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wattq.errors import CampaignError, MissingDependencyError
from wattq.experiments.campaign.layout import Layout, write_file
from wattq.experiments.campaign.manifest import Row, Status, read_status, table_csv

__all__ = ["Results", "collect", "results_parquet", "scored"]

FIGURES = {
    "energy": ("energy_kwh", "energy_j"),
    "carbon": ("co2e_kg",),
    "cost": ("cost_",),
    "wait": ("wait_mean_s",),
    "slowdown": ("bounded_slowdown_mean",),
}
"""What names of weights stand for: the first figure that there is; a name that ends in ``_`` begins it."""


@dataclass(frozen=True)
class Results:
    """All results of a campaign.

    Attributes:
        status: the cells and what became of them.
        names: the columns: key, status, those of the cells, the figures, and the score where there are weights.
        rows: one mapping per cell; a cell that is not done has no figures.
        figures: names of the figures among the columns.
    """

    status: Status
    names: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    figures: Sequence[str]


def collect(folder: Path) -> Results:
    """Read the figures of every finished run, and write ``results.csv`` and, with pyarrow, ``results.parquet``.

    Args:
        folder: of the campaign.

    Raises:
        CampaignError: there is no campaign, or a weight names no figure.
    """
    status = read_status(folder)
    layout = Layout(folder)
    values = {
        key: _values(layout, key) for key in dict.fromkeys(row.key for row in status.rows if row.status == "done")
    }
    figures = list(dict.fromkeys(name for found in values.values() for name in found))
    scores = scored(status.rows, values)
    rows: list[Mapping[str, Any]] = [
        {"key": row.key, "status": row.status, **row.columns, **values.get(row.key, {}), "score": score}
        for row, score in zip(status.rows, scores, strict=True)
    ]
    weighed = any(row.weights for row in status.rows)
    names = ["key", "status", *status.columns, *figures, *(["score"] if weighed else [])]
    found = Results(status, names, rows, [*figures, *(["score"] if weighed else [])])
    write_file(folder / "results.csv", table_csv(names, rows))
    try:
        write_file(folder / "results.parquet", results_parquet(found))
    except MissingDependencyError:
        (folder / "results.parquet").unlink(missing_ok=True)
    return found


def _values(layout: Layout, key: str) -> Mapping[str, float]:
    found = (layout.result(key) or {}).get("values")
    if not isinstance(found, Mapping):
        raise CampaignError(f"{layout.runs / key}: is damaged (no figures in result.json); remove it, and run again")
    return {str(name): float(value) for name, value in found.items()}


def results_parquet(results: Results) -> bytes:
    """Return the table as Parquet: numbers as numbers, texts as texts; a column that holds both is text.

    Raises:
        MissingDependencyError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingDependencyError("results.parquet: needs extra campaign: pip install 'wattq[campaign]'") from None
    columns = {name: _column([row.get(name) for row in results.rows]) for name in results.names}
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def _column(values: list[Any]) -> list[Any]:
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float}:
        return [float(value) if value is not None and float in kinds else value for value in values]
    if len(kinds) <= 1:
        return values
    return [None if value is None else str(value) for value in values]


def scored(rows: Sequence[Row], values: Mapping[str, Mapping[str, float]]) -> list[float | None]:
    """Return the score of each cell: the weighted sum of its figures over those of EASY in the same case.

    The case is every column but the policy. EASY scores 1; less is better. A cell without weights, without results or
    without an EASY with its default parameters beside it has none.

    Raises:
        CampaignError: a weight names no figure.
    """
    bases: dict[tuple[tuple[str, Any], ...], Mapping[str, float]] = {}
    for row in rows:
        if row.is_baseline and row.key in values:
            bases.setdefault(_case(row), values[row.key])
    return [_score(row, values.get(row.key), bases.get(_case(row))) for row in rows]


def _case(row: Row) -> tuple[tuple[str, Any], ...]:
    return tuple((name, value) for name, value in row.columns.items() if name != "policy")


def _score(row: Row, own: Mapping[str, float] | None, base: Mapping[str, float] | None) -> float | None:
    if not row.weights or own is None or base is None:
        return None
    total = 0.0
    for name, weight in row.weights.items():
        if weight == 0:
            continue
        figure = _figure(name, base)
        if figure not in own or not base[figure]:
            return None
        total += weight * own[figure] / base[figure]
    return total


def _figure(name: str, values: Iterable[str]) -> str:
    known = list(values)
    for wanted in FIGURES.get(name, (name,)):
        found = next((figure for figure in known if figure == wanted or (wanted[-1] == "_" and wanted in figure)), None)
        if found is not None:
            return found
    raise CampaignError(
        f"weights: '{name}' is no figure of these runs; there are {', '.join(FIGURES)} and {', '.join(sorted(known))}"
    )
