"""Samples of nodes as columns of numbers, so that a month of a machine fits into memory."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.surrogates.energy.readings import Readings

__all__ = ["SampleTable", "sample_table"]

Floats = NDArray[np.float64]

_COLUMNS = ("time", "cpu_usage", "cpu_temp", "gpu_temp", "power_consumption_watts", "energy_j")


@dataclass(frozen=True)
class SampleTable:
    """n samples of nodes; NaN where a sample does not say.

    Attributes:
        names: of the nodes.
        node: index into `names`, shape (n,).
        time_s: Unix s.
        cpu_usage: percent.
        cpu_c, gpu_c: degrees Celsius.
        power_w, energy_j: measured power, W, and energy since the sample before, J; NaN where they were modelled.
        modelled: samples whose power was not measured.
    """

    names: tuple[str, ...]
    node: NDArray[np.int64]
    time_s: Floats
    cpu_usage: Floats
    cpu_c: Floats
    gpu_c: Floats
    power_w: Floats
    energy_j: Floats
    modelled: int

    def readings(self) -> Readings | None:
        """Return measured power and energy; None without any."""
        rows = np.flatnonzero(np.isfinite(self.power_w) | np.isfinite(self.energy_j))
        if not rows.size:
            return None
        names = [self.names[number] for number in self.node[rows].tolist()]
        return Readings(
            node=names,
            device=[""] * len(names),
            time_s=self.time_s[rows],
            power_w=self.power_w[rows],
            energy_j=self.energy_j[rows],
            meter=["node"] * len(names),
            source="node_metrics of the store",
        )


def sample_table(pieces: Iterable[Sequence[Mapping[str, Any]]]) -> SampleTable:
    """Return rows of node_metrics, given in pieces, as columns."""
    numbers: dict[str, int] = {}
    node, modelled = array("q"), 0
    columns = {name: array("d") for name in _COLUMNS}
    for piece in pieces:
        for row in piece:
            node.append(numbers.setdefault(str(row.get("node_id")), len(numbers)))
            measured = row.get("power_source") == "measured"
            modelled += not measured and row.get("power_consumption_watts") is not None
            for name, column in columns.items():
                value = row.get(name)
                hidden = not measured and name in ("power_consumption_watts", "energy_j")
                column.append(math.nan if value is None or hidden else float(value))
    time, cpu, cpu_c, gpu_c, power, energy = (_array(column) for column in columns.values())
    index = np.array(node, dtype=np.int64)
    return SampleTable(tuple(numbers), index, time, cpu, cpu_c, gpu_c, power, energy, modelled)


def _array(column: array[float]) -> Floats:
    return np.array(column, dtype=np.float64)
