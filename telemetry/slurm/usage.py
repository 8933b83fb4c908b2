"""What a job uses on this node: from its control group, or from its processes where there is none."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["JobMeter", "JobUse"]

_SECTOR_FREE = ("rbytes", "wbytes")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")
_MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class JobUse:
    """What a job has used until now; None where nothing tells.

    Attributes:
        cpu_s: time of processors, s.
        memory_bytes: memory in use, bytes.
        peak_bytes: the most memory it used at once, bytes.
        read_bytes, written_bytes: to and from disks, bytes.
        source: ``cgroup`` or ``processes``.
    """

    cpu_s: float | None = None
    memory_bytes: float | None = None
    peak_bytes: float | None = None
    read_bytes: float | None = None
    written_bytes: float | None = None
    source: str = ""


class JobMeter:
    """Use of one job, read again and again.

    The control group is that of Slurm's plugin (version 2 or 1). Without one, processes with the job's number in their
    environment are summed up; what those used that ended between two readings is lost.

    Args:
        job_id: number of the job.
        user_id: number of its user, as version 1 has it in its paths; any where None.
        root: folder that holds ``sys`` and ``proc``.
    """

    def __init__(self, job_id: str, user_id: str | None = None, root: Path = Path("/")) -> None:
        self._job, self._user, self._root = job_id, user_id or "*", root
        self._ended = [0.0, 0.0, 0.0]
        self._alive: dict[str, tuple[float, float, float]] = {}
        self._peak = 0.0

    def read(self) -> JobUse:
        """Return what the job used until now."""
        for look in (self._version2, self._version1, self._processes):
            use = look()
            if use is not None:
                self._peak = max(self._peak, use.memory_bytes or 0.0, use.peak_bytes or 0.0)
                return JobUse(
                    use.cpu_s, use.memory_bytes, self._peak or None, use.read_bytes, use.written_bytes, use.source
                )
        return JobUse()

    def _version2(self) -> JobUse | None:
        base = self._root / "sys/fs/cgroup"
        patterns = (f"system.slice/*slurmstepd.scope/job_{self._job}", f"*slurmstepd.scope/job_{self._job}")
        folder = _first(base, patterns)
        if folder is None:
            return None
        cpu = _keyed(folder / "cpu.stat").get("usage_usec")
        io = [_pairs(line) for line in _text(folder / "io.stat").splitlines()]
        peak = _whole(_text(folder / "memory.peak"))
        return JobUse(
            None if cpu is None else cpu * 1e-6,
            _whole(_text(folder / "memory.current")),
            peak,
            _total(each.get("rbytes") for each in io),
            _total(each.get("wbytes") for each in io),
            "cgroup",
        )

    def _version1(self) -> JobUse | None:
        base = self._root / "sys/fs/cgroup"
        tail = f"slurm*/uid_{self._user}/job_{self._job}"
        cpu = _first(base, (f"cpuacct/{tail}", f"cpu,cpuacct/{tail}"))
        memory = _first(base, (f"memory/{tail}",))
        disk = _first(base, (f"blkio/{tail}",))
        if cpu is None and memory is None:
            return None
        spent = None if cpu is None else _whole(_text(cpu / "cpuacct.usage"))
        moved = _moved(_text(disk / "blkio.throttle.io_service_bytes_recursive")) if disk else {}
        return JobUse(
            None if spent is None else spent * 1e-9,
            None if memory is None else _whole(_text(memory / "memory.usage_in_bytes")),
            None if memory is None else _whole(_text(memory / "memory.max_usage_in_bytes")),
            moved.get("Read"),
            moved.get("Write"),
            "cgroup",
        )

    def _processes(self) -> JobUse | None:
        memory = 0.0
        alive: dict[str, tuple[float, float, float]] = {}
        for folder in self._own():
            found = _process(folder)
            if found is not None:
                alive[found[0]] = found[1]
                memory += found[2]
        for key in self._alive.keys() - alive.keys():
            self._ended = [had + gone for had, gone in zip(self._ended, self._alive[key], strict=True)]
        self._alive = alive
        if not alive and not any(self._ended):
            return None
        sums = [had + sum(each[k] for each in alive.values()) for k, had in enumerate(self._ended)]
        return JobUse(sums[0], memory, None, sums[1], sums[2], "processes")

    def _own(self) -> Iterable[Path]:
        word = f"SLURM_JOB_ID={self._job}".encode()
        with suppress(OSError):
            for folder in (self._root / "proc").iterdir():
                with suppress(OSError):
                    # slurmstepd has the job's number in its environment, too, but is not the job's
                    if folder.name.isdecimal() and word in _environment(folder) and not _is_slurm(folder):
                        yield folder


def _environment(folder: Path) -> list[bytes]:
    with (folder / "environ").open("rb") as file:
        return file.read(_MOST_BYTES).split(b"\0")


def _is_slurm(folder: Path) -> bool:
    return _text(folder / "comm").strip() in ("slurmstepd", "slurmd")


def _process(folder: Path) -> tuple[str, tuple[float, float, float], float] | None:
    """Return a name that no later process gets, (CPU s, bytes read, bytes written), and resident bytes."""
    words = _text(folder / "stat").rpartition(")")[2].split()
    if len(words) < 22:
        return None
    cpu_s = (int(words[11]) + int(words[12])) / _TICK
    io = dict(re.findall(r"^(\w+): (\d{1,20})$", _text(folder / "io"), re.MULTILINE))
    moved = float(io.get("read_bytes", 0)), float(io.get("write_bytes", 0))
    return f"{folder.name} {words[19]}", (cpu_s, *moved), float(words[21]) * _PAGE


def _first(base: Path, patterns: Iterable[str]) -> Path | None:
    with suppress(OSError):
        for pattern in patterns:
            found = sorted(base.glob(pattern))
            if found:
                return found[0]
    return None


def _text(path: Path) -> str:
    with suppress(OSError), path.open("rb") as file:
        return file.read(_MOST_BYTES).decode("utf-8", "replace")
    return ""


def _whole(text: str) -> float | None:
    return float(text) if text.strip().isdecimal() else None


def _keyed(path: Path) -> dict[str, float]:
    return {key: float(value) for key, value in re.findall(r"^(\w+) (\d{1,20})$", _text(path), re.MULTILINE)}


def _pairs(line: str) -> dict[str, float]:
    return {key: float(value) for key, value in re.findall(r"(\w+)=(\d{1,20})", line) if key in _SECTOR_FREE}


def _moved(text: str) -> dict[str, float]:
    sums: dict[str, float] = {}
    for way, value in re.findall(r"^\d+:\d+ (Read|Write) (\d{1,20})$", text, re.MULTILINE):
        sums[way] = sums.get(way, 0.0) + float(value)
    return sums


def _total(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
