"""Names of queue orders: who comes first among waiting jobs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["ORDERS", "ORDER_ALIASES", "order_code"]

# The codes are read by compiled code; LXF and what follows it change with the date. MARK is no order that can be
# asked for: the smallest mark first, which a policy writes on the jobs that wait.
FCFS, LCFS, SJF, LJF, SMALLEST, LARGEST, SAF, LAF, F1, F2, F3, F4, LXF, WFP3, UNICEF, MARK = range(16)

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
        "f1": "smallest log10(run) x hosts + 870 x log10(submit) first",
        "f2": "smallest sqrt(run) x hosts + 25,600 x log10(submit) first",
        "f3": "smallest run x hosts + 6,860,000 x log10(submit) first",
        "f4": "smallest run x sqrt(hosts) + 530,000 x log10(submit) first",
        "lxf": "largest expansion factor ((wait + run) / run) first",
        "wfp3": "largest (wait / run)^3 x hosts first",
        "unicef": "largest wait / (log2(hosts + 1) x run) first",
    }
)
"""Order -> what comes first. Expected run times are walltimes unless a predictor is attached; a job without one counts
as endless. Ties keep the order of submission. `lxf`: Srinivasan et al. 2002; `wfp3` and `unicef`: Tang et al. 2009,
the logarithm taken of hosts + 1 so that one-host jobs have a finite score. `f1` to `f4`: D. Carastan-Santos and
R. Y. de Camargo, Obtaining dynamic scheduling policies with simulation and machine learning, SC'17, table 3: functions
fitted to simulations of the Lublin-Feitelson model, with run and submit times in seconds, the latter counted from the
workload's date 0; times below 1 s count as 1 s, so that every logarithm is finite and none is negative."""

ORDER_ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "fifo": "fcfs",
        "lifo": "lcfs",
        "spf": "sjf",
        "spt": "sjf",
        "lpf": "ljf",
        "lpt": "ljf",
        "sqf": "smallest",
        "lqf": "largest",
        "expansion": "lxf",
        "wfp": "wfp3",
        "unicep": "unicef",
        "submission": "fcfs",
        "asc_walltime": "sjf",
        "desc_walltime": "ljf",
        "asc_size": "smallest",
        "desc_size": "largest",
        "desc_slowdown": "fcfs",
        "desc_bounded_slowdown": "fcfs",
    }
)
"""Other names: those of list scheduling (`spt`, `lpt`), of Lelong et al. 2017 (`spf`, `lqf`, ...), of RLScheduler
(`unicep`, Zhang et al. 2020) and, from `submission` on, batsched's, whose two slowdowns are waiting times and so order
as first come, first served."""


def order_code(name: str) -> int:
    """Return the number of an order, or of the order that an alias stands for.

    Raises:
        ValueError: when there is no such order.
    """
    return list(ORDERS).index(ORDER_ALIASES.get(name, name))
