"""Keys of an experiment file that make it a study: weeks, grid signals, calendar."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from wattq.units import WEEK_S

__all__ = ["CalendarName", "GridSpec", "Name", "Strict", "WeekPick", "Weeks", "WeeksSpec", "seconds"]

CalendarName = Literal["season", "recorded"]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._+=,:%-]*$")]

_MAX_WEEKS = 5200


class Strict(BaseModel):
    """A mapping that refuses unknown keys, wrong types, NaN and infinities."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


def seconds(value: Any) -> Any:
    """Let a whole number stand for a number of seconds or a factor."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


class WeekPick(Strict):
    """Week ``first``, and every ``step``-th after it, ``count`` weeks in all.

    Attributes:
        first: number of the first week; week 0 begins with the first Monday of the log, 0:00 on the site's clock.
        count: how many.
        step: distance between two of them, weeks.
    """

    first: int = Field(ge=0, le=_MAX_WEEKS)
    count: int = Field(ge=1, le=_MAX_WEEKS)
    step: int = Field(default=1, ge=1, le=_MAX_WEEKS)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of the weeks."""
        return tuple(self.first + index * self.step for index in range(self.count))


Weeks = WeekPick | Annotated[list[Annotated[int, Field(ge=0, le=_MAX_WEEKS)]], Field(max_length=_MAX_WEEKS)]
"""Numbers of weeks, picked or listed."""


def _numbers(weeks: Weeks) -> tuple[int, ...]:
    return weeks.numbers if isinstance(weeks, WeekPick) else tuple(weeks)


class WeeksSpec(Strict):
    """Which weeks of a log are simulated, each on its own, and what runs before and after each.

    Attributes:
        test: weeks that results are reported on.
        tuning: weeks that knobs are chosen on; none of them may be a test week.
        warmup_s: jobs submitted this long before a week run too, s, so that it begins with a machine in use.
        cooldown_s: jobs submitted this long after a week run too, s, so that it ends like any other.
        drain_s: time after the cool-down that grid signals must cover, s, for jobs that end late.
    """

    test: Weeks
    tuning: Weeks = Field(default_factory=list)
    warmup_s: float = Field(default=WEEK_S, ge=0)
    cooldown_s: float = Field(default=2 * 86_400.0, ge=0)
    drain_s: float = Field(default=14 * 86_400.0, ge=0)

    _seconds = field_validator("warmup_s", "cooldown_s", "drain_s", mode="before")(seconds)

    @model_validator(mode="after")
    def _disjoint(self) -> WeeksSpec:
        for what in ("test", "tuning"):
            numbers = self.numbers(what)
            twice = next((number for number in numbers if numbers.count(number) > 1), None)
            if twice is not None:
                raise ValueError(f"'{what}' holds week {twice} twice")
        if not self.numbers("test"):
            raise ValueError("'test' holds no week")
        both = sorted(set(self.numbers("test")) & set(self.numbers("tuning")))
        if both:
            raise ValueError(f"week {both[0]} is in 'test' and in 'tuning'; knobs are not chosen on test weeks")
        return self

    def numbers(self, part: str) -> tuple[int, ...]:
        """Return the numbers of the weeks of a part, ``test`` or ``tuning``."""
        return _numbers(self.test if part == "test" else self.tuning)


class GridSpec(Strict):
    """The grid that a machine is set on: its carbon intensity, its price, and the building's PUE.

    Attributes:
        carbon: file of carbon intensities, or several that follow each other.
        price: file of prices, likewise.
        pue: power usage effectiveness, a constant of at least 1.
        scope: which column of a carbon file is read, ``direct`` or ``life-cycle``; the reader's choice when not given.
        region: zone to read from a file that holds several.
        gaps: what fills gaps in a file; nothing does (``refuse``) when not given.
        time_zone: IANA name of the grid's zone: Monday 9:00 at the log's site becomes Monday 9:00 there.
        note: a sentence about the series for the report, such as that prices are of another year.
    """

    carbon: str | list[str] | None = None
    price: str | list[str] | None = None
    pue: float = Field(default=1.0, ge=1.0, le=10.0)
    scope: Literal["direct", "life-cycle"] | None = None
    region: str | None = Field(default=None, min_length=1, max_length=100)
    gaps: Literal["refuse", "hold", "linear", "same-hour"] = "refuse"
    time_zone: str | None = Field(default=None, min_length=1, max_length=100)
    note: str = Field(default="", max_length=1000)

    _factor = field_validator("pue", mode="before")(seconds)

    @model_validator(mode="after")
    def _something(self) -> GridSpec:
        if not self.files("carbon") and not self.files("price"):
            raise ValueError("give 'carbon', 'price' or both: a file each")
        return self

    def files(self, quantity: str) -> tuple[str, ...]:
        """Return the files of ``carbon`` or ``price``, in order."""
        given = self.carbon if quantity == "carbon" else self.price
        return () if given is None else (given,) if isinstance(given, str) else tuple(given)
