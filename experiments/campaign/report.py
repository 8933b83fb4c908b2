"""The files that sum up a campaign: tables by factor as CSV and JSON, and a figure of twelve panels for each factor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wattq.experiments.campaign.collecting import Results
from wattq.experiments.campaign.figures import sweep_figure
from wattq.experiments.campaign.layout import write_file
from wattq.experiments.campaign.manifest import table_csv
from wattq.experiments.campaign.tables import FactorTable, factor_tables, tables_rows
from wattq.experiments.folders import folder_name, json_text
from wattq.experiments.plots.style import render

__all__ = ["write_report"]

_COLUMNS = ("factor", "level", "policy", "figure", "n", "mean", "low", "high")


def write_report(results: Results, folder: Path) -> list[Path]:
    """Write ``tables.csv``, ``tables.json`` and one picture for each factor; return the paths of all results.

    Args:
        results: of the campaign.
        folder: where to.
    """
    tables = factor_tables(results)
    write_file(folder / "tables.csv", table_csv(_COLUMNS, tables_rows(tables)))
    write_file(folder / "tables.json", json_text(_content(results, tables)))
    names = ["manifest.csv", "manifest.json", "results.csv", "results.parquet", "tables.csv", "tables.json"]
    found = [folder / name for name in names if (folder / name).is_file()]
    return [*found, *(_picture(results, table, folder) for table in tables if _drawn(table))]


def _drawn(table: FactorTable) -> bool:
    """Return whether there is something to draw: policies stand in the other pictures."""
    return bool(table.rows) and table.factor != "policy"


def _picture(results: Results, table: FactorTable, folder: Path) -> Path:
    path = folder / f"sweep-{folder_name(table.factor)}.png"
    write_file(path, render(sweep_figure(table, f"{results.status.title}: {table.factor}")))
    return path


def _content(results: Results, tables: list[FactorTable]) -> dict[str, Any]:
    return {
        "campaign": results.status.name,
        "runs": results.status.counts,
        "tables": [
            {
                "factor": table.factor,
                "columns": list(table.columns),
                "rows": [
                    {
                        "level": dict(zip(table.columns, row.level, strict=True)),
                        "policy": row.policy,
                        "n": row.n,
                        "figures": {
                            name: {"mean": mean, "low": low, "high": high}
                            for name, (mean, low, high) in row.figures.items()
                        },
                    }
                    for row in table.rows
                ],
            }
            for table in tables
        ],
    }
