"""Why two runs differ in energy, carbon and cost: terms that sum to the difference, and what they mean in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError
from wattq.experiments.accounting.account import Account
from wattq.experiments.accounting.computing import first_pstate
from wattq.experiments.accounting.host_states import sum_by
from wattq.experiments.accounting.matching import MatchedJobs, match_jobs
from wattq.experiments.accounting.meters import MEASURES

__all__ = ["TERMS", "Decomposition", "Difference", "decompose"]

TERMS: Mapping[str, str] = {
    "idle": "hosts on without a job",
    "sleeping": "hosts asleep",
    "switching": "hosts going to sleep or waking",
    "frequency": "the same jobs in other power states",
    "placement": "the same jobs on other hosts",
    "served": "jobs that only one of the runs served, or that ended otherwise",
    "window": "jobs that ran partly or wholly outside of the window in one of the runs",
    "timing": "the same energy at other dates",
}
"""The terms and what each of them is, in the order in which they are printed."""

_LESS_WORK = 0.01
"""Share of jobs that a run may serve less before its savings are refused."""


@dataclass(frozen=True)
class Difference:
    """The change of one measure from run A to run B.

    Attributes:
        a, b: the totals.
        terms: by name, as in `TERMS`; they sum to ``b - a``.
    """

    a: float
    b: float
    terms: Mapping[str, float]

    @property
    def change(self) -> float:
        """B minus A."""
        return self.b - self.a


@dataclass(frozen=True)
class Decomposition:
    """Why run B differs from run A.

    Attributes:
        measures: by measure, those of `MEASURES` that both accounts have.
        served_less: jobs that A served and B did not.
        served_more: jobs that B served and A did not.
        bound: whether the energy of the two could not have differed but by the time that they span.
        words: what follows, one sentence each.
    """

    measures: Mapping[str, Difference]
    served_less: int
    served_more: int
    bound: bool
    words: tuple[str, ...]


def decompose(a: Account, b: Account, *, allow_less_work: bool = False) -> Decomposition:
    """Explain the difference of two accounts of the same workload on the same kind of machine.

    Energy: idle, sleeping and switching are the differences of these parts. What the same jobs computed with is split
    into placement and frequency: where a job kept the initial power state in both runs, its difference is placement;
    otherwise placement is A's energy times the relative change of (full power / speed in the initial state), averaged
    over its hosts, and frequency is the rest. Carbon, cost and facility energy: each energy term at A's mean rate (per
    joule), and timing, which is B's energy times the change of the mean rate.

    Args:
        a: account of the run to compare with, such as one of EASY.
        b: account of the other run, over the same time and with the same signals.
        allow_less_work: whether B may serve over 1 % fewer of A's jobs.

    Raises:
        InvalidInputError: the accounts are in different currencies or of different scope, or B served less work.
    """
    _check_alike(a, b)
    jobs = match_jobs(a, b)
    less, more = int(jobs.lost.sum()), int(jobs.gained.sum())
    if less - more > _LESS_WORK * max(jobs.served_a, 1) and not allow_less_work:
        raise InvalidInputError(
            f"{b.history.run.directory}: served {less:,} of the {jobs.served_a:,} jobs of {a.history.run.directory} "
            "less; energy that was saved by serving less work is no saving (allow it where that is the question)"
        )
    energy = _energy_terms(a, b, jobs)
    measures = {"energy_j": Difference(a.total.energy_j, b.total.energy_j, {**energy, "timing": 0.0})}
    for name in MEASURES[1:]:
        before, after = getattr(a.total, name), getattr(b.total, name)
        if before is not None and after is not None:
            measures[name] = _at_rates(energy, a.total.energy_j, b.total.energy_j, before, after)
    bound = _cannot_differ(a, b) and less == more == 0 and not jobs.clipped.any()
    return Decomposition(measures, less, more, bound, tuple(_words(a, b, measures, jobs, bound)))


def _check_alike(a: Account, b: Account) -> None:
    if a.currency != b.currency:
        raise InvalidInputError(
            f"costs in {a.currency or 'no currency'} and {b.currency or 'no currency'} are not comparable; use one "
            "price series for both accounts"
        )
    if a.scope != b.scope:
        raise InvalidInputError(f"accounts of '{a.scope}' and '{b.scope}' jobs are not comparable; make both alike")


def _energy_terms(a: Account, b: Account, jobs: MatchedJobs) -> dict[str, float]:
    def change(*parts: str) -> float:
        return fsum(b.parts[part].energy_j - a.parts[part].energy_j for part in parts)

    placement, frequency = _same_jobs(a, b, jobs)
    return {
        "idle": change("idle"),
        "sleeping": change("sleeping"),
        "switching": change("switching_on", "switching_off"),
        "frequency": frequency,
        "placement": placement,
        "served": fsum(jobs.energy_b[jobs.other] - jobs.energy_a[jobs.other]),
        "window": fsum(jobs.energy_b[jobs.clipped] - jobs.energy_a[jobs.clipped]),
    }


def _same_jobs(a: Account, b: Account, jobs: MatchedJobs) -> tuple[float, float]:
    """Return the difference that placement makes to the jobs that both runs served, and that frequency makes."""
    rows_a, rows_b = jobs.row_a[jobs.same], jobs.row_b[jobs.same]
    change = jobs.energy_b[jobs.same] - jobs.energy_a[jobs.same]
    ratio = _joules_per_flop(b)[rows_b] / _joules_per_flop(a)[rows_a]
    steady = ~(a.history.jobs.slowed[rows_a] | b.history.jobs.slowed[rows_b])
    placement = np.where(steady, change, jobs.energy_a[jobs.same] * (ratio - 1.0))
    return fsum(placement), fsum(change - placement)


def _joules_per_flop(account: Account) -> NDArray[np.float64]:
    """Return full power over speed in the state that hosts begin with, averaged over the hosts of each job."""
    history = account.history
    platform, table = history.platform, history.run.jobs.allocation
    hosts, state = np.arange(platform.n_hosts), first_pstate(history.states, platform)
    per_host = platform.full_w[hosts, state] / platform.speed_flops[hosts, state]
    upto = np.concatenate([[0.0], np.cumsum(per_host)])
    total = sum_by(table.job, upto[table.high + 1] - upto[table.low], len(history.run.jobs))
    return total / np.maximum(table.size, 1)


def _at_rates(energy: Mapping[str, float], a_j: float, b_j: float, before: float, after: float) -> Difference:
    """Return the terms of a measure: energies at A's mean rate, and the change of the rate."""
    rate = before / a_j if a_j > 0 else 0.0
    terms = {name: joules * rate for name, joules in energy.items()}
    return Difference(before, after, {**terms, "timing": after - rate * b_j - (0.0 if a_j > 0 else before)})


def _cannot_differ(a: Account, b: Account) -> bool:
    """Return whether both runs leave the power states of hosts that are alike as they are."""
    if a.history.states.changed or b.history.states.changed:
        return False
    rows = []
    for platform in (a.history.platform, b.history.platform):
        hosts, state = np.arange(platform.n_hosts), platform.initial_pstate
        rows += [np.stack([table[hosts, state] for table in (platform.idle_w, platform.full_w, platform.speed_flops)])]
    return rows[0].shape == rows[1].shape and bool((rows[0] == rows[0][:, :1]).all() and (rows[0] == rows[1]).all())


def _words(a: Account, b: Account, measures: Mapping[str, Difference], jobs: MatchedJobs, bound: bool) -> list[str]:
    words = []
    longer = (b.end_s - b.start_s) - (a.end_s - a.start_s)
    if bound and longer == 0.0:
        words.append(
            "Both runs leave the power states of hosts that are alike as they are, serve the same jobs and count "
            "the same time: their energy cannot depend on the schedule."
        )
    elif bound:
        words.append(
            "Both runs leave the power states of hosts that are alike as they are and serve the same jobs: their "
            f"energy differs only through hosts that idle until the end, which comes {abs(longer):,.0f} s "
            f"{'later' if longer > 0 else 'earlier'} in B. Give both a common horizon to see no difference."
        )
    elif longer != 0.0:
        words.append(f"The accounts count different times: B spans {longer:+,.0f} s.")
    energy = measures["energy_j"]
    if not bound and abs(energy.change) > 1e-9 * max(energy.a, energy.b):
        name = max(energy.terms, key=lambda term: abs(energy.terms[term]))
        words.append(f"Most of the change in energy is {name}: {TERMS[name]}.")
    less, more = int(jobs.lost.sum()), int(jobs.gained.sum())
    if less:
        words.append(f"B served {less:,} job{'s' * (less > 1)} of A less: what it saves is not a saving.")
    if more:
        words.append(f"B served {more:,} job{'s' * (more > 1)} more than A.")
    if bound and {"carbon_g", "cost"} & set(measures):
        words.append("Carbon and cost can differ only through the dates at which the energy is drawn.")
    return words
