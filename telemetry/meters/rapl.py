"""Energy counters of processors and memory (RAPL) through the kernel's powercap tree."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from wattq.errors import TelemetryError
from wattq.telemetry.meters.base import MeterError, Reading, Source
from wattq.telemetry.meters.sysfs import Attribute, read_number, read_word, sorted_glob

__all__ = ["RaplMeter"]

_POWERCAP = Path("sys/class/powercap")
_ZONE = re.compile(r"intel-rapl:(\d{1,4})(?::(\d{1,4}))?")
_ADDS = ("package", "dram")
_MOST_W = {"package": 1000.0, "dram": 300.0, "psys": 4000.0}
_SHORTEST_S = 0.01


@dataclass
class _Domain:
    """One counter: its name, its file, where it starts again (J), and what is known since the last reading."""

    device: str
    kind: str
    file: Attribute
    range_j: float | None
    last_j: float | None = None
    last_s: float = 0.0
    total_j: float = 0.0
    power_w: float | None = None
    known: bool = False

    def advance(self, now_s: float) -> None:
        """Read the counter; where it cannot be read, or the step is not sure, power and counter are not known."""
        micro = self.file.number()
        if micro is None or micro < 0:
            self.last_j, self.power_w, self.known = None, None, False
            return
        raw_j = micro * 1e-6
        span_s = now_s - self.last_s
        if self.last_j is None:
            self.total_j = max(self.total_j, raw_j)
            self.power_w, self.known = None, True
        elif 0 <= span_s < _SHORTEST_S:
            return
        else:
            step_j = self._step_j(raw_j - self.last_j, span_s)
            self.total_j += step_j or 0.0
            self.power_w, self.known = (None, False) if step_j is None else (step_j / span_s, True)
        self.last_j, self.last_s = raw_j, now_s

    @property
    def longest_s(self) -> float:
        """Time in which the counter cannot go round twice, s."""
        return math.inf if self.range_j is None else self.range_j / _MOST_W.get(self.kind, _MOST_W["package"])

    def _step_j(self, step_j: float, span_s: float) -> float | None:
        """Return the energy of a step of the counter; None where it may have gone round more than once."""
        if span_s < 0:
            return None
        if self.range_j is None:
            return step_j if step_j >= 0 else None
        if span_s > self.longest_s:
            return None
        step_j = step_j if step_j >= 0 else step_j + self.range_j
        return step_j if 0 <= step_j <= self.range_j else None

    def reading(self) -> Reading:
        return Reading(self.device, self.power_w, self.total_j if self.known else None, adds=self.kind in _ADDS)


class RaplMeter:
    """Power and energy of packages, memory and parts of packages, from the counters of the processor.

    Power is the mean since the reading before, so the first reading has none. A counter starts again at
    ``max_energy_range_uj``; that is taken out, if the next reading comes before it can have gone round twice. Packages
    and ``dram`` add up; ``core`` and ``uncore`` are parts of their package and ``psys`` holds the packages, so they do
    not. Packages that a second interface shows again (``intel-rapl-mmio``) are read once.

    Args:
        root: folder that holds ``sys``.
        only: names of the devices to read; all when empty.

    Raises:
        MeterError: there is no such tree, or this user may not read it.
        TelemetryError: it has no device of such a name.
    """

    name = "rapl"
    source: Source = "measured"
    whole_node = False

    def __init__(self, root: Path = Path("/"), only: Iterable[str] = ()) -> None:
        folder = root / _POWERCAP
        self._domains = _chosen([_domain(zone) for zone in _zones(folder)], frozenset(only), folder)

    def devices(self) -> tuple[str, ...]:
        """Return the names of the domains: ``package-0``, ``dram-0``, ``core-0``."""
        return tuple(domain.device for domain in self._domains)

    def ranges_j(self) -> dict[str, float | None]:
        """Return where the counter of each domain starts again, J; None where the kernel does not say."""
        return {domain.device: domain.range_j for domain in self._domains}

    @property
    def longest_s(self) -> float:
        """Longest time between two readings, s: in a longer one a counter may go round unseen."""
        return min(domain.longest_s for domain in self._domains)

    def read(self, now_s: float) -> list[Reading]:
        """Return the counter of each domain, J, and its mean power since the reading before, W."""
        for domain in self._domains:
            domain.advance(now_s)
        return [domain.reading() for domain in self._domains]

    def close(self) -> None:
        """Close the files of the counters."""
        for domain in self._domains:
            domain.file.close()


def _zones(folder: Path) -> list[Path]:
    # The kernel shows parts beside their packages as well as below them.
    found = sorted_glob(folder, "intel-rapl:*") + sorted_glob(folder, "intel-rapl:*/intel-rapl:*")
    zones = {zone.name: zone for zone in reversed(found) if _ZONE.fullmatch(zone.name)}
    if zones:
        return [zones[name] for name in sorted(zones, key=lambda name: [int(part) for part in name.split(":")[1:]])]
    raise MeterError(
        f"RAPL: no intel-rapl zones below {folder}; virtual machines mostly have none, and on others the "
        "kernel module intel_rapl_msr (or intel_rapl_common) may not be loaded"
    )


def _domain(zone: Path) -> _Domain:
    match = _ZONE.fullmatch(zone.name)
    assert match is not None
    name = read_word(zone / "name") or zone.name
    kind = name.partition("-")[0]
    # The name of a zone at the top holds the package's number; parts have the number of the package above them.
    above = _word_of(zone, f"intel-rapl:{match[1]}")
    device = name if match[2] is None else name + (above.removeprefix("package") or f"-{match[1]}")
    range_uj = read_number(zone / "max_energy_range_uj")
    range_j = range_uj * 1e-6 if range_uj else None
    try:
        file = Attribute(zone / "energy_uj")
    except PermissionError:
        raise MeterError(
            f"RAPL: {zone / 'energy_uj'} is not for this user: since the PLATYPUS attack (CVE-2020-8694) the kernel "
            "lets root alone read it; run as root, or have an administrator grant read access to these files"
        ) from None
    except OSError as error:
        raise MeterError(f"RAPL: {zone / 'energy_uj'} cannot be read ({error.strerror or error})") from None
    return _Domain(device, kind, file, range_j)


def _word_of(zone: Path, package: str) -> str:
    """Return the name of the package of a part, which lies above it or beside it."""
    inside = zone.parent if zone.parent.name == package else zone.parent / package
    return read_word(inside / "name") or ""


def _chosen(domains: list[_Domain], only: frozenset[str], folder: Path) -> list[_Domain]:
    known = {domain.device for domain in domains}
    if only <= known:
        return [domain for domain in domains if not only or domain.device in only]
    for domain in domains:
        with suppress(OSError):
            domain.file.close()
    missing = ", ".join(sorted(only - known))
    raise TelemetryError(f"RAPL: no device {missing} below {folder}; there are {', '.join(sorted(known))}")
