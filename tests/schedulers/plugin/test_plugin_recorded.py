"""Messages of real Batsim are absorbed, and the decisions that were answered to them are written as they were."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from wattq.schedulers.plugin import Bridge, Options
from wattq.simulator import Actions, View
from wattq.simulator import layout as c
from wattq.simulator import ledger as acts
from wattq.simulator.intervals import format_intervals, parse_intervals

SCENARIOS = Path(__file__).resolve().parents[4] / "shared" / "golden" / "scenarios"
NAMES = sorted(path.name for path in SCENARIOS.iterdir()) if SCENARIOS.is_dir() else []
SHARED = "two jobs share a host, which no policy of wattq does"
REGISTERED = "the recorded scheduler registers jobs, which no policy of wattq does"
IGNORED = "the recorded scheduler asks for power states that Batsim ignores, which no policy of wattq can"
ASLEEP = "without energy, Batsim lets jobs run on hosts that begin asleep; wattq's policies leave such hosts alone"
LEFT_OUT = {
    "s08_multicore_sharing_c1": SHARED,
    "s08_multicore_sharing_c2": SHARED,
    "s17_set_in_transition": IGNORED,
    "s17_set_virtual": IGNORED,
    "s21_initial_sleep_no_energy": ASLEEP,
    "s23_dynamic_ack": REGISTERED,
    "s23_dynamic_continue": REGISTERED,
    "s23_dynamic_gc": REGISTERED,
    "s23_dynamic_never_finished": REGISTERED,
    "s23_dynamic_noack": REGISTERED,
    "s23_dynamic_reuse": REGISTERED,
}
# Decisions that policies take; the rest of a recorded reply is not compared.
TAKEN = ("EXECUTE_JOB", "REJECT_JOB", "KILL_JOB", "CALL_ME_LATER", "SET_RESOURCE_STATE", "QUERY")


def hosts(text: str) -> set[int]:
    return {host for first, last in parse_intervals(text, "test") for host in range(first, last + 1)}


def heard(line: Mapping[str, Any]) -> Any:
    """Return a recorded message; what Batsim's --sched-cfg said to the recorded scheduler is left out."""
    message = json.loads(line["recv"])
    for event in message["events"]:
        if event["type"] == "SIMULATION_BEGINS":
            event["data"]["config"]["sched-config"] = ""
    return message


def plain(events: list[Any]) -> list[tuple[str, Any]]:
    """Return decisions in one form: sorted intervals, one kill per job, no executor mapping."""
    found: list[tuple[str, Any]] = []
    for event in events:
        kind, data = event["type"], dict(event["data"])
        data.pop("mapping", None)
        for key in ("alloc", "resources"):
            if key in data:
                data[key] = format_intervals(parse_intervals(data[key], "test"))
        if kind == "KILL_JOB":
            found += [(kind, job_id) for job_id in data["job_ids"]]
        elif kind in TAKEN:
            found.append((kind, data))
    return found


@dataclass
class Recorded:
    """A policy that takes the recorded decisions, without Batsim's checks."""

    replies: list[Mapping[str, Any]]
    bridge: Bridge | None = None
    asked: int = 0

    def decide(self, view: View, actions: Actions) -> None:
        assert self.bridge is not None
        reply = self.replies[self.asked]
        self.asked += 1
        v = self.bridge.ledger
        for event in reply["events"]:
            self.act(v, event["type"], event["data"])

    def act(self, v: c.Ledger, kind: str, data: Mapping[str, Any]) -> None:
        assert self.bridge is not None
        number_of = self.bridge.jobs.number_of
        if kind == "EXECUTE_JOB":
            job = number_of(data["job_id"])
            # Some profiles run on another number of hosts than was requested.
            v.jobs[job]["hosts"] = len(hosts(data["alloc"]))
            acts.start_set(v, job, self.words(v, data["alloc"]))
        elif kind == "REJECT_JOB":
            acts.reject(v, number_of(data["job_id"]))
        elif kind == "KILL_JOB":
            for job_id in data["job_ids"]:
                acts.kill(v, number_of(job_id))
        elif kind == "CALL_ME_LATER":
            acts.call_at(v, data["timestamp"])
        elif kind == "SET_RESOURCE_STATE":
            acts.set_power_state(v, self.words(v, data["resources"]), int(data["state"]))
        elif kind == "QUERY":
            acts.ask_energy(v)

    @staticmethod
    def words(v: c.Ledger, text: str) -> np.ndarray[Any, np.dtype[np.uint64]]:
        words = np.zeros_like(v.free)
        for host in hosts(text):
            words[host >> 6] |= np.uint64(1) << np.uint64(host & 63)
        return words


@dataclass
class Machine:
    """What a reader of the recorded conversation knows about hosts and jobs."""

    kinds: list[list[int]]
    state: list[int]
    target: dict[int, int] = field(default_factory=dict)
    away: set[int] = field(default_factory=set)
    running: dict[str, set[int]] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)

    def hear(self, event: Mapping[str, Any]) -> None:
        kind, data = event["type"], event["data"]
        if kind == "JOB_SUBMITTED":
            self.waiting.append(data["job_id"])
        elif kind == "JOB_COMPLETED":
            assert self.running.pop(data["job_id"]) == hosts(data["alloc"])
        elif kind == "RESOURCE_STATE_CHANGED":
            for host in hosts(data["resources"]):
                self.state[host] = int(data["state"])
                if self.target.get(host) == int(data["state"]):
                    del self.target[host]
        elif kind == "NOTIFY" and data["type"].startswith("event_machine"):
            changed = hosts(data["resources"]) & set(range(len(self.state)))
            self.away = self.away | changed if data["type"].endswith("unavailable") else self.away - changed

    def say(self, event: Mapping[str, Any]) -> None:
        kind, data = event["type"], event["data"]
        if kind == "EXECUTE_JOB":
            self.waiting.remove(data["job_id"])
            self.running[data["job_id"]] = hosts(data["alloc"])
        elif kind == "REJECT_JOB":
            self.waiting.remove(data["job_id"])
        elif kind == "SET_RESOURCE_STATE":
            for host in hosts(data["resources"]):
                self.target[host] = int(data["state"])

    def free(self) -> list[int]:
        busy = set().union(*self.running.values())
        asleep = {host for host, state in enumerate(self.state) if self.kinds[host][state] != c.PS_COMPUTE}
        # A host whose speed changes while it is idle may still take a job.
        switching = {
            host for host, target in self.target.items() if self.kinds[host][target] != c.PS_COMPUTE or host in asleep
        }
        return sorted(set(range(len(self.state))) - busy - asleep - switching - self.away)


def check(bridge: Bridge, machine: Machine) -> None:
    """The ledger says what a reader of the conversation knows."""
    view = View(bridge.ledger)
    names = bridge.jobs.full_ids
    assert [names[job] for job in view.queue] == machine.waiting
    assert sorted(names[job] for job in view.running) == sorted(machine.running)
    assert view.free_hosts.tolist() == machine.free()
    assert view.n_free == len(machine.free())
    for name, taken in machine.running.items():
        assert all(names[view.hosts["job"][host]] == name for host in taken)


def test_no_scenario_is_left_out(shared_dir: Path) -> None:
    assert len(NAMES) == 143
    assert set(LEFT_OUT) <= set(NAMES)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in LEFT_OUT])
def test_scenario(name: str, say: SimpleNamespace) -> None:
    folder = SCENARIOS / name
    lines = say.lines(folder)
    aborts = json.loads((folder / "expect.json").read_text())["abort"]
    if aborts:
        # Batsim refused the last reply, so the ledger may not take it; its message is absorbed all the same.
        lines = [*lines[:-1], *({**line, "send": {"now": 0, "events": []}} for line in lines[-1:])]
    policy = Recorded([line["send"] for line in lines])
    bridge = policy.bridge = Bridge(Options(platform=str(folder / "platform.xml")), policy=policy)
    machine = None
    for line in lines:
        said = bridge.answer(heard(line))
        assert plain(said) == plain(line["send"]["events"])
        if machine is None:
            n, classes = bridge.ledger.head[0]["n_hosts"], bridge.ledger.hosts["cls"]
            kinds = [bridge.ledger.pstates["kind"][classes[host]].tolist() for host in range(n)]
            machine = Machine(kinds, bridge.ledger.hosts["pstate"][:n].tolist())
        for event in heard(line)["events"]:
            machine.hear(event)
        for event in line["send"]["events"]:
            machine.say(event)
        check(bridge, machine)
    assert policy.asked == len(lines)
