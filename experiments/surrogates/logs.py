"""Logs that models are measured on, and which of their jobs are for what."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.experiments.inputs import data_dirs
from wattq.surrogates.features import FeatureTable, build_features
from wattq.surrogates.jobs import Jobs, Outcomes, read_jobs

__all__ = ["Log", "evaluated_rows", "features_of", "find_logs", "read_log", "split_rows", "test_rows"]

Rows = NDArray[np.int64]

LEAST_JOBS = 20
"""Fewer jobs to learn from or to measure on are refused."""


@dataclass(frozen=True)
class Log:
    """One log.

    Attributes:
        name: what the user called it: a name of the catalogue, or the stem of a file.
        path: the file.
        jobs: what was known at submission.
        outcomes: what became of the jobs.
        digest: sha256 of all columns, the identity of what was computed from them.
    """

    name: str
    path: Path
    jobs: Jobs
    outcomes: Outcomes
    digest: str

    @property
    def known(self) -> NDArray[np.bool_]:
        """Whether the run time of each job is known, so that it can be learned from and measured."""
        known: NDArray[np.bool_] = np.isfinite(self.outcomes.end_s)
        return known


def find_logs(names: list[str]) -> dict[str, Path]:
    """Return the files of logs by name.

    Raises:
        SurrogateError: none was named, or two have one name.
        WattqError: a file is missing, or there is no such name in the catalogue.
    """
    from wattq.workloads import locate_workload

    if not names:
        raise SurrogateError("no log was named; give names of the catalogue (wattq data list) or files")
    found: dict[str, Path] = {}
    for name in names:
        path = locate_workload(name, data_dirs=data_dirs())
        label = Path(name).name.partition(".")[0]
        if label in found:
            raise SurrogateError(f"log {name}: there are two logs named '{label}'; name each log once")
        found[label] = path
    return found


@functools.lru_cache(maxsize=8)
def read_log(name: str, path: Path) -> Log:
    """Return a log; one that was read before is not read again.

    Raises:
        WattqError: the file breaks its format, or no run time is known.
    """
    jobs, outcomes = read_jobs(path)
    if not np.isfinite(outcomes.end_s).any():
        raise SurrogateError(f"{path}: no job has a known run time, so there is nothing to measure; take a log (SWF)")
    return Log(name, path, jobs, outcomes, _digest(jobs, outcomes))


def _digest(jobs: Jobs, outcomes: Outcomes) -> str:
    total = hashlib.sha256()
    for column in (jobs.submit_s, jobs.hosts, jobs.request_s, jobs.user, jobs.group, jobs.queue, jobs.application):
        total.update(np.ascontiguousarray(column).tobytes())
    for column in (outcomes.start_s, outcomes.run_s):
        total.update(np.ascontiguousarray(column).tobytes())
    total.update(repr((jobs.unix_start_s, jobs.utc_offset_s)).encode())
    return total.hexdigest()


@functools.lru_cache(maxsize=4)
def features_of(name: str, path: Path) -> FeatureTable:
    """Return the features of all jobs of a log, built once per process."""
    log = read_log(name, path)
    return build_features(log.jobs, log.outcomes)


def evaluated_rows(log: Log, first: int) -> Rows:
    """Return the jobs that a prequential run is measured on: all after the first ones whose run time is known.

    Raises:
        SurrogateError: too few are left.
    """
    rows = np.flatnonzero(log.known & (np.arange(log.jobs.n_jobs) >= first))
    return _enough(rows, f"log {log.name}: {len(rows)} jobs with a known run time after the first {first}")


def split_rows(log: Log, begin: float, end: float, stop: float) -> tuple[Rows, Rows]:
    """Return jobs to learn from and jobs to measure on, apart in time.

    The log is cut by number of jobs. What is learned from was submitted between `begin` and `end`, and had ended before
    the first job of the second part was submitted; what is measured was submitted between `end` and `stop`.

    Args:
        log: the log.
        begin: share of its jobs before the first part.
        end: share before the second part.
        stop: share before the end of the second part.

    Raises:
        SurrogateError: one of the parts is too small.
    """
    n_jobs = log.jobs.n_jobs
    low, middle, high = (round(share * n_jobs) for share in (begin, end, stop))
    index = np.arange(n_jobs)
    ended = log.outcomes.end_s < log.jobs.submit_s[min(middle, n_jobs - 1)]
    learn = np.flatnonzero(log.known & ended & (index >= low) & (index < middle))
    measure = np.flatnonzero(log.known & (index >= middle) & (index < high))
    place = f"log {log.name}, split at {end:g}"
    return _enough(learn, f"{place}: {len(learn)} jobs to learn from"), _enough(
        measure, f"{place}: {len(measure)} jobs to measure on"
    )


def test_rows(log: Log, split: float) -> Rows:
    """Return the jobs after a split at a share of the log's jobs."""
    return split_rows(log, 0.0, split, 1.0)[1]


def _enough(rows: Rows, what: str) -> Rows:
    if len(rows) < LEAST_JOBS:
        raise SurrogateError(
            f"{what}; at least {LEAST_JOBS} are needed: take a longer log, or another --first or --split"
        )
    return rows
