"""Where jobs with a sensitivity beta below 1 (see `wattq.simulator.sensitivity`) cannot be played."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wattq.errors import UnsupportedError
from wattq.platforms.model import Platform
from wattq.simulator import layout as c
from wattq.workloads.model import Workload

__all__ = ["check_sensitive"]

_TYPES = ("parallel_homogeneous", "parallel_homogeneous_total")


def check_sensitive(platform: Platform, workloads: Sequence[Workload]) -> None:
    """Refuse sensitivities that mean nothing: on profiles without a speed of their own, or without a state 0.

    Raises:
        UnsupportedError: names job and profile, or the host.
    """
    sensitive = [(w, np.flatnonzero(w.beta < 1.0)) for w in workloads]
    if not any(len(rows) for _, rows in sensitive):
        return
    for w, rows in sensitive:
        fits = np.array([profile.type in _TYPES for profile in w.profiles], dtype=bool)
        wrong = rows[~fits[w.profile[rows]]] if len(rows) else rows
        if len(wrong):
            row = int(wrong[0])
            profile = w.profiles[int(w.profile[row])]
            raise UnsupportedError(
                f"job {w.name}!{w.job_id[row]}: beta {w.beta[row]:g} with profile {profile.name!r} of type "
                f"{profile.type}; beta is for {' and '.join(_TYPES)}, give the job one of them or beta 1"
            )
    n = platform.n_compute
    idle = (platform.kind[:n, 0] != c.PS_COMPUTE) | ~(platform.speed_flops[:n, 0] > 0.0)
    if idle.any():
        raise UnsupportedError(
            f"host {platform.host_names[int(np.flatnonzero(idle)[0])]}: power state 0 does not compute, and jobs with "
            "beta below 1 are timed against it; make the full speed state 0"
        )
