"""What would start when if a policy of wattq took over now, what it would draw, and what waiting would save."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from wattq.errors import SlurmError
from wattq.schedulers.slurm.continuing import Continuing, fixed_estimates
from wattq.schedulers.slurm.grid import Grid
from wattq.schedulers.slurm.machine import FIRST_S, Scene
from wattq.schedulers.slurm.pools import LeftOut, Pool
from wattq.schedulers.slurm.shifting import Shift, added_w, shift_saving
from wattq.simulator import layout as c
from wattq.simulator.engine import simulate

if TYPE_CHECKING:
    from wattq.simulator.interface import CompiledPolicy, Policy
    from wattq.simulator.run import Run

__all__ = ["Advice", "JobAdvice", "Measured", "Played", "PoolAdvice", "advise_pool", "horizon_s", "play_on"]


@dataclass(frozen=True)
class Measured:
    """What a machine draws, costs and emits from now to a date.

    Attributes:
        kwh: energy of the site.
        carbon_kg: kg CO2e.
        cost: in the currency of the price.
        currency: that currency.
    """

    kwh: float
    carbon_kg: float
    cost: float
    currency: str


Measure = Callable[["Run", Scene, Grid, float], Measured]
"""Measures a run from now to a date (s of the run)."""


@dataclass(frozen=True)
class Played:
    """How a simulation from now on went.

    Attributes:
        run: the simulation.
        start_s: start of each job of the scene, Unix s; NaN for those that never start.
        end_s: end of the simulation, s from date 0.
    """

    run: Run
    start_s: np.typing.NDArray[np.float64]
    end_s: float


@dataclass(frozen=True)
class JobAdvice:
    """A waiting job under both policies, and what holding it would save.

    Attributes:
        label: the job.
        user: its user.
        hosts: nodes or cores.
        run_s: expected run time, s.
        kwh: what its hosts draw while it runs, PUE included.
        carbon_g: g CO2e of it at the start under the policy.
        cost: cost of it, likewise.
        base_s: start under the baseline, Unix s; None: never.
        start_s: start under the policy, likewise.
        shift: what the policy's start saves against the baseline's.
        held: for each hour asked for, what holding the job until so many hours from now saves against the baseline.
    """

    label: str
    user: str
    hosts: int
    run_s: float
    kwh: float
    carbon_g: float
    cost: float
    base_s: float | None
    start_s: float | None
    shift: Shift | None
    held: Mapping[float, Shift]


@dataclass(frozen=True)
class PoolAdvice:
    """A machine under both policies.

    Attributes:
        pool: the machine and its work.
        source: where run times are from.
        until_s: date up to which both are measured, Unix s.
        base: the baseline.
        policy: the policy.
        base_wait_s: mean wait from now of the waiting jobs, s, under the baseline.
        policy_wait_s: the same under the policy.
        jobs: the waiting jobs, in Slurm's order.
    """

    pool: Pool
    source: str
    until_s: float
    base: Measured
    policy: Measured
    base_wait_s: float
    policy_wait_s: float
    jobs: tuple[JobAdvice, ...]


@dataclass(frozen=True)
class Advice:
    """The advice for a Slurm.

    Attributes:
        now_s: its date, Unix s.
        policy: the policy with its parameters, in words.
        baseline: what it is compared with, likewise.
        pools: one for each machine with work.
        left_out: what is not part of it, and why.
        limits: what the model does not know of Slurm.
        notes: what must be said of the signals.
    """

    now_s: float
    policy: str
    baseline: str
    pools: tuple[PoolAdvice, ...]
    left_out: tuple[LeftOut, ...]
    limits: tuple[str, ...]
    notes: tuple[str, ...]


def horizon_s(scenes: Sequence[Scene], extra_s: float = 0.0) -> float:
    """Return how far from now forecasts are asked for, s: all work one after the other on the whole machine, twice."""
    longest = 0.0
    for scene in scenes:
        run = scene.workload.walltime_s
        area = float(np.sum(run * scene.workload.hosts)) / scene.pool.hosts
        longest = max(longest, float(scene.workload.submit_s.max()) + 2.0 * area + float(run.max()))
    return longest + extra_s + 4.0 * 86400.0


def play_on(scene: Scene, policy: CompiledPolicy | Policy) -> Played:
    """Simulate on from now with a policy that has not played yet.

    Raises:
        PolicyError: the policy cannot go on from a machine at work, or asks for what no scheduler may do.
        WattqError: as `wattq.simulator.simulate`.
    """
    predictor = fixed_estimates(scene.run_s.tolist()) if scene.source != "time limits" else None
    going = Continuing(policy, len(scene.pool.running), scene.submit_s, predictor)
    run = simulate(scene.platform, [scene.workload], going, energy=scene.platform.has_power)
    jobs = run.kernel.jobs[: scene.workload.n_jobs]
    begun = (jobs["state"] >= c.RUNNING) & (jobs["state"] != c.REJECTED)
    starts = np.where(begun, np.round(jobs["start_s"], 3) + scene.origin_s, np.nan)
    after = np.flatnonzero(starts > scene.origin_s + 1e-3).tolist()
    late = [scene.task_of(row).label for row in after if _ran(scene, row)]
    if late:
        raise SlurmError(
            f"policy {going.name}: it does not go on from a machine at work (job {late[0]} runs already); take another"
        )
    return Played(run, starts, float(run.kernel.head[0]["clock_s"]))


def _ran(scene: Scene, row: int) -> bool:
    return int(scene.workload.job_id[row]) < len(scene.pool.running)


def advise_pool(
    scene: Scene,
    make: Callable[[], CompiledPolicy | Policy],
    make_base: Callable[[], CompiledPolicy | Policy],
    grid: Grid,
    hours: Sequence[float],
    measure: Measure,
) -> PoolAdvice:
    """Return the advice for one machine.

    Args:
        scene: where it stands now.
        make: makes the policy.
        make_base: makes what it is compared with.
        grid: what is known of the grid.
        hours: hours from now to which jobs might be held.
        measure: measures a run; both are measured to the later of their ends.

    Raises:
        WattqError: as `play_on`.
    """
    base, other = play_on(scene, make_base()), play_on(scene, make())
    until_s = max(base.end_s, other.end_s, FIRST_S + 1.0)
    rows = [row for row in range(scene.workload.n_jobs) if not _ran(scene, row)]
    rows.sort(key=lambda row: int(scene.workload.job_id[row]))
    now_s = scene.origin_s + FIRST_S
    return PoolAdvice(
        pool=scene.pool,
        source=scene.source,
        until_s=scene.origin_s + until_s,
        base=measure(base.run, scene, grid, until_s),
        policy=measure(other.run, scene, grid, until_s),
        base_wait_s=_mean_wait(base, rows, now_s),
        policy_wait_s=_mean_wait(other, rows, now_s),
        jobs=tuple(_job(scene, row, base.start_s[row], other.start_s[row], grid, hours) for row in rows),
    )


def _mean_wait(played: Played, rows: Sequence[int], now_s: float) -> float:
    waits = played.start_s[list(rows)] - now_s
    return float(np.mean(waits[~np.isnan(waits)])) if np.any(~np.isnan(waits)) else 0.0


def _job(scene: Scene, row: int, base_s: float, start_s: float, grid: Grid, hours: Sequence[float]) -> JobAdvice:
    task, run_s = scene.task_of(row), float(scene.run_s[row])
    watts = added_w(scene.platform, task.hosts)
    full_w = task.hosts * float(scene.platform.full_w[0, 0]) if scene.platform.has_power else 0.0
    now_s = scene.origin_s + FIRST_S

    def shift(to_s: float) -> Shift:
        return shift_saving(grid.carbon, grid.price, watts, grid.pue, run_s, base_s, to_s)

    none_s = np.isnan(start_s)
    hours_g, hours_cost = (0.0, 0.0) if none_s else _used(grid, start_s, run_s)
    return JobAdvice(
        label=task.label,
        user=task.job.user,
        hosts=task.hosts,
        run_s=run_s,
        kwh=full_w * run_s * grid.pue / 3.6e6,
        carbon_g=full_w * grid.pue * hours_g,
        cost=full_w * grid.pue * hours_cost,
        base_s=None if np.isnan(base_s) else float(base_s),
        start_s=None if none_s else float(start_s),
        shift=None if np.isnan(base_s) or none_s else shift(float(start_s)),
        held={} if np.isnan(base_s) else {hour: shift(max(base_s, now_s + 3600.0 * hour)) for hour in hours},
    )


def _used(grid: Grid, start_s: float, run_s: float) -> tuple[float, float]:
    """Return g CO2e and money of one watt over a run."""
    end_s = start_s + run_s
    return float(grid.carbon.integral(start_s, end_s)) / 3.6e6, float(grid.price.integral(start_s, end_s)) / 3.6e9
