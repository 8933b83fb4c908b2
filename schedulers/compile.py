"""Compile the simulator ahead of its first use: ``python -m wattq.schedulers.compile``.

The machine code is kept in the user's cache folder, so this takes about a minute once and next to nothing later.
"""

from __future__ import annotations

from wattq.platforms import ComputeState, make_platform
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


def main() -> None:
    """Run one tiny simulation with a compiled policy and one with a plain-Python policy."""
    platform = make_platform(4, (ComputeState(1e9, 100.0, 200.0),))
    workload = generate_saturated(20, 4, seed=0)
    for policy in (make_policy("easy"), _FirstFit()):
        simulate(platform, [workload], policy, energy=True)


if __name__ == "__main__":
    main()
