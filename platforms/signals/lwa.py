"""Carbon intensities of Wiesner et al. (Let's Wait Awhile, Middleware 2021): UTC dates without offset, g/kWh."""

from __future__ import annotations

from wattq.platforms.signals.csv_text import csv_table
from wattq.platforms.signals.dated_rows import dated_points
from wattq.platforms.signals.points import Points, ReadOptions

__all__ = ["is_lwa", "parse_lwa"]


def is_lwa(header: str) -> bool:
    """Return whether a header is that of these files."""
    return [cell.strip() for cell in header.split(",")] == ["Time", "Carbon Intensity"]


def parse_lwa(text: str, path: str, options: ReadOptions) -> Points:
    """Return the intensities; the published files have gaps, and their dates are UTC.

    That the dates are UTC is not written there: the German file follows ENTSO-E's generation of 2020 by 0.993 in UTC
    and by 0.964 read as Berlin's wall clock (correlation over the year, the paper's emission factors).

    Raises:
        SignalError: for bad dates and numbers.
    """
    _, rows = csv_table(text, path)
    zone = options.time_zone or "UTC"
    points = dated_points(rows, path, date=0, value=1, time_zone=zone, quantity="carbon", unit="g/kWh")
    points.kind, points.scope, points.source = "average", "life-cycle", "Wiesner et al., Let's Wait Awhile (2021)"
    return points
