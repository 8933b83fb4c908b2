"""Made-up joules, for trying things out; whoever asks for them must say so, and everything made of them says so too.

Mean power of a node = 300 W x a factor of the application, the user and the job, log-normal with standard deviations
of 0.25, 0.10 and 0.05; the run time is the log's. Nothing here was measured on any machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.surrogates.energy.jobs import SYNTHETIC, EnergyJobs, EnergyLabels
from wattq.surrogates.jobs import Jobs, Outcomes

__all__ = ["NOTE", "synthetic_labels"]

NOTE = "joules are synthetic: made up by a formula, measured nowhere"
_BASE_W = 300.0


def synthetic_labels(
    jobs: Jobs, outcomes: Outcomes, *, seed: int = 0, job_id: Sequence[str] | None = None
) -> EnergyLabels:
    """Return made-up labels for the jobs of a log whose run time is known.

    Args:
        jobs: what was known at submission.
        outcomes: what became of them.
        seed: other seeds give other factors.
        job_id: names of the jobs; their rows without it.

    Raises:
        SurrogateError: when no job has a run time.
    """
    rows = np.flatnonzero(outcomes.run_s > 0)
    if not rows.size:
        raise SurrogateError(f"{jobs.source}: no job has a run time; energy cannot be made up without one")
    request, run = EnergyJobs.of_jobs(jobs).take(rows), outcomes.run_s[rows]
    noise = np.random.default_rng(seed).normal(0.0, 0.05, len(rows))
    log_w = np.log(_BASE_W) + _factors(request.application, "application", 0.25, seed) + noise
    power = np.exp(log_w + _factors(request.user, "user", 0.10, seed))
    digest = hashlib.sha256(f"{jobs.sha256} {seed}".encode()).hexdigest()
    return EnergyLabels(
        jobs=request,
        run_s=run,
        energy_j=request.nodes * power * run,
        label_source=SYNTHETIC,
        source=jobs.source,
        sha256=jobs.sha256 or digest,
        job_id=tuple(str(row) if job_id is None else job_id[row] for row in rows.tolist()),
        notes=(NOTE,),
    )


def _factors(texts: NDArray[np.str_], key: str, spread: float, seed: int) -> NDArray[np.float64]:
    """Return a number for each name that depends on the name and the seed alone."""
    known, code = np.unique(texts, return_inverse=True)
    draws = np.empty(len(known))
    for place, name in enumerate(known.tolist()):
        digest = hashlib.sha256(f"{seed} {key} {name}".encode()).digest()
        draws[place] = np.random.default_rng(int.from_bytes(digest[:8], "big")).normal(0.0, spread)
    return draws[code]
