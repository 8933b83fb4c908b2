"""Energy of a node between two readings of its power."""

from __future__ import annotations

from wattq.telemetry.meters import NodeWatts

__all__ = ["energy_between_j"]


def energy_between_j(last_s: float, last: NodeWatts | None, now_s: float, now: NodeWatts) -> float:
    """Return the energy between two readings, J: by the meter's counter where it has one, else power x time.

    Args:
        last_s: date of the reading before, Unix s.
        last: that reading; None where it had no power.
        now_s: date of this reading, Unix s.
        now: this reading.
    """
    same = last is not None and last.meter == now.meter
    if last is not None and same and last.energy_j is not None and now.energy_j is not None:
        return max(now.energy_j - last.energy_j, 0.0)
    return now.power_w * max(now_s - last_s, 0.0)
