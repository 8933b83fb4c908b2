"""Physical baselines: nodes x nominal power x time, and the mean power of application and clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.surrogates.energy.jobs import EnergyJobs, EnergyLabels
from wattq.surrogates.energy.model import PowerPrediction
from wattq.surrogates.energy.pooling import half_width
from wattq.surrogates.energy.restoring import array, codes, names, value

__all__ = ["ApplicationMean", "NominalPower"]

Floats = NDArray[np.float64]


class NominalPower:
    """One power for all nodes: the geometric mean of the labels, or the power on the machine's label.

    Args:
        nominal_w: power of a busy node, W; learned from the labels when None.
    """

    name = "nominal"
    needs = ("nodes",)

    def __init__(self, nominal_w: float | None = None) -> None:
        self._given = nominal_w
        self._log_w = 0.0
        self._half = 0.0

    def fit(self, labels: EnergyLabels) -> None:
        """Learn the power (unless it was given) and how far powers lie from it."""
        if not labels.n_jobs:
            raise SurrogateError("no labels: energy cannot be learned from nothing")
        logs = np.log(labels.power_w)
        self._log_w = float(logs.mean()) if self._given is None else float(np.log(self._given))
        self._half = half_width(logs)

    def predict(self, jobs: EnergyJobs) -> PowerPrediction:
        """Return the one power for each job."""
        log = np.full(jobs.n_jobs, self._log_w)
        return PowerPrediction(np.exp(log), np.exp(log - self._half), np.exp(log + self._half))

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return the power and its spread."""
        return {}, {"log_w": self._log_w, "half": self._half}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> Self:
        """Return the model that `state` was taken from."""
        model = cls()
        model._log_w, model._half = value(meta, "log_w"), value(meta, "half")
        return model


class ApplicationMean:
    """The mean power of each application at each clock; of the clock where the application was not seen."""

    name = "application-mean"
    needs = ("nodes", "frequency_ghz", "application")

    def __init__(self) -> None:
        self._cells: list[str] = []
        self._log_w: Floats = np.empty(0)
        self._half: Floats = np.empty(0)

    def fit(self, labels: EnergyLabels) -> None:
        """Learn the geometric mean of each application and clock, each clock, each application, and all."""
        if not labels.n_jobs:
            raise SurrogateError("no labels: energy cannot be learned from nothing")
        logs = np.log(labels.power_w)
        groups: dict[str, list[int]] = {}
        for row, cells in enumerate(zip(*_cells(labels.jobs), strict=True)):
            for cell in cells:
                groups.setdefault(cell, []).append(row)
        overall = half_width(logs)
        self._cells = sorted(groups)
        self._log_w = np.array([logs[groups[cell]].mean() for cell in self._cells])
        # The spread of two runs says little; below three the spread of all labels is taken.
        self._half = np.array([half_width(logs[r]) if len(r := groups[c]) > 2 else overall for c in self._cells])

    def predict(self, jobs: EnergyJobs) -> PowerPrediction:
        """Return the mean of the finest of the groups that was seen."""
        place = np.full(jobs.n_jobs, -1)
        for cells in _cells(jobs):
            found = codes(self._cells, np.array(cells, dtype=np.str_))
            place = np.where(place < 0, found, place)
        log, half = self._log_w[place], self._half[place]
        return PowerPrediction(np.exp(log), np.exp(log - half), np.exp(log + half))

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return the groups, their powers and spreads."""
        return {"log_w": self._log_w, "half": self._half}, {"cells": self._cells}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> Self:
        """Return the model that `state` was taken from."""
        model = cls()
        model._cells = names(meta, "cells")
        if "all" not in model._cells:
            raise SurrogateError("energy model: no group of all labels; the bundle is damaged")
        model._log_w = array(arrays, "log_w", len(model._cells))
        model._half = array(arrays, "half", len(model._cells))
        return model


def _cells(jobs: EnergyJobs) -> tuple[list[str], ...]:
    """Return the names of each job's groups, the finest first."""
    clocks = [f"{clock:g}" for clock in jobs.frequency_ghz.tolist()]
    apps = jobs.application.tolist()
    both = [f"application {app} clock {clock}" for app, clock in zip(apps, clocks, strict=True)]
    clock_only = [f"clock {clock}" for clock in clocks]
    return both, [f"application {app}" for app in apps], clock_only, ["all"] * len(apps)
