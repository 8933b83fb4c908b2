"""Tiny machines, workloads and policies written by hand."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from wattq.platforms import read_platform
from wattq.platforms.model import Platform
from wattq.simulator import Actions, Run, View
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


def hosts_of(text: str) -> set[int]:
    """Return the hosts of an interval string."""
    parts = [part.partition("-") for part in text.split()]
    return {k for first, _, last in parts for k in range(int(first), int(last or first) + 1)}


def reply(message: str, *events: tuple[str, Mapping[str, Any]], now: float | None = None) -> dict[str, Any]:
    """Return a scheduler's reply whose events are dated now."""
    date = json.loads(message)["now"] if now is None else now
    return {"now": date, "events": [{"timestamp": date, "type": kind, "data": data} for kind, data in events]}


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Return the makers and helpers of this file."""
    folder = tmp_path_factory.mktemp("platforms")

    def machine(*hosts: str, routes: str = "") -> Platform:
        path = folder / "platform.xml"
        path.write_text(platform_text(hosts, routes), encoding="utf-8")
        return read_platform(path)

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
        rows=rows,
        by_id=by_id,
        hosts_of=hosts_of,
        reply=reply,
    )
