"""The observation: where each number lies, what it is, and its unit."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["OBSERVATION", "Feature", "feature_names", "n_features"]

(
    DAY_SIN,
    DAY_COS,
    WEEK_SIN,
    WEEK_COS,
    FREE,
    BUSY,
    SLEEPING,
    SWITCHING,
    RUNNING,
    WAITING,
    BEYOND,
    HELD,
    WORK,
    SHADOW,
    EXTRA,
    POWER,
    HEADROOM,
    CARBON,
) = range(18)
# Of a signal, from its first place on.
LEVEL, RANK, HOURS = 0, 1, 2
PRICE = CARBON + 26
N_GLOBAL = PRICE + 26
# Of a slot.
(
    PRESENT,
    HOSTS,
    OF_FREE,
    ESTIMATE,
    AREA,
    WAITED,
    SLOWDOWN,
    FITS,
    PASSES,
    IN_TIME,
    STARTABLE,
    USER,
    BETA,
    HELD_BEFORE,
    SIGNAL,
    N_SLOT,
) = range(16)


class Feature(NamedTuple):
    """One number of the observation, or 24 of them.

    Attributes:
        name: what it is called.
        doc: what it is, and how it is brought to a scale of at most -1 to 1.
        slot: whether there is one for each slot.
        n: 24 for the hours of a forecast, else 1.
    """

    name: str
    doc: str
    slot: bool = False
    n: int = 1


_WEEK = "log(1 + s) / log(1 + 604800), at most 1"
_THOUSAND = "log(1 + n) / log(1001), at most 1"
_AREA = "log(1 + h) / log(169) for h hours of the whole machine, at most 1"


def _signal(name: str, unit: str, full: str) -> tuple[Feature, ...]:
    return (
        Feature(f"{name}_level", f"mean {unit} forecast for the coming 24 h / {full}, within -1 and 1"),
        Feature(f"{name}_rank", "share of the other 23 hours that are forecast to be lower than the present one"),
        Feature(
            f"{name}_hour",
            f"{unit} of the present hour and the 23 next ones as forecast at its begin: (value - mean) / mean of "
            "absolute values, within -1 and 1; zeros without such a signal",
            n=24,
        ),
    )


OBSERVATION: tuple[Feature, ...] = (
    Feature("day_sin", "sine of the time of day by the clock of the site"),
    Feature("day_cos", "cosine of the same"),
    Feature("week_sin", "sine of the time of the week, which begins on Monday"),
    Feature("week_cos", "cosine of the same"),
    Feature("free", "hosts that are idle, awake and available / hosts"),
    Feature("busy", "hosts with a job / hosts"),
    Feature("sleeping", "hosts asleep / hosts"),
    Feature("switching", "hosts on their way to sleep or from it / hosts"),
    Feature("running", f"running jobs: {_THOUSAND}"),
    Feature("waiting", f"waiting jobs, held ones among them: {_THOUSAND}"),
    Feature("beyond", f"waiting jobs that no slot holds and that are not held: {_THOUSAND}"),
    Feature("held", f"jobs held: {_THOUSAND}"),
    Feature("work", f"work that waits, by estimates: {_AREA}"),
    Feature("shadow", f"time to the shadow time of the first slot's job, s: {_WEEK}; 0 when it fits, 1 when unknown"),
    Feature("extra", "extra nodes of its reservation / hosts"),
    Feature("power", "power that the machine may draw as decided / power with all hosts loaded"),
    Feature("headroom", "(cap - that power) / power with all hosts loaded, within 0 and 1; 1 without a cap"),
    *_signal("carbon", "g/kWh", "1000 g/kWh"),
    *_signal("price", "currency/MWh", "500 currency/MWh"),
    Feature("present", "1 when the slot holds a job; the rest is 0 when it does not", slot=True),
    Feature("hosts", "hosts asked for / hosts", slot=True),
    Feature("of_free", "hosts asked for / free hosts, at most 1", slot=True),
    Feature("estimate", f"expected run time, s: {_WEEK}; 1 when unknown", slot=True),
    Feature("area", f"hosts x expected run time (an hour when unknown): {_AREA}", slot=True),
    Feature("waited", f"time since submission, s: {_WEEK}", slot=True),
    Feature("slowdown", f"that time / max(expected run time, 10 s): {_THOUSAND}; 0 when unknown", slot=True),
    Feature("fits", "1 when enough hosts are free", slot=True),
    Feature("passes", "1 when a start now does not delay the first slot's job", slot=True),
    Feature("in_time", "1 when it would end by that job's shadow time, as expected", slot=True),
    Feature("startable", "1 when some start of it is legal now", slot=True),
    Feature("user", "hosts with jobs of the same user / hosts; 0 when the user is unknown", slot=True),
    Feature("beta", "sensitivity of its run time to the speed of its hosts", slot=True),
    Feature("held_before", "time for which it was held so far / longest such time", slot=True),
    Feature(
        "signal",
        "mean of the forecast hours in which it would run, relative to that of 24 h: carbon, or else price",
        slot=True,
    ),
)
"""What the observation is made of: the numbers of the machine, then, for each slot, those of its job."""


def n_features(window: int) -> int:
    """Return the length of the observation with so many slots."""
    return N_GLOBAL + window * N_SLOT


def feature_names(window: int) -> tuple[str, ...]:
    """Return the name of each number: ``free``, ``carbon_hour_3``, ``slot_0_hosts`` ..."""
    names = []
    for feature in OBSERVATION:
        if not feature.slot:
            names += [feature.name] if feature.n == 1 else [f"{feature.name}_{k}" for k in range(feature.n)]
    own = [feature.name for feature in OBSERVATION if feature.slot]
    return (*names, *(f"slot_{k}_{name}" for k in range(window) for name in own))
