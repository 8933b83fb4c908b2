"""Names of queue orders: who comes first among waiting jobs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["ORDERS", "ORDER_ALIASES", "order_code"]

# The codes are read by compiled code; LXF and what follows it change with the date.
FCFS, LCFS, SJF, LJF, SMALLEST, LARGEST, SAF, LAF, LXF, WFP3, UNICEF = range(11)

ORDERS: Mapping[str, str] = MappingProxyType(
    {
        "fcfs": "first come, first served",
        "lcfs": "last come, first served",
        "sjf": "shortest expected run time first",
        "ljf": "longest expected run time first",
        "smallest": "fewest hosts first",
        "largest": "most hosts first",
        "saf": "smallest area (hosts x expected run time) first",
        "laf": "largest area first",
        "lxf": "largest expansion factor ((wait + run) / run) first",
        "wfp3": "largest (wait / run)^3 x hosts first",
        "unicef": "largest wait / (log2(hosts + 1) x run) first",
    }
)
"""Order -> what comes first. Expected run times are walltimes unless a predictor is attached; a job without one counts
as endless. Ties keep the order of submission. `lxf`: Srinivasan et al. 2002; `wfp3` and `unicef`: Tang et al. 2009,
the logarithm taken of hosts + 1 so that one-host jobs have a finite score."""

ORDER_ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "submission": "fcfs",
        "asc_walltime": "sjf",
        "desc_walltime": "ljf",
        "asc_size": "smallest",
        "desc_size": "largest",
        "desc_slowdown": "fcfs",
        "desc_bounded_slowdown": "fcfs",
    }
)
"""batsched's names. Its two slowdowns are waiting times, so they order as first come, first served."""


def order_code(name: str) -> int:
    """Return the number of an order, or of the order that an alias stands for.

    Raises:
        ValueError: when there is no such order.
    """
    return list(ORDERS).index(ORDER_ALIASES.get(name, name))
