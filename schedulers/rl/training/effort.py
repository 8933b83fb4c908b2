"""What a training costs: wall time, CPU time, and joules where the machine counts them (RAPL)."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Effort", "read_rapl"]

RAPL = Path("/sys/class/powercap")
"""Where Linux shows the energy counters of processor packages; readable by root only on most machines."""


@dataclass
class Effort:
    """Cost so far; `update` adds what passed since the last call.

    The joules are those of all processor packages of the machine, other programs included.

    Attributes:
        wall_s: s of wall-clock time.
        cpu_s: CPU seconds of this process, all threads.
        energy_j: J of the packages; None where no counter can be read.
        rapl: folder of the counters.
    """

    wall_s: float = 0.0
    cpu_s: float = 0.0
    energy_j: float | None = None
    rapl: Path = RAPL
    _last: tuple[float, float] = (0.0, 0.0)
    _counters: dict[str, tuple[int, int]] = field(default_factory=dict)

    def start(self) -> None:
        """Begin to count."""
        self._last = (time.perf_counter(), time.process_time())
        self._counters = read_rapl(self.rapl)

    def update(self) -> None:
        """Add what passed since the last call; often enough, so that no counter wraps twice (about a minute)."""
        now, counters = (time.perf_counter(), time.process_time()), read_rapl(self.rapl)
        self.wall_s += now[0] - self._last[0]
        self.cpu_s += now[1] - self._last[1]
        if counters and counters.keys() == self._counters.keys():
            steps = [(counters[name][0] - self._counters[name][0]) % (counters[name][1] + 1) for name in counters]
            self.energy_j = (self.energy_j or 0.0) + sum(steps) * 1e-6
        self._last, self._counters = now, counters

    def figures(self) -> dict[str, float]:
        """Return the cost by name with units; no `energy_j` where none could be read."""
        found = {"wall_s": self.wall_s, "cpu_s": self.cpu_s}
        return found if self.energy_j is None else found | {"energy_j": self.energy_j}


def read_rapl(folder: Path = RAPL) -> dict[str, tuple[int, int]]:
    """Return counter and largest value, microjoules, of each processor package; empty where none can be read."""
    found: dict[str, tuple[int, int]] = {}
    try:
        for zone in sorted(folder.glob("intel-rapl:*")):
            if zone.name.count(":") == 1 and (zone / "name").read_text().startswith("package"):
                most = int((zone / "max_energy_range_uj").read_text())
                found[zone.name] = (int((zone / "energy_uj").read_text()), most)
    except (OSError, ValueError):
        return {}
    return found
