"""Options of the task `backfill`: a log, a machine, weeks, signals, the reward, and what the agent may do."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

__all__ = ["BackfillOptions", "RewardWeights", "SignalFile", "parse_numbers"]

Number = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SignalFile(_Options):
    """A file of carbon intensity or prices, as `wattq.platforms.signals.read_signal` takes it.

    Attributes:
        file: its path.
        region, column, time_zone, scope: which of several, and the zone of dates without one.
        gaps: what is done about missing values; they are refused when None.
    """

    file: str
    region: str | None = None
    column: str | None = None
    time_zone: str | None = None
    scope: str | None = None
    gaps: Literal["refuse", "hold", "linear", "same-hour"] | None = None


class RewardWeights(_Options):
    """What one unit of each part of the cost takes from the reward.

    Attributes:
        energy: per kWh.
        carbon: per kg of CO2e; needs a carbon signal.
        cost: per unit of the price's currency; needs a price signal.
        slowdown: per unit of bounded slowdown of a job.
        wait: per hour that a job waits or is slowed down, in place of slowdown.
    """

    energy: Number = 0.0
    carbon: Number = 0.0
    cost: Number = 0.0
    slowdown: Number = 0.0
    wait: Number = 0.0

    @model_validator(mode="after")
    def _check(self) -> RewardWeights:
        if self.slowdown and self.wait:
            raise ValueError("slowdown and wait both measure delay; give one of them")
        if not any(vars(self).values()):
            raise ValueError("every weight is 0, so that there is nothing to learn; give one above 0")
        return self


class BackfillOptions(_Options):
    """Options of the task `backfill`.

    Attributes:
        workload: log, a path or a name of the catalogue.
        platform: machine, a preset or the path of an XML file; its hosts state their powers.
        cleaning: options of the log's cleaning by name, such as ``processors_per_host``.
        beta: sensitivity of run times to the speed of hosts, from 0 to 1; None leaves the log's.
        walltime_factor: what walltimes are multiplied by, so that a slower power state kills no job.
        train_weeks: numbers of the weeks to learn from, such as ``0-25,30``; the first whole week of the log is 0, and
            weeks begin on Monday 0:00 on the site's clock. Empty: all whole weeks.
        time_zone: IANA name of the site's zone; None: the log's offset, else UTC.
        episode_s: length of an episode, s; a week is cut into episodes of this length.
        warmup_s: stretch before an episode that EASY schedules and that is not counted, s.
        drain_s: an episode ends so long after its last submission at the latest, s.
        carbon: carbon intensity; a path, or the keys of `SignalFile`.
        price: price of electricity, likewise.
        origin: ISO date with offset that date 0 of the log is on the signals' calendar; ``log``: its own date;
            ``season``: moved by whole weeks, to the season nearest to its own that the signals cover.
        forecast: what the agent knows of the signals: ``perfect``, ``persistence`` or ``noisy:MAE``.
        forecast_seed: of a noisy forecast.
        weights: the reward.
        count: whether the ``all`` of the energy counts, or what is ``above-idle``.
        late_s: wait from which a job is late for the cost ``late_share``, s.
        window: waiting jobs that the agent sees.
        states: computing power states that may be chosen; None: all of the machine.
        backfill: ``easy`` masks starts that delay the first job's reservation; ``any`` masks none.
        wait: whether the agent may wait although a job may start.
        hold_s: durations for which a job may be held, s.
        max_hold_s: longest hold of one job in all, s.
        sleep: whether idle hosts may be put to sleep and woken.
        cap_w: power that is never exceeded, W; None for no cap.
        call_s: the agent is asked again at least so often while a job may start and there is a signal, s.
    """

    workload: str
    platform: str
    cleaning: dict[str, Any] = Field(default_factory=dict)
    beta: Annotated[float | None, Field(ge=0, le=1)] = None
    walltime_factor: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.0
    train_weeks: str = ""
    time_zone: str | None = None
    episode_s: Annotated[float, Field(ge=3600, le=604800)] = 604800.0
    warmup_s: Number = 0.0
    drain_s: Number = 604800.0
    carbon: SignalFile | None = None
    price: SignalFile | None = None
    origin: str = "season"
    forecast: str = "persistence"
    forecast_seed: Annotated[int, Field(ge=0)] = 0
    weights: RewardWeights = RewardWeights(energy=0.01, slowdown=0.01)
    count: Literal["all", "above-idle"] = "all"
    late_s: Number = 86400.0
    window: Annotated[int, Field(ge=1)] = 16
    states: tuple[int, ...] | None = None
    backfill: Literal["easy", "any"] = "easy"
    wait: bool = True
    hold_s: tuple[Seconds, ...] = ()
    max_hold_s: Seconds = 86400.0
    sleep: bool = False
    cap_w: Seconds | None = None
    call_s: Annotated[float | None, Field(ge=60, allow_inf_nan=False)] = 3600.0

    @field_validator("carbon", "price", mode="before")
    @classmethod
    def _path(cls, value: Any) -> Any:
        return {"file": value} if isinstance(value, str) else value

    @field_validator("states", mode="before")
    @classmethod
    def _states(cls, value: Any) -> Any:
        return parse_numbers(str(value)) if isinstance(value, (str, int)) else value

    @field_validator("hold_s", mode="before")
    @classmethod
    def _holds(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(float(word) for word in value.split(",") if word.strip())
        return (value,) if isinstance(value, (int, float)) else value

    @field_validator("train_weeks", mode="before")
    @classmethod
    def _weeks(cls, value: Any) -> str:
        text = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
        parse_numbers(text)
        return text

    @property
    def most_w(self) -> float:
        """The power cap, W; inf without."""
        return math.inf if self.cap_w is None else self.cap_w


def parse_numbers(text: str) -> tuple[int, ...]:
    """Return the numbers of ``0-3,7``: 0, 1, 2, 3 and 7, in ascending order.

    Raises:
        ValueError: for anything else.
    """
    found: set[int] = set()
    for word in text.replace(" ", "").split(","):
        if not word:
            continue
        first, dash, last = word.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or int(last or first) - int(first) > 10_000:
            raise ValueError(f"{word[:40]!r} is neither a number nor a range such as 0-25")
        found.update(range(int(first), int(last or first) + 1))
    return tuple(sorted(found))
