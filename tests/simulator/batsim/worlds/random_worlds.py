"""A random machine with random work in a folder, and the options of Batsim to play them with."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

from random_machines import Machine, random_machine

__all__ = ["World"]

_FLOPS = (1e8, 5e8, 1e9, 2e9, 3.3e9, 1e10)
_GAPS = (0, 0, 0, 1, 2, 2.5, 10, 0.000001, 17.3, 2.5e-9, 4e-10, 1 / 3)
_ORIGINS = (0,) * 14 + (-5, 0.3, 2**21 + 0.5, 1e7)
_LATE_ORIGINS = (*_ORIGINS, 1e9, 1e12)


class World:
    """What one seed makes.

    Args:
        seed: the same seed makes the same files.
        folder: is made, and takes the files.

    Attributes:
        argv: options of Batsim, but for the socket and the prefix of the outputs; paths are relative to the folder.
        machine: the hosts; those that ``--mmax`` leaves out are gone.
        energy, sharing, storage_sharing, dynamic, acknowledge, reuse: what the options say.
        crowded: whether there are many hosts and jobs.
    """

    def __init__(self, seed: int, folder: Path) -> None:
        d = Random(seed)
        self.seed, self.folder = seed, folder
        self.crowded = d.random() < 0.02
        self.energy = d.random() < 0.6
        self.sharing = d.random() < 0.15
        self.storage_sharing = d.random() < 0.8
        self.dynamic = d.random() < 0.2
        self.acknowledge = self.dynamic and d.random() < 0.5
        self.reuse = self.dynamic and d.random() < 0.5
        self.machine: Machine = random_machine(d, d.randint(64, 100) if self.crowded else d.randint(1, 8))
        folder.mkdir(parents=True, exist_ok=True)
        self._write("platform.xml", self.machine.xml)
        self.argv = ["-p", "platform.xml", *self.machine.argv, *self._switches(d)]
        sizes = [self._add_workload(d, f"w{k}.json") for k in range(d.choice([1, 1, 1, 1, 2]))]
        self._limit(d, max(sizes))
        for k in range(d.choice([0, 0, 0, 0, 1, 1, 2])):
            self._add_events(d, f"events{k}.txt", k)

    def _write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def _switches(self, d: Random) -> list[str]:
        """Return the options without inputs."""
        switches = {
            "-E": self.energy,
            "--enable-compute-sharing": self.sharing,
            "--disable-storage-sharing": not self.storage_sharing,
            "--enable-dynamic-jobs": self.dynamic,
            "--acknowledge-dynamic-jobs": self.acknowledge,
            "--enable-profile-reuse": self.reuse,
            "--forward-profiles-on-submission": d.random() < 0.3,
            "--disable-schedule-tracing": d.random() < 0.5,
            "--disable-machine-state-tracing": d.random() < 0.1,
        }
        argv = [name for name, on in switches.items() if on]
        if d.random() < 0.2:
            argv += ["--sched-cfg", d.choice(["x", "x y", '{"a": [1, "é"]}', "line\nline", 'a\\b/"c"\t'])]
        return argv

    def _limit(self, d: Random, most: int) -> None:
        """Leave out compute hosts."""
        m, limits = self.machine, []
        if d.random() < 0.1:
            limits.append(d.randint(1, m.n_compute))
            self.argv += ["--mmax", str(limits[0])]
        if d.random() < 0.1:
            limits.append(most)
            self.argv.append("--mmax-workload")
        if not limits or min(limits) >= m.n_compute:
            return
        kept = [k for k in range(m.n_hosts) if k < min(limits) or k >= m.n_compute]
        m.n_compute, m.n_hosts = min(limits), len(kept)
        m.n_computing, m.sleeps = [m.n_computing[k] for k in kept], [m.sleeps[k] for k in kept]
        m.asleep = {number for number, k in enumerate(kept) if k in m.asleep}

    def _add_events(self, d: Random, name: str, number: int) -> None:
        """Write a file of events: hosts leave and come back; some events are of other kinds."""
        hosts = [k for k in range(self.machine.n_hosts) if k % 2 == number or (number == 0 and d.random() < 0.2)]
        lines: list[dict[str, Any]] = []
        t = 0.0
        away: set[int] = set()
        for _ in range(d.randint(0, 6)):
            t += d.choice([0, 1, 5, 7.5, 20])
            chosen = set(d.sample(hosts, d.randint(1, len(hosts)))) if hosts else set()
            for kind, some in (("available", chosen & away), ("unavailable", chosen - away)):
                if some:
                    t += d.choice([0, 0.25])
                    resources = " ".join(map(str, some))
                    lines.append({"timestamp": t, "type": f"machine_{kind}", "resources": resources})
            away ^= chosen
            if d.random() < 0.2:
                lines.append({"timestamp": t, "type": "weather", "data": {"é": [1.5, 1e-9, None]}, "n": 10**12})
        if away:
            lines.append({"timestamp": t + 1, "type": "machine_available", "resources": " ".join(map(str, away))})
        if any(line["type"] == "weather" for line in lines) and "--forward-unknown-events" not in self.argv:
            self.argv.append("--forward-unknown-events")
        self._write(name, "\n\n".join(json.dumps(line) for line in lines) + "\n")
        self.argv += ["--events", name]

    def _profiles(self, d: Random) -> dict[str, Any]:
        """Return profiles of every kind; the number in ``v3`` is the number of hosts that it describes."""

        def homogeneous(**more: Any) -> dict[str, Any]:
            return {"type": "parallel_homogeneous", "cpu": d.choice(_FLOPS), "com": 0, **more}

        def composed(parts: list[str], repeat: int = 1, **more: Any) -> dict[str, Any]:
            return {"type": "composed", "repeat": repeat, "seq": parts, **more}

        p: dict[str, Any] = {
            "d": {"type": "delay", "delay": d.choice([1, 2.5, 10, 10, 20, 0.1])},
            "d2": {"type": "delay", "delay": d.choice([3, 10, 7.7, 1e-4, 1e-10])},
            "h": homogeneous(),
            "h2": homogeneous(ret=d.choice([0, 0, 0, 0, 1, 7, -1, -2, -3]), note={"x": [0.1234567890123, None, True]}),
            "t": {"type": "parallel_homogeneous_total", "cpu": d.choice(_FLOPS), "com": 0},
            "z": {"type": "parallel_homogeneous", "cpu": 0, "com": 0},
            "c": composed(d.choices(["d", "h", "t", "d2", "z"], k=d.randint(1, 3)), d.randint(1, 3)),
            "tt": composed(["t", "t"]),
        }
        p["cc"] = composed(["c", d.choice(["h", "h2", "d"])], d.randint(1, 3), ret=d.choice([0, 0, 5]))
        p["ccc"] = composed([d.choice(["d", "t"]), "cc", "c"], ret=d.choice([0, 3]))
        p["ü x"] = {"type": "delay", "delay": 4.25}
        for n in range(1, 5):
            p[f"v{n}"] = {"type": "parallel", "cpu": [d.choice([*_FLOPS, 0]) for _ in range(n)], "com": [0] * (n * n)}
        if self.machine.can_trace and d.random() < 0.4:
            self._add_traces(d, p)
        return p

    def _add_traces(self, d: Random, profiles: dict[str, Any]) -> None:
        for k in range(2):
            ranks = range(d.randint(1, 3))
            self._write(f"u{k}.txt", "".join(f"u{k}_{rank}.txt\n" for rank in ranks))
            for rank in ranks:
                lines = [
                    f"{rank} m_usage {d.choice([0, 0.3, 0.5, 1])} {d.choice([1e8, 5e8, 1e9])}\n"
                    for _ in range(d.randint(1, 3))
                ]
                self._write(f"u{k}_{rank}.txt", "".join(lines))
            profiles[f"u{k}"] = {"type": "usage_trace", "trace": f"u{k}.txt"}

    def _add_workload(self, d: Random, name: str) -> int:
        """Write a workload; return the number of hosts that it names."""
        profiles = self._profiles(d)
        jobs = []
        # Later, energies of single jobs drown in the rounding of the machine's.
        t = float(d.choice(_ORIGINS if self.energy else _LATE_ORIGINS))
        names = list(profiles)
        for k in range(d.randint(500, 600) if self.crowded else d.randint(0, 25)):
            t += d.choice(_GAPS)
            jobs.append(self._job(d, k, t, d.choice(names), profiles))
        d.shuffle(jobs)
        size = d.randint(1, self.machine.n_compute)
        content = {"nb_res": size, "jobs": jobs, "profiles": profiles, "command": "none"}
        self._write(name, json.dumps(content, ensure_ascii=d.random() < 0.5))
        self.argv += ["-w", name]
        return size

    def _job(self, d: Random, number: int, submit_s: float, profile: str, profiles: dict[str, Any]) -> dict[str, Any]:
        hosts = int(profile[1]) if profile[0] == "v" else d.randint(1, self.machine.n_hosts)
        job_id = d.choice([str(number)] * 6 + [number, f"{number} é", f"j/{number}"])
        job = {"id": job_id, "subtime": submit_s, "res": hosts, "profile": profile}
        if d.random() < 0.5:
            exact = profiles[profile].get("delay", 10)
            job["walltime"] = d.choice([1, 5, 10, 10, 20, 30, 100, 2.5, exact, -1])
        if d.random() < 0.1:
            job["user"] = d.choice(["a", 'b"c', "ü\\"])
        if d.random() < 0.1:
            job["extra"] = {"deep": [{"x": 1e-7, "y": 123456789.123456789, "z": -0.0}], "big": 2**60, "no": None}
        return job
