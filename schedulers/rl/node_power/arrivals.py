"""Jobs that arrive hour by hour: generated, drawn by the hour of the day, or a log again.

The jobs are those of `wattq.workloads`; here they only become whole hours. Hour h holds what was submitted in the hour
before it, so no job can start before it was submitted.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from wattq.errors import LearningError
from wattq.schedulers.rl.node_power.config import NodePowerConfig
from wattq.units import HOUR_S
from wattq.workloads.arrivals import Law
from wattq.workloads.generate_hours import HourlyModel, hourly_jobs
from wattq.workloads.generate_table import JobTable, table_of
from wattq.workloads.model import Workload
from wattq.workloads.replay import aggregate, scale_arrivals
from wattq.workloads.sampler import HourSampler

__all__ = ["Arrivals", "Window", "default_model", "generated", "replayed", "sampled"]

_HOUR = int(HOUR_S)
_BLOCK_H = 2016
_BLOCKS = 4

_Ints = NDArray[np.int32]


@dataclass(frozen=True)
class Window:
    """Jobs of some hours.

    Attributes:
        jobs: int32 [jobs, 3]: run time, h; nodes; cores on each.
        offsets: int64 [hours + 1]: the first job of each hour.
    """

    jobs: _Ints = field(repr=False)
    offsets: NDArray[np.int64] = field(repr=False)


@dataclass(frozen=True, eq=False)
class Arrivals:
    """Jobs of any hour from 0 on, the same for the same source and seed.

    Attributes:
        source: what they are, in words.
        synthetic: whether they were made up.
        seed: of the draws.
        period_h: hours after which they repeat, 0 for never.
        block_h: hours that are made at once.
        make: returns the jobs of a block from the seed and the number of the block.
    """

    source: str
    synthetic: bool
    seed: int
    period_h: int
    block_h: int
    make: Callable[[int, int], Window] = field(repr=False)
    _kept: OrderedDict[int, Window] = field(default_factory=OrderedDict, repr=False)

    def seeded(self, seed: int) -> Arrivals:
        """Return the same source with another seed; a log that repeats stays as it is."""
        return self if self.period_h else replace(self, seed=seed, _kept=OrderedDict())

    def window(self, start_h: int, hours: int) -> Window:
        """Return the jobs of the hours from `start_h` on.

        Raises:
            LearningError: when `start_h` is negative.
        """
        if start_h < 0:
            raise LearningError(f"arrivals from hour {start_h}: hours count from 0")
        jobs, counts, hour, end = [], [], start_h, start_h + hours
        while hour < end:
            place = hour % self.period_h if self.period_h else hour
            block, first = divmod(place, self.block_h)
            made = self._block(block)
            last = min(first + end - hour, made.offsets.size - 1)
            jobs.append(made.jobs[made.offsets[first] : made.offsets[last]])
            counts.append(np.diff(made.offsets[first : last + 1]))
            hour += last - first
        offsets = np.concatenate(([0], np.cumsum(np.concatenate(counts)))).astype(np.int64)
        return Window(np.concatenate(jobs), offsets)

    def _block(self, number: int) -> Window:
        if number not in self._kept:
            self._kept[number] = self.make(self.seed, number)
            while len(self._kept) > _BLOCKS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(number)
        return self._kept[number]


def default_model(jobs_per_hour: float = 200.0, kind: str = "poisson") -> HourlyModel:
    """Return jobs of 1 to 8 h on 1 or 2 nodes with 1 to 28 cores each, all as likely.

    At 200 an hour they keep 61 % of the cores of the published machine busy.
    """
    return HourlyModel(Law(kind, jobs_per_hour), Law("uniform", 1, 8), Law("uniform", 1, 2), Law("uniform", 1, 28))


def generated(model: HourlyModel, config: NodePowerConfig, seed: int = 0) -> Arrivals:
    """Return jobs of an hourly model, bursts included; they never repeat.

    Bounds of the model beyond those of the machine become those of the machine.

    Raises:
        InvalidInputError: when a law lies outside the bounds of the machine, or the seed is negative.
    """
    if seed < 0:
        raise LearningError(f"seed {seed} of arrivals: it must be a whole number of at least 0; give another")
    # Seconds within the hour are of no use here, and on the hour the jobs of an hour arrive in that hour.
    on_the_hour = replace(
        model,
        on_the_hour=True,
        max_duration_h=min(model.max_duration_h, config.max_duration_h),
        max_nodes=min(model.max_nodes, config.max_nodes_per_job),
        max_cores=min(model.max_cores, config.cores_per_node),
    )

    def make(own: int, block: int) -> Window:
        return _windowed(hourly_jobs(on_the_hour, _BLOCK_H, _seed(own, block)), _BLOCK_H, config)

    return Arrivals(repr(model), True, seed, 0, _BLOCK_H, make)


def sampled(
    workload: Workload,
    config: NodePowerConfig,
    seed: int = 0,
    *,
    aggregated: bool = True,
    arrival_scale: float = 1.0,
    as_cores: bool = False,
) -> Arrivals:
    """Return jobs drawn by the hour of the day from a log; they never repeat.

    Args:
        workload: the log.
        config: the machine.
        seed: of the draws, 0 or more.
        aggregated: draw whole-hour equivalents that keep the core-hours, see `wattq.workloads.replay.aggregate`; else
            run times are rounded up to hours.
        arrival_scale: jobs drawn, times this.
        as_cores: the log counts processors, which are cores here: see `replayed`.

    Raises:
        LearningError: when a job does not fit the machine.
        InvalidInputError: when an argument is outside its range.
    """
    table = _machine_table(workload, config, as_cores)
    sampler = HourSampler.fit(table, aggregated=aggregated, seed=seed)

    def make(own: int, block: int) -> Window:
        drawn = scale_arrivals(sampler.draw(_BLOCK_H, _seed(own, block)), arrival_scale, seed=block)
        return _windowed(drawn, _BLOCK_H, config)

    words = f"{workload.report.source} by the hour of the day, arrivals x {arrival_scale:g}"
    return Arrivals(words, True, seed, 0, _BLOCK_H, make)


def replayed(
    workload: Workload,
    config: NodePowerConfig,
    seed: int = 0,
    *,
    aggregated: bool = False,
    arrival_scale: float = 1.0,
    as_cores: bool = False,
) -> Arrivals:
    """Return the jobs of a log again and again, from the midnight before its first job to that after its last.

    Args:
        workload: the log.
        config: the machine.
        seed: of roundings, 0 or more.
        aggregated: whole-hour equivalents that keep the core-hours, see `wattq.workloads.replay.aggregate`; else run
            times are rounded up to hours, which makes more work of short jobs.
        arrival_scale: jobs, times this.
        as_cores: the log counts processors, and one is a core here: a job of p gets as few nodes as hold p cores, and
            the same number of cores on each. Else the hosts of a job are its nodes.

    Raises:
        LearningError: when a job does not fit the machine.
        InvalidInputError: when an argument is outside its range.
    """
    table = scale_arrivals(_machine_table(workload, config, as_cores), arrival_scale, seed=seed)
    if aggregated:
        table = aggregate(table, seed=seed)
    hours = (int(table.submit_s.max(initial=0)) // _HOUR // 24 + 1) * 24
    window = _windowed(table, hours, config)
    same = not aggregated and arrival_scale == 1
    words = f"{workload.report.source} again, arrivals x {arrival_scale:g}{', aggregated' if aggregated else ''}"
    return Arrivals(words, workload.synthetic or not same, seed, hours, hours, lambda own, block: window)


def _seed(seed: int, block: int) -> int:
    return int(np.random.SeedSequence((seed, block)).generate_state(1)[0])


def _check_bound(what: str, value: int, most: int) -> None:
    if value > most:
        raise LearningError(f"{what}: {value}; the machine of the node-power task takes {most} at most, lower it")


def _machine_table(workload: Workload, config: NodePowerConfig, as_cores: bool) -> JobTable:
    """Return the jobs of a log as nodes and cores of the machine, from a midnight on."""
    table = table_of(workload)
    nodes, cores = table.nodes, table.cores
    if as_cores:
        processors = nodes * cores
        nodes = -(-processors // config.cores_per_node)
        cores = -(-processors // nodes)
    _check_bound(f"{workload.report.source}: nodes of the widest job", int(nodes.max()), config.max_nodes_per_job)
    _check_bound(f"{workload.report.source}: cores on a node", int(cores.max()), config.cores_per_node)
    day = 24 * _HOUR
    submit = table.submit_s - int(table.submit_s.min()) // day * day
    return JobTable(submit, table.duration_s, nodes, cores, table.walltime_s, table.queue)


def _windowed(table: JobTable, hours: int, config: NodePowerConfig) -> Window:
    """Return a table in whole hours: submissions and run times are rounded up.

    What is submitted in the last hour arrives in hour 0 of the next round: for a block of a stream that is the same
    block, whose jobs are as random there.
    """
    hour = -(-table.submit_s // _HOUR) % hours
    order = np.argsort(hour, kind="stable")
    duration = -(-table.duration_s // _HOUR)
    if duration.size:
        _check_bound("longest job, h", int(duration.max()), config.max_duration_h)
    jobs = np.stack([duration, table.nodes, table.cores], axis=1)[order].astype(np.int32)
    offsets = np.searchsorted(hour[order], np.arange(hours + 1)).astype(np.int64)
    return Window(np.ascontiguousarray(jobs), offsets)
