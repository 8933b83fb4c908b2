"""A pool of nodes and its work as a platform and a workload that can be simulated on from now."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import PlatformError
from wattq.platforms import make_platform
from wattq.platforms.make import ComputeState
from wattq.platforms.model import ControlMessages, Platform
from wattq.platforms.node import NodePower
from wattq.schedulers.slurm.pools import Pool, Task, remaining_s
from wattq.workloads.model import CleaningReport, Workload
from wattq.workloads.profiles import runtime_profiles

__all__ = ["FIRST_S", "Expected", "Scene", "limits_only", "platform_of", "scene_of"]

FIRST_S = 1.0
"""Date at which the queue is told to the policy, s; running jobs come at date 0, so that it meets them as running."""
_SPEED_FLOPS = 1e9


@dataclass(frozen=True)
class Expected:
    """How long tasks are expected to run on, s from now or from their start; at most their limits.

    Attributes:
        running: of the running tasks.
        waiting: of the waiting ones.
        source: where it is from, for reports.
    """

    running: tuple[float, ...]
    waiting: tuple[float, ...]
    source: str


@dataclass(frozen=True)
class Scene:
    """What a simulation from now on begins with. Date 0 is `FIRST_S` before now.

    Attributes:
        pool: where it is from.
        platform: the machine.
        workload: running tasks first, then the waiting ones, in Slurm's order.
        origin_s: Unix s of date 0.
        submit_s: float64 per job, when it was submitted, s from date 0 (before it, for most).
        run_s: float64 per job, how long it is simulated to run, s from its start in the simulation.
        source: where run times are from, in words.
    """

    pool: Pool
    platform: Platform
    workload: Workload
    origin_s: float
    submit_s: NDArray[np.float64]
    run_s: NDArray[np.float64]
    source: str

    def task_of(self, row: int) -> Task:
        """Return the task of a job of the workload."""
        number = int(self.workload.job_id[row])
        n = len(self.pool.running)
        return self.pool.running[number] if number < n else self.pool.waiting[number - n]


def platform_of(pool: Pool, power: NodePower, platform: Platform | None = None) -> Platform:
    """Return the machine of a pool.

    Args:
        pool: the pool.
        power: power of each of its nodes; cores share it evenly.
        platform: a description in its place; one of identical hosts is cut or drawn out to the pool's size.

    Raises:
        PlatformError: a platform whose hosts differ has another number of them than the pool.
    """
    if platform is not None:
        return _sized(platform, pool.hosts, pool.unit)
    share = 1.0 if pool.unit == "node" else len(pool.nodes) / pool.hosts
    full = power.state(_SPEED_FLOPS)
    state = ComputeState(_SPEED_FLOPS, share * (full.idle_w or 0.0), share * (full.full_w or 0.0))
    return make_platform(pool.hosts, [state], name=pool.name or "slurm", prefix="n", master="slurmctld-of-wattq")


def _sized(old: Platform, hosts: int, unit: str) -> Platform:
    """Return a platform with so many compute hosts."""
    n = old.n_compute
    if n == hosts:
        return old
    arrays = {f.name: v for f in dataclasses.fields(old) if isinstance(v := getattr(old, f.name), np.ndarray)}
    alike = all(np.array_equal(v[:n], np.broadcast_to(v[:1], v[:n].shape), equal_nan=True) for v in arrays.values())
    if not alike:
        raise PlatformError(
            f"platform '{old.name}': it has {n} hosts that differ, the partition has {hosts} {unit}s; give one with as "
            "many hosts, or one of identical hosts"
        )
    rows = np.concatenate([np.zeros(hosts, dtype=np.int64), np.arange(n, old.n_hosts)])
    ends = np.append(rows, old.n_hosts)
    columns: dict[str, Any] = {name: value[rows] for name, value in arrays.items()}
    width = len(str(hosts))
    return dataclasses.replace(
        old,
        host_names=(*(f"n{k:0{width}d}" for k in range(hosts)), *old.host_names[n:]),
        n_compute=hosts,
        properties=tuple(old.properties[row] for row in rows),
        zone_properties=tuple(old.zone_properties[row] for row in rows),
        messages=ControlMessages(old.messages.latency_s[ends], old.messages.transfer_s[ends]),
        **columns,
    )


def limits_only(pool: Pool, now_s: float, unlimited_s: float) -> Expected:
    """Return the time limits as expected run times; tasks without one are taken to run for `unlimited_s`."""
    return Expected(
        tuple(remaining_s(task, now_s, unlimited_s) for task in pool.running),
        tuple(_limit_s(task, unlimited_s) for task in pool.waiting),
        "time limits",
    )


def _limit_s(task: Task, unlimited_s: float) -> float:
    return unlimited_s if math.isinf(task.limit_s) else max(task.limit_s, 1.0)


def scene_of(pool: Pool, platform: Platform, now_s: float, expected: Expected, unlimited_s: float) -> Scene:
    """Return what a simulation of a pool begins with.

    Args:
        pool: the pool, with at least one task.
        platform: its machine.
        now_s: date of the snapshot, Unix s.
        expected: expected run times.
        unlimited_s: walltime of tasks without a limit, s.
    """
    origin_s = now_s - FIRST_S
    tasks = (*pool.running, *pool.waiting)
    limits = [remaining_s(task, now_s, unlimited_s) for task in pool.running]
    limits = [left + FIRST_S for left in limits] + [_limit_s(task, unlimited_s) for task in pool.waiting]
    runs = np.array([left + FIRST_S for left in expected.running] + list(expected.waiting))
    runs = np.maximum(np.minimum(runs, limits), 1.0)
    dates = [0.0] * len(pool.running) + [max(task.begin_s - origin_s, FIRST_S) for task in pool.waiting]
    index, profiles = runtime_profiles(runs, "parallel_homogeneous", float(platform.speed_flops[0, 0]))
    width = len(str(len(tasks)))
    unknown = np.full(len(tasks), -1, dtype=np.int64)
    workload = Workload(
        name="w0",
        nb_res=pool.hosts,
        job_id=tuple(f"{number:0{width}d}" for number in range(len(tasks))),
        submit_s=np.array(dates),
        hosts=np.array([task.hosts for task in tasks], dtype=np.int64),
        walltime_s=np.array(limits),
        profile=index,
        profiles=profiles,
        user=_numbers([task.job.user for task in tasks]),
        group=_numbers([task.job.account for task in tasks]),
        queue=_numbers([task.job.qos for task in tasks]),
        report=CleaningReport(f"Slurm, {pool.name}", "", len(tasks), len(tasks)),
        application=unknown,
    )
    order = np.argsort(workload.submit_s, kind="stable")
    told = np.array([task.job.submit_s - origin_s for task in tasks])
    return Scene(pool, platform, _rows(workload, order), origin_s, told[order], runs[order], expected.source)


def _numbers(words: Sequence[str]) -> NDArray[np.int64]:
    """Return a number for each different word, -1 for none."""
    found: dict[str, int] = {}
    return np.array([found.setdefault(word, len(found)) if word else -1 for word in words], dtype=np.int64)


def _rows(workload: Workload, order: NDArray[np.int64]) -> Workload:
    n = workload.n_jobs
    columns: dict[str, Any] = {
        field.name: value[order]
        for field in dataclasses.fields(workload)
        if isinstance(value := getattr(workload, field.name), np.ndarray) and len(value) == n
    }
    return dataclasses.replace(workload, job_id=tuple(workload.job_id[row] for row in order), **columns)
