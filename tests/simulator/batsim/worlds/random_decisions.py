"""A scheduler that decides at random: by the rules, and in some worlds once against them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from random_worlds import World

__all__ = ["RandomScheduler"]

_WILD_ROUNDS = 60
_PATIENCE_ROUNDS = 400
Decision = tuple[str, Any]


def _text(hosts: Iterable[int]) -> str:
    """Return hosts as an allocation is written."""
    return " ".join(str(host) for host in sorted(hosts))


def _numbers(text: str) -> list[int]:
    """Return the hosts of an allocation."""
    numbers: list[int] = []
    for part in text.split():
        first, _, last = part.partition("-")
        numbers.extend(range(int(first), int(last or first) + 1))
    return numbers


class RandomScheduler:
    """Answers messages; the same messages get the same replies.

    It keeps the books that a careful scheduler keeps, draws what to do, and after some rounds only works off what is
    left, so that most simulations end.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._draw = d = Random(world.seed + 12345)
        self._rounds = 0
        self._waiting: dict[str, dict[str, Any]] = {}
        self._running: dict[str, list[int]] = {}
        self._ended: list[str] = []
        self._doomed: set[str] = set()
        machine = world.machine
        self._state = {host: "off" if host in machine.asleep else "on" for host in range(machine.n_hosts)}
        self._users = dict.fromkeys(self._state, 0)
        self._away: set[int] = set()
        self._calls = 0
        self._registering = world.dynamic
        self._registered = 0
        self._profiles: list[str] = []
        self._dating: Callable[[float, int], list[float]] = d.choice([self._at_once] * 12 + [self._later, self._before])
        self._spoils = d.randint(0, 40) if d.random() < 0.15 else -1
        self._stubborn = d.random() < 0.05

    def __call__(self, text: str) -> str:
        """Return the reply to a message."""
        message = json.loads(text)
        now = message["now"]
        self._rounds += 1
        if any(self._note(event["type"], event["data"]) for event in message["events"]):
            return json.dumps({"now": now, "events": []})
        decisions = self._decide(now)
        dates = self._dating(now, len(decisions))
        events = [
            {"timestamp": date, "type": kind, "data": data}
            for date, (kind, data) in zip(dates, decisions, strict=False)
        ]
        return json.dumps({"now": max([now, *dates]), "events": events}, ensure_ascii=self._world.seed % 2 == 0)

    def _at_once(self, now: float, n: int) -> list[float]:
        return [now] * n

    def _before(self, now: float, n: int) -> list[float]:
        return [now - self._draw.choice([0, 1, 1e-6]) for _ in range(n)]

    def _later(self, now: float, n: int) -> list[float]:
        """Return dates up to a few seconds ahead, and last that of the reply."""
        step = self._draw.choice([0.3, 1e-6, 1.0])
        return [now + step * k for k in range(n + 1)]

    @property
    def _lags(self) -> bool:
        """Whether decisions take effect later than they are made."""
        return self._dating == self._later

    @property
    def _wild(self) -> bool:
        return self._rounds < _WILD_ROUNDS

    def _note(self, kind: str, data: dict[str, Any]) -> bool:
        """Take an event; return whether it is the end."""
        if kind == "JOB_SUBMITTED":
            self._waiting[data["job_id"]] = data["job"]
        elif kind == "JOB_COMPLETED":
            for host in self._running.pop(data["job_id"]):
                self._users[host] -= 1
            self._ended.append(data["job_id"])
        elif kind == "RESOURCE_STATE_CHANGED":
            for host in _numbers(data["resources"]):
                self._state[host] = "on" if int(data["state"]) < self._world.machine.n_computing[host] else "off"
        elif kind == "NOTIFY" and data["type"].startswith("event_machine"):
            change = self._away.add if "un" in data["type"] else self._away.discard
            for host in _numbers(data["resources"]):
                change(host)
        elif kind == "REQUESTED_CALL":
            self._calls -= 1
        return kind == "SIMULATION_ENDS"

    def _decide(self, now: float) -> list[Decision]:
        out: list[Decision] = []
        if self._wild and self._registering and self._draw.random() < 0.5:
            self._register(now, out)
        if self._world.energy:
            self._switch(out)
        if self._wild and self._running and self._draw.random() < 0.15:
            self._kill(out)
        if self._world.energy and self._draw.random() < 0.1:
            out.append(("QUERY", {"requests": {"consumed_energy": {}}}))
        if self._wild and self._draw.random() < 0.2:
            pause_s = self._draw.choice([1, 5, 2.5, 10, 7, 1.5, 2, 3, 1e-3])
            self._call(now + 60.0 * self._lags + pause_s, out)
        for job_id in list(self._waiting):
            self._start(job_id, out)
        if self._registering and (self._rounds > 8 or self._draw.random() < 0.1):
            self._end_registration(out)
        if self._rounds == self._spoils:
            out.insert(self._draw.randint(0, len(out)), self._offence(now))
        self._keep_awake(now, out)
        return out

    def _call(self, date: float, out: list[Decision]) -> None:
        out.append(("CALL_ME_LATER", {"timestamp": date}))
        self._calls += 1

    def _keep_awake(self, now: float, out: list[Decision]) -> None:
        """Ask for a call when nothing else would bring a message."""
        pending = self._waiting or "off" in self._state.values()
        moving = "moving" in self._state.values() and not self._stubborn
        if pending and not self._calls and not self._running and not moving and self._rounds < _PATIENCE_ROUNDS:
            self._call(now + 100, out)

    def _end_registration(self, out: list[Decision]) -> None:
        out.append(("NOTIFY", {"type": "registration_finished"}))
        self._registering = self._draw.random() < 0.2
        if self._registering:
            out.append(("NOTIFY", {"type": "continue_registration"}))

    def _register(self, now: float, out: list[Decision]) -> None:
        """Register jobs, and profiles for them."""
        d = self._draw
        for _ in range(d.randint(1, 3)):
            number, self._registered = self._registered, self._registered + 1
            if not self._profiles or d.random() < 0.3:
                name = f"dyn {number}"
                kinds: list[dict[str, Any]] = [
                    {"type": "delay", "delay": 3},
                    {"type": "parallel_homogeneous", "cpu": 3e8, "com": 0, "note": [1, {"é": 0.5}]},
                    {"type": "parallel", "cpu": [1e8], "com": [0]},
                ]
                data = {"workload_name": "dyn", "profile_name": name, "profile": d.choice(kinds)}
                out.append(("REGISTER_PROFILE", data))
                self._profiles.append(name)
            profile = self._profiles[-1] if self._world.reuse else self._profiles.pop()
            job_id = f"dyn!{number}"
            job = {"id": job_id, "subtime": d.choice([0, now, now + 5]), "res": 1, "profile": profile}
            if d.random() < 0.4:
                job["walltime"] = d.choice([1, 3, 10])
            if d.random() < 0.2:
                job["more"] = {"x": 1e-3}
            out.append(("REGISTER_JOB", {"job_id": job_id, "job": job}))
            if not self._world.acknowledge:
                self._waiting[job_id] = job

    def _switch(self, out: list[Decision]) -> None:
        """Put hosts to sleep, wake them, or change their speed; at the end wake all of them."""
        d, machine = self._draw, self._world.machine
        here = [host for host in self._state if host not in self._away]
        off = [host for host in here if self._state[host] == "off"]
        if not self._wild:
            self._set_state(off, 0, "moving", out)
        elif d.random() < 0.4:
            idle = [h for h in here if not self._users[h] and self._state[h] == "on" and machine.sleeps[h]]
            pick = d.random()
            if pick < 0.35 and idle:
                state = d.choice(machine.sleeps[d.choice(idle)])
                chosen = [host for host in idle if state in machine.sleeps[host]]
                self._set_state(d.sample(chosen, d.randint(1, len(chosen))), state, "moving", out)
            elif pick < 0.7 and off:
                chosen = d.sample(off, d.randint(1, len(off)))
                self._set_state(chosen, d.randrange(min(machine.n_computing[h] for h in chosen)), "moving", out)
            else:
                on = [host for host in here if self._state[host] == "on"]
                chosen = d.sample(on, d.randint(min(1, len(on)), len(on)))
                if chosen:
                    self._set_state(chosen, d.randrange(min(machine.n_computing[h] for h in chosen)), "on", out)
            if self._stubborn and d.random() < 0.3:
                host = d.choice(list(self._state))
                out.append(("SET_RESOURCE_STATE", {"resources": str(host), "state": str(d.randint(0, 5))}))

    def _set_state(self, hosts: list[int], state: int, becomes: str, out: list[Decision]) -> None:
        if hosts:
            out.append(("SET_RESOURCE_STATE", {"resources": _text(hosts), "state": str(state)}))
            for host in hosts:
                self._state[host] = becomes

    def _kill(self, out: list[Decision]) -> None:
        d = self._draw
        some = d.sample(sorted(self._running), min(len(self._running), d.randint(1, 3)))
        if d.random() < 0.8:
            some = [job_id for job_id in some if job_id not in self._doomed]
        if some:
            out.append(("KILL_JOB", {"job_ids": some}))
            self._doomed.update(some)
            if d.random() < 0.2:
                out.append(("KILL_JOB", {"job_ids": d.choice([some, some + some])}))

    def _free(self) -> list[int]:
        """Return the hosts that can take a job."""
        w = self._world
        free = []
        for host, state in self._state.items():
            shared = w.sharing if host < w.machine.n_compute else w.storage_sharing
            if state == "on" and host not in self._away and self._users[host] < (3 if shared else 1):
                free.append(host)
        return free

    def _start(self, job_id: str, out: list[Decision]) -> None:
        """Start a job, reject it, or let it wait."""
        d, job = self._draw, self._waiting[job_id]
        if self._wild and d.random() < 0.3:
            return
        if job["res"] > self._world.machine.n_hosts or d.random() < 0.03:
            out.append(("REJECT_JOB", {"job_id": job_id}))
            del self._waiting[job_id]
            return
        hosts, mapping = self._allocation(job)
        if not hosts:
            return
        data: dict[str, Any] = {"job_id": job_id, "alloc": _text(hosts)} | ({"mapping": mapping} if mapping else {})
        out.append(("EXECUTE_JOB", data))
        del self._waiting[job_id]
        self._running[job_id] = hosts
        for host in hosts:
            self._users[host] += 1
        if d.random() < 0.1:
            out.append(("SET_JOB_METADATA", {"job_id": job_id, "metadata": "m, é\n" * d.randint(0, 2)}))
        if d.random() < 0.05:
            out.append(("KILL_JOB", {"job_ids": [job_id]}))
            self._doomed.add(job_id)

    def _allocation(self, job: dict[str, Any]) -> tuple[list[int], dict[str, Any]]:
        """Return hosts for a job, and where its executors go when not one on each."""
        d, free = self._draw, self._free()
        size, profile = job["res"], job["profile"]
        if profile not in ("d", "d2", "z") and d.random() < 0.95:
            free = [host for host in free if host < self._world.machine.n_compute]
        if not free:
            return [], {}
        if profile in ("t", "tt") and d.random() < 0.3:
            return d.sample(free, d.randint(1, len(free))), {}
        if profile[0] not in "zu" and d.random() < 0.15:
            n = d.randint(1, min(len(free), size))
            return d.sample(free, n), {str(k): d.choice([str, int])(d.randrange(n)) for k in range(size)}
        return (d.sample(free, size), {}) if size <= len(free) else ([], {})

    def _offence(self, now: float) -> Decision:
        """Return a decision against the rules; some are harmless, depending on what is going on."""
        d = self._draw
        waiting, running = d.choice([*self._waiting, "w0!no"]), d.choice([*self._running, "w0!no"])
        ended = d.choice([*self._ended, "w9!9"])
        hosts = self._world.machine.n_hosts
        kinds: list[Decision] = [
            ("EXECUTE_JOB", {"job_id": job_id, "alloc": alloc})
            for job_id in (waiting, running, ended)
            for alloc in ("0", f"0-{hosts}", f"0-{hosts - 1}", "", "0,1", "1-0", "x", "0 0", "-1")
        ]
        kinds += [("EXECUTE_JOB", {"job_id": waiting, "alloc": "0", "mapping": m}) for m in ({}, {"0": 1}, {"1": 0}, 3)]
        kinds += [("REJECT_JOB", {"job_id": job_id}) for job_id in (waiting, running, ended)] * 3
        kinds += [("KILL_JOB", {"job_ids": ids}) for ids in ([waiting], [running], [ended], [running, waiting], [])] * 3
        kinds += [("CALL_ME_LATER", {"timestamp": now + k}) for k in (0, -1, 1e-7, 1e-10)] * 3
        kinds += [
            ("SET_RESOURCE_STATE", {"resources": alloc, "state": state})
            for alloc in ("0", str(hosts), f"0-{hosts - 1}")
            for state in ("0", "2", "3", "99", "-1", "x", 0)
        ]
        kinds += [("QUERY", {"requests": {key: {} for key in keys}}) for keys in ([], ["consumed_energy"], ["air"])]
        kinds += [("NOTIFY", {"type": kind}) for kind in ("registration_finished", "nothing")]
        kinds += [("SET_JOB_METADATA", {"job_id": job_id, "metadata": "a"}) for job_id in (waiting, running, ended)]
        kinds += [("SET_JOB_METADATA", {"job_id": running, "metadata": 'a"b'}), ("NO_SUCH_DECISION", {})]
        kinds += [
            ("REGISTER_JOB", {"job_id": job_id, "job": {"id": job_id, "subtime": 0, "res": 1, "profile": profile}})
            for job_id in ("w0!new", "new", "dyn!0", "zzz!1")
            for profile in ("d", "h", "nope")
        ]
        kinds += [
            ("REGISTER_PROFILE", {"workload_name": name, "profile_name": profile, "profile": content})
            for name in ("w0", "dyn")
            for profile in ("d", "more")
            for content in ({"type": "delay", "delay": 1}, {"type": "delay", "delay": 0}, {"type": "x"}, {})
        ]
        return d.choice(kinds)
