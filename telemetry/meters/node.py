"""Load of this node: processors, memory, file systems, disks, network, through ``psutil``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wattq.telemetry.extras import need

__all__ = ["CpuShare", "Flow", "NodeMeter", "NodeReading"]

# Devices that stand on others: their bytes are counted by those below them already.
_STACKED = re.compile(r"(loop|ram|zram|dm-|md|sr|fd|drbd|bcache)\d*")
_NO_DISKS = {"tmpfs", "devtmpfs", "squashfs", "overlay", "proc", "sysfs", "cgroup", "cgroup2", "ramfs", "iso9660"}


@dataclass(frozen=True, slots=True)
class Flow:
    """Bytes that went in and out of a device since the machine started, and per second since the reading before.

    Attributes:
        in_bytes: received, or read.
        out_bytes: sent, or written.
        in_bytes_s, out_bytes_s: the same per second; None at the first reading.
    """

    in_bytes: float
    out_bytes: float
    in_bytes_s: float | None = None
    out_bytes_s: float | None = None


@dataclass(frozen=True, slots=True)
class NodeReading:
    """Load of the node at one date; None, or absent, where it is not known.

    Attributes:
        cpu_utilization: share of the processors' time in use since the reading before, 0 to 1; None at the first.
        memory_utilization: share of memory that is not available, 0 to 1.
        memory_used_bytes: the same, bytes.
        load1, load5, load15: run queue, as the kernel averages it over 1, 5 and 15 minutes.
        network: bytes by interface, without loopback, and without virtual ones where there are others.
        disks: bytes by disk, without partitions and devices that stand on others.
        filesystems: used share by mount point, 0 to 1.
    """

    cpu_utilization: float | None
    memory_utilization: float | None
    memory_used_bytes: float | None
    load1: float | None
    load5: float | None
    load15: float | None
    network: Mapping[str, Flow]
    disks: Mapping[str, Flow]
    filesystems: Mapping[str, float]

    def network_total(self) -> Flow | None:
        """Return the sum over interfaces; None without any."""
        return _sum(self.network)

    def disk_total(self) -> Flow | None:
        """Return the sum over disks; None without any."""
        return _sum(self.disks)


class CpuShare:
    """Share of the processors' time in use, between two readings.

    Args:
        module: stands in for ``psutil``.

    Raises:
        MissingDependencyError: psutil is not installed.
    """

    def __init__(self, module: Any = None) -> None:
        self._psutil = need("psutil", "telemetry", "load of the node") if module is None else module
        self._before: tuple[float, float] | None = None

    def read(self) -> float | None:
        """Return the share since the reading before, 0 to 1; None at the first. Waiting for disks is idle time."""
        times = self._psutil.cpu_times()
        # The kernel counts guests in user and nice already.
        total = float(sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0))
        idle = float(times.idle + getattr(times, "iowait", 0.0))
        before, self._before = self._before, (total, idle)
        if before is None or total <= before[0]:
            return None
        return min(max(1.0 - (idle - before[1]) / (total - before[0]), 0.0), 1.0)


class NodeMeter:
    """Load of the node. Rates are counted from the reading before; one thread at a time may read.

    Args:
        root: folder that holds ``sys``, which says what devices are.
        module: stands in for ``psutil``.
        slow_s: file systems, which change slowly, are looked at once in so many seconds.

    Raises:
        MissingDependencyError: psutil is not installed.
    """

    def __init__(self, root: Path = Path("/"), *, module: Any = None, slow_s: float = 1.0) -> None:
        self._psutil = need("psutil", "telemetry", "load of the node") if module is None else module
        self._root, self._slow_s = root, slow_s
        self._cpus = CpuShare(self._psutil)
        self._flows: dict[str, dict[str, Flow]] = {"network": {}, "disks": {}}
        self._before_s: float | None = None
        self._filesystems: tuple[float, dict[str, float]] | None = None
        self._kept: dict[str, bool] = {}

    def read(self, now_s: float) -> NodeReading:
        """Return the load.

        Args:
            now_s: the date, Unix s; rates are per second between two dates.
        """
        psutil = self._psutil
        memory = psutil.virtual_memory()
        load1, load5, load15 = psutil.getloadavg()
        span_s = None if self._before_s is None else now_s - self._before_s
        self._before_s = now_s
        return NodeReading(
            self._cpus.read(),
            (memory.total - memory.available) / memory.total if memory.total else None,
            float(memory.total - memory.available),
            load1,
            load5,
            load15,
            self._rated("network", self._network(), span_s),
            self._rated("disks", self._disks(), span_s),
            self._used(now_s),
        )

    def _network(self) -> dict[str, Flow]:
        counters = self._psutil.net_io_counters(pernic=True)
        real = [name for name in counters if self._keeps(name, f"sys/class/net/{name}/device")]
        names = real or [name for name in counters if name != "lo"]
        return {name: Flow(float(counters[name].bytes_recv), float(counters[name].bytes_sent)) for name in names}

    def _disks(self) -> dict[str, Flow]:
        counters = self._psutil.disk_io_counters(perdisk=True) or {}
        names = [
            name for name in counters if not _STACKED.match(name) and self._keeps(name, f"sys/class/block/{name}/queue")
        ]
        return {name: Flow(float(counters[name].read_bytes), float(counters[name].write_bytes)) for name in names}

    def _keeps(self, name: str, sign: str) -> bool:
        """Return whether sysfs has `sign`, which only whole disks and interfaces of hardware have."""
        if sign not in self._kept:
            self._kept[sign] = (self._root / sign).exists()
        return self._kept[sign]

    def _rated(self, kind: str, flows: dict[str, Flow], span_s: float | None) -> dict[str, Flow]:
        before, self._flows[kind] = self._flows[kind], flows
        if span_s is None or span_s <= 0:
            return flows
        return {name: _rated(flow, before.get(name), span_s) for name, flow in flows.items()}

    def _used(self, now_s: float) -> dict[str, float]:
        if self._filesystems is None or not 0 <= now_s - self._filesystems[0] < self._slow_s:
            self._filesystems = (now_s, self._look())
        return self._filesystems[1]

    def _look(self) -> dict[str, float]:
        parts = self._psutil.disk_partitions(all=False)
        places = dict.fromkeys(["/", *(part.mountpoint for part in parts if part.fstype not in _NO_DISKS)])
        shares = {}
        for place in places:
            with suppress(OSError):
                usage = self._psutil.disk_usage(place)
                if usage.total:
                    shares[place] = usage.percent * 0.01
        return shares


def _rated(flow: Flow, before: Flow | None, span_s: float) -> Flow:
    """Return the flow with rates; none for a device that is new, or whose counters started again."""
    if before is None or flow.in_bytes < before.in_bytes or flow.out_bytes < before.out_bytes:
        return flow
    came, went = flow.in_bytes - before.in_bytes, flow.out_bytes - before.out_bytes
    return Flow(flow.in_bytes, flow.out_bytes, came / span_s, went / span_s)


def _sum(flows: Mapping[str, Flow]) -> Flow | None:
    if not flows:
        return None
    each = flows.values()
    known = [flow for flow in each if flow.in_bytes_s is not None and flow.out_bytes_s is not None]
    rates = (
        (sum(f.in_bytes_s or 0.0 for f in known), sum(f.out_bytes_s or 0.0 for f in known)) if known else (None, None)
    )
    return Flow(sum(flow.in_bytes for flow in each), sum(flow.out_bytes for flow in each), *rates)
