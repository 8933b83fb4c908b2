"""The parameters of the Lublin-Feitelson model, as published."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass

from wattq.errors import InvalidInputError

__all__ = ["LUBLIN_CLASSES", "LublinParameters", "adapted"]

_PUBLISHED_LOG2_SIZE = 7.0
"""The published sizes are those of a machine of 2**7 nodes."""

_SMALLEST_STAGE = 0.5


@dataclass(frozen=True)
class LublinParameters:
    """One class of jobs of the model. All logarithms of sizes are to base 2, those of times are natural.

    Attributes:
        serial: share of jobs with one node.
        pow2: share of jobs with a power of two of nodes, more than one; the rest have any size.
        ulow, umed, uhi, uprob: two-stage uniform distribution of the logarithm of a parallel job's size: from `ulow`
            to `umed` with probability `uprob`, else from `umed` to `uhi`.
        a1, b1, a2, b2: shape and scale of the two gamma distributions of the logarithm of the run time in seconds.
        pa, pb: a job of n nodes takes the first of the two with probability pa x n + pb, held within 0 and 1.
        aarr, barr: shape and scale of the gamma distribution of the logarithm of the time between arrivals in the rush
            hours, in seconds.
        arar: factor on `aarr` that turns the rush hours into the whole day.
        anum, bnum: shape and scale of the gamma distribution whose steps of half an hour, from 5:30 on, are the share
            of arrivals in each half hour of the day.
    """

    serial: float
    pow2: float
    ulow: float
    umed: float
    uhi: float
    uprob: float
    a1: float
    b1: float
    a2: float
    b2: float
    pa: float
    pb: float
    aarr: float
    barr: float
    anum: float
    bnum: float
    arar: float

    def __post_init__(self) -> None:
        shares = [("serial", 1.0), ("pow2", 1.0 - self.serial), ("uprob", 1.0)]
        for name, most in shares:
            if not 0 <= getattr(self, name) <= most + 1e-12:
                self._refuse(name, f"from 0 to {most:g}")
        for name in ("a1", "b1", "a2", "b2", "aarr", "barr", "anum", "bnum", "arar"):
            if not 0 < getattr(self, name) <= 1e4:
                self._refuse(name, "greater than 0 and at most 10000")
        for name in ("pa", "pb"):
            if not abs(getattr(self, name)) <= 1e4:
                self._refuse(name, "from -10000 to 10000")
        # draws are repeated until a run time is below e**12 s and a gap below e**13 s: both must be likely
        for name, mean in (("a1", self.a1 * self.b1), ("a2", self.a2 * self.b2)):
            if mean > 12:
                self._refuse(name, "such that shape x scale, the mean logarithm of the run time, is at most 12")
        if self.aarr * self.arar * self.barr > 13:
            self._refuse("aarr", "such that aarr x arar x barr, the mean logarithm of the gap, is at most 13")
        if not 0 <= self.ulow <= self.umed <= self.uhi <= 31:
            self._refuse("umed", f"such that 0 <= ulow ({self.ulow:g}) <= umed <= uhi ({self.uhi:g}) <= 31")

    def _refuse(self, name: str, rule: str) -> None:
        raise InvalidInputError(f"model lublin, parameter {name}: {getattr(self, name)!r}; it must be {rule}")


LUBLIN_CLASSES: dict[str, LublinParameters] = {
    "all": LublinParameters(
        *(0.244, 0.576, 0.8, 4.5, 7.0, 0.86),
        *(4.2, 0.94, 312.0, 0.03, -0.0054, 0.78),
        *(10.2303, 0.4871, 8.1737, 3.9631, 1.0225),
    ),
    "batch": LublinParameters(
        *(0.2927, 0.6686, 1.2, 5.0, 7.0, 0.875),
        *(6.57, 0.823, 639.1, 0.0156, -0.003, 0.6986),
        *(6.0415, 0.8531, 6.1271, 5.2740, 1.0519),
    ),
    "interactive": LublinParameters(
        *(0.1541, 0.625, 1.0, 3.0, 5.5, 0.705),
        *(3.8351, 0.6605, 7.073, 0.6856, -0.0118, 0.9156),
        *(6.5510, 0.6621, 8.9186, 3.6680, 0.9797),
    ),
}
"""Class of jobs -> parameters for 128 nodes, in the order of `LublinParameters`.

Source: U. Lublin, D. G. Feitelson, "The workload on parallel supercomputers: modeling the characteristics of rigid
jobs", JPDC 63(11), 2003, and the authors' program of the same numbers. ``all`` does not tell the classes apart.
"""


def adapted(parameters: LublinParameters, n_hosts: int, changes: Mapping[str, float]) -> LublinParameters:
    """Return parameters for a machine of another size, some of them changed.

    Both `umed` and `uhi` move with the logarithm of the machine's size, as the authors advise: `umed` stays 2 to 2.5
    below `uhi`, on small machines 1.5 below it, or in the middle of the range where even that is below the smallest
    job.

    Args:
        parameters: those of a class, for 128 nodes.
        n_hosts: nodes of the machine.
        changes: parameter -> value, taken as it is.

    Raises:
        InvalidInputError: when a change names no parameter, or a value breaks its rule.
    """
    names = [field.name for field in dataclasses.fields(LublinParameters)]
    for name in changes:
        if name not in names:
            raise InvalidInputError(f"model lublin has no parameter {name!r}; it has {', '.join(names)}")
    shift = math.log2(n_hosts) - _PUBLISHED_LOG2_SIZE
    high = max(parameters.uhi + shift, 0.0)
    low = min(parameters.ulow, high)
    stages = (parameters.umed + shift, high - 1.5)
    middle = next((stage for stage in stages if stage >= low + _SMALLEST_STAGE), (low + high) / 2)
    sizes = {"ulow": low, "umed": middle, "uhi": high}
    return dataclasses.replace(parameters, **(sizes | dict(changes)))
