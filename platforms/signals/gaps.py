"""From dated values to a signal without holes: order is checked, gaps are refused or filled by a named rule."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, isnan
from zoneinfo import ZoneInfo

import numpy as np

from wattq.errors import SignalError
from wattq.platforms.signals.clock import day_before, find_zone
from wattq.platforms.signals.points import MAX_ROWS, Points
from wattq.platforms.signals.series import Signal, utc_text

__all__ = ["GAP_RULES", "assemble", "durations"]

GAP_RULES = {
    "refuse": "a gap is an error",
    "hold": "the value before the gap lasts until its end",
    "linear": "values on the straight line between the neighbours, at the step before the gap",
    "same-hour": "values of the same time of day, the day before, by the clocks of the signal's time zone",
}
"""What is done about missing values, by name."""

_SHORTER, _LONGER = 3, 11
_TOLERANCE_S = 1e-6


@dataclass(frozen=True)
class _Piece:
    start_s: float
    end_s: float
    value: float
    row: int


_Filler = Callable[[list[_Piece], _Piece, int, float], list[float]]


def assemble(points: Points, path: str, *, gaps: str = "refuse", sha256: str = "") -> Signal:
    """Return the signal of dated values.

    Values missing before the first and after the last one only shorten the series (the newest measurement is often not
    there yet); a hole between two values is a gap, and so is a value that the file leaves empty.

    Args:
        points: values in the order of the file.
        path: file, for messages.
        gaps: one of `GAP_RULES`.
        sha256: hash of the file.

    Raises:
        SignalError: for no values, reversed, double or overlapping intervals, gaps that are not to be filled, and gaps
            that the rule cannot fill.
    """
    if gaps not in GAP_RULES:
        raise SignalError(f"gaps {gaps[:60]!r}: no rule of this name; there are {', '.join(GAP_RULES)}")
    _check_order(points, path)
    notes = list(points.notes)
    pieces = _present(points, path, notes)
    filled = _fill(pieces, points, path, gaps, notes)
    return Signal(
        start_s=np.array([piece.start_s for piece in filled]),
        end_s=filled[-1].end_s,
        value=np.array([piece.value for piece in filled]),
        quantity=points.quantity,
        unit=points.unit,
        region=points.region,
        kind=points.kind,
        scope=points.scope,
        source=points.source,
        time_zone=points.time_zone,
        sha256=sha256,
        synthetic=points.synthetic,
        notes=tuple(notes),
    )


def durations(start_s: list[float]) -> list[float]:
    """Return how long each value lasts where a file tells only when values begin, seconds.

    A value lasts until the next one, unless that comes late: a longer distance than the step before it is a gap. The
    step itself changes (a series may go from 60 to 15 minutes) when four values in a row keep a shorter one, or twelve
    a longer one. The last value lasts for the step before it; a single value lasts for an hour.
    """
    steps = [after - before for before, after in pairwise(start_s)]
    if not steps:
        return [3600.0] * len(start_s)
    runs = _runs(steps)
    found: list[float] = []
    usual = next((step for step, count in runs if count >= _SHORTER), min(steps))
    for step, count in runs:
        if count >= (_SHORTER if step <= usual else _LONGER):
            usual = step
        found += [min(step, usual)] * count
    return [*found, usual]


def _runs(steps: list[float]) -> list[tuple[float, int]]:
    """Return stretches of equal steps as (step, how many)."""
    runs: list[tuple[float, int]] = []
    for step in steps:
        if runs and abs(runs[-1][0] - step) <= _TOLERANCE_S:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((step, 1))
    return runs


def _check_order(points: Points, path: str) -> None:
    if not points.start_s:
        raise SignalError(f"{path}: no values; the file may be cut off, or of another kind")
    if len(points.start_s) > MAX_ROWS:
        raise SignalError(f"{path}: more than {MAX_ROWS} values; split the file")
    ends = points.end_s or points.start_s
    for k, (start, end) in enumerate(zip(points.start_s, ends, strict=True)):
        if end < start or (points.end_s and end == start):
            raise SignalError(
                f"{points.place(path, k)}: reversed interval, from {utc_text(start)} to {utc_text(end)}; "
                "an interval must end after it begins"
            )
    for k, (before, after) in enumerate(pairwise(points.start_s)):
        here, there = points.place(path, k + 1), f"{points.word} {points.line[k]}"
        if after < before:
            raise SignalError(f"{here}: {utc_text(after)} is before {utc_text(before)} of {there}; put rows in order")
        if after == before:
            raise SignalError(f"{here}: {utc_text(after)} overlaps {there}, which begins then too; keep one of them")
        if points.end_s and after < ends[k] - _TOLERANCE_S:
            raise SignalError(
                f"{here}: the interval from {utc_text(after)} overlaps {there}, which lasts until {utc_text(ends[k])}"
            )


def _present(points: Points, path: str, notes: list[str]) -> list[_Piece]:
    ends = points.end_s
    if ends is None:
        ends = [start + last for start, last in zip(points.start_s, durations(points.start_s), strict=True)]
    rows = zip(points.start_s, ends, points.value, range(len(ends)), strict=True)
    pieces = [_Piece(*row) for row in rows if not isnan(row[2])]
    if not pieces:
        raise SignalError(f"{path}: all {len(ends)} values are missing; choose another column, or another file")
    for count, where in ((pieces[0].row, "before the first"), (len(ends) - 1 - pieces[-1].row, "after the last")):
        if count:
            notes.append(f"{count} missing values {where} one left out; the series covers that much less")
    return pieces


def _fill(pieces: list[_Piece], points: Points, path: str, gaps: str, notes: list[str]) -> list[_Piece]:
    holes = [k for k, (one, other) in enumerate(pairwise(pieces)) if other.start_s - one.end_s > _TOLERANCE_S]
    if not holes:
        return pieces
    lengths = [pieces[k + 1].start_s - pieces[k].end_s for k in holes]
    first = pieces[holes[0]]
    words = (
        f"{len(holes)} gap{'s' if len(holes) > 1 else ''}, {sum(lengths) / 3600:g} h in all; the first one from "
        f"{utc_text(first.end_s)}, {lengths[0] / 3600:g} h long"
    )
    if gaps == "refuse":
        raise SignalError(
            f"{points.place(path, first.row)}: {words}; mend the file, or name a rule that fills gaps "
            f"(gaps, --gaps): {', '.join(list(GAP_RULES)[1:])}"
        )
    notes.append(f"{words}; filled by the rule '{gaps}': {GAP_RULES[gaps]}")
    if gaps == "hold":
        return pieces
    if sum(length / (pieces[k].end_s - pieces[k].start_s) for k, length in zip(holes, lengths, strict=True)) > MAX_ROWS:
        raise SignalError(f"{path}: {words}; too long to be filled")
    rule = _linear if gaps == "linear" else _same_hour(find_zone(points.time_zone), points, path)
    return _filled(pieces, set(holes), rule)


def _filled(pieces: list[_Piece], holes: set[int], rule: _Filler) -> list[_Piece]:
    out: list[_Piece] = []
    for k, piece in enumerate(pieces):
        out.append(piece)
        if k in holes:
            after = pieces[k + 1]
            step = piece.end_s - piece.start_s
            count = ceil((after.start_s - piece.end_s) / step - 1e-9)
            for j, value in enumerate(rule(out, after, count, step)):
                start = piece.end_s + j * step
                out.append(_Piece(start, min(start + step, after.start_s), value, piece.row))
    return out


def _linear(out: list[_Piece], after: _Piece, count: int, step: float) -> list[float]:
    before = out[-1].value
    return [before + (after.value - before) * (j + 1) / (count + 1) for j in range(count)]


def _same_hour(zone: ZoneInfo, points: Points, path: str) -> _Filler:
    def rule(out: list[_Piece], after: _Piece, count: int, step: float) -> list[float]:
        starts = [piece.start_s for piece in out]
        values = [piece.value for piece in out]
        first = out[-1].end_s
        for j in range(count):
            wanted = day_before(first + j * step, zone)
            if wanted < starts[0]:
                raise SignalError(
                    f"{points.place(path, out[-1].row)}: the gap from {utc_text(first)} has no value a day before, "
                    "where the series has not begun; use another rule (gaps, --gaps)"
                )
            values.append(values[bisect_right(starts, wanted) - 1])
            starts.append(first + j * step)
        return values[len(out) :]

    return rule
