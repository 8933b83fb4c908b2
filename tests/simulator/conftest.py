"""Tiny machines, workloads and policies written by hand."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import strategies as st

from wattq.platforms import read_platform
from wattq.platforms.model import Platform
from wattq.simulator import Actions, Run, View
from wattq.simulator import layout as c
from wattq.workloads.batsim_json import parse_batsim_json
from wattq.workloads.model import Workload

MF = 1e6
Step = Callable[[View, Actions], None]
Job = Mapping[str, Any]


def job(job_id: int | str, submit_s: float, hosts: int, profile: str, walltime_s: float | None = None) -> Job:
    """Return a job as Batsim's JSON has it."""
    return {"id": job_id, "subtime": submit_s, "res": hosts, "profile": profile} | (
        {} if walltime_s is None else {"walltime": walltime_s}
    )


def delay(seconds: float) -> dict[str, Any]:
    return {"type": "delay", "delay": seconds}


def compute(flops: float) -> dict[str, Any]:
    return {"type": "parallel_homogeneous", "cpu": flops, "com": 0}


def parallel(*flops: float) -> dict[str, Any]:
    return {"type": "parallel", "cpu": list(flops), "com": [0] * len(flops) ** 2}


def composed(*parts: str, repeat: int = 1) -> dict[str, Any]:
    return {"type": "composed", "repeat": repeat, "seq": list(parts)}


def workload(jobs: Sequence[Job], profiles: Mapping[str, Any], *, nb_res: int = 4, name: str = "w0") -> Workload:
    """Return a workload that went through the reader."""
    document = {"nb_res": nb_res, "jobs": list(jobs), "profiles": dict(profiles)}
    return parse_batsim_json(json.dumps(document).encode(), f"{name}.json", name=name)


def host(
    name: str,
    speed: str = "100Mf",
    watts: str | None = "100:200",
    *,
    cores: int = 1,
    sleep: str | None = None,
    pstate: int = 0,
) -> str:
    """Return a host element; powers are idle:full or idle:epsilon:full per power state."""
    props = [("wattage_per_state", watts), ("sleep_pstates", sleep)]
    inside = "".join(f'<prop id="{key}" value="{value}"/>' for key, value in props if value is not None)
    return f'<host id="{name}" speed="{speed}" core="{cores}" pstate="{pstate}">{inside}</host>'


def platform_text(hosts: Iterable[str], routes: str = "") -> str:
    return (
        "<?xml version='1.0'?>\n<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n"
        '<platform version="4.1"><zone id="main" routing="Full"><host id="master_host" speed="1Gf"/>'
        f"{''.join(hosts)}{routes}</zone></platform>"
    )


class Scripted:
    """A policy that takes one function per message, and does nothing once they are used up."""

    def __init__(self, *steps: Step | None) -> None:
        self.steps = steps
        self.dates: list[float] = []

    def decide(self, view: View, actions: Actions) -> None:
        step = self.steps[len(self.dates)] if len(self.dates) < len(self.steps) else None
        self.dates.append(view.now)
        if step is not None:
            step(view, actions)


class AtDates:
    """A policy that acts at given dates (it asks to be called then) and starts what fits at every other message."""

    def __init__(self, acts: Mapping[float, Step], *, start: bool = True) -> None:
        self.acts = dict(acts)
        self.start = start
        self.asked = False

    def decide(self, view: View, actions: Actions) -> None:
        if not self.asked:
            self.asked = True
            for date in self.acts:
                if date > view.now:
                    actions.wake_me_at(date)
        for date in [date for date in self.acts if date <= view.now]:
            self.acts.pop(date)(view, actions)
        if self.start:
            for number in view.queue:
                if view.hosts_of(number) <= view.n_free:
                    actions.start(number)


class Fcfs:
    """First come, first served, in plain Python."""

    def decide(self, view: View, actions: Actions) -> None:
        held = False
        for number in view.queue:
            if view.hosts_of(number) > view.n_hosts:
                actions.reject(number)
            elif not held and view.hosts_of(number) <= view.n_free:
                actions.start(number)
            else:
                held = True


class Easy:
    """EASY backfilling, in plain Python."""

    def decide(self, view: View, actions: Actions) -> None:
        for number in view.queue:
            if view.hosts_of(number) > view.n_hosts:
                actions.reject(number)
        waiting = view.queue.tolist()
        while waiting and view.hosts_of(waiting[0]) <= view.n_free:
            actions.start(waiting.pop(0))
        if not waiting:
            return
        head = waiting.pop(0)
        shadow_s, extra = self.reservation(view, view.hosts_of(head))
        for number in waiting:
            wanted = view.hosts_of(number)
            if wanted > view.n_free:
                continue
            estimate_s = view.estimate_of(number)
            ends_before = estimate_s < float("inf") and view.now + estimate_s <= shadow_s
            if ends_before or wanted <= extra:
                extra -= 0 if ends_before else wanted
                actions.start(number)

    @staticmethod
    def reservation(view: View, wanted: int) -> tuple[float, int]:
        """Return the shadow time and the extra nodes."""
        ends = sorted((max(view.expected_end_of(k), view.now), view.hosts_of(k)) for k in view.running)
        free = view.n_free
        shadow_s = float("inf")
        for end_s, hosts in ends:
            if free >= wanted and end_s > shadow_s:
                break
            free += hosts
            shadow_s = end_s
        return (shadow_s, free - wanted) if free >= wanted else (float("inf"), 0)


def rows(run: Run, name: str = "jobs.csv") -> list[dict[str, str]]:
    """Return the rows of an output file."""
    return list(csv.DictReader(io.StringIO(run.files()[name])))


def by_id(run: Run) -> dict[str, dict[str, str]]:
    """Return the rows of jobs.csv by job id."""
    return {row["job_id"]: row for row in rows(run)}


def steady(run: Run) -> dict[str, str]:
    """Return the files without the wall-clock columns."""
    files = run.files()
    header, values = files["schedule.csv"].splitlines()
    clocks = ("scheduling_time", "simulation_time")
    kept = [value for name, value in zip(header.split(","), values.split(","), strict=True) if name not in clocks]
    return files | {"schedule.csv": ",".join(kept)}


def hosts_of(text: str) -> set[int]:
    """Return the hosts of an interval string."""
    parts = [part.partition("-") for part in text.split()]
    return {k for first, _, last in parts for k in range(int(first), int(last or first) + 1)}


def reply(message: str, *events: tuple[str, Mapping[str, Any]], now: float | None = None) -> dict[str, Any]:
    """Return a scheduler's reply whose events are dated now."""
    date = json.loads(message)["now"] if now is None else now
    return {"now": date, "events": [{"timestamp": date, "type": kind, "data": data} for kind, data in events]}


@dataclass(frozen=True)
class HostSpec:
    """A host in numbers: Mflop/s per core, cores, W."""

    speed_mf: int
    cores: int
    idle_w: int
    epsilon_w: int
    full_w: int

    def power_w(self, load: float) -> float:
        return self.idle_w if load == 0.0 else self.epsilon_w + (self.full_w - self.epsilon_w) * min(load, 1.0)


@dataclass(frozen=True)
class World:
    """A machine and its jobs; `profiles` as in Batsim's JSON."""

    hosts: tuple[HostSpec, ...]
    jobs: tuple[Mapping[str, Any], ...]
    profiles: Mapping[str, Mapping[str, Any]]

    @property
    def mixes(self) -> bool:
        """Whether a composed job puts computation after a delay or the other way round."""
        kinds = {name: self.profiles[name]["type"] for name in self.profiles}
        used = [self.profiles[job["profile"]] for job in self.jobs]
        return any(len({kinds[part] == "delay" for part in p["seq"]}) > 1 for p in used if p["type"] == "composed")


class Scatter:
    """Starts jobs on any free hosts, in any order, and leaves some for later."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)

    def decide(self, view: View, actions: Actions) -> None:
        for job in self.draw.sample(view.queue.tolist(), len(view.queue)):
            wanted = view.hosts_of(job)
            if wanted > view.n_hosts or wanted == 0:
                actions.reject(job)
            elif wanted <= view.n_free and (self.draw.random() < 0.8 or not len(view.running)):
                actions.start(job, self.draw.sample(view.free_hosts.tolist(), wanted))


class Chaos:
    """Sleeps, wakes, changes speeds, kills and starts at random; after a while it only serves."""

    def __init__(self, seed: int, rounds: int = 40) -> None:
        self.draw = random.Random(seed)
        self.rounds = rounds
        self.asked = False

    def decide(self, view: View, actions: Actions) -> None:
        wild = self.rounds > 0
        self.rounds -= 1
        hosts = range(view.n_hosts)
        for host in hosts:
            state, target = int(view.hosts["state"][host]), int(view.hosts["target"][host])
            luck = self.draw.random()
            if state == c.SLEEPING and (not wild or luck < 0.3):
                actions.wake([host], self.draw.randrange(2))
            elif wild and state == c.IDLE and target < 0 and luck < 0.2:
                actions.sleep([host], 2)
            elif wild and state in (c.IDLE, c.COMPUTING) and target < 0 and luck > 0.8:
                actions.set_power_state([host], self.draw.randrange(2))
        if wild and len(view.running) and self.draw.random() < 0.1:
            actions.kill(int(self.draw.choice(view.running.tolist())))
        if wild and (view.called or not self.asked):
            self.asked = True
            actions.wake_me_at(view.now + self.draw.choice([0.3, 1.0, 7.5]))
        for job in view.queue:
            if view.hosts_of(job) <= view.n_free:
                actions.start(job, self.draw.sample(view.free_hosts.tolist(), view.hosts_of(job)))


@st.composite
def host_specs(draw: st.DrawFn) -> HostSpec:
    idle_w = draw(st.integers(0, 150))
    epsilon_w = draw(st.sampled_from([idle_w, idle_w + 20, max(idle_w - 15, 0)]))
    return HostSpec(
        speed_mf=draw(st.sampled_from([50, 100, 200])),
        cores=draw(st.sampled_from([1, 1, 2, 4])),
        idle_w=idle_w,
        epsilon_w=epsilon_w,
        full_w=epsilon_w + draw(st.integers(0, 200)),
    )


@st.composite
def worlds(draw: st.DrawFn, *, max_hosts: int = 6, larger: int = 1) -> World:
    """Draw a machine and jobs; walltimes never meet an end exactly, because then rounding decides."""
    alike = st.tuples(host_specs(), st.integers(1, max_hosts)).map(lambda pair: [pair[0]] * pair[1])
    hosts = tuple(draw(alike | st.lists(host_specs(), min_size=1, max_size=max_hosts)))
    scale = draw(st.sampled_from([1, 1, 16]))
    tenths = st.integers(1, 80).map(lambda k: k / 8 * scale)
    profiles: dict[str, dict[str, Any]] = {
        "d": {"type": "delay", "delay": draw(tenths)},
        "e": {"type": "delay", "delay": draw(tenths)},
        "p": {"type": "parallel_homogeneous", "cpu": draw(tenths) * 1e8, "com": 0},
        "q": {"type": "parallel_homogeneous", "cpu": draw(tenths) * 1e8, "com": 0, "ret": 1},
        "t": {"type": "parallel_homogeneous_total", "cpu": draw(tenths) * 1e8, "com": 0},
    }
    for n in range(1, len(hosts) + 1):
        cpu = [draw(st.integers(0, 40)) * 2.5e7 for _ in range(n)]
        profiles[f"v{n}"] = {"type": "parallel", "cpu": [*cpu[:-1], cpu[-1] + 1e7], "com": [0] * n * n}
    for name in ("s", "u"):
        parts = draw(st.lists(st.sampled_from(["d", "e", "p", "t"]), min_size=1, max_size=3))
        profiles[name] = {"type": "composed", "repeat": draw(st.integers(1, 2)), "seq": parts}
    jobs = []
    for number in range(draw(st.integers(0, 12))):
        wanted = draw(st.integers(1, len(hosts) + larger))
        name = draw(st.sampled_from(["d", "e", "p", "q", "t", "s", "u", "v"]))
        if name == "v":
            name = f"v{wanted}" if wanted <= len(hosts) else "d"
        job = {"id": str(number), "subtime": draw(st.integers(0, 80)) / 4, "res": wanted, "profile": name}
        if draw(st.booleans()):
            job["walltime"] = draw(st.integers(1, 160)) / 8 * scale + 0.03
        jobs.append(job)
    return World(hosts, tuple(jobs), profiles)


def build_world(world: World, jobs: Sequence[Any] | None = None) -> tuple[list[str], Workload]:
    """Return the host elements of a world and its workload, perhaps with other jobs."""
    hosts = [
        host(f"h{k}", f"{h.speed_mf}Mf", f"{h.idle_w}:{h.epsilon_w}:{h.full_w}", cores=h.cores)
        for k, h in enumerate(world.hosts)
    ]
    return hosts, workload(world.jobs if jobs is None else jobs, world.profiles)


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Return the makers and helpers of this file."""
    folder = tmp_path_factory.mktemp("platforms")

    def machine(*hosts: str, routes: str = "") -> Platform:
        path = folder / "platform.xml"
        path.write_text(platform_text(hosts, routes), encoding="utf-8")
        return read_platform(path)

    def built(world: World, jobs: Sequence[Any] | None = None, routes: str = "") -> tuple[Platform, Workload]:
        hosts, work = build_world(world, jobs)
        return machine(*hosts, routes=routes), work

    return SimpleNamespace(
        job=job,
        delay=delay,
        compute=compute,
        parallel=parallel,
        composed=composed,
        workload=workload,
        host=host,
        machine=machine,
        Scripted=Scripted,
        AtDates=AtDates,
        Fcfs=Fcfs,
        Easy=Easy,
        Scatter=Scatter,
        Chaos=Chaos,
        worlds=worlds,
        build=built,
        rows=rows,
        by_id=by_id,
        hosts_of=hosts_of,
        reply=reply,
        steady=steady,
    )
