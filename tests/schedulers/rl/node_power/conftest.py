"""Jobs by hand, and the node-power task in plain Python to compare the compiled one with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from wattq.platforms.signals import Signal
from wattq.schedulers.rl.node_power.arrivals import Arrivals, Window
from wattq.schedulers.rl.node_power.config import NodePowerConfig
from wattq.schedulers.rl.node_power.prices import Prices, prices_of

Hours = Sequence[Sequence[tuple[int, int, int]]]


def listed(hours: Hours) -> Arrivals:
    """Arrivals of a list: for each hour (run time, nodes, cores) of its jobs, again and again."""
    jobs = np.array([job for hour in hours for job in hour], np.int32).reshape(-1, 3)
    offsets = np.cumsum([0, *(len(hour) for hour in hours)]).astype(np.int64)
    return Arrivals("by hand", True, 0, len(hours), len(hours), lambda seed, block: Window(jobs, offsets))


def priced(values: Sequence[float], forecast: str = "day-ahead") -> Prices:
    """Hourly prices from a Monday midnight on, repeated to two days at least."""
    row = np.resize(np.array(values, float), max(len(values), 48))
    start = 1672617600.0 - 86400.0 + 86400.0  # 2 January 2023, a Monday
    starts = start + 3600.0 * np.arange(row.size)
    signal = Signal(starts, starts[-1] + 3600.0, row, "price", "EUR/MWh", source="by hand", synthetic=True)
    return prices_of(signal, forecast=forecast)


@dataclass
class Waiting:
    hours: int
    nodes: int
    cores: int
    submit: int
    start: int = -1
    lost: int = -1


@dataclass
class Plain:
    """The task as its documentation says it, slow and obvious."""

    config: NodePowerConfig
    prices: Prices
    arrivals: Hours
    now: int = 0
    queue: list[Waiting] = field(default_factory=list)
    backlog: list[Waiting] = field(default_factory=list)
    running: list[tuple[Waiting, list[int]]] = field(default_factory=list)
    everyone: list[Waiting] = field(default_factory=list)
    completed: int = 0
    cost: float = 0.0
    mwh: float = 0.0
    served: int = 0

    def __post_init__(self) -> None:
        on = self.config.n_nodes if self.config.initial_on is None else self.config.initial_on
        self.on = [node < on for node in range(self.config.n_nodes)]
        self.ready = [-1] * self.config.n_nodes

    def used(self, node: int) -> int:
        return sum(job.cores for job, nodes in self.running if node in nodes)

    def step(self, kind: int, magnitude: int, refill: int) -> None:
        most_age = self.config.max_age_h
        for line in (self.queue, self.backlog):
            for job in list(line):
                if most_age is not None and self.now - job.submit > most_age:
                    job.lost = self.now
                    line.remove(job)
        for hours, nodes, cores in self.arrivals[self.now % len(self.arrivals)]:
            job = Waiting(hours, nodes, cores, self.now)
            self.everyone.append(job)
            if not self.backlog and len(self.queue) < self.config.queue_size:
                self.queue.append(job)
            elif self.config.backlog_size is None or len(self.backlog) < self.config.backlog_size:
                self.backlog.append(job)
            else:
                job.lost = self.now
        for node in range(self.config.n_nodes):
            if self.ready[node] == self.now:
                self.ready[node], self.on[node] = -1, True
        started = self.switch(kind, self.config.magnitudes[magnitude])
        self.first_fit()
        if refill:
            while self.backlog and len(self.queue) < self.config.queue_size:
                self.queue.append(self.backlog.pop(0))
            self.first_fit()
        self.spend(started)
        self.now += 1
        for job, nodes in list(self.running):
            if job.start + job.hours == self.now:
                self.running.remove((job, nodes))
                self.completed += 1

    def switch(self, kind: int, count: int) -> int:
        started = 0
        for node in range(self.config.n_nodes):
            if kind == 0 and count and self.on[node] and self.used(node) == 0:
                self.on[node] = False
                count -= 1
            elif kind == 2 and count and not self.on[node] and self.ready[node] < 0:
                count, started = count - 1, started + 1
                if self.config.boot_h:
                    self.ready[node] = self.now + self.config.boot_h
                else:
                    self.on[node] = True
        return started

    def first_fit(self) -> None:
        for job in list(self.queue):
            room = [
                node
                for node in range(self.config.n_nodes)
                if self.on[node] and self.config.cores_per_node - self.used(node) >= job.cores
            ]
            if len(room) >= job.nodes:
                job.start = self.now
                self.queue.remove(job)
                self.running.append((job, room[: job.nodes]))

    def spend(self, started: int) -> None:
        config, watts, cores = self.config, started * self.config.boot_wh, 0
        for node in range(config.n_nodes):
            used = self.used(node)
            cores += used
            share = used / config.cores_per_node if config.power == "cores" else float(used > 0)
            lit = self.on[node] or self.ready[node] >= 0
            watts += config.idle_w + (config.used_w - config.idle_w) * share if lit else config.off_w
        self.served += cores
        self.mwh += watts * 1e-6
        self.cost += watts * 1e-6 * float(self.prices.value[self.now % self.prices.n_hours])


@pytest.fixture(scope="session")
def by_hand() -> Callable[[Hours], Arrivals]:
    return listed


@pytest.fixture(scope="session")
def price_row() -> Callable[..., Prices]:
    return priced


@pytest.fixture(scope="session")
def plain() -> type[Plain]:
    return Plain
