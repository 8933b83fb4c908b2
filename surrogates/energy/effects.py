"""What a lower clock does to power, run time and energy of each application: measured, and predicted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.surrogates.energy.jobs import EnergyLabels
from wattq.surrogates.energy.models import make_energy_model

__all__ = ["ClockEffect", "clock_effects"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ClockEffect:
    """Means at the lowest clock over means at the highest, of one application.

    Attributes:
        application: its name.
        low_ghz, high_ghz: the clocks.
        power, time, energy: measured ratios.
        energy_error: standard error of the ratio of energies (first order; NaN with fewer than two runs at a clock).
        known: ratio of energies as predicted by a model that learned from the application, too.
        left_out: as predicted when the application's joules were left out, its run times at both clocks known.
    """

    application: str
    low_ghz: float
    high_ghz: float
    power: float
    time: float
    energy: float
    energy_error: float
    known: float
    left_out: float

    @property
    def told(self) -> bool:
        """Whether the measured effect on energy is larger than twice its standard error."""
        return abs(self.energy - 1.0) > 2.0 * self.energy_error

    def right(self, predicted: float) -> bool:
        """Return whether a predicted ratio of energies lies on the measured side of 1."""
        return (predicted > 1.0) == (self.energy > 1.0)


def clock_effects(labels: EnergyLabels, model: str) -> list[ClockEffect]:
    """Return the effect of the clock on each application that has labels at two clocks or more.

    Args:
        labels: with names of applications.
        model: name of a model.
    """
    fitted = make_energy_model(model)
    fitted.fit(labels)
    found = []
    for name in np.unique(labels.jobs.application).tolist():
        mine = labels.jobs.application == name
        clocks = np.unique(labels.jobs.frequency_ghz[mine])
        clocks = clocks[~np.isnan(clocks)]
        if not name or len(clocks) < 2 or mine.all():
            continue
        own = labels.take(mine)
        others = make_energy_model(model)
        others.fit(labels.take(~mine))
        low, high = (own.jobs.frequency_ghz == clock for clock in (clocks[0], clocks[-1]))
        energy, error = _ratio(own.energy_j / own.jobs.nodes, low, high)
        found.append(
            ClockEffect(
                application=name,
                low_ghz=float(clocks[0]),
                high_ghz=float(clocks[-1]),
                power=_ratio(own.power_w, low, high)[0],
                time=_ratio(own.run_s, low, high)[0],
                energy=energy,
                energy_error=error,
                known=_ratio(fitted.predict(own.jobs).point_w * own.run_s, low, high)[0],
                left_out=_ratio(others.predict(own.jobs).point_w * own.run_s, low, high)[0],
            )
        )
    return found


def _ratio(values: Floats, above: NDArray[np.bool_], below: NDArray[np.bool_]) -> tuple[float, float]:
    up, down = values[above], values[below]
    ratio = float(up.mean() / down.mean())
    if min(len(up), len(down)) < 2:
        return ratio, float("nan")
    parts = (up.std(ddof=1) / up.mean()) ** 2 / len(up) + (down.std(ddof=1) / down.mean()) ** 2 / len(down)
    return ratio, float(ratio * np.sqrt(parts))
