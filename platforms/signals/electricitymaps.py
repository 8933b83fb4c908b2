"""Electricity Maps' yearly CSV: carbon intensity of a zone, direct and life-cycle, hours in UTC."""

from __future__ import annotations

import re

from wattq.errors import SignalError, at
from wattq.platforms.signals.csv_text import Row, column_named, csv_table
from wattq.platforms.signals.dated_rows import dated_points
from wattq.platforms.signals.points import Points, ReadOptions

__all__ = ["is_electricity_maps", "parse_electricity_maps"]

_INTENSITY = re.compile(r"carbon intensity gco(2|₂)eq/kwh \((?P<scope>direct|lca|life[ -]?cycle)\)", re.IGNORECASE)


def is_electricity_maps(header: str) -> bool:
    """Return whether a header is that of Electricity Maps."""
    return bool(_INTENSITY.search(header)) and "zone id" in header.lower()


def parse_electricity_maps(text: str, path: str, options: ReadOptions) -> Points:
    """Return the intensity of one zone: life-cycle, or direct where `options.scope` says so.

    Raises:
        SignalError: for a file without the column, of several zones when none is named, or with bad dates and numbers.
    """
    header, rows = csv_table(text, path)
    zone_column = column_named(header, "zone id", path)
    chosen = _of_zone(rows, zone_column, options.region, path)
    scope, column = _column(header, options.scope, path)
    points = dated_points(
        chosen,
        path,
        date=column_named(header, "datetime (utc)", path),
        value=column,
        time_zone="UTC",
        quantity="carbon",
        unit="g/kWh",
    )
    points.region = chosen[0][1][zone_column].strip()
    points.kind, points.scope, points.source = "average", scope, "Electricity Maps"
    if options.scope is None:
        points.notes.append("life-cycle values are taken; the scope 'direct' takes emissions of the plants alone")
    _note_estimates(points, header, chosen)
    return points


def _of_zone(rows: list[Row], column: int, wanted: str | None, path: str) -> list[Row]:
    zones = list(dict.fromkeys(cells[column].strip() for _, cells in rows))
    if wanted is None and len(zones) > 1:
        raise SignalError(f"{path}: {len(zones)} zones ({', '.join(zones[:8])}); name one (region, --region)")
    chosen = [row for row in rows if wanted is None or row[1][column].strip() == wanted]
    if not chosen:
        known = f"; it has {', '.join(zones[:8])}" if zones else ""
        raise SignalError(f"{path}: no rows{f' of the zone {wanted[:60]!r}' if wanted else ''}{known}")
    return chosen


def _column(header: list[str], wanted: str | None, path: str) -> tuple[str, int]:
    scopes = {}
    for k, cell in enumerate(header):
        match = _INTENSITY.fullmatch(cell.strip())
        if match:
            scopes["direct" if match["scope"].lower() == "direct" else "life-cycle"] = k
    scope = wanted or "life-cycle"
    if scope not in scopes:
        raise SignalError(f"{at(path, 1)}: no column of the scope {scope[:60]!r}; there are {', '.join(scopes)}")
    return scope, scopes[scope]


def _note_estimates(points: Points, header: list[str], rows: list[Row]) -> None:
    names = [cell.strip().lower() for cell in header]
    column = next((names.index(name) for name in ("data estimated", "data estimated?") if name in names), None)
    count = 0 if column is None else sum(cells[column].strip().lower() == "true" for _, cells in rows)
    if count:
        points.notes.append(f"{count} of {len(rows)} values are estimates of Electricity Maps")
