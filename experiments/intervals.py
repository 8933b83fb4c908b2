"""Sets of hosts as Batsim writes them: ``0-3 5 7-9``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["AllocationTable", "allocation_table", "parse_intervals"]

_INTERVALS = re.compile(r"\d{1,9}(-\d{1,9})?( \d{1,9}(-\d{1,9})?)*")


def parse_intervals(text: str) -> tuple[tuple[int, int], ...]:
    """Return the closed intervals of a set of hosts; an empty text is the empty set.

    Raises:
        ValueError: the text is not a list of intervals in increasing order.
    """
    if not text:
        return ()
    if not _INTERVALS.fullmatch(text):
        raise ValueError("is not a set of hosts such as '0-3 5 7-9'")
    parts = []
    for part in text.split(" "):
        low, _, high = part.partition("-")
        parts.append((int(low), int(high or low)))
    last = -1
    for begin, end in parts:
        if begin <= last or end < begin:
            raise ValueError("is not a set of hosts in increasing order")
        last = end
    return tuple(parts)


@dataclass(frozen=True)
class AllocationTable:
    """The hosts of many jobs: one row per interval, in the order of the jobs.

    Attributes:
        job: index of the job of each interval.
        low: first host of each interval.
        high: last host of each interval.
        size: number of hosts of each job, length n_jobs.
    """

    job: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    size: NDArray[np.int64]


def allocation_table(texts: Sequence[str]) -> AllocationTable:
    """Parse one set of hosts per job; equal texts are parsed once.

    Raises:
        ValueError: as `parse_intervals`; its second argument is the index of the job.
    """
    rows = list(_rows(texts))
    flat = np.array([(job, low, high) for job, parts in rows for low, high in parts], dtype=np.int64).reshape(-1, 3)
    size = np.bincount(flat[:, 0], weights=flat[:, 2] - flat[:, 1] + 1, minlength=len(texts)).astype(np.int64)
    return AllocationTable(flat[:, 0], flat[:, 1], flat[:, 2], size)


def _rows(texts: Sequence[str]) -> Iterator[tuple[int, tuple[tuple[int, int], ...]]]:
    seen: dict[str, tuple[tuple[int, int], ...]] = {}
    for job, text in enumerate(texts):
        if text not in seen:
            try:
                seen[text] = parse_intervals(text)
            except ValueError as error:
                raise ValueError(str(error), job) from None
        yield job, seen[text]
