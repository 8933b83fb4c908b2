"""Classes of jobs by what they did."""

from __future__ import annotations

__all__ = ["classify"]


def classify(cpu_percent: float | None, memory_percent: float | None, io_mbps: float | None) -> str:
    """Return the workload pattern of a job, by the first rule that holds.

    - ``cpu_intensive``: CPU above 70 % and memory below 50 %
    - ``memory_intensive``: memory above 70 % and CPU below 50 %
    - ``io_intensive``: more than 50 MB/s read and written
    - ``mixed``: CPU above 40 % and memory above 40 %
    - ``light``: any other

    Args:
        cpu_percent: mean utilisation of the job's cores, 0 to 100; None where it is not known counts as 0.
        memory_percent: share of the job's memory in use, 0 to 100; None counts as 0.
        io_mbps: bytes read and written per second, MB/s (10**6 bytes); None counts as 0.
    """
    cpu, memory, io = cpu_percent or 0.0, memory_percent or 0.0, io_mbps or 0.0
    if cpu > 70 and memory < 50:
        return "cpu_intensive"
    if memory > 70 and cpu < 50:
        return "memory_intensive"
    if io > 50:
        return "io_intensive"
    return "mixed" if cpu > 40 and memory > 40 else "light"
