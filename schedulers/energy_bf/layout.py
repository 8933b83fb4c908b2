"""The memory of the energy family: a waiting list, a plan, sets of hosts, and what is known of each host."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wattq.schedulers.borrowed import borrowed
from wattq.schedulers.timetable import Timetable, open_timetable, table_size
from wattq.schedulers.waitlist import Waitlist, list_size, open_list
from wattq.simulator.jit import inlined

__all__ = ["Sleepers", "energy_memory", "energy_parts", "open_memory", "whole_memory"]

# Rows of `Sleepers.rows`. Each host of the plan is in one of the first four.
AWAKE, ASLEEP, RISING, FALLING = 0, 1, 2, 3
TO_SEDATE, TO_WAKE = 4, 5  # switches that wait until the plan has room for them
PUT_DOWN, WOKEN = 6, 7  # those of them that the plan begins now
OFF_NOW, ON_NOW = 8, 9  # switches in the first slice that were not asked for yet
IDLE = 10  # free at the end of the last round
DOWN_SINCE, UP_SINCE = 11, 12  # switched since the last monitoring stage, as the inertial rule counts
SET_A, SET_B, SET_C, SET_D, SET_E, SET_F = 13, 14, 15, 16, 17, 18  # scratch
N_ROWS = 19

# Integers.
READY, LAUNCHED, STOPPED, CALLS, STAGES, BY_IDLENESS, BY_RULE, MODE, N_START, PRIORITY, OUTSTANDING = range(11)
N_NUMBERS = 12

# Floats.
DATE_S, LOAD_S, LOAD_AT_S, AREA, AREA_BEFORE = range(5)
N_REALS = 6
# Floats per host.
N_HOST_REALS = 7

# Parameters, after the order and the delay.
LEAST_SLEEP_S, MOST_SLEEP_S, PERIOD_S, IDLE_S, ON_MESSAGES, FRACTION = 2, 3, 4, 5, 6, 7
FACTOR, SUMMAND, CEILING_S, FUTURE = 7, 8, 9, 10


class Sleepers(NamedTuple):
    """What a policy of the family keeps.

    Attributes:
        w: waiting jobs.
        t: the plan.
        n: counters, see the names above.
        x: dates and areas, likewise.
        rows: sets of hosts, likewise.
        start: slots in `w` of the jobs that the plan begins now.
        off_s, on_s, sleep_s: per host, planned time to switch off and on, and the shortest sleep worth it, s.
        since_s: per host, date at which its switch was asked for or, asleep, acknowledged.
        idle_s: per host, date since which it is idle; inf when it is not.
        down_s, up_s: per host, date at which the plan begins to switch it off; from which it may be woken in the plan;
            inf for never.
    """

    w: Waitlist
    t: Timetable
    n: NDArray[np.int64]
    x: NDArray[np.float64]
    rows: NDArray[np.uint64]
    start: NDArray[np.int64]
    off_s: NDArray[np.float64]
    on_s: NDArray[np.float64]
    sleep_s: NDArray[np.float64]
    since_s: NDArray[np.float64]
    idle_s: NDArray[np.float64]
    down_s: NDArray[np.float64]
    up_s: NDArray[np.float64]


def _sizes(n_jobs: int, n_reserved: int, n_hosts: int, n_words: int) -> tuple[int, int, tuple[int, int]]:
    """Return the sizes of the memory, with room for so many reservations and three dates per host."""
    list_i, list_f = list_size(n_jobs)
    table_i, table_f, rows = table_size(n_jobs, n_reserved + n_hosts + 1, n_hosts, n_words)
    len_i = list_i + table_i + N_NUMBERS + n_hosts + 1
    return len_i, list_f + table_f + N_REALS + N_HOST_REALS * n_hosts, (rows + N_ROWS, n_words)


def energy_memory(n_jobs: int, n_hosts: int, n_words: int) -> tuple[int, int, tuple[int, int]]:
    """Return the sizes of the memory of the policies that reserve for the first job alone."""
    return _sizes(n_jobs, 2, n_hosts, n_words)


def whole_memory(n_jobs: int, n_hosts: int, n_words: int) -> tuple[int, int, tuple[int, int]]:
    """Return the sizes of the memory of the policy that plans every job."""
    return _sizes(n_jobs, n_jobs, n_hosts, n_words)


def energy_parts(n_hosts: int) -> tuple[list[int], list[int]]:
    """Return the parts that follow waiting list and timetable: integers, floats (those per host as one part)."""
    return [N_NUMBERS, n_hosts + 1], [N_REALS, N_HOST_REALS * n_hosts]


@inlined
def open_memory(
    mi: NDArray[np.int64], mf: NDArray[np.float64], mw: NDArray[np.uint64], n_hosts: int, delay_s: float
) -> Sleepers:
    """Return the memory as its parts."""
    rows = mw.shape[0] - N_ROWS
    n_jobs = (mf.shape[0] - rows - N_REALS - N_HOST_REALS * n_hosts) // 4
    i = 4 + 3 * n_jobs
    w = open_list(mi, mf, 0, 0, n_jobs)
    t = open_timetable(mi, mf, mw[N_ROWS:], i, 2 * n_jobs, n_jobs, delay_s)
    i += 5 + n_jobs + 2 * rows
    f = 4 * n_jobs + rows
    h = f + N_REALS
    return Sleepers(
        w,
        t,
        borrowed(mi[i : i + N_NUMBERS]),
        borrowed(mf[f:h]),
        borrowed(mw[:N_ROWS]),
        borrowed(mi[i + N_NUMBERS : i + N_NUMBERS + n_hosts + 1]),
        borrowed(mf[h : h + n_hosts]),
        borrowed(mf[h + n_hosts : h + 2 * n_hosts]),
        borrowed(mf[h + 2 * n_hosts : h + 3 * n_hosts]),
        borrowed(mf[h + 3 * n_hosts : h + 4 * n_hosts]),
        borrowed(mf[h + 4 * n_hosts : h + 5 * n_hosts]),
        borrowed(mf[h + 5 * n_hosts : h + 6 * n_hosts]),
        borrowed(mf[h + 6 * n_hosts : h + 7 * n_hosts]),
    )
