"""The meters that work on this machine, and why the others do not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wattq.errors import WattqError
from wattq.telemetry.meters.base import Meter
from wattq.telemetry.meters.hwmon import HwmonMeter
from wattq.telemetry.meters.ipmi import IpmiMeter
from wattq.telemetry.meters.nvml import NvmlMeter
from wattq.telemetry.meters.rapl import RaplMeter

__all__ = ["METERS", "FoundMeters", "find_meters"]

METERS = ("ipmi", "hwmon", "rapl", "nvml")
"""Meters with sensors; those of a whole node first."""


@dataclass(frozen=True)
class FoundMeters:
    """What works here.

    Attributes:
        meters: those that work, in the order of `METERS`.
        missing: name of each other that was looked for, and a sentence that says why it does not work.
    """

    meters: tuple[Meter, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)

    def close(self) -> None:
        """Close them all."""
        for meter in self.meters:
            meter.close()


def find_meters(
    root: Path = Path("/"),
    *,
    wanted: Sequence[str] = METERS,
    ipmi: Sequence[str] = ("ipmitool",),
    ipmi_waits: bool = True,
    nvml: Any = None,
) -> FoundMeters:
    """Return the meters that work on this machine; nothing that is missing is an error.

    Args:
        root: folder that holds ``sys``, for RAPL and hwmon.
        wanted: names of meters to look for, of `METERS`.
        ipmi: command of ipmitool, as `IpmiMeter` takes it.
        ipmi_waits: whether a reading waits for the BMC's answer.
        nvml: stands in for the module ``pynvml``.
    """
    makers: dict[str, Callable[[], Meter]] = {
        "ipmi": lambda: IpmiMeter(ipmi, wait=ipmi_waits),
        "hwmon": lambda: HwmonMeter(root),
        "rapl": lambda: RaplMeter(root),
        "nvml": lambda: NvmlMeter(module=nvml),
    }
    meters: list[Meter] = []
    missing = {}
    for name in (name for name in METERS if name in wanted):
        try:
            meters.append(makers[name]())
        except WattqError as error:
            missing[name] = str(error)
    return FoundMeters(tuple(meters), missing)
