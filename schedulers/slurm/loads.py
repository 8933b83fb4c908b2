"""What is expected of the jobs of a live Slurm if nobody were held: EASY, simulated on from now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from wattq.platforms.model import Platform
from wattq.platforms.node import NodePower
from wattq.schedulers.registry import make_policy
from wattq.schedulers.slurm.advise import Played, play_on
from wattq.schedulers.slurm.audit import Entry
from wattq.schedulers.slurm.holding import Load
from wattq.schedulers.slurm.jobs import Snapshot
from wattq.schedulers.slurm.machine import FIRST_S, Scene, limits_only, platform_of, scene_of
from wattq.schedulers.slurm.pools import pools_of
from wattq.schedulers.slurm.shifting import added_w

__all__ = ["UNLIMITED_S", "loads_of"]

UNLIMITED_S = 86400.0
"""Run time of jobs without a time limit, s, where nothing else is said."""


def loads_of(
    snapshot: Snapshot, book: Mapping[str, Entry], power: NodePower, platform: Platform | None = None
) -> dict[int, Load]:
    """Return what is expected of each job that the model knows, by its number; running ones, too.

    Args:
        snapshot: the Slurm now.
        book: what the log tells; who is held by it counts as not held.
        power: power of a node.
        platform: a description of the machine in its place.

    Raises:
        WattqError: the queue cannot be simulated.
    """
    free = tuple(
        replace(job, eligible_s=max(book[job.key].begin_s, snapshot.now_s))
        if job.waits and job.key in book and book[job.key].matches(job.eligible_s)
        else job
        for job in snapshot.jobs
    )
    found: dict[int, Load] = {}
    for pool in pools_of(replace(snapshot, jobs=free))[0]:
        if pool.running or pool.waiting:
            machine = platform_of(pool, power, platform)
            expected = limits_only(pool, snapshot.now_s, UNLIMITED_S)
            scene = scene_of(pool, machine, snapshot.now_s, expected, UNLIMITED_S)
            found |= _loads(scene, play_on(scene, make_policy("easy")))
    return found


def _loads(scene: Scene, played: Played) -> dict[int, Load]:
    rows: dict[int, list[int]] = defaultdict(list)
    for row in range(scene.workload.n_jobs):
        rows[scene.task_of(row).job.number].append(row)
    return {number: _load(scene, played, of_job) for number, of_job in rows.items()}


def _load(scene: Scene, played: Played, rows: list[int]) -> Load:
    first = rows[0]
    task, run_s = scene.task_of(first), float(scene.run_s[first])
    starts = played.start_s[rows]
    known = starts[~np.isnan(starts)]
    could_s = float(known.min()) if len(known) else scene.origin_s + FIRST_S
    watts = added_w(scene.platform, task.hosts) * len(rows)
    return Load(could_s, task.hosts, run_s, watts, len(rows) * task.hosts * run_s)
