"""Gradient boosting of the logarithm of power, on sizes, clocks and what is known of applications, users and queues.

Names are numbers here: the mean logarithm of power of their labels, drawn towards the mean of all (target encoding),
and for a label that is learned from, without that label itself. Each label is learned from twice, once with its
application unknown, so that the trees know what to say of an application that was never seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.surrogates.boosted import Boosted, Growth, boost
from wattq.surrogates.energy.jobs import EnergyJobs, EnergyLabels
from wattq.surrogates.energy.model import PowerPrediction
from wattq.surrogates.energy.pooling import half_width
from wattq.surrogates.energy.restoring import array, codes, names, value
from wattq.surrogates.losses import Loss

__all__ = ["PowerBoosting"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

_KEYS = ("application", "user", "queue")
_COLUMNS = 8
_PULL = 3.0
"""Weight, in labels, of the mean of all against a name's own."""
_MOST = 20_000


@dataclass(frozen=True)
class _Names:
    """Encodings of the names of one key."""

    known: list[str]
    mean: Floats

    def of(self, texts: NDArray[np.str_]) -> Floats:
        """Return the encoding of each name, NaN where it was not seen."""
        encoded: Floats = np.append(self.mean, np.nan)[codes(self.known, texts)]
        return encoded


class PowerBoosting:
    """Boosted trees of the logarithm of power, with target encodings of names; see the module."""

    name = "boosting"
    needs = ("nodes", "request_s", "frequency_ghz", "slowdown", "gpus", "application", "user", "queue")

    def __init__(self) -> None:
        self._names: dict[str, _Names] = {}
        self._values = {"clock_ghz": 1.0, "half": 0.0, "new_half": 0.0}
        self._trees: Boosted | None = None

    def fit(self, labels: EnergyLabels) -> None:
        """Learn from labels, of more than 20,000 from every k-th.

        Raises:
            SurrogateError: when there are fewer than four.
        """
        if labels.n_jobs < 4:
            raise SurrogateError(f"{labels.n_jobs} labels; boosting needs at least 4")
        labels = labels.take(np.arange(0, labels.n_jobs, -(-labels.n_jobs // _MOST)))
        rows = np.arange(labels.n_jobs)
        _, app = np.unique(labels.jobs.application, return_inverse=True)
        # How far off it is where it has seen the application, and where not: learned from one half, asked of the other.
        seen = self._residual(labels, rows % 2 == 0)
        new = self._residual(labels, app % 2 == 0) if app.any() else seen
        self._learn(labels)
        self._values |= {"half": half_width(seen), "new_half": max(half_width(new), half_width(seen))}

    def _residual(self, labels: EnergyLabels, half: NDArray[np.bool_]) -> Floats:
        self._learn(labels.take(half))
        left: Floats = np.log(labels.power_w[~half]) - self._log_power(labels.jobs.take(~half))
        # The mean of the halves says how far powers are apart, not that all of them are too high.
        return np.concatenate((left, -left))

    def _learn(self, labels: EnergyLabels) -> None:
        jobs, y = labels.jobs, np.log(labels.power_w)
        clocks = jobs.frequency_ghz[~np.isnan(jobs.frequency_ghz)]
        mean = float(y.mean())
        self._values["clock_ghz"] = float(clocks.max()) if clocks.size else 1.0
        left_out: dict[str, Floats] = {}
        for key in _KEYS:
            known, code = np.unique(getattr(jobs, key), return_inverse=True)
            count, total = np.bincount(code), np.bincount(code, y)
            encoded = (total + _PULL * mean) / (count + _PULL)
            self._names[key] = _Names(known.tolist(), np.where(known == "", np.nan, encoded))
            others = (total[code] - y + _PULL * mean) / (count[code] - 1 + _PULL)
            left_out[key] = np.where(getattr(jobs, key) == "", np.nan, others)
        x = self._table(jobs, left_out)
        hidden = x.copy()
        hidden[:, _COLUMNS - 3] = np.nan
        self._trees = _boosted(np.concatenate((x, hidden)), np.concatenate((y, y)))

    def _table(self, jobs: EnergyJobs, encoded: Mapping[str, Floats] | None = None) -> NDArray[np.float32]:
        clock = np.where(np.isnan(jobs.frequency_ghz), self._values["clock_ghz"], jobs.frequency_ghz)
        shares = encoded or {key: self._names[key].of(getattr(jobs, key)) for key in _KEYS}
        columns = (np.log(jobs.nodes), jobs.request_s, clock / self._values["clock_ghz"], jobs.slowdown, jobs.gpus)
        return np.column_stack((*columns, *(shares[key] for key in _KEYS))).astype(np.float32)

    def _log_power(self, jobs: EnergyJobs) -> Floats:
        if self._trees is None:
            raise SurrogateError("boosting: nothing was learned yet; fit it first")
        return self._trees.predict(self._table(jobs))

    def predict(self, jobs: EnergyJobs) -> PowerPrediction:
        """Return the mean power of one node of each job, with 90 % intervals."""
        log = self._log_power(jobs)
        seen = codes(self._names["application"].known, jobs.application) >= 0
        half = np.where(seen, self._values["half"], self._values["new_half"])
        return PowerPrediction(np.exp(log), np.exp(log - half), np.exp(log + half))

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return trees, encodings and spreads."""
        if self._trees is None:
            raise SurrogateError("boosting: nothing was learned yet; fit it first")
        # JSON and checked arrays hold no NaN: a name without an encoding is left out, which means the same.
        kept = {key: ~np.isnan(each.mean) for key, each in self._names.items()}
        means = {f"{key}_mean": each.mean[kept[key]] for key, each in self._names.items()}
        known = {key: [n for n, k in zip(e.known, kept[key], strict=True) if k] for key, e in self._names.items()}
        seen_unnamed = "" in self._names["application"].known
        meta = {"values": dict(self._values), "unnamed_application": seen_unnamed, **known}
        return {**self._trees.arrays("tree_"), **means}, meta

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> Self:
        """Return the model that `state` was taken from."""
        model = cls()
        values = meta.get("values")
        if not isinstance(values, Mapping) or not isinstance(meta.get("unnamed_application"), bool):
            raise SurrogateError("energy model: no values; the bundle is damaged")
        model._values = {name: value(values, name) for name in model._values}
        for key in _KEYS:
            known = names(meta, key)
            mean = array(arrays, f"{key}_mean", len(known))
            if key == "application" and meta["unnamed_application"]:
                known, mean = [*known, ""], np.append(mean, np.nan)
            model._names[key] = _Names(known, mean)
        array(arrays, "tree_value")
        array(arrays, "tree_base", 1)
        model._trees = Boosted.of(arrays, _COLUMNS, "tree_")
        return model


def _boosted(x: NDArray[np.float32], y: Floats) -> Boosted:
    growth = Growth(n_trees=80, leaves=12, rate=0.12, least=min(10, max(2, len(y) // 20)), columns=0.8, most_codes=64)
    return boost(x, y, Loss(), growth, 0)
