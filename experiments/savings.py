"""Energy against textbook EASY, stated only where the run served at least the work that EASY served."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wattq.experiments.results import RunResults

__all__ = ["BASELINE", "Saving", "is_baseline", "saving", "served_less"]

BASELINE = "easy"
"""Name of the policy that savings are measured against: EASY with head reservation and extra nodes."""


@dataclass(frozen=True)
class Saving:
    """What a run saved against the baseline.

    Attributes:
        share: 1 - energy / energy of the baseline; None when it cannot be stated.
        reason: why it cannot, empty when it can.
    """

    share: float | None
    reason: str = ""

    @property
    def text(self) -> str:
        """The saving in words, such as ``3.2 % less``, or why there is none."""
        if self.share is None:
            return self.reason
        percent = 100 * abs(self.share)
        return "equal" if percent < 0.005 else f"{percent:.2f} % {'less' if self.share > 0 else 'more'}"


def is_baseline(run: RunResults) -> bool:
    """Return whether a run states that its policy was textbook EASY with its default parameters.

    The label does not count: anything can be called 'easy'.
    """
    policy = run.provenance.get("policy") or {}
    return policy.get("name") == BASELINE and not policy.get("params")


def served_less(run: RunResults, baseline: RunResults) -> int:
    """Return how many jobs the baseline served and the run did not.

    A job is served when it ended successfully, or ended in the same state as in the baseline (a job that runs into
    its walltime does so under both).
    """
    states = dict(zip(run.jobs.key, run.jobs.state, strict=True))
    served = (
        (key, state) for key, state in zip(baseline.jobs.key, baseline.jobs.state, strict=True) if state != "REJECTED"
    )
    return sum(1 for key, state in served if states.get(key) not in ("COMPLETED_SUCCESSFULLY", state))


def saving(run: RunResults, energy_j: float | None, baseline: RunResults | None, baseline_j: float | None) -> Saving:
    """Return the energy saving of a run against the baseline on the same jobs, or why it cannot be stated."""
    if energy_j is None:
        return Saving(None, "energy not counted")
    if baseline is None or baseline_j is None:
        return Saving(None, f"no run of '{BASELINE}' to compare with")
    missing = served_less(run, baseline)
    if missing:
        return Saving(None, f"void: served less work ({missing:,} job{'s' if missing > 1 else ''} fewer)")
    if not np.isfinite(baseline_j) or baseline_j <= 0:
        return Saving(None, f"'{BASELINE}' used no energy")
    return Saving(1.0 - energy_j / baseline_j)
