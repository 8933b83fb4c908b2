"""Accounts by job, user and class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError
from wattq.experiments.accounting.account import Account, Amounts
from wattq.experiments.accounting.host_states import sum_by
from wattq.experiments.accounting.meters import MEASURES

__all__ = ["GROUPINGS", "Grouping", "Owner", "owners"]

Grouping = Literal["job", "user", "class"]
GROUPINGS: tuple[str, ...] = get_args(Grouping)
"""What an account can be broken down by; a class is a queue."""

UNKNOWN, UNATTRIBUTED = "unknown", "unattributed"


@dataclass(frozen=True)
class Owner:
    """What one job, user or class is charged.

    Attributes:
        name: full id of the job, number of the user or queue, ``unknown``, or ``unattributed``.
        jobs: number of jobs that ran.
        computing: what its jobs drew.
        overhead: its share of idle, sleeping and switching.
        total: both.
    """

    name: str
    jobs: int
    computing: Amounts
    overhead: Amounts
    total: Amounts


def owners(account: Account, by: str) -> tuple[Owner, ...]:
    """Return the account by job (in the order of ``jobs.csv``), user or class (by number); the totals sum to its total.

    Rejected jobs drew nothing and are left out of jobs. What belongs to no job is a last row, ``unattributed``.

    Raises:
        InvalidInputError: another grouping.
    """
    if by not in GROUPINGS:
        raise InvalidInputError(f"by '{by}': no such grouping; there are {', '.join(GROUPINGS)}")
    names, group = _groups(account, by)
    n = len(names)
    ran = sum_by(group, (~account.history.run.jobs.rejected).astype(np.float64), n)
    computing = _sums(account.jobs.computing, group, n)
    overhead = _sums(account.jobs.overhead, group, n)
    both = _sums({key: computing[key] + overhead[key] for key in computing}, np.arange(n), n)
    make = [_rows(table, n) for table in (computing, overhead, both)]
    kept = [i for i in range(n) if ran[i] or by != "job"]
    rows = [Owner(names[i], int(ran[i]), *(row(i) for row in make)) for i in kept]
    left = account.unattributed
    if any(getattr(left, name) for name in MEASURES):
        carbon, cost = (None if value is None else 0.0 for value in (left.carbon_g, left.cost))
        rows.append(Owner(UNATTRIBUTED, 0, Amounts(0.0, 0.0, carbon, cost), left, left))
    return tuple(rows)


def _groups(account: Account, by: str) -> tuple[list[str], NDArray[np.int64]]:
    jobs = account.jobs
    if by == "job":
        return list(jobs.key), np.arange(len(jobs.key))
    numbers, group = np.unique(jobs.user if by == "user" else jobs.queue, return_inverse=True)
    return [str(number) if number >= 0 else UNKNOWN for number in numbers.tolist()], group


def _sums(table: Mapping[str, NDArray[np.float64]], group: NDArray[np.int64], n: int) -> dict[str, NDArray[np.float64]]:
    return {name: sum_by(group, values, n) for name, values in table.items()}


def _rows(table: Mapping[str, NDArray[np.float64]], n: int) -> Callable[[int], Amounts]:
    energy, facility = (table[name].tolist() for name in MEASURES[:2])
    carbon, cost = (table[name].tolist() if name in table else [None] * n for name in MEASURES[2:])
    return lambda row: Amounts(energy[row], facility[row], carbon[row], cost[row])
