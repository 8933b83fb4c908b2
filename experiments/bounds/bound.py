"""A lower bound, and how much of the saving that it allows a policy reached."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.experiments.bounds.machine import Machine
from wattq.experiments.bounds.work import Work

__all__ = ["ROUNDING_S", "Bound", "Capture", "capture_rate", "servable"]

ROUNDING_S = 1e-5
"""What dates may miss each other by, s: files of runs state them to six decimals."""


@dataclass(frozen=True)
class Bound:
    """What no schedule of the same work can go below.

    Attributes:
        kind: ``liquid`` or ``contiguous``.
        measure: ``energy_j``, ``facility_j``, ``carbon_g`` or ``cost``.
        value: the bound, proven, for all hosts from ``start_s`` to ``horizon_s``.
        reached: value of the best schedule that was found; None where the bound is no schedule's.
        exact: whether the value is the least one under the bound's own rules.
        parts: ``computing`` and ``resting`` (hosts that do not work), which sum to the value of the schedule behind
            the bound: to ``value``, or to ``reached`` where there is one.
        host_s: work that is served, host-seconds in power state 0.
        served: full ids of the jobs that are served.
        unserved: full id and reason of each job that cannot be, whatever the schedule.
        start_s, horizon_s: interval of the simulation's time, s.
        step_s: step of the time grid, s.
        start_dates_s: start of each served job in the best schedule; empty for a liquid bound.
        power_state: place of the power state of each served job among the computing ones; likewise.
    """

    kind: str
    measure: str
    value: float
    reached: float | None
    exact: bool
    parts: Mapping[str, float]
    host_s: float
    served: tuple[str, ...]
    unserved: Mapping[str, str]
    start_s: float
    horizon_s: float
    step_s: float
    start_dates_s: NDArray[np.float64]
    power_state: NDArray[np.int64]

    @property
    def gap(self) -> float:
        """Distance between the bound and the best schedule found, relative to the latter; 0 where they meet."""
        if self.reached is None or self.reached == self.value:
            return 0.0
        return (self.reached - self.value) / max(abs(self.reached), 1e-300)


@dataclass(frozen=True)
class Capture:
    """How much of the saving that a bound allows was reached.

    Attributes:
        rate: saving of the policy over saving of the bound, against the same baseline; None when it cannot be stated.
        reason: why it cannot, empty when it can.
    """

    rate: float | None
    reason: str = ""

    @property
    def text(self) -> str:
        """The rate in words."""
        return self.reason if self.rate is None else f"{100.0 * self.rate:.1f} %"


def capture_rate(
    baseline: float,
    policy: float,
    bound: Bound,
    *,
    baseline_served: Collection[str],
    policy_served: Collection[str],
) -> Capture:
    """Return the share of the possible saving that a policy reached, for equal work only.

    Args:
        baseline: value of the baseline's run, in the bound's measure and over the bound's interval.
        policy: value of the policy's run, likewise.
        bound: the bound for the same work.
        baseline_served: full ids of the jobs that the baseline did (`served_jobs`).
        policy_served: those that the policy did.
    """
    served = set(bound.served)
    for name, found in (("baseline", set(baseline_served)), ("policy", set(policy_served))):
        if found != served:
            few, many = len(served - found), len(found - served)
            return Capture(None, f"void: the {name} did other work than the bound ({few} jobs less, {many} more)")
    possible = baseline - bound.value
    if possible <= 1e-9 * abs(baseline):
        return Capture(None, "the bound allows no saving")
    return Capture((baseline - policy) / possible)


def servable(work: Work, machine: Machine, start_s: float, horizon_s: float) -> tuple[Work, dict[str, str]]:
    """Return the jobs that the machine can serve before the horizon, and why it cannot serve the others."""
    fastest = np.where(work.loaded, machine.stretch(work.beta).min(axis=1), 1.0) if work.n_jobs else work.run_s
    end = np.maximum(work.submit_s, start_s) + work.run_s * fastest
    large, late, early = work.hosts > machine.n_hosts, end > horizon_s + ROUNDING_S, work.latest_start_s < start_s
    reasons = {}
    for row in np.flatnonzero(large | late | early).tolist():
        if large[row]:
            reasons[work.key[row]] = f"asks for {work.hosts[row]} of {machine.n_hosts} hosts"
        elif early[row]:
            reasons[work.key[row]] = f"had to start by {work.latest_start_s[row]:g} s, before {start_s:g} s"
        else:
            reasons[work.key[row]] = f"ends at {end[row]:g} s at the earliest, after the horizon at {horizon_s:g} s"
    return work.take(~(large | late | early)), reasons
