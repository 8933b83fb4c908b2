"""The derived numbers that wattq ships: speeds, powers and sensitivities, computed from public measurements."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from wattq.errors import InvalidInputError
from wattq.platforms.measured.curve import CurvePoint, MeasuredCurves, PowerCurve

__all__ = ["HEADER", "curves_csv", "curves_text", "measured_curves", "parse_curves"]

HEADER = "app_class,unit,setting,runs,speed,speed_error,power,power_error,full_w,beta,beta_error"
_TABLE = Path(__file__).with_name("curves.csv")


def curves_csv(sources: Iterable[MeasuredCurves]) -> str:
    """Return the table: per source, comment lines with its provenance, then one row per class and setting."""
    lines = []
    for source in sources:
        lines += [f"# source: {source.name}", f"# from: {source.source}", f"# sha256: {source.sha256}"]
        lines += [f"# reference class: {source.reference_class}", *(f"# note: {note}" for note in source.notes), HEADER]
        for curve in source.curves.values():
            lines += [",".join(_cells(curve, point)) for point in curve.points]
    return "\n".join(lines) + "\n"


def _cells(curve: PowerCurve, point: CurvePoint) -> Iterator[str]:
    yield from (curve.app_class, curve.unit, f"{point.setting:g}", str(point.runs))
    numbers = (point.speed, point.speed_error, point.power, point.power_error)
    yield from (f"{value:.6f}" for value in numbers)
    yield from (f"{curve.full_w:.3f}", f"{curve.beta:.6f}", f"{curve.beta_error:.6f}")


def parse_curves(text: str) -> dict[str, MeasuredCurves]:
    """Return the sources of a table made by `curves_csv`, by name.

    Raises:
        InvalidInputError: when the text is no such table.
    """
    sources = {}
    for block in text.split("# source: ")[1:]:
        name, _, rest = block.partition("\n")
        told = [line[2:].partition(": ") for line in rest.splitlines() if line.startswith("# ")]
        facts = {key: value for key, _, value in told}
        rows = list(csv.DictReader(io.StringIO("".join(f"{x}\n" for x in rest.splitlines() if not x.startswith("#")))))
        try:
            curves = {key: _curve(key, [row for row in rows if row["app_class"] == key]) for key in _classes(rows)}
            notes = tuple(value for key, _, value in told if key == "note")
            about = (facts["reference class"], facts["from"], facts["sha256"], notes)
            sources[name] = MeasuredCurves(name, curves, *about)
        except (KeyError, ValueError, TypeError) as error:
            raise InvalidInputError(f"table of power curves, source {name}: damaged ({error!r})") from None
    return sources


def _classes(rows: list[dict[str, str]]) -> list[str]:
    return list(dict.fromkeys(row["app_class"] for row in rows))


def _curve(name: str, rows: list[dict[str, str]]) -> PowerCurve:
    points = tuple(
        CurvePoint(
            float(row["setting"]),
            int(row["runs"]),
            float(row["speed"]),
            float(row["speed_error"]),
            float(row["power"]),
            float(row["power_error"]),
        )
        for row in rows
    )
    first = rows[0]
    return PowerCurve(
        name, first["unit"], float(first["full_w"]), points, float(first["beta"]), float(first["beta_error"])
    )


@cache
def measured_curves() -> dict[str, MeasuredCurves]:
    """Return the shipped curves: ``archer2`` (whole nodes, two clocks) and ``zeus-v100`` (GPU power caps)."""
    return parse_curves(_TABLE.read_text(encoding="utf-8"))


def curves_text(source: MeasuredCurves) -> str:
    """Return the curves of a source as lines of text for a terminal."""
    lines = [f"{source.name}: {source.source}", f"sha256 {source.sha256}", *(f"note: {note}" for note in source.notes)]
    width = max(len(name) for name in source.curves)
    lines.append(f"{'class':<{width}} {'setting':>9} {'runs':>4}  {'speed':<14}  {'power':<14}  {'energy':<6}  beta")
    for curve in source.curves.values():
        for point in curve.points:
            setting = f"{point.setting:g} {curve.unit}"
            pair = f"{_pm(point.speed, point.speed_error)}  {_pm(point.power, point.power_error)}  {point.energy:<6.3f}"
            beta = _pm(curve.beta, curve.beta_error).rstrip()
            lines.append(f"{curve.app_class:<{width}} {setting:>9} {point.runs:>4}  {pair}  {beta}")
    return "\n".join(lines)


def _pm(value: float, error: float) -> str:
    return f"{value:.3f}" + (" ±    ?" if math.isnan(error) else f" ± {error:.3f}").ljust(9)
