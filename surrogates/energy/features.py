"""What models of power read."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ENERGY_FEATURES", "EnergyFeature"]


@dataclass(frozen=True)
class EnergyFeature:
    """A column of `EnergyJobs`.

    Attributes:
        name: of the column.
        unit: of its values, empty for names.
        doc: what it is.
    """

    name: str
    unit: str
    doc: str


ENERGY_FEATURES = (
    EnergyFeature("nodes", "1", "nodes requested"),
    EnergyFeature("request_s", "s", "requested time"),
    EnergyFeature("frequency_ghz", "GHz", "requested clock; unknown: the machine's default"),
    EnergyFeature("slowdown", "1", "run time at that clock over run time at the highest, from run times alone"),
    EnergyFeature("gpus", "1", "GPUs per node"),
    EnergyFeature("application", "", "name of the application"),
    EnergyFeature("user", "", "name of the user"),
    EnergyFeature("queue", "", "name of the queue or partition"),
)
"""The columns of `EnergyJobs`, in order."""
