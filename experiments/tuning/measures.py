"""What objectives and constraints may name: quantities of studies, metrics of runs, lost work, power above a cap."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from wattq.errors import TuningError
from wattq.experiments.catalogue import METRICS
from wattq.experiments.metrics import compute_metrics
from wattq.experiments.results import RunResults
from wattq.experiments.study.bootstrap import Sampled, total
from wattq.experiments.study.plan import PlannedRun
from wattq.experiments.study.quantities import COSTS, QUANTITIES
from wattq.experiments.study.records import WeekRecord
from wattq.experiments.timelines import power_w
from wattq.experiments.tuning.keys import LOST

__all__ = ["Measure", "find_measure", "further_of"]

Records = Sequence[WeekRecord]
Join = Callable[[Records, Records], Sampled | None]

EXCESS = "cap_excess_w"

_HIGHER = ("served_work_host_h", "jobs_served", "utilisation")
_OF_RUN = "run "
_NOISE = 1e-5
"""Share of a cap by which the power may seem to exceed it: energies are printed with few digits."""


@dataclass(frozen=True)
class Measure:
    """One number over the weeks of a log on a grid.

    Attributes:
        name: key in tuning files.
        label: heading.
        unit: unit, empty for a pure number.
        better: which direction is better, empty where neither is.
        definition: what is counted, and over what.
        join: makes it from the records of a policy and of EASY, week by week; None where a week does not have it.
        of_run: whether it is a metric of whole runs, warm-up and cool-down included.
    """

    name: str
    label: str
    unit: str
    better: Literal["lower", "higher", ""]
    definition: str
    join: Join
    of_run: bool = False


def find_measure(name: str) -> Measure:
    """Return the measure of a name.

    Raises:
        TuningError: there is none; the message names the nearest ones.
    """
    if name in QUANTITIES:
        entry = QUANTITIES[name]
        better: Literal["lower", "higher"] = "higher" if name in _HIGHER else "lower"
        return Measure(name, entry.label, entry.unit, better, entry.definition, lambda weeks, _: entry.join(weeks))
    if name in _SPECIAL:
        return _SPECIAL[name]
    if name in METRICS:
        metric = METRICS[name]
        words = f"{metric.definition} Of whole runs, warm-up and cool-down included; {_joined_words(name)} weeks."
        return Measure(name, metric.label, metric.unit, metric.better, words, _join_run(name), of_run=True)
    near = difflib.get_close_matches(name, [*QUANTITIES, *_SPECIAL, *METRICS], 3, 0.5)
    hint = f"did you mean {', '.join(near)}?" if near else "docs/metrics.md and docs/experiments.md list them"
    raise TuningError(f"metric '{name}': there is no such metric; {hint}")


def further_of(measures: Sequence[Measure], tau_s: float) -> Callable[[PlannedRun, RunResults], Mapping[str, float]]:
    """Return what computes those numbers of a run that the measures need and a study does not count."""
    names = [measure.name for measure in measures if measure.of_run]

    def further(planned: PlannedRun, run: RunResults) -> dict[str, float]:
        if not names:
            return {}
        known = compute_metrics(run, tau_s) | {EXCESS: _excess_w(planned, run)}
        return {f"{_OF_RUN}{name}": known[name] for name in names if name in known}

    return further


def _excess_w(planned: PlannedRun, run: RunResults) -> float:
    """Return by how much the power exceeds the policy's cap at most, W; 0 without a cap."""
    power, caps = power_w(run), _caps(planned)
    if power is None or not caps or len(power.value) == 0:
        return 0.0
    dates = np.array([date for date, _ in caps])
    watts = np.array([np.inf, *(cap for _, cap in caps)])  # no cap before the first date
    at = np.searchsorted(dates, power.time_s, side="right")
    # a step over a change of the cap may reach the higher one of the two
    allowed = np.maximum(watts[at[:-1]], watts[at[1:]]) * (1.0 + _NOISE)
    return max(0.0, float(np.max(power.value - allowed)))


def _caps(planned: PlannedRun) -> Sequence[tuple[float, float]]:
    from wattq.schedulers.registry import policy_spec

    value = planned.policy.params.get("cap", "")
    if value == "" or ":" in planned.policy.name or planned.policy.name.endswith(".py"):
        return ()
    found = next((p for p in policy_spec(planned.policy.name)[1].parameters if p.name == "cap"), None)
    return () if found is None else tuple(found.number(value))


def _joined_words(name: str) -> str:
    return "the largest of all" if _is_max(name) else "the mean over"


def _is_max(name: str) -> bool:
    return "_max" in name or name == EXCESS


def _join_run(name: str) -> Join:
    def join(weeks: Records, easy: Records) -> Sampled | None:
        key = f"{_OF_RUN}{name}"
        if any(key not in week.values for week in weeks):
            return None
        values = [week.values[key] for week in weeks]
        if _is_max(name):
            return Sampled(max(values), np.empty(0))
        found = total(values)
        return Sampled(found.value / len(values), found.draws / len(values))

    return join


def _cost(weeks: Records, easy: Records) -> Sampled | None:
    found = (QUANTITIES[name].join(weeks) for name in COSTS.values())
    return next((sampled for sampled in found if sampled is not None), None)


def _lost(weeks: Records, easy: Records) -> Sampled | None:
    pairs = zip(weeks, easy, strict=True)
    return total([float(b.jobs.work_host_h[b.jobs.served & ~w.jobs.served].sum()) for w, b in pairs])


_SPECIAL: Mapping[str, Measure] = {
    "cost": Measure("cost", "Cost", "", "lower", "Cost in the currency of the grid's prices.", _cost),
    LOST: Measure(
        LOST, "Work lost", "host-h", "lower", "Work of the jobs that EASY served and the policy did not.", _lost
    ),
    EXCESS: Measure(
        EXCESS,
        "Power above the cap",
        "W",
        "lower",
        "Largest power beyond the policy's parameter 'cap', between two rows of consumed_energy.csv; 0 without a cap.",
        _join_run(EXCESS),
        of_run=True,
    ),
}
