"""Arrays that are enlarged on the way change nothing."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from wattq.schedulers import make_policy
from wattq.simulator import Actions, View, conversation, engine, room, simulate
from wattq.simulator import layout as c
from wattq.simulator.build import build
from wattq.simulator.conversation import converse
from wattq.simulator.external import ExternalEvents

GROWING = ("out_states", "out_energy", "out_pstates", "groups", "members", "kills", "paths")


def roomy_build(*args: Any, **kwargs: Any) -> Any:
    """Return a simulation whose arrays are many times as large as they have to be."""
    s, v, nodes = build(*args, **kwargs)
    for _ in range(5):
        s = room._enlarge_slots(room._enlarge_actors(s))
        s = s.replaced(**{name: room._longer(getattr(s, name)) for name in GROWING})
        for kernel_name, ledger_name in room._COMMON_ARRAYS.values():
            array = room._longer(getattr(v, ledger_name))
            s, v = s.replaced(**{kernel_name: array}), v.replaced(**{ledger_name: array})
    return s, v, nodes


class Busy:
    """Asks for hundreds of calls and requests, kills every third job, and starts what fits."""

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds

    def decide(self, view: View, actions: Actions) -> None:
        if self.rounds:
            self.rounds -= 1
            for k in range(60):
                actions.wake_me_at(view.now + 50.0 + k + self.rounds / 1000.0)
            for k in range(60):
                actions.set_power_state([k % 4, (k + 1) % 4], k % 2)
        for job in view.queue:
            if view.hosts_of(job) <= view.n_free:
                actions.start(job)
                if job % 3 == 2:
                    actions.kill(job)


def grown(monkeypatch: pytest.MonkeyPatch, module: Any, play: Any, *, large: bool) -> tuple[dict[str, str], list[int]]:
    """Return the files of a run, and what was short whenever the arrays were enlarged."""
    short: list[int] = []

    def counted(s: Any, v: Any) -> Any:
        short.append(room.short_of_room(s, v))
        return room.enlarge(s, v)

    monkeypatch.setattr(module, "enlarge", counted)
    monkeypatch.setattr(module, "build", roomy_build if large else build)
    files = play().files()
    del files["schedule.csv"]  # holds wall-clock times
    return files, short


def test_a_simulation_that_grows_equals_one_with_large_arrays(
    kit: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = kit.machine(*[kit.host(f"h{k}", "100Mf,50Mf", "100:200,90:150") for k in range(4)])
    profiles = {"p": kit.compute(3e8), "d": kit.delay(2), "s": kit.composed("p", "d", repeat=3)}
    jobs = [kit.job(k, k * 0.25, 1 + k % 3, "pds"[k % 3]) for k in range(700)]
    work = kit.workload(jobs, profiles)

    def play() -> Any:
        return simulate(machine, [work], Busy(30), energy=True)

    small, short = grown(monkeypatch, engine, play, large=False)
    large, never = grown(monkeypatch, engine, play, large=True)
    assert small == large
    assert never == []
    bits = 0
    for one in short:
        bits |= one
    wanted = room._ACTORS | room._SLOTS | room._STATES | room._ENERGY | room._PSTATES | room._GROUPS | room._MEMBERS
    wanted |= room._KILLS | room._PATHS | room._ALLOC
    assert bits & wanted == wanted


def test_a_compiled_policy_goes_on_after_its_arrays_grew(kit: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """700 jobs of one host on 300 hosts: their actors do not fit what was set aside for a start."""
    machine = kit.machine(*[kit.host(f"h{k:03}") for k in range(300)])
    parts = {f"r{k}": kit.composed("d", repeat=1 + k % 3) for k in range(5)}
    work = kit.workload([kit.job(k, k // 300, 1, f"r{k % 5}") for k in range(900)], {"d": kit.delay(5), **parts})

    def play() -> Any:
        return simulate(machine, [work], make_policy("fcfs"), energy=True)

    small, _ = grown(monkeypatch, engine, play, large=False)
    large, never = grown(monkeypatch, engine, play, large=True)
    assert small == large
    assert never == []
    assert len(small["jobs.csv"].splitlines()) == 901


def test_a_conversation_that_grows_equals_one_with_large_arrays(
    kit: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = kit.machine(kit.host("h0"), kit.host("h1"))
    work = kit.workload([kit.job("a", 0, 1, "d")], {"d": kit.delay(5)})
    told: dict[bool, list[str]] = {}

    def play(large: bool) -> Any:
        told[large] = []

        def scheduler(text: str) -> Any:
            told[large].append(text)
            message = json.loads(text)
            if any(event["type"] == "JOB_SUBMITTED" for event in message["events"]):
                calls = [("CALL_ME_LATER", {"timestamp": message["now"] + 1 + k / 8}) for k in range(200)]
                return kit.reply(text, ("EXECUTE_JOB", {"job_id": "w0!a", "alloc": "0"}), *calls)
            if len(told[large]) == 3:
                return kit.reply(text, *[("CALL_ME_LATER", {"timestamp": 100 + k}) for k in range(200)])
            return kit.reply(text)

        return converse(machine, [work], scheduler)

    small, short = grown(monkeypatch, conversation, lambda: play(False), large=False)
    large, never = grown(monkeypatch, conversation, lambda: play(True), large=True)
    assert small == large
    assert told[False] == told[True]
    assert short
    assert never == []


def test_enlarging_keeps_what_is_there(kit: SimpleNamespace) -> None:
    machine = kit.machine(kit.host("h0"), kit.host("h1"))
    work = kit.workload([kit.job("a", 0, 1, "d")], {"d": kit.delay(5)})
    s, v, _ = build(machine, [work], energy=True, externals=ExternalEvents.none())
    k = s.head[0]
    k["n_groups"] = len(s.groups)  # as if every place were taken
    s.groups["target"] = range(len(s.groups))
    actors, free = len(s.actors), int(k["n_free_actors"])
    k["n_free_actors"] = 0
    assert room.short_of_room(s, v) & (room._GROUPS | room._ACTORS) == room._GROUPS | room._ACTORS
    k["n_free_actors"] = free
    bigger, same = room.enlarge(s, v)
    assert same is v
    assert len(bigger.groups) == 2 * len(s.groups)
    assert bigger.groups["target"][: len(s.groups)].tolist() == s.groups["target"].tolist()
    assert bigger.actors is s.actors
    assert len(room._enlarge_actors(bigger).actors) == 2 * actors
    assert int(k["n_free_actors"]) == free + actors
    assert room.short_of_room(bigger, v) == 0
    assert isinstance(bigger, c.Kernel)
