"""What a model of a live Slurm does not know, said beside every advice."""

from __future__ import annotations

from wattq.schedulers.slurm.pools import Pool

__all__ = ["limits_of"]


def limits_of(pools: tuple[Pool, ...]) -> tuple[str, ...]:
    """Return in words what is not modelled of these machines and their queues."""
    found = [
        "jobs to come; priorities as they change (the queue is taken in its present order); fair share; preemption",
        "memory, GPUs and other resources, node features and lists, topology, limits of QOS, accounts and partitions",
    ]
    several = [pool.name for pool in pools if len(pool.partitions) > 1]
    if several:
        found.append(f"which nodes of {', '.join(several)} each of these partitions has: they count as one machine")
    if any(pool.unit == "core" for pool in pools):
        found.append(
            "which cores lie on one node: jobs that share nodes get cores anywhere, with an even share of power"
        )
    if any(task.job.throttle for pool in pools for task in pool.waiting):
        found.append("how many tasks of an array may run at once (%N)")
    if any(len({node.cpus for node in pool.nodes}) > 1 for pool in pools):
        found.append("that nodes differ: each counts like any other")
    return tuple(found)
