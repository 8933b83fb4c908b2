"""The small worlds in which `check_policy` tries a policy: machines, jobs, and hosts that leave and come back."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from wattq.platforms import ComputeState, Platform, SleepState, make_platform
from wattq.simulator.external import ExternalEvents, parse_events
from wattq.workloads import Workload, parse_batsim_json

__all__ = ["ORDINARY", "JobRow", "World", "other_futures", "worlds"]

ORDINARY = "an ordinary workload"


@dataclass(frozen=True)
class JobRow:
    """A job of a world.

    Attributes:
        submit_s: submit time, s.
        hosts: hosts asked for.
        run_s: run time, s.
        walltime_s: requested time, s; None without one.
        user: number of its user, -1 when unknown.
    """

    submit_s: float
    hosts: int
    run_s: float
    walltime_s: float | None
    user: int = -1


@dataclass(frozen=True)
class World:
    """A machine and what happens to it.

    Attributes:
        name: what is special about it, in words.
        n_hosts: number of hosts.
        parts: the jobs of each workload.
        events: external events, one JSON object per line.
        energy: whether energy is counted.
    """

    name: str
    n_hosts: int
    parts: tuple[tuple[JobRow, ...], ...]
    events: str = ""
    energy: bool = False

    @property
    def rows(self) -> list[JobRow]:
        """All jobs."""
        return [row for part in self.parts for row in part]

    def machine(self) -> Platform:
        """Return the machine: two computing power states, one to sleep in (number 2)."""
        states = (ComputeState(1e9, 100.0, 200.0), ComputeState(0.75e9, 90.0, 150.0))
        return make_platform(self.n_hosts, states, (SleepState(10.0, 5.0, 125.0, 64.0, 115.0),))

    def workloads(self) -> list[Workload]:
        """Return the jobs as workloads w0, w1, ...; ids are the same in each of them."""
        return [_workload(part, f"w{k}", self.n_hosts) for k, part in enumerate(self.parts)]

    def write_events(self, folder: Path) -> list[Path]:
        """Write the external events, if there are any, and return their files."""
        if not self.events:
            return []
        path = folder / "events.txt"
        path.write_text(self.events, encoding="utf-8")
        return [path]

    def externals(self) -> ExternalEvents:
        """Return the external events."""
        return parse_events(self.events.encode(), "events", self.n_hosts) if self.events else ExternalEvents.none()


def _workload(rows: Sequence[JobRow], name: str, n_hosts: int) -> Workload:
    """Return jobs that last a given time whatever the speed of their hosts."""
    jobs = []
    for number, row in enumerate(rows):
        job = {"id": f"{number:03}", "subtime": row.submit_s, "res": row.hosts, "profile": f"run{row.run_s:g}"}
        job |= {} if row.walltime_s is None else {"walltime": row.walltime_s}
        jobs.append(job | ({"user": row.user} if row.user >= 0 else {}))
    profiles = {f"run{row.run_s:g}": {"type": "delay", "delay": row.run_s} for row in rows}
    document = {"nb_res": n_hosts, "jobs": jobs, "profiles": profiles}
    return parse_batsim_json(json.dumps(document).encode(), f"{name}.json", name=name)


def _rows(seed: int, n: int, most_hosts: int, *, gap_s: int = 8) -> list[JobRow]:
    """Draw jobs that keep a machine busy: a third of them ask for a host, some for all; walltimes are too long."""
    draw = random.Random(seed)
    rows, submit_s = [], 0
    for _ in range(n):
        submit_s += draw.choice([0, 1, draw.randint(0, 2 * gap_s)])
        hosts = draw.choice([1, draw.randint(1, max(most_hosts // 2, 1)), draw.randint(1, most_hosts)])
        run_s = draw.randint(1, 60)
        rows.append(JobRow(submit_s, hosts, run_s, run_s + draw.randint(1, 60), draw.randint(-1, 3)))
    return rows


def _too_large(rows: list[JobRow], n_hosts: int) -> tuple[JobRow, ...]:
    """Let every fifth job ask for more hosts than there are, or for none."""
    sizes = [n_hosts + 1, 0, 100 * n_hosts]
    return tuple(replace(row, hosts=sizes[k // 5 % 3]) if k % 5 == 0 else row for k, row in enumerate(rows))


def _without_walltime(rows: list[JobRow]) -> tuple[JobRow, ...]:
    """Take the walltime of two jobs in three."""
    return tuple(replace(row, walltime_s=row.walltime_s if k % 3 == 0 else None) for k, row in enumerate(rows))


def _equal_dates(rows: list[JobRow]) -> tuple[JobRow, ...]:
    """Let jobs come and end together: two dates of submission, two run times, one walltime."""
    return tuple(
        replace(row, submit_s=10.0 * (2 * k // len(rows)), run_s=5.0 * (1 + row.run_s % 2), walltime_s=20.0)
        for k, row in enumerate(rows)
    )


def _killed(rows: list[JobRow]) -> tuple[JobRow, ...]:
    """Let every other job run for longer than it asked for."""
    return tuple(replace(row, walltime_s=row.run_s / 2 if k % 2 else row.walltime_s) for k, row in enumerate(rows))


def _leaving(n_hosts: int) -> str:
    """Return events by which half of the hosts, then all of them, leave and come back."""
    half, everything = f"0-{n_hosts // 2 - 1}", f"0-{n_hosts - 1}"
    rows = [(30, "un", half), (90.5, "", half), (150, "un", everything), (210, "", everything)]
    lines = [{"timestamp": t, "type": f"machine_{un}available", "resources": hosts} for t, un, hosts in rows]
    return "".join(json.dumps(line) + "\n" for line in lines)


def worlds(*, energy: bool = False) -> list[World]:
    """Return the worlds, an ordinary one first.

    Args:
        energy: whether energy is counted in all of them, not only in the one that is about it. No machine leaves then:
            Batsim aborts when one comes back that fell asleep before, which no policy can foresee.
    """
    ordinary = tuple(_rows(1, 50, 8))
    made = [
        World(ORDINARY, 8, (ordinary,)),
        World("more than 64 hosts", 70, (tuple(_rows(2, 40, 70)),)),
        World("one host", 1, (tuple(_rows(3, 15, 1)),)),
        World("an empty workload", 4, ((),)),
        World("two workloads with the same ids", 8, (tuple(_rows(4, 20, 8)), tuple(_rows(5, 20, 8)))),
        World("jobs of no host or more hosts than there are", 8, (_too_large(_rows(6, 30, 8), 8),)),
        World("jobs without walltime", 8, (_without_walltime(_rows(7, 40, 8)),)),
        World("equal dates", 8, (_equal_dates(_rows(8, 30, 8)),)),
        World("jobs killed at their walltime", 8, (_killed(_rows(9, 40, 8)),)),
        World("machines that leave and come back", 8, (tuple(_rows(10, 40, 8)),), _leaving(8)),
        World("energy is counted", 8, (tuple(_rows(11, 40, 8, gap_s=20)),), energy=True),
    ]
    return [replace(world, energy=True) for world in made if not world.events] if energy else made


def other_futures(world: World) -> list[World]:
    """Return worlds that are the same up to a date: other run times or other jobs from some job on."""
    (rows,) = world.parts
    made = []
    for first in (3, len(rows) // 3, 2 * len(rows) // 3):
        draw = random.Random(first)
        for what in ("run times", "jobs"):
            others = [_other(row, draw, what == "jobs", world.n_hosts) for row in rows[first:]]
            made.append(replace(world, name=f"{world.name}, other {what} later", parts=((*rows[:first], *others),)))
    return made


def _other(row: JobRow, draw: random.Random, whole: bool, n_hosts: int) -> JobRow:
    """Return a job with another run time; with another date, size and walltime, too, where the whole job is another."""
    assert row.walltime_s is not None
    if not whole:
        return replace(row, run_s=float(draw.randint(1, int(row.walltime_s) - 1)))
    # All dates move alike, so that jobs keep their order and with it their numbers.
    run_s = draw.randint(1, 90)
    return JobRow(row.submit_s + 7.0, draw.randint(1, n_hosts), run_s, run_s + draw.randint(1, 60), draw.randint(-1, 3))
