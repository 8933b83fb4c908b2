"""Random runs, second by second, and what plain loops over hosts and seconds make of them."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wattq.experiments import RunResults, read_run
from wattq.platforms import ComputeState, Platform, SleepState, make_platform
from wattq.platforms.signals import Signal

JOBS = (
    "job_id,workload_name,profile,submission_time,requested_number_of_resources,requested_time,success,final_state,"
    "starting_time,execution_time,finish_time,waiting_time,turnaround_time,stretch,allocated_resources,"
    "consumed_energy,metadata\n"
)
END, OFF_S, ON_S = 90, 3, 4
SLEEP, OFF, ON = 2, 3, 4
PARTS = ("computing", "idle", "sleeping", "switching_on", "switching_off")


class World:
    """Hosts that compute, idle, sleep, switch and change their speed at random; every date is a whole second."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.n = self.rng.randint(1, 4)
        base = make_platform(
            self.n,
            [ComputeState(1e9, 100, 200), ComputeState(0.5e9, 80, 120)],
            [SleepState(10, OFF_S, 125, ON_S, 115)],
        )
        scale = np.array([self.rng.choice([0.5, 1.0, 1.25]) for _ in range(self.n)])[:, None]
        watts = {name: getattr(base, name) * scale for name in ("idle_w", "epsilon_w", "full_w")}
        self.platform: Platform = dataclasses.replace(base, **watts)
        self.state = [0] * self.n  # power state, virtual ones included
        self.until = [0] * self.n  # busy or switching until
        self.target = [0] * self.n  # of hosts that wake
        self.job = [-1] * self.n
        self.load: list[float] = []
        self.jobs: list[tuple[int, int, int, list[int]]] = []  # submission, start, end, hosts
        self.changes: list[tuple[int, list[int], int]] = []
        self.rows: list[tuple[int, str]] = []
        self.pending: list[tuple[int, list[int], int]] = []
        self.part: list[list[str]] = []
        self.watt: list[list[float]] = []
        self.owner: list[list[int]] = []
        self.held: list[list[int]] = []
        for t in range(END):
            self.second(t)

    def second(self, t: int) -> None:
        for item in sorted(self.pending, key=lambda item: item[0]):
            if item[0] == t:
                self.change(t, item[1], item[2])
                self.pending.remove(item)
        for host in range(self.n):
            if self.state[host] in (OFF, ON) and self.until[host] == t:
                self.state[host] = SLEEP if self.state[host] == OFF else self.target[host]
            if self.job[host] >= 0 and self.until[host] == t:
                self.job[host] = -1
                self.rows.append((t, "e"))
        for _ in range(2):
            # the files do not say what a switch that does not end leads to
            switches = [self.sleep, self.wake] if t < END - ON_S else []
            self.rng.choice([self.start, *switches, self.slow, self.rest])(t)
        self.record()

    def rest(self, t: int) -> None:
        pass

    def free(self, states: tuple[int, ...]) -> list[int]:
        found = [h for h in range(self.n) if self.state[h] in states and self.job[h] < 0]
        return sorted(self.rng.sample(found, self.rng.randint(1, len(found)))) if found else []

    def start(self, t: int) -> None:
        hosts = self.free((0, 1))
        if not hosts or t >= END - 1:
            return
        end = min(t + self.rng.randint(1, 20), END)
        for host in hosts:
            self.job[host], self.until[host] = len(self.jobs), end
        self.jobs.append((self.rng.randint(0, t), t, end, hosts))
        self.load.append(self.rng.choice([0.0, 0.25, 1.0, 1.0]))
        self.rows.append((t, "s"))

    def change(self, t: int, hosts: list[int], state: int) -> None:
        self.changes.append((t, hosts, state))
        self.rows.append((t, "p"))

    def sleep(self, t: int) -> None:
        if hosts := self.free((0, 1)):
            self.change(t, hosts, -2)
            for host in hosts:
                self.state[host], self.until[host] = OFF, t + OFF_S
            self.pending.append((t + OFF_S, hosts, SLEEP))

    def wake(self, t: int) -> None:
        hosts, target = self.free((SLEEP, SLEEP, 0)), self.rng.randint(0, 1)
        if not hosts:
            return
        self.change(t, hosts, -1)
        done = t
        for host in hosts:
            if self.state[host] == SLEEP:
                self.state[host], self.until[host], self.target[host], done = ON, t + ON_S, target, t + ON_S
            else:
                self.state[host] = target
        if done > t:
            self.pending.append((done, hosts, target))
        else:
            self.change(t, hosts, target)

    def slow(self, t: int) -> None:
        hosts = [h for h in range(self.n) if self.state[h] in (0, 1) and self.rng.random() < 0.5]
        target = self.rng.randint(0, 1)
        if hosts:
            self.change(t, hosts, -1)
            for host in hosts:
                self.state[host] = target
            self.change(t, hosts, target)

    def record(self) -> None:
        parts, watts = [], []
        for host in range(self.n):
            state, job = self.state[host], self.job[host]
            idle, full = float(self.platform.idle_w[host, state]), float(self.platform.full_w[host, state])
            if job >= 0:
                parts.append("computing")
                watts.append(idle + self.load[job] * (full - idle))
            else:
                parts.append({SLEEP: "sleeping", OFF: "switching_off", ON: "switching_on"}.get(state, "idle"))
                watts.append(full if state in (OFF, ON) else idle)
        self.part.append(parts)
        self.watt.append(watts)
        self.owner.append(list(self.job))
        self.held.append(list(self.state))

    # what plain loops make of it

    def by_part(self, rate: Callable[[int], float], t0: int = 0, t1: int = END) -> dict[str, float]:
        sums = dict.fromkeys(PARTS, 0.0)
        for t in range(max(t0, 0), min(t1, END)):
            for host in range(self.n):
                sums[self.part[t][host]] += self.watt[t][host] * rate(t)
        return sums

    def by_job(
        self, rate: Callable[[int], float], t0: int = 0, t1: int = END
    ) -> tuple[list[float], list[float], float]:
        """Return computing and overhead of each job, and what belongs to none, by the rule of the documentation."""
        drawn, shares, joules = ([0.0] * len(self.jobs) for _ in range(3))
        rest = 0.0
        for t in range(max(t0, 0), min(t1, END)):
            running = [job for job in self.owner[t] if job >= 0]
            for host, job in enumerate(self.owner[t]):
                watts = self.watt[t][host]
                if job >= 0:
                    drawn[job] += watts * rate(t)
                    joules[job] += watts
                elif running:
                    for other in running:
                        shares[other] += watts * rate(t) / len(running)
                else:
                    rest += watts * rate(t)
        if sum(joules) > 0:
            shares = [share + rest * joule / sum(joules) for share, joule in zip(shares, joules, strict=True)]
            rest = 0.0
        return drawn, shares, rest

    def write(self, folder: Path) -> RunResults:
        """Write the run as Batsim's files and read it back; rows of jobs.csv are in the order of their ends."""
        folder.mkdir()
        energy = [0.0]
        for watts in self.watt:
            energy.append(energy[-1] + sum(watts))
        order = sorted(range(len(self.jobs)), key=lambda job: self.jobs[job][2])
        lines = []
        for job in order:
            submit, start, end, hosts = self.jobs[job]
            joules = sum(self.watt[t][host] for t in range(start, end) for host in hosts)
            times = f"{start:.6f},{end - start:.6f},{end:.6f},0.000000,0.000000,1.000000"
            hosts_text = " ".join(map(str, hosts))
            state = "COMPLETED_SUCCESSFULLY"
            lines.append(
                f'{job},w0,p,{submit:.6f},{len(hosts)},99.000000,1,{state},{times},{hosts_text},{joules:.6f},""\n'
            )
        (folder / "jobs.csv").write_text(JOBS + "".join(lines))
        states = [f"{t:g},{' '.join(map(str, hosts))},{state}\n" for t, hosts, state in self.changes]
        all_hosts = "0" if self.n == 1 else f"0-{self.n - 1}"
        (folder / "pstate_changes.csv").write_text(f"time,machine_id,new_pstate\n0,{all_hosts},0\n" + "".join(states))
        rows = [f"{t:.6f},{energy[t]:.6f},{kind},0.000000,NA\n" for t, kind in [*self.rows, (END, "e")]]
        (folder / "consumed_energy.csv").write_text("time,energy,event_type,wattmin,epower\n" + "".join(rows))
        (folder / "summary.json").write_text(json.dumps({"end_s": float(END)}))
        users = [
            f"{job},w0,{submit:.6f},1,99.000000,{job % 3},{job % 2}\n" for job, (submit, *_) in enumerate(self.jobs)
        ]
        header = "job_id,workload_name,submission_time,requested_number_of_resources,requested_time,user,queue\n"
        (folder / "submitted.csv").write_text(header + "".join(users))
        return read_run(folder)


@pytest.fixture(scope="session")
def make_world() -> Callable[[int], World]:
    """Return the maker of random runs."""
    return World


@pytest.fixture(scope="session")
def series() -> Callable[..., Signal]:
    """Return the maker of signals from starts, end and values."""

    def make(quantity: str, starts: list[float], end: float, values: list[float]) -> Signal:
        unit = {"carbon": "g/kWh", "price": "EUR/MWh", "pue": "1"}[quantity]
        return Signal(np.array(starts, dtype=float), float(end), np.array(values, dtype=float), quantity, unit)

    return make
