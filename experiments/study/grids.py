"""The grids of a study: carbon and price series by name, and where a week lies on their calendar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path

import numpy as np

from wattq.errors import InvalidInputError, SignalError
from wattq.experiments.study.keys import CalendarName, GridSpec
from wattq.experiments.study.weeks import WeekPart, midnight_s
from wattq.platforms.signals import Signal
from wattq.workloads.zones import find_zone

__all__ = ["Grid", "Placed", "load_grid", "place"]

_YEAR_D = 365.25


@dataclass(frozen=True)
class Grid:
    """A grid that a machine is set on.

    Attributes:
        name: what tables call it.
        carbon: carbon intensity, or None.
        price: price of energy, or None.
        pue: power usage effectiveness.
        zone: the clock by which Monday 9:00 of the log is Monday 9:00 here.
        note: a sentence for the report.
    """

    name: str
    carbon: Signal | None = None
    price: Signal | None = None
    pue: float = 1.0
    zone: tzinfo = field(default=UTC)
    note: str = ""

    @property
    def signals(self) -> tuple[Signal, ...]:
        """The series that there are."""
        return tuple(signal for signal in (self.carbon, self.price) if signal is not None)


@dataclass(frozen=True)
class Placed:
    """A week on a grid's calendar.

    Attributes:
        grid: the grid's name; empty for a study without signals.
        origin_s: Unix time of the run's date 0.
        monday: the day on which the week begins there; None without a calendar.
        season_d: days between the day of the year in the log and there.
    """

    grid: str
    origin_s: float
    monday: date | None = None
    season_d: float = 0.0


def load_grid(name: str, spec: GridSpec, base: Path | None) -> Grid:
    """Return a grid with its series read from their files.

    Raises:
        WattqError: a file is missing or no signal, files of one series do not follow each other, or there is no such
            time zone.
    """
    carbon, price = (_joined(name, quantity, spec, base) for quantity in ("carbon", "price"))
    words = spec.time_zone or next((s.time_zone for s in (carbon, price) if s is not None), "UTC")
    zone = find_zone(words)
    if zone is None:
        raise InvalidInputError(f"signals {name}, key 'time_zone': '{words}' is no zone of the IANA data base")
    return Grid(name, carbon, price, spec.pue, zone, spec.note)


def _joined(name: str, quantity: str, spec: GridSpec, base: Path | None) -> Signal | None:
    from wattq.experiments.study.signal_files import read_series

    parts = [read_series(path, quantity, spec, base) for path in spec.files(quantity)]
    if not parts:
        return None
    whole = parts[0]
    for part in parts[1:]:
        whole = _appended(whole, part, f"signals {name}, key '{quantity}'")
    return whole


def _appended(first: Signal, second: Signal, place: str) -> Signal:
    if (first.unit, first.scope, first.region) != (second.unit, second.scope, second.region):
        raise SignalError(f"{place}: {first!r} and {second!r} differ in unit, scope or region; keep one of them")
    if second.start_s[0] != first.end_s:
        raise SignalError(f"{place}: {second!r} does not begin where {first!r} ends; give files that follow each other")
    return replace(
        first,
        start_s=np.concatenate([first.start_s, second.start_s]),
        end_s=second.end_s,
        value=np.concatenate([first.value, second.value]),
        source="; ".join(dict.fromkeys(word for word in (first.source, second.source) if word)),
        sha256=" ".join(word for word in (first.sha256, second.sha256) if word),
        synthetic=first.synthetic or second.synthetic,
        notes=tuple(dict.fromkeys([*first.notes, *second.notes])),
    )


def place(part: WeekPart, grid: Grid, calendar: CalendarName, drain_s: float, index: int) -> Placed:
    """Return where a week lies on a grid's calendar, warm-up and drain within the series.

    With ``season``, the week begins on the Monday, 0:00 on the grid's clock, whose day of the year is nearest to the
    log's: weekday and hour are kept exactly (but for a change of clocks within the run), the season as nearly as the
    series allow. A log without dates takes the Mondays in order. With ``recorded``, nothing is moved.

    Args:
        part: the week.
        grid: the grid.
        calendar: which rule.
        drain_s: how long after the cool-down the series must still be known, s.
        index: position of the week among those of the log, for logs without dates.

    Raises:
        SignalError: the series cover no such week.
    """
    if not grid.signals:
        return Placed(grid.name, 0.0)
    before_s, after_s = part.window_s[0], part.end_s - part.window_s[0] + drain_s
    if calendar == "recorded":
        return _recorded(part, grid, before_s, after_s)
    mondays = [day for day in _mondays(grid) if _covered(grid, midnight_s(day, grid.zone), before_s, after_s)]
    if not mondays:
        raise SignalError(
            f"signals {grid.name}: no week with {before_s / 86400:g} days before its begin and {after_s / 86400:g} "
            "days after it lies within the series; take longer ones, or shorten 'warmup_s' or 'drain_s'"
        )
    if part.week.monday is None:
        monday, apart = mondays[index % len(mondays)], 0.0
    else:
        home = part.week.monday
        monday = min(mondays, key=lambda day: (abs(_season_d(home, day)), day))
        apart = _season_d(home, monday)
    return Placed(grid.name, midnight_s(monday, grid.zone) - before_s, monday, apart)


def _recorded(part: WeekPart, grid: Grid, before_s: float, after_s: float) -> Placed:
    unix_s = part.workload.unix_start_s
    if unix_s is None:
        raise SignalError("calendar 'recorded': the log has no date (UnixStartTime); take 'season'")
    if not _covered(grid, unix_s + before_s, before_s, after_s):
        raise SignalError(
            f"signals {grid.name}: the series do not cover the log's week of {part.week.monday}; take others, or the "
            "calendar 'season'"
        )
    return Placed(grid.name, unix_s, part.week.monday)


def _mondays(grid: Grid) -> Sequence[date]:
    first = datetime.fromtimestamp(max(float(s.start_s[0]) for s in grid.signals), grid.zone).date()
    last = datetime.fromtimestamp(min(s.end_s for s in grid.signals), grid.zone).date()
    monday = first - timedelta(days=first.weekday())
    return [monday + timedelta(days=7 * k) for k in range(max(0, (last - monday).days // 7 + 1))]


def _covered(grid: Grid, begin_s: float, before_s: float, after_s: float) -> bool:
    return all(signal.covers(begin_s - before_s, begin_s + after_s) for signal in grid.signals)


def _season_d(home: date, there: date) -> float:
    """Return how many days later in the year a day is, the short way round."""
    apart = there.timetuple().tm_yday - home.timetuple().tm_yday
    return (apart + _YEAR_D / 2) % _YEAR_D - _YEAR_D / 2
