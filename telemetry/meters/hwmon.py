"""Power and energy sensors of boards, power supplies and accelerators that the kernel shows below hwmon."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from wattq.telemetry.meters.base import MeterError, Reading, Source
from wattq.telemetry.meters.sysfs import read_number, read_word, sorted_glob

__all__ = ["HwmonMeter"]

_HWMON = Path("sys/class/hwmon")
_KIND = re.compile(r"(power|energy)([0-9]+)_.*")
_NODE_CHIP = "power_meter"
_INPUT_OF_SUPPLY = "pin"
# What a supply gives, in all or by voltage, is what it takes less its losses, and cores are in their sockets.
_PARTS = ("pout", "ecore", "power +")


@dataclass
class _Sensor:
    """One channel of a chip: files of power (uW), cap (uW) and energy (uJ), as far as they are there."""

    device: str
    chip: str
    label: str
    power: Path | None
    cap: Path
    energy: Path | None
    last: tuple[float, float] | None = None

    @property
    def is_whole(self) -> bool:
        return self.chip == _NODE_CHIP or self.label.lower().startswith(_INPUT_OF_SUPPLY)

    def reading(self, now_s: float, *, adds: bool) -> Reading:
        energy_j = _scaled(self.energy)
        rate_w = self._rate_w(now_s, energy_j)
        power_w = rate_w if self.power is None else _scaled(self.power)
        return Reading(self.device, power_w, energy_j, power_limit_w=_scaled(self.cap), label=self.chip, adds=adds)

    def _rate_w(self, now_s: float, energy_j: float | None) -> float | None:
        last, self.last = self.last, None if energy_j is None else (now_s, energy_j)
        if last is None or energy_j is None or now_s <= last[0] or energy_j < last[1]:
            return None
        return (energy_j - last[1]) / (now_s - last[0])


class HwmonMeter:
    """Sensors of power in hwmon: ACPI power meters, power supplies (PMBus), accelerators, AMD's energy counters.

    An ACPI power meter, or else the inputs of the supplies, is the whole node: then nothing else adds up. A sensor
    with a counter of energy alone gives the mean power since the reading before.

    Args:
        root: folder that holds ``sys``.

    Raises:
        MeterError: no chip has a sensor of power or energy.
    """

    name = "hwmon"
    source: Source = "measured"

    def __init__(self, root: Path = Path("/")) -> None:
        folder = root / _HWMON
        self._sensors = _distinct(sensor for chip in sorted_glob(folder, "hwmon*") for sensor in _sensors(chip))
        if not self._sensors:
            raise MeterError(
                f"hwmon: no sensor of power below {folder}; many boards and most virtual machines have none"
            )
        whole = [sensor for sensor in self._sensors if sensor.is_whole]
        meters = [sensor for sensor in whole if sensor.chip == _NODE_CHIP]
        self.whole_node = bool(whole)
        adding = (meters or whole) if whole else [s for s in self._sensors if not s.label.lower().startswith(_PARTS)]
        self._adding = {sensor.device for sensor in adding}

    def devices(self) -> tuple[str, ...]:
        """Return the names of the sensors: ``power_meter-power1``, ``amdgpu-PPT``."""
        return tuple(sensor.device for sensor in self._sensors)

    def read(self, now_s: float) -> list[Reading]:
        """Return power, W, counter of energy, J, and cap, W, of each sensor; the label is the chip."""
        return [sensor.reading(now_s, adds=sensor.device in self._adding) for sensor in self._sensors]

    def close(self) -> None:
        """Do nothing: no file stays open."""


def _sensors(folder: Path) -> list[_Sensor]:
    chip = read_word(folder / "name") or folder.name
    files: dict[str, dict[str, Path]] = {}
    for pattern in ("power[0-9]*_input", "power[0-9]*_average", "energy[0-9]*_input"):
        for file in sorted_glob(folder, pattern):
            kind, number = _KIND.sub(r"\1 \2", file.name).split()
            if read_number(file) is not None:
                files.setdefault(number, {}).setdefault(kind, file)
    return [_sensor(folder, chip, number, files[number]) for number in sorted(files, key=int)]


def _sensor(folder: Path, chip: str, number: str, files: dict[str, Path]) -> _Sensor:
    labels = (read_word(folder / f"{kind}{number}_label") for kind in files)
    label = next((label for label in labels if label), "")
    device = f"{chip}-{label.replace(' ', '_') or 'power' + number}"
    return _Sensor(device, chip, label, files.get("power"), folder / f"power{number}_cap", files.get("energy"))


def _distinct(sensors: Iterable[_Sensor]) -> list[_Sensor]:
    """Number sensors of one name, as those of two cards of one kind: numbers of hwmon change from boot to boot."""
    seen: Counter[str] = Counter()
    found = []
    for sensor in sensors:
        seen[sensor.device] += 1
        times = seen[sensor.device]
        found.append(sensor if times == 1 else replace(sensor, device=f"{sensor.device}#{times}"))
    return found


def _scaled(path: Path | None) -> float | None:
    """Return a value in W or J; below 0, which flows back and is no consumption, counts as none."""
    micro = None if path is None else read_number(path)
    return None if micro is None or micro < 0 else micro * 1e-6
