"""One episode of the hourly task under one policy, as numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.experiments.rl.node_power.oracles import HourlyWork, Machine, contiguous_oracle, liquid_oracle
from wattq.schedulers.rl.node_power import layout as c
from wattq.schedulers.rl.node_power.arrivals import default_model, generated
from wattq.schedulers.rl.node_power.config import NodePowerConfig
from wattq.schedulers.rl.node_power.episode import Episode, record
from wattq.schedulers.rl.node_power.prices import Prices
from wattq.schedulers.rl.node_power.rules import Rule
from wattq.schedulers.rl.node_power.world import World

__all__ = ["Bounds", "Figures", "Place", "bounds_of", "figures_of", "idle_free", "play", "work_of"]

_FIRST_SEED, _SEEDS = 1_000_000, 100_000


@dataclass(frozen=True)
class Place:
    """Where and with what an episode is played.

    Attributes:
        prices: name of the series.
        start_h: hour of the prices.
        rate: jobs per hour.
        seed: of the arrivals, with the week: other weeks have other jobs, and none are those of a training.
    """

    prices: str
    start_h: int
    rate: float
    seed: int

    @property
    def arrivals_seed(self) -> int:
        """Seed of the generator."""
        return _FIRST_SEED + _SEEDS * self.seed + self.start_h


@dataclass(frozen=True)
class Figures:
    """What an episode came to under a policy.

    Attributes:
        cost: in the currency of the prices.
        energy_mwh: MWh.
        core_h: core-hours of jobs that ended within the episode.
        served_core_h: core-hours that ran, those of jobs that run on at the end included.
        submitted, completed, running, pending, lost: jobs; pending ones wait at the end.
        overdue: jobs that wait at the end for more than 24 h.
        mean_wait_h, p95_wait_h, p99_wait_h: of all jobs; of those that never started, the wait so far.
        mean_slowdown: mean of (wait + run time) / run time, likewise.
        occupancy: cores at work of all, mean over the hours.
        nodes_on: nodes on of all, mean over the hours.
        idle_free_cost, idle_free_mwh: what the nodes with work cost and draw, idle ones left out.
        reward: sum of the weighted parts.
    """

    cost: float
    energy_mwh: float
    core_h: float
    served_core_h: float
    submitted: int
    completed: int
    running: int
    pending: int
    lost: int
    overdue: int
    mean_wait_h: float
    p95_wait_h: float
    p99_wait_h: float
    mean_slowdown: float
    occupancy: float
    nodes_on: float
    idle_free_cost: float
    idle_free_mwh: float
    reward: float

    def as_dict(self) -> dict[str, float]:
        """Return the figures by name."""
        return asdict(self)


@dataclass(frozen=True)
class Bounds:
    """Lower bounds for the jobs that always-on completed.

    Attributes:
        liquid, contiguous: least cost.
        unserved: jobs of that work that no schedule could serve before the end.
    """

    liquid: float
    contiguous: float
    unserved: int


def play(config: NodePowerConfig, prices: Prices, place: Place, rule: Rule, name: str) -> Episode:
    """Return an episode, every job of it written down."""
    arrivals = generated(default_model(place.rate), config, place.arrivals_seed)
    world = World(config, 1, prices=prices, arrivals=arrivals, log=True)
    world.seed(0, place.arrivals_seed)
    return record(world, rule, name, options={"price_start_index": place.start_h, "arrival_start_hour": 0})


def idle_free(episode: Episode, config: NodePowerConfig) -> NDArray[np.float64]:
    """Return the energy of nodes with work by hour, MWh: the same schedule, with idle nodes for free."""
    hours, load = episode.hours, config.used_w - config.idle_w
    cores = hours["used"] if config.power == "nodes" else hours["cores_used"] / config.cores_per_node
    energy: NDArray[np.float64] = (hours["used"] * config.idle_w + cores * load) * 1e-6
    return energy


def figures_of(episode: Episode, config: NodePowerConfig) -> Figures:
    """Return the figures of an episode."""
    hours, totals, wait = episode.hours, episode.totals, episode.wait_h
    done = episode.jobs[episode.completed]
    pending = ~episode.started & (episode.jobs[:, c.L_LOST] == c.NEVER)
    levels = np.percentile(wait, (95.0, 99.0)) if len(wait) else np.zeros(2)
    return Figures(
        cost=float(totals["cost"]),
        energy_mwh=float(totals["mwh"]),
        core_h=float((done[:, c.L_DUR] * done[:, c.L_NODES] * done[:, c.L_CORES]).sum()),
        served_core_h=float(totals["served_ch"]),
        submitted=int(totals["submitted"]),
        completed=int(totals["completed"]),
        running=int(totals["running"]),
        pending=int(pending.sum()),
        lost=int(totals["lost"]),
        overdue=int((pending & (wait > 24)).sum()),
        mean_wait_h=float(wait.mean()) if len(wait) else 0.0,
        p95_wait_h=float(levels[0]),
        p99_wait_h=float(levels[1]),
        mean_slowdown=float(episode.slowdown.mean()) if len(wait) else 1.0,
        occupancy=float(hours["cores_used"].mean()) / config.total_cores,
        nodes_on=float(hours["on"].mean()) / config.n_nodes,
        idle_free_cost=float(hours["price"] @ idle_free(episode, config)),
        idle_free_mwh=float(idle_free(episode, config).sum()),
        reward=float(episode.reward.sum()),
    )


def work_of(episode: Episode, config: NodePowerConfig) -> HourlyWork:
    """Return the jobs that an episode completed; those of one hour and one duration together.

    As the bounds count all nodes as one pool, jobs that are alike but for their cores have the same cheapest hours.
    """
    jobs = episode.jobs[episode.completed]
    span = config.horizon_h + 1
    key, place = np.unique(jobs[:, c.L_SUBMIT] + jobs[:, c.L_DUR] * span, return_inverse=True)
    cores = np.zeros(len(key), dtype=np.int64)
    np.add.at(cores, place.ravel(), jobs[:, c.L_NODES] * jobs[:, c.L_CORES])
    return HourlyWork(key % span, key // span, cores, config.max_age_h or config.horizon_h)


def bounds_of(always_on: Episode, config: NodePowerConfig) -> Bounds:
    """Return the lower bounds of the work that always-on completed, on the same hours."""
    machine = Machine(config.n_nodes, config.cores_per_node, config.idle_w * 1e-6, config.used_w * 1e-6)
    work, price = work_of(always_on, config), always_on.hours["price"]
    liquid = liquid_oracle(work, price, machine)
    whole = contiguous_oracle(work, price, machine, schedule=False)
    return Bounds(liquid.value, whole.value, len(liquid.unserved))
