"""What simulations say about a policy: whether all jobs were served, and whether two of them are alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from wattq.schedulers.check_watch import BrokenRuleError, Round
from wattq.simulator import layout as c
from wattq.simulator.run import Run

__all__ = ["check_alike", "check_same", "check_served"]

_SHOWN = 5


def check_served(run: Run) -> None:
    """Refuse a simulation that left jobs, or in which nothing ran although something could.

    Raises:
        BrokenRuleError: it is one.
    """
    left = run.never_started.tolist()
    if left:
        raise BrokenRuleError(
            "serves",
            f"{len(left)} jobs were neither started nor rejected in the end ({_names(run, left)}); start what fits "
            "when hosts come back, and reject what asks for no host or more than there are",
        )
    jobs = run.kernel.jobs[: run.kernel.head[0]["n_jobs"]]
    running = np.flatnonzero(jobs["state"] == c.RUNNING).tolist()
    if running:
        raise BrokenRuleError("serves", f"{len(running)} jobs have not ended ({_names(run, running)})")
    could = (jobs["hosts"] > 0) & (jobs["hosts"] <= run.platform.n_compute) & (jobs["walltime_s"] > 0)
    if could.any() and (jobs["state"] == c.REJECTED)[could].all():
        raise BrokenRuleError("serves", f"all {could.sum()} jobs that could run were rejected")


def check_alike(one: Sequence[Round], other: Sequence[Round], rule: str, why: str) -> None:
    """Refuse two simulations in which a policy decided differently after it had been told the same.

    Raises:
        BrokenRuleError: it did; `rule` names what it breaks.
    """
    for number, ((told, decided), (also_told, also_decided)) in enumerate(zip(one, other, strict=False), 1):
        if told != also_told:
            return
        if decided != also_decided:
            assert isinstance(told, list)
            raise BrokenRuleError(rule, f"in message {number}, at {told[0]} s: {why}")


def check_same(run: Run, other: Run, rule: str, what: str) -> None:
    """Refuse two simulations whose schedules differ.

    Raises:
        BrokenRuleError: they do; `rule` names what the policy breaks.
    """
    for name in ("jobs.csv", "pstate_changes.csv"):
        ours, theirs = (each.files().get(name, "").splitlines() for each in (run, other))
        if ours != theirs:
            row = next((k for k, pair in enumerate(zip(ours, theirs, strict=False)) if pair[0] != pair[1]), 0)
            raise BrokenRuleError(
                rule, f"{what} gives another schedule than single rounds in process: {name}, line {row + 1}, differs"
            )


def _names(run: Run, jobs: Iterable[int]) -> str:
    """Return the ids of some jobs."""
    names = ["!".join(run.job_names(job)[1::-1]) for job in jobs]
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
