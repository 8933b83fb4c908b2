"""Days drawn from a log, hour by hour: as many jobs, and such jobs, as that hour of the day has seen."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError
from wattq.units import HOUR_S
from wattq.workloads.generate_table import MAX_JOBS, JobTable, build_workload, child_streams, table_of
from wattq.workloads.model import Workload
from wattq.workloads.replay import aggregate, scale_arrivals

__all__ = ["HourSampler", "sample_hours"]

_HOUR = int(HOUR_S)
_Ints = NDArray[np.int64]


@dataclass(frozen=True)
class HourSampler:
    """What each hour of the day looked like in a log.

    Attributes:
        table: the jobs of the log, date 0 a midnight.
        counts: for each hour of the day, the number of jobs in that hour on every day that the log covers, hours
            without a job included.
        pools: for each hour of the day, the rows of `table` submitted in it.
    """

    table: JobTable = field(repr=False)
    counts: tuple[_Ints, ...] = field(repr=False)
    pools: tuple[_Ints, ...] = field(repr=False)

    @classmethod
    def fit(cls, table: JobTable, *, aggregated: bool = False, seed: int = 0) -> HourSampler:
        """Return the sampler of a table; the log covers the hours from its first submission to its last.

        Args:
            table: the jobs, date 0 a midnight.
            aggregated: draw from whole-hour templates of the jobs (see `wattq.workloads.replay.aggregate`).
            seed: decides the roundings of the templates.

        Raises:
            InvalidInputError: when the log does not cover every hour of the day.
        """
        bins = table.submit_s // _HOUR
        first, last = (int(bins.min()), int(bins.max())) if table.n_jobs else (0, 0)
        if last - first < 23:
            raise InvalidInputError(
                f"hour-of-day sampler: the log covers {last - first + 1} h from first to last submission; "
                "every hour of the day is needed, give a log of a day or more"
            )
        if aggregated:
            table = aggregate(table, seed=seed)
            bins = table.submit_s // _HOUR
        per_hour = np.bincount(bins - first, minlength=last - first + 1)
        hour_of_bin = (first + np.arange(per_hour.size)) % 24
        counts = tuple(per_hour[hour_of_bin == hour] for hour in range(24))
        return cls(table, counts, tuple(np.flatnonzero(bins % 24 == hour) for hour in range(24)))

    @property
    def jobs_per_day(self) -> float:
        """Mean number of jobs of a day."""
        return float(sum(np.mean(counts) for counts in self.counts))

    @property
    def core_hours_per_day(self) -> float:
        """Mean core-hours submitted on a day."""
        days = [counts.size for counts in self.counts]
        return sum(self.table.take(rows).core_hours / n for rows, n in zip(self.pools, days, strict=True))

    def draw(self, hours: int, seed: int = 0) -> JobTable:
        """Draw `hours` hours from midnight on.

        Each hour gets the number of jobs of the same hour on one day of the log, all days as likely. Each job is one of
        that hour's, all as likely, at its second within the hour. So counts, hours without jobs, and core-hours agree
        with the log on average; jobs of one hour are independent of each other.

        Raises:
            InvalidInputError: when `hours` is out of range or makes too many jobs.
        """
        if not 1 <= hours <= 10**6:
            raise InvalidInputError(f"hours to sample: {hours!r}; it must be from 1 to 1000000")
        if hours * max(int(counts.max()) for counts in self.counts) > 10 * MAX_JOBS:
            raise InvalidInputError(f"hours to sample: {hours}; that may be more than {MAX_JOBS} jobs, ask for less")
        streams = child_streams(seed, 48)
        parts = [self._draw_hour(hour, hours, streams[2 * hour : 2 * hour + 2]) for hour in range(min(hours, 24))]
        rows, starts = (np.concatenate(column) for column in zip(*parts, strict=True))
        jobs = self.table.take(rows)
        return replace(jobs, submit_s=starts + jobs.submit_s % _HOUR).sorted()

    def _draw_hour(self, hour: int, hours: int, streams: list[np.random.Generator]) -> tuple[_Ints, _Ints]:
        counts, pool = self.counts[hour], self.pools[hour]
        days = -(-(hours - hour) // 24)
        drawn = counts[streams[0].integers(0, counts.size, days)]
        starts = np.repeat((np.arange(days) * 24 + hour) * _HOUR, drawn)
        total = int(drawn.sum())
        if total == 0:
            return np.empty(0, dtype=np.int64), starts
        return pool[streams[1].integers(0, pool.size, total)], starts


def sample_hours(
    workload: Workload,
    hours: int,
    seed: int = 0,
    *,
    aggregated: bool = False,
    arrival_scale: float = 1.0,
    cores_per_node: int = 1,
    name: str = "w0",
    form: str = "parallel_homogeneous",
    speed_flops: float = 1e9,
) -> Workload:
    """Return jobs drawn by the hour of the day from a workload, marked as synthetic.

    Args:
        workload: the log.
        hours: hours to draw, from midnight on.
        seed: seed of the generator, 0 or more.
        aggregated: draw from whole-hour templates of the jobs.
        arrival_scale: jobs drawn, times this; see `wattq.workloads.replay.scale_arrivals`.
        cores_per_node: cores of a node where the jobs do not say.
        name: Batsim's name of the workload.
        form: ``parallel_homogeneous`` or ``delay``.
        speed_flops: speed of a host, flop/s.

    Raises:
        InvalidInputError: when an argument is outside its range, or the log covers less than a day.
        WorkloadError: when a job's run time is not known.
    """
    table = table_of(workload, cores_per_node=cores_per_node, speed_flops=speed_flops)
    sampler = HourSampler.fit(table, aggregated=aggregated, seed=seed)
    drawn = scale_arrivals(sampler.draw(hours, seed), arrival_scale, seed=seed)
    recipe = (
        f"sample_hours({workload.report.source} sha256 {workload.report.sha256}, hours={hours}, seed={seed}, "
        f"aggregated={aggregated}, arrival_scale={arrival_scale!r}, cores_per_node={cores_per_node})"
    )
    return build_workload(
        drawn, workload.nb_res, recipe, name=name, with_cores=True, form=form, speed_flops=speed_flops
    )
