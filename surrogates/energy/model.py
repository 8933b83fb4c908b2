"""What every model of power gives, and how power and run time make energy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.surrogates.energy.jobs import EnergyJobs, EnergyLabels
from wattq.surrogates.model import Prediction

__all__ = ["EnergyModel", "EnergyPrediction", "PowerPrediction", "predict_energy"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PowerPrediction:
    """Predicted mean power of one node of n jobs.

    Attributes:
        point_w: the best single value, W, shape (n,).
        low_w, high_w: ends of the 90 % interval, W.

    Raises:
        SurrogateError: when the shapes differ.
    """

    point_w: Floats
    low_w: Floats
    high_w: Floats

    def __post_init__(self) -> None:
        if not self.point_w.shape == self.low_w.shape == self.high_w.shape:
            raise SurrogateError("predicted powers: the ends of the interval differ in shape from the points")


@dataclass(frozen=True)
class EnergyPrediction:
    """Predicted power and energy of n jobs.

    Attributes:
        power: of one node.
        energy_j: energy of all nodes, J, shape (n,).
        low_j, high_j: ends of the 90 % interval, J, from the uncertainty of power and of run time.
    """

    power: PowerPrediction
    energy_j: Floats
    low_j: Floats
    high_j: Floats


class EnergyModel(Protocol):
    """A model of the mean power of one node; all are made, fitted, asked, saved and restored alike.

    Attributes:
        name: its name in `ENERGY_MODELS`.
        needs: the columns of `EnergyJobs` that it reads, names out of `ENERGY_FEATURES`.
    """

    name: str
    needs: tuple[str, ...]

    def fit(self, labels: EnergyLabels) -> None:
        """Learn from labels.

        Raises:
            SurrogateError: when there are too few of them.
        """
        ...

    def predict(self, jobs: EnergyJobs) -> PowerPrediction:
        """Return the mean power of one node of each job."""
        ...

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return what was learned: arrays, and values that JSON can hold."""
        ...

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> Self:
        """Return the model that `state` was taken from.

        Raises:
            SurrogateError: when arrays or values are missing or do not fit.
        """
        ...


def predict_energy(model: EnergyModel, jobs: EnergyJobs, runtime: Prediction | Floats) -> EnergyPrediction:
    """Return energy as nodes x power x run time.

    The two errors count as independent, and as factors: on each side of the point the logarithms of the relative
    half-widths of the two 90 % intervals add up in squares, which is exact where both are log-normal.

    Args:
        model: fitted or restored.
        jobs: what is known of them.
        runtime: predictions of run time, or run times that are known, s.
    """
    power = model.predict(jobs)
    if isinstance(runtime, Prediction):
        time, low, high = runtime.point_s, runtime.low_s(), runtime.high_s()
    else:
        time = low = high = np.asarray(runtime, dtype=np.float64)
    if time.shape != power.point_w.shape:
        raise SurrogateError(f"{len(time)} run times for {jobs.n_jobs} jobs; give one each")
    energy: Floats = jobs.nodes * power.point_w * time
    below = np.hypot(_logs(power.point_w, power.low_w), _logs(time, low))
    above = np.hypot(_logs(power.high_w, power.point_w), _logs(high, time))
    return EnergyPrediction(power, energy, energy * np.exp(-below), energy * np.exp(above))


def _logs(upper: Floats, lower: Floats) -> Floats:
    """Return log(upper / lower), 0 where a point lies outside its own interval, infinite where `lower` is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(np.maximum(np.log(upper / lower), 0.0), nan=0.0, posinf=np.inf)
