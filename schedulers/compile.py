"""Compile the simulator ahead of its first use: ``python -m wattq.schedulers.compile [--all]``.

The machine code is kept in the user's cache folder, so this takes about a minute once and next to nothing later. With
``--all`` the energy-aware policies and batsched's energy family are compiled too, which takes some minutes; else each
is when it is first used.
"""

from __future__ import annotations

import sys

from wattq.platforms import ComputeState, SleepState, make_platform
from wattq.schedulers.registry import make_policy
from wattq.simulator import simulate
from wattq.simulator.interface import Actions, View
from wattq.workloads import generate_saturated

__all__ = ["main"]


class _FirstFit:
    """The smallest plain-Python policy that starts every job."""

    def decide(self, view: View, actions: Actions) -> None:
        """Start each job that fits."""
        for job in view.queue:
            if view.hosts_of(job) <= view.n_free:
                actions.start(int(job))


def main(everything: bool = False) -> None:
    """Run one tiny simulation with a compiled policy and one with a plain-Python policy.

    Args:
        everything: whether one of each family of compiled policies is run.
    """
    platform = make_platform(4, (ComputeState(1e9, 100.0, 200.0),), (SleepState(10.0, 5.0, 125.0, 64.0, 115.0),))
    workload = generate_saturated(20, 4, seed=0)
    families = ("sleep", "idle-sleeper") if everything else ()
    for policy in (*map(make_policy, ("easy", *families)), _FirstFit()):
        simulate(platform, [workload], policy, energy=True)


if __name__ == "__main__":
    main("--all" in sys.argv[1:])
