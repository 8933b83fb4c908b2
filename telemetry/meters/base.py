"""What every meter gives: readings of devices, in base units, with nothing where there is no sensor."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from wattq.errors import WattqError

__all__ = ["Meter", "MeterError", "Reading", "Source", "total_energy_j", "total_power_w"]

Source = Literal["measured", "modelled"]


class MeterError(WattqError):
    """Raised when hardware, driver, program or permission that a meter needs is missing; the message names the way."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one device says at one date; None where it has no such sensor, or the sensor gave no reading.

    Attributes:
        device: name of the device within its node: ``gpu0``, ``package-0``, ``dram-0``, ``psu``.
        power_w: power, W: of the moment, or the mean since the reading before, as the meter documents.
        energy_j: counter of energy, J, that only grows while the meter lives; where it starts means nothing.
        utilization: share of time in which the device computed, 0 to 1.
        memory_utilization: share of time in which its memory was read or written, 0 to 1.
        memory_used_bytes: its memory in use, bytes.
        temperature_c: temperature, degrees Celsius.
        clock_mhz: clock of its cores, MHz.
        power_limit_w: the cap in force, W.
        throttling: whether heat slows it down now.
        label: its model, such as ``NVIDIA H200``; empty where it has none.
        adds: whether its power counts in the sum of the meter's devices; false for parts of another device.
    """

    device: str
    power_w: float | None = None
    energy_j: float | None = None
    utilization: float | None = None
    memory_utilization: float | None = None
    memory_used_bytes: float | None = None
    temperature_c: float | None = None
    clock_mhz: float | None = None
    power_limit_w: float | None = None
    throttling: bool | None = None
    label: str = ""
    adds: bool = True


class Meter(Protocol):
    """A way to read the power of devices of this node. One thread at a time may read it.

    Making one raises `MeterError` where it cannot work; afterwards a device that fails gives None for what failed.

    Attributes:
        name: of the meter: ``rapl``, ``nvml``, ``ipmi``, ``hwmon``, ``model``.
        source: ``measured``, or ``modelled`` where power is computed from utilisation.
        whole_node: whether the devices that add up are all that the node draws; false where they are parts of it.
    """

    name: str
    source: Source
    whole_node: bool

    def devices(self) -> tuple[str, ...]:
        """Return the names of its devices, in the order of its readings."""
        ...

    def read(self, now_s: float) -> list[Reading]:
        """Return one reading per device.

        Args:
            now_s: the date, Unix s; what is a rate is counted from the reading before.
        """
        ...

    def close(self) -> None:
        """Give up files, processes and library handles."""
        ...


def total_power_w(readings: Iterable[Reading]) -> float | None:
    """Return the power of the devices that add up, W; None where none of them has a reading."""
    known = [reading.power_w for reading in readings if reading.adds and reading.power_w is not None]
    return sum(known) if known else None


def total_energy_j(readings: Iterable[Reading]) -> float | None:
    """Return the sum of the counters of devices that add up, J; None unless each of them has one."""
    counters = [reading.energy_j for reading in readings if reading.adds]
    known = [counter for counter in counters if counter is not None]
    return sum(known) if known and len(known) == len(counters) else None
