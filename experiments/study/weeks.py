"""The weeks of a log: numbered Mondays on the site's clock, and the jobs of one week with those around it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError
from wattq.experiments.experiment_model import Window, WorkloadSpec
from wattq.experiments.study.keys import WeeksSpec
from wattq.experiments.windows import cut
from wattq.units import WEEK_S
from wattq.workloads.model import Workload
from wattq.workloads.zones import find_zone

__all__ = ["Week", "WeekPart", "midnight_s", "site_zone", "week_part", "weeks_of"]


@dataclass(frozen=True)
class Week:
    """A week of a log, from Monday 0:00 to the next on the site's clock (so 168 h, or 167 or 169 with a clock change).

    Attributes:
        number: 0 for the first whole week of the log.
        begin_s: its begin on the workload's time axis, s.
        end_s: its end.
        monday: its first day; None when the log has no date.
    """

    number: int
    begin_s: float
    end_s: float
    monday: date | None

    @property
    def length_s(self) -> float:
        """Its length, s."""
        return self.end_s - self.begin_s


@dataclass(frozen=True)
class WeekPart:
    """A week with what runs before and after it.

    Attributes:
        week: the week.
        workload: jobs submitted from the begin of the warm-up to the end of the cool-down; date 0 is the former.
        window_s: begin and end of the week on that axis, s.
        of_week: which of the jobs were submitted in the week.
        end_s: end of the cool-down on that axis, s.
    """

    week: Week
    workload: Workload
    window_s: tuple[float, float]
    of_week: NDArray[np.bool_]
    end_s: float


def site_zone(workload: Workload, spec: WorkloadSpec) -> tzinfo:
    """Return the zone of the site's clock: the one given, else the log's offset, else UTC.

    Raises:
        InvalidInputError: there is no zone of the name given.
    """
    if spec.time_zone is not None:
        found = find_zone(spec.time_zone)
        if found is None:
            raise InvalidInputError(
                f"workload {spec.name}, key 'time_zone': '{spec.time_zone}' is no zone of the IANA data base such as "
                "Europe/Stockholm"
            )
        return found
    return UTC if workload.utc_offset_s is None else timezone(timedelta(seconds=workload.utc_offset_s))


def midnight_s(day: date, zone: tzinfo) -> float:
    """Return the Unix time of the first instant of a day in a zone."""
    return datetime.combine(day, time(0), zone).timestamp()


def weeks_of(workload: Workload, zone: tzinfo) -> list[Week]:
    """Return the whole weeks of a log; in one without a date, date 0 counts as Monday 0:00."""
    last_s = float(np.max(workload.submit_s, initial=0.0))
    weeks: list[Week] = []
    unix_s = workload.unix_start_s
    if unix_s is None:
        return [Week(k, k * WEEK_S, (k + 1) * WEEK_S, None) for k in range(int(last_s // WEEK_S))]
    day = datetime.fromtimestamp(unix_s, zone).date()
    monday = day - timedelta(days=day.weekday())
    while True:
        begin_s = midnight_s(monday, zone) - unix_s
        end_s = midnight_s(monday + timedelta(days=7), zone) - unix_s
        if end_s > last_s:
            return weeks
        if begin_s >= 0:
            weeks.append(Week(len(weeks), begin_s, end_s, monday))
        monday += timedelta(days=7)


def week_part(workload: Workload, weeks: list[Week], number: int, spec: WeeksSpec, label: str) -> WeekPart:
    """Return one week of a log with its warm-up and its cool-down.

    Raises:
        InvalidInputError: the log has no such week, or does not reach over the warm-up or the cool-down.
    """
    place = f"workload {label}, week {number}"
    if number >= len(weeks):
        raise InvalidInputError(
            f"{place}: the log has {len(weeks)} whole weeks; take numbers from 0 to {len(weeks) - 1}"
        )
    week = weeks[number]
    last_s = float(np.max(workload.submit_s, initial=0.0))
    start_s, stop_s = week.begin_s - spec.warmup_s, week.end_s + spec.cooldown_s
    if start_s < 0:
        raise InvalidInputError(
            f"{place}: begins {week.begin_s:,.0f} s after the first submission, but 'warmup_s' is "
            f"{spec.warmup_s:,.0f}; take a later week or a shorter warm-up"
        )
    if stop_s > last_s:
        raise InvalidInputError(
            f"{place}: the log ends {last_s - week.end_s:,.0f} s after it, but 'cooldown_s' is {spec.cooldown_s:,.0f}; "
            "take an earlier week or a shorter cool-down"
        )
    part = _compact(cut(workload, Window(start_s=start_s, end_s=stop_s)))
    begin_s, end_s = spec.warmup_s, spec.warmup_s + week.length_s
    of_week = (part.submit_s >= begin_s) & (part.submit_s < end_s)
    if not of_week.any():
        raise InvalidInputError(f"{place}: no job was submitted in it; take another week")
    return WeekPart(week, part, (begin_s, end_s), of_week, end_s + spec.cooldown_s)


def _compact(workload: Workload) -> Workload:
    """Return the workload with those profiles alone that its jobs use; a log of months has tens of thousands."""
    if workload.listed_profiles:
        return workload
    used, index = np.unique(workload.profile, return_inverse=True)
    profiles = tuple(workload.profiles[row] for row in used.tolist())
    return replace(workload, profile=index.astype(workload.profile.dtype), profiles=profiles)
