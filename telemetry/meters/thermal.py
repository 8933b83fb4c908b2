"""Temperatures, fans, clocks and throttling of this node, from files of the kernel."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wattq.telemetry.meters.sysfs import read_number, read_word, sorted_glob

__all__ = ["Clock", "CpuTemperature", "Fan", "ThermalSensors", "Throttling", "Zone"]

_HWMON = Path("sys/class/hwmon")
_ZONES = Path("sys/class/thermal")
_CPUS = Path("sys/devices/system/cpu")
_CORE = re.compile(r"Core (\d+)")
_PACKAGE = re.compile(r"Package id (\d+)")
# Tctl of AMD is Tdie with an offset on some models: Tdie is the temperature where both are there.
_DIE = ("Tdie", "Tctl")
_CPU_CHIPS = ("coretemp", "k10temp", "zenpower", "cpu_thermal")
_CPU_ZONES = ("x86_pkg_temp", "cpu")
_SYSTEM_ZONES = ("acpitz",)
_COLDEST_C, _HOTTEST_C = -50.0, 200.0


@dataclass(frozen=True, slots=True)
class CpuTemperature:
    """Temperature of a core, or of a whole socket where `core` is empty, degrees Celsius."""

    socket: str
    core: str
    celsius: float


@dataclass(frozen=True, slots=True)
class Zone:
    """A thermal zone of the kernel: its number, its type such as ``acpitz``, degrees Celsius."""

    zone: str
    type: str
    celsius: float


@dataclass(frozen=True, slots=True)
class Fan:
    """A fan: name of the sensor, label of the board, revolutions per minute (0 when it stands still)."""

    fan: str
    label: str
    rpm: float


@dataclass(frozen=True, slots=True)
class Clock:
    """Clock of a logical processor now, MHz."""

    cpu: str
    mhz: float


@dataclass(frozen=True, slots=True)
class Throttling:
    """How often heat slowed a core (or a package) down.

    Attributes:
        core: number of its first logical processor, or ``package-N``.
        events: count since the machine started.
        active: whether the count grew since the reading before; None at the first.
    """

    core: str
    events: int
    active: bool | None


class ThermalSensors:
    """Sensors of heat; what is not there is absent from the answers.

    Args:
        root: folder that holds ``sys``.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._chips = [(chip, read_word(chip / "name") or "") for chip in sorted_glob(root / _HWMON, "hwmon*")]
        self._inputs = [place for chip, name in self._chips if name in _CPU_CHIPS for place in _cpu_inputs(chip, name)]
        self._inputs = _numbered(self._inputs)
        self._fans = list(_fan_inputs(self._chips))
        self._zones = [
            (zone.name.removeprefix("thermal_zone"), read_word(zone / "type") or "", zone / "temp")
            for zone in sorted_glob(root / _ZONES, "thermal_zone[0-9]*")
        ]
        self._counts = list(_throttle_counts(root / _CPUS))
        self._clocks = [
            (place.parent.parent.name.removeprefix("cpu"), place)
            for place in sorted_glob(root / _CPUS, "cpu[0-9]*/cpufreq/scaling_cur_freq")
        ]
        self._before: dict[str, int] = {}

    def cpu_temperatures(self) -> list[CpuTemperature]:
        """Return the temperatures of sockets and cores (coretemp, k10temp), degrees Celsius."""
        found = []
        for socket, core, place in self._inputs:
            celsius = _celsius(place)
            if celsius is not None:
                found.append(CpuTemperature(socket, core, celsius))
        return found

    def zones(self) -> list[Zone]:
        """Return the kernel's thermal zones."""
        readings = ((number, kind, _celsius(place)) for number, kind, place in self._zones)
        return [Zone(number, kind, celsius) for number, kind, celsius in readings if celsius is not None]

    def fans(self) -> list[Fan]:
        """Return the fans."""
        readings = ((name, label, read_number(place)) for name, label, place in self._fans)
        return [Fan(name, label, rpm) for name, label, rpm in readings if rpm is not None]

    def clocks(self) -> list[Clock]:
        """Return the clock of each logical processor, MHz."""
        readings = ((cpu, read_number(place)) for cpu, place in self._clocks)
        return [Clock(cpu, khz * 1e-3) for cpu, khz in readings if khz]

    def throttling(self) -> list[Throttling]:
        """Return the counts of throttling of cores and packages, and whether they grew since the last call."""
        found = []
        for core, place in self._counts:
            count = read_number(place)
            if count is not None:
                before = self._before.get(core)
                found.append(Throttling(core, int(count), None if before is None else count > before))
                self._before[core] = int(count)
        return found

    def cpu_temperature_c(self) -> float | None:
        """Return the temperature of the hottest socket or core; of a zone of the processor where no chip tells it."""
        known = [reading.celsius for reading in self.cpu_temperatures()]
        known = known or [zone.celsius for zone in self.zones() if zone.type.lower().startswith(_CPU_ZONES)]
        return max(known, default=None)

    def system_temperature_c(self) -> float | None:
        """Return the temperature of the hottest ACPI zone, which is the board's."""
        return max((zone.celsius for zone in self.zones() if zone.type in _SYSTEM_ZONES), default=None)


_Input = tuple[str, str, Path]


def _cpu_inputs(chip: Path, name: str) -> Iterator[_Input]:
    """Yield socket (empty where the chip does not say), core and file of a chip's sensors."""
    labels = {place: read_word(chip / place.name.replace("_input", "_label")) or "" for place in _temps(chip)}
    socket = next((match[1] for label in labels.values() if (match := _PACKAGE.fullmatch(label))), "")
    die = next((word for word in _DIE if word in labels.values()), "")
    for place, label in labels.items():
        core = _CORE.fullmatch(label)
        if core is not None:
            yield socket, core[1], place
        elif _PACKAGE.fullmatch(label) or (die and label == die) or (name == "cpu_thermal" and not label):
            yield socket, "", place
        elif label.startswith("Tccd"):
            yield socket, label[1:], place


def _temps(chip: Path) -> list[Path]:
    places = sorted_glob(chip, "temp[0-9]*_input")
    return [place for place in places if read_number(chip / place.name.replace("_input", "_fault")) != 1]


def _numbered(inputs: list[_Input]) -> list[_Input]:
    """Number the sockets of chips that do not say theirs by their order."""
    chips = list(dict.fromkeys(place.parent for socket, _, place in inputs if not socket))
    return [(socket or str(chips.index(place.parent)), core, place) for socket, core, place in inputs]


def _fan_inputs(chips: list[tuple[Path, str]]) -> Iterator[tuple[str, str, Path]]:
    for chip, name in chips:
        for place in sorted_glob(chip, "fan[0-9]*_input"):
            channel = place.name.removesuffix("_input")
            if read_number(chip / f"{channel}_fault") != 1:
                yield f"{name or chip.name}-{channel}", read_word(chip / f"{channel}_label") or channel, place


def _throttle_counts(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield one file per core and per package: threads of a core show one count."""
    seen: set[tuple[str, ...]] = set()
    for place in sorted_glob(folder, "cpu[0-9]*/thermal_throttle"):
        cpu = place.parent
        package = read_word(cpu / "topology" / "physical_package_id") or "0"
        core = read_word(cpu / "topology" / "core_id") or cpu.name
        keys = (
            ((package, core), cpu.name.removeprefix("cpu"), place / "core_throttle_count"),
            ((package,), f"package-{package}", place / "package_throttle_count"),
        )
        for key, name, count in keys:
            if key not in seen and read_number(count) is not None:
                seen.add(key)
                yield name, count


def _celsius(place: Path) -> float | None:
    milli = read_number(place)
    celsius = None if milli is None else milli * 1e-3
    return celsius if celsius is not None and _COLDEST_C < celsius < _HOTTEST_C else None
