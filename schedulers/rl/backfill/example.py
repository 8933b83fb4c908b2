"""A scenario to try things with: made-up jobs on the machine of KTH-SP2."""

from __future__ import annotations

from functools import cache

from wattq.platforms import load_platform
from wattq.schedulers.rl.backfill.scenario import Scenario
from wattq.workloads import generate_saturated

__all__ = ["example_scenario"]


@cache
def example_scenario() -> Scenario:
    """Return days of 200 synthetic jobs each on 100 hosts, at a load of 0.8."""
    platform = load_platform("kth-sp2")
    workload = generate_saturated(2000, platform.n_compute, load=0.8)
    day_s = float(workload.submit_s[-1]) / 10.0
    return Scenario(platform, workload, episode_s=day_s, drain_s=4.0 * day_s, walltime_factor=1.4)
