"""What a benchmark is asked to do, checked."""

from __future__ import annotations

import math
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wattq.errors import TelemetryError

__all__ = [
    "CPU_WORKLOADS",
    "INTENSITIES",
    "IO_WORKLOADS",
    "PATTERNS",
    "CpuOptions",
    "IoOptions",
    "MixedOptions",
    "Options",
    "parse_intensity",
]

CPU_WORKLOADS = ("prime", "matrix", "floating", "fibonacci", "mixed")
"""Kernels of the CPU benchmark; ``mixed`` takes the others in turn."""

IO_WORKLOADS = ("sequential_write", "sequential_read", "random_access", "file_operations", "mixed")
"""Kernels of the I/O benchmark; ``mixed`` takes the others in turn."""

PATTERNS = ("alternating", "concurrent", "burst")
"""How CPU and I/O work share the time of the mixed benchmark."""

INTENSITIES = {"low": 0.3, "medium": 0.6, "high": 1.0}
"""Words for shares of time in which workers work."""

_LONGEST_S = 86_400.0
_MOST_WORKERS = 4096
_LARGEST_MB = 1_000_000


def parse_intensity(text: str) -> float:
    """Return the share of time in which workers work: a number from 0.1 to 1, or low, medium or high.

    Raises:
        TelemetryError: it is neither.
    """
    if text in INTENSITIES:
        return INTENSITIES[text]
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.1 <= value <= 1.0:
        raise TelemetryError(f"--intensity '{text[:40]}': write a number from 0.1 to 1, or {', '.join(INTENSITIES)}")
    return value


def _all_cpus() -> int:
    return len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class CpuOptions:
    """The CPU benchmark.

    Attributes:
        duration_s: how long the workers work, s.
        intensity: share of that time in which they do, 0.1 to 1.
        cores: workers, each a process; those that this process may use.
        workload: one of `CPU_WORKLOADS`.
        idle_s: how long power is measured before, without work, s.
    """

    duration_s: float = 300.0
    intensity: float = 1.0
    cores: int = field(default_factory=_all_cpus)
    workload: str = "mixed"
    idle_s: float = 0.0

    name = "cpu"

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        _times(self.duration_s, self.idle_s)
        _within("--intensity", self.intensity, 0.1, 1.0)
        _within("--cores", self.cores, 1, _MOST_WORKERS)
        _one_of("--workload", self.workload, CPU_WORKLOADS)


@dataclass(frozen=True)
class IoOptions:
    """The I/O benchmark.

    Attributes:
        duration_s: how long the workers work, s.
        threads: workers.
        workload: one of `IO_WORKLOADS`.
        data_mb: size of each worker's file, MB (10**6 bytes).
        temp_dir: folder for a folder of files that is removed at the end.
        idle_s: how long power is measured before, without work, s.
    """

    duration_s: float = 300.0
    threads: int = 4
    workload: str = "mixed"
    data_mb: int = 100
    temp_dir: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))
    idle_s: float = 0.0

    name = "io"

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        _times(self.duration_s, self.idle_s)
        _within("--threads", self.threads, 1, _MOST_WORKERS)
        _within("--data-size", self.data_mb, 1, _LARGEST_MB)
        _one_of("--workload", self.workload, IO_WORKLOADS)
        _folder(self.temp_dir)


@dataclass(frozen=True)
class MixedOptions:
    """The mixed benchmark: CPU and I/O workers with workload ``mixed``.

    Attributes:
        duration_s: how long the workers work, s.
        cpu_threads: CPU workers, each a process.
        io_threads: I/O workers.
        pattern: one of `PATTERNS`.
        cpu_io_ratio: weight of the CPU's work, 0.05 to 0.95; the rest is that of I/O.
        data_mb: size of each I/O worker's file, MB (10**6 bytes).
        temp_dir: folder for a folder of files that is removed at the end.
        idle_s: how long power is measured before, without work, s.
    """

    duration_s: float = 300.0
    cpu_threads: int = 2
    io_threads: int = 2
    pattern: str = "alternating"
    cpu_io_ratio: float = 0.5
    data_mb: int = 50
    temp_dir: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))
    idle_s: float = 0.0

    name = "mixed"

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        _times(self.duration_s, self.idle_s)
        _within("--cpu-threads", self.cpu_threads, 1, _MOST_WORKERS)
        _within("--io-threads", self.io_threads, 1, _MOST_WORKERS)
        _within("--cpu-io-ratio", self.cpu_io_ratio, 0.05, 0.95)
        _within("--data-size", self.data_mb, 1, _LARGEST_MB)
        _one_of("--pattern", self.pattern, PATTERNS)
        _folder(self.temp_dir)


Options = CpuOptions | IoOptions | MixedOptions


def _times(duration_s: float, idle_s: float) -> None:
    _within("--duration", duration_s, 0.1, _LONGEST_S)
    _within("--idle", idle_s, 0.0, _LONGEST_S)


def _within(option: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise TelemetryError(f"{option} {value:g}: use {low:g} to {high:g}")


def _one_of(option: str, value: str, words: tuple[str, ...]) -> None:
    if value not in words:
        raise TelemetryError(f"{option} '{value[:40]}': use one of {', '.join(words)}")


def _folder(path: Any) -> None:
    if not Path(path).is_dir():
        raise TelemetryError(f"--temp-dir '{path}': is no folder; name one that exists")
