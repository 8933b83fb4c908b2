"""What an episode came to."""

from __future__ import annotations

from typing import Any

import numpy as np

from wattq.schedulers.rl.backfill import reward as r
from wattq.schedulers.rl.backfill.fleet import PARTS, Fleet
from wattq.simulator import layout as c

__all__ = ["episode_results"]


def episode_results(fleet: Fleet, e: int) -> dict[str, Any]:
    """Return sums and waits of an episode that is over.

    The waits are those of all counted jobs; a job that never started waited until the end of the episode.
    """
    book = fleet.book[e]
    waits_s = _waits_s(fleet, e)
    results: dict[str, Any] = {"episode_number": int(fleet.numbers[e]), "return": float(book[r.RETURN])}
    results |= {name: float(book[r.TOTAL + k]) for k, name in enumerate(PARTS)}
    results |= {
        "steps": int(book[r.N_STEPS]),
        "jobs": len(waits_s),
        "ended": int(book[r.N_ENDED]),
        "lost": int(book[r.N_LOST]),
        "unfinished": int(book[r.N_UNFINISHED]),
        "unfinished_kwh": float(book[r.UNFINISHED_KWH]),
        "mean_wait_s": float(waits_s.mean()) if len(waits_s) else 0.0,
        "p95_wait_s": _p95(waits_s),
    }
    return results


def _waits_s(fleet: Fleet, e: int) -> Any:
    """Return how long each counted job waited, s."""
    episode = fleet.pool.episode(int(fleet.numbers[e]))
    counted = np.flatnonzero(episode.truth[r.PER_S] > 0.0)
    jobs = fleet.ledger(e).jobs
    state = jobs["state"][counted]
    started = (state >= c.RUNNING) & (state <= c.KILLED)
    end_s = min(float(fleet.kernel(e).head["clock_s"][0]), float(fleet.book[e, r.HORIZON_S]))
    return np.where(started, jobs["start_s"][counted], end_s) - jobs["submit_s"][counted]


def _p95(values: Any) -> float:
    """Return what `numpy.quantile` returns for 0.95, in a tenth of the time."""
    if not len(values):
        return 0.0
    ordered = np.sort(values)
    at = 0.95 * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return float(ordered[low] + (at - low) * (ordered[high] - ordered[low]))
