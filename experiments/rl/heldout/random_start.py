"""The policy that every learned one must beat: waiting jobs that fit start in random order."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["RandomStart"]


class RandomStart:
    """Starts what fits, in an order drawn anew at each decision point.

    Args:
        seed: of the draws.
    """

    def __init__(self, seed: int = 0) -> None:
        self._draw = np.random.default_rng(int(seed))

    def decide(self, view: Any, actions: Any) -> None:
        """Start waiting jobs in random order while hosts are free."""
        if not view.n_free:
            return
        for job in self._draw.permutation(view.queue):
            if 0 < view.hosts_of(job) <= view.n_free:
                actions.start(int(job))
            elif not 0 < view.hosts_of(job) <= view.n_hosts:
                actions.reject(int(job))
