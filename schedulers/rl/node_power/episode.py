"""What happened in one episode, hour by hour and job by job, as data: written to a file and read back."""

from __future__ import annotations

import csv
import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.bundles.archive import UNREADABLE
from wattq.errors import LearningError
from wattq.schedulers.rl.node_power import layout as c
from wattq.schedulers.rl.node_power.config import PARTS
from wattq.schedulers.rl.node_power.rules import Rule
from wattq.schedulers.rl.node_power.world import World

__all__ = ["Episode", "read_episode", "record", "write_episode", "write_hours"]

_MOST_BYTES = 2**30


@dataclass(frozen=True, eq=False)
class Episode:
    """One episode.

    Attributes:
        policy: what decided.
        hours: float64 [hours] by name: the columns of `layout.HOURLY`. ``price`` in `unit`, ``on``, ``idle``, ``used``,
            ``booting`` nodes, ``cores_used``, ``queue``, ``backlog``, ``running`` jobs while the hour passes,
            ``submitted``, ``launched``, ``completed``, ``lost_full``, ``lost_age`` jobs of the hour, its ``cost``,
            ``mwh``, and core-hours, cores and age of the oldest of the jobs that wait.
        parts: float64 [hours] by name: the weighted parts of the reward.
        reward: float64 [hours], their sum.
        jobs: int64 [jobs, 6], columns of `layout.JOB_COLUMNS`; hours of the episode, below 0 before it. Jobs that never
            started have the start `NEVER`, those not lost have it as ``lost_h``.
        totals: see `World.totals`.
        about: seed, task (JSON), prices, arrivals, in words; `unit` of the price and of the cost.
    """

    policy: str
    hours: Mapping[str, NDArray[np.float64]] = field(repr=False)
    parts: Mapping[str, NDArray[np.float64]] = field(repr=False)
    reward: NDArray[np.float64] = field(repr=False)
    jobs: NDArray[np.int64] = field(repr=False)
    totals: Mapping[str, Any]
    about: Mapping[str, Any]

    @property
    def n_hours(self) -> int:
        """Hours of the episode."""
        return self.reward.size

    @property
    def started(self) -> NDArray[np.bool_]:
        """Which jobs started."""
        return self.jobs[:, c.L_START] != c.NEVER

    @property
    def end_h(self) -> NDArray[np.int64]:
        """Hour at which each job ended or will end, `NEVER` where it did not start."""
        return np.where(self.started, self.jobs[:, c.L_START] + self.jobs[:, c.L_DUR], c.NEVER)

    @property
    def completed(self) -> NDArray[np.bool_]:
        """Which jobs ended within the episode."""
        return self.started & (self.end_h <= self.n_hours)

    @property
    def wait_h(self) -> NDArray[np.int64]:
        """Hours that each job waited, carried-over jobs from their submission on.

        For jobs that never started this is the time until the episode ended or they were lost: a lower bound
        (`started` tells which).
        """
        lost = self.jobs[:, c.L_LOST] != c.NEVER
        last = np.where(lost, self.jobs[:, c.L_LOST], self.n_hours)
        return np.where(self.started, self.jobs[:, c.L_START], last) - self.jobs[:, c.L_SUBMIT]

    @property
    def slowdown(self) -> NDArray[np.float64]:
        """(wait + run time) / run time of each job; a lower bound where it never started."""
        return 1.0 + self.wait_h / self.jobs[:, c.L_DUR]


def record(world: World, rule: Rule, policy: str, *, e: int = 0, options: Mapping[str, Any] | None = None) -> Episode:
    """Play the next episode of a world with a rule and return what happened.

    Args:
        world: of one episode, made with `log`.
        rule: decides.
        policy: its name.
        e: the episode.
        options: see `World.reset`.

    Raises:
        LearningError: when the world keeps no log of jobs, or has more than one episode.
    """
    if not world.log or world.n_envs != 1:
        raise LearningError("a record needs a world of one episode with log=True")
    world.reset(e, options)
    start, hours = int(world.state.num[e, c.NOW]), world.config.horizon_h
    table, parts = np.empty((hours, c.N_HOURLY)), np.empty((hours, c.N_PARTS))
    reward = np.empty(hours)
    for hour in range(hours):
        world.step(rule(world))
        table[hour], parts[hour], reward[hour] = world.state.hourly[e], world.state.parts[e], world.rewards[e]
    return Episode(
        policy,
        {name: table[:, k].copy() for k, name in enumerate(c.HOURLY)},
        {name: parts[:, k].copy() for k, name in enumerate(PARTS)},
        reward,
        _jobs(world, e, start),
        world.totals(e),
        _about(world, e),
    )


def _jobs(world: World, e: int, start: int) -> NDArray[np.int64]:
    jobs = world.state.log[e, : world.state.num[e, c.N_LOG]].astype(np.int64)
    for column in (c.L_SUBMIT, c.L_START, c.L_LOST):
        jobs[:, column] = np.where(jobs[:, column] == c.NEVER, c.NEVER, jobs[:, column] - start)
    return jobs


def _about(world: World, e: int) -> dict[str, Any]:
    prices, arrivals = world.prices, world.arrivals[e]
    return {
        "seed": arrivals.seed,
        "task": world.config.to_json(),
        "price_start_index": int(world.state.num[e, c.PRICE]),
        "price_unit": prices.unit,
        "cost_unit": prices.cost_unit,
        "prices": prices.source,
        "forecast": prices.model,
        "prices_synthetic": prices.synthetic,
        "arrivals": arrivals.source,
        "arrivals_synthetic": arrivals.synthetic,
    }


def write_episode(episode: Episode, path: str | Path) -> None:
    """Write an episode as ``.npz``: arrays, and JSON for words and totals. The file appears whole or not at all."""
    words = {"policy": episode.policy, "totals": episode.totals, "about": episode.about}
    arrays: dict[str, Any] = {f"hour_{name}": column for name, column in episode.hours.items()}
    arrays |= {f"part_{name}": column for name, column in episode.parts.items()}
    part = Path(f"{path}.part")
    with part.open("wb") as file:
        np.savez_compressed(file, reward=episode.reward, jobs=episode.jobs, words=np.array(json.dumps(words)), **arrays)
    part.replace(path)


def read_episode(path: str | Path) -> Episode:
    """Read what `write_episode` wrote.

    Raises:
        LearningError: when the file is missing or is no such file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            words = json.loads(str(_array(archive, "words")))
            hours = {name: _array(archive, f"hour_{name}") for name in c.HOURLY}
            parts = {name: _array(archive, f"part_{name}") for name in PARTS}
            reward, jobs = _array(archive, "reward"), _array(archive, "jobs")
        _check(reward, jobs, [*hours.values(), *parts.values()])
        return Episode(str(words["policy"]), hours, parts, reward, jobs, dict(words["totals"]), dict(words["about"]))
    except UNREADABLE as error:
        raise LearningError(f"{path}: no record of an episode ({error}); write one anew") from error


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """Return an array of the archive; one whose size does not agree with its shape is refused before it is made."""
    entry = archive.getinfo(f"{name}.npy")
    if entry.file_size > _MOST_BYTES:
        raise ValueError(f"{name}: more than {_MOST_BYTES} bytes")
    with archive.open(entry) as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError(f"{name}: not an array of the expected version")
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        if dtype.hasobject or file.tell() + math.prod(shape) * dtype.itemsize != entry.file_size:
            raise ValueError(f"{name}: its size does not agree with its shape")
        return np.frombuffer(file.read(), dtype).reshape(shape).copy()


def _check(reward: NDArray[Any], jobs: NDArray[Any], columns: list[NDArray[Any]]) -> None:
    if reward.ndim != 1 or any(column.shape != reward.shape or column.dtype != np.float64 for column in columns):
        raise ValueError("columns of hours differ in length or kind")
    if jobs.ndim != 2 or jobs.shape[1] != len(c.JOB_COLUMNS) or jobs.dtype != np.int64:
        raise ValueError(f"jobs have the shape {jobs.shape}")


def write_hours(episode: Episode, path: str | Path) -> None:
    """Write the hours of an episode as CSV: hour, columns of `layout.HOURLY`, parts and sum of the reward."""
    names = [*episode.hours, *(f"reward_{name}" for name in episode.parts), "reward"]
    columns = [*episode.hours.values(), *episode.parts.values(), episode.reward]
    part = Path(f"{path}.part")
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["hour", *names])
        writer.writerows([hour, *row] for hour, row in enumerate(np.stack(columns, axis=1).tolist()))
    part.replace(path)
