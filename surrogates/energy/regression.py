"""Regression of the logarithm of power, with effects of applications on level, clock and size.

The logarithm of the mean power of a node is a level, a slope on log(clock / highest clock), a slope on log(nodes) and
one on log(1 + GPUs per node). Level and the first two slopes differ by application: an application with labels has its
own, drawn towards the mean of all as far as its labels are few; one without labels has the median level of those that
were seen, and the random-effects mean of their slopes, in which an application weighs by the precision of its own
estimate. What is left is shared out to
users and then queues, drawn towards 0 alike.

Energy per unit of work varies less between applications than power does: those that slow down least with the clock
save least power. So where the slowdown of a job is known (its run time at the clock over that at the highest clock),
an application without labels gets the pooled effect of the clock on *energy*, divided by the slowdown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.surrogates.energy.jobs import EnergyJobs, EnergyLabels
from wattq.surrogates.energy.model import PowerPrediction
from wattq.surrogates.energy.pooling import Pooled, pool, slopes_of, student
from wattq.surrogates.energy.restoring import array, codes, names, value

__all__ = ["PowerRegression"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

_PRIOR_RUNS = 4.0
"""Weight, in runs, of the typical scatter against an application's own."""
_LEAST_SD = 1e-4
_PASSES = 4
_VALUES = ("clock_ghz", "size", "level", "level_var", "clock", "clock_var", "saving", "saving_var", "nodes")
_NEW = ("gpus", "new_sd", "new_t")
_OWN = ("own_level", "own_clock", "own_time", "own_nodes", "own_sd", "own_t")


class PowerRegression:
    """Levels and slopes of the logarithm of power by application, then users and queues; see the module."""

    name = "regression"
    needs = ("nodes", "frequency_ghz", "slowdown", "gpus", "application", "user", "queue")

    def __init__(self) -> None:
        self._v: dict[str, float] = {}
        self._own: dict[str, Floats] = {}
        self._apps: list[str] = []
        self._shared: dict[str, tuple[list[str], Floats]] = {}

    def fit(self, labels: EnergyLabels) -> None:
        """Learn from labels.

        Raises:
            SurrogateError: when there are fewer than three.
        """
        if labels.n_jobs < 3:
            raise SurrogateError(f"{labels.n_jobs} labels; a regression of power needs at least 3")
        jobs, log_w = labels.jobs, np.log(labels.power_w)
        clocks = jobs.frequency_ghz[~np.isnan(jobs.frequency_ghz)]
        self._v = {"clock_ghz": float(clocks.max()) if clocks.size else 1.0, "size": float(np.log(jobs.nodes).mean())}
        self._apps, app = _named(jobs.application)
        covariates = self._covariates(jobs)
        self._v["gpus"] = _within(app, covariates[2], log_w)
        shares: Floats = np.zeros(labels.n_jobs)
        # Effects of applications and of users are in each other's way: each is fitted to what the other leaves.
        for _ in range(_PASSES):
            residual, scatter = self._fit_applications(app, covariates, log_w - shares, jobs.slowdown)
            self._share(jobs, residual + shares)
            shares = self._shares(jobs)
            if not shares.any():
                break
        residual, scatter = self._fit_applications(app, covariates, log_w - shares, jobs.slowdown)
        self._fit_spread(app, residual, scatter)

    def _fit_applications(
        self, app: Codes, covariates: tuple[Floats, Floats, Floats], y: Floats, slowdown: Floats
    ) -> tuple[Floats, Floats]:
        """Fit slopes and levels; return what is left of y, and the scatter of each application."""
        x, z, g = covariates
        left = y - self._v["gpus"] * g
        scatter = _scatter(app, np.column_stack((x, z)), left)
        self._fit_slopes(app, x, z, left, slowdown, scatter)
        left = left - self._slopes(app, x, z)
        self._fit_levels(app, left, scatter)
        return left - self._own["own_level"][app], scatter

    def _covariates(self, jobs: EnergyJobs) -> tuple[Floats, Floats, Floats]:
        x = np.log(np.where(np.isnan(jobs.frequency_ghz), self._v["clock_ghz"], jobs.frequency_ghz))
        gpus = np.log1p(np.nan_to_num(jobs.gpus, nan=0.0))
        return x - np.log(self._v["clock_ghz"]), np.log(jobs.nodes) - self._v["size"], gpus

    def _fit_slopes(self, app: Codes, x: Floats, z: Floats, y: Floats, slowdown: Floats, scatter: Floats) -> None:
        count, both = len(self._apps), np.column_stack((x, z))
        (own_clock, own_nodes), (clock, nodes) = _effects(app, both, y, scatter, count)
        known = ~np.isnan(slowdown)
        time = np.log(slowdown[known])
        _, (saving, _) = _effects(app[known], both[known], y[known] + time, scatter, count)
        (own_time, _), _ = _effects(app[known], both[known], time, scatter, count)
        self._own |= {"own_nodes": own_nodes, "own_clock": own_clock, "own_time": own_time}
        self._v |= {"nodes": nodes.mean, "clock": clock.mean, "clock_var": clock.new_var}
        # Without any slowdown the two effects of the clock are not told apart.
        told = saving if known.any() else clock
        self._v |= {"saving": told.mean, "saving_var": told.new_var}

    def _slopes(self, app: Codes, x: Floats, z: Floats) -> Floats:
        slopes: Floats = self._own["own_clock"][app] * x + self._own["own_nodes"][app] * z
        return slopes

    def _fit_levels(self, app: Codes, left: Floats, scatter: Floats) -> None:
        count = np.bincount(app, minlength=len(self._apps))
        mean = np.bincount(app, left, minlength=len(self._apps)) / count
        level = pool(mean, scatter**2 / count)
        own_var = float(np.mean(scatter**2)) / count
        keep = level.between_var / (level.between_var + own_var) if len(mean) > 1 else np.ones(1)
        self._own["own_level"] = level.mean + keep * (mean - level.mean)
        # The median: one application whose counters are wrong does not move what is expected of others.
        self._v |= {"level": float(np.median(mean)), "level_var": level.new_var}

    def _share(self, jobs: EnergyJobs, residual: Floats) -> None:
        self._shared = {}
        for key in ("user", "queue"):
            texts = getattr(jobs, key)
            known, code = _named(texts)
            if known == [""]:
                self._shared[key] = ([], np.empty(0))
                continue
            effect = _shrunk_means(code, residual, len(known))
            effect = np.where(np.array(known) == "", 0.0, effect)
            residual = residual - effect[code]
            self._shared[key] = (known, effect)

    def _shares(self, jobs: EnergyJobs) -> Floats:
        total: Floats = np.zeros(jobs.n_jobs)
        for key, (known, effect) in self._shared.items():
            code = codes(known, getattr(jobs, key))
            total += np.append(effect, 0.0)[code]
        return total

    def _fit_spread(self, app: Codes, residual: Floats, scatter: Floats) -> None:
        count = np.bincount(app, minlength=len(self._apps)).astype(np.float64)
        # Two parameters of an application, level and clock, were fitted to its own runs.
        degrees = np.maximum(count - 2.0, 0.0)
        squares = np.bincount(app, residual**2, minlength=len(self._apps))
        typical = float(np.median(scatter)) ** 2
        variance = (_PRIOR_RUNS * typical + squares) / (_PRIOR_RUNS + degrees) * (1.0 + 2.0 / count)
        self._own["own_sd"] = np.sqrt(variance)
        self._own["own_t"] = student(_PRIOR_RUNS + degrees)
        self._v["new_sd"] = float(np.sqrt(np.mean(scatter**2)))
        self._v["new_t"] = float(student(max(len(self._apps) - 1, 1)))

    def predict(self, jobs: EnergyJobs) -> PowerPrediction:
        """Return the mean power of one node of each job, with 90 % intervals."""
        v, (x, z, g) = self._v, self._covariates(jobs)
        app = codes(self._apps, jobs.application)
        own = {name: np.append(values, 0.0)[app] for name, values in self._own.items()}
        seen, timed = app >= 0, ~np.isnan(jobs.slowdown)
        clock = np.where(timed, v["saving"] * x - np.log(np.where(timed, jobs.slowdown, 1.0)), v["clock"] * x)
        new = v["level"] + clock + v["nodes"] * z
        log = np.where(seen, own["own_level"] + own["own_clock"] * x + own["own_nodes"] * z, new)
        log = log + v["gpus"] * g + self._shares(jobs)
        slope_var = np.where(timed, v["saving_var"], v["clock_var"])
        new_half = v["new_t"] * np.sqrt(v["level_var"] + slope_var * x**2 + v["new_sd"] ** 2)
        half = np.where(seen, own["own_t"] * own["own_sd"], new_half)
        return PowerPrediction(np.exp(log), np.exp(log - half), np.exp(log + half))

    def slowdown(self, jobs: EnergyJobs) -> Floats:
        """Return the run time of each job at its clock over that at the highest clock of the labels, shape (n,).

        What is known of a job, else what its application showed, else what applications do in the mean: power and run
        time then make the pooled effect of the clock on energy.
        """
        x = self._covariates(jobs)[0]
        app = codes(self._apps, jobs.application)
        rate = np.where(app >= 0, np.append(self._own["own_time"], 0.0)[app], self._v["saving"] - self._v["clock"])
        return np.where(np.isnan(jobs.slowdown), np.exp(rate * x), jobs.slowdown)

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Return the effects of applications, users and queues, and those of all."""
        shared = {f"{key}_effect": effect for key, (_, effect) in self._shared.items()}
        lists = {key: known for key, (known, _) in self._shared.items()}
        return {**self._own, **shared}, {"values": dict(self._v), "applications": self._apps, **lists}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> Self:
        """Return the model that `state` was taken from."""
        model = cls()
        values = meta.get("values")
        if not isinstance(values, Mapping):
            raise SurrogateError("energy model: no values; the bundle is damaged")
        model._v = {name: value(values, name) for name in (*_VALUES, *_NEW)}
        model._apps = names(meta, "applications")
        model._own = {name: array(arrays, name, len(model._apps)) for name in _OWN}
        for key in ("user", "queue"):
            known = names(meta, key)
            model._shared[key] = (known, array(arrays, f"{key}_effect", len(known)))
        return model


def _named(texts: NDArray[np.str_]) -> tuple[list[str], Codes]:
    known, code = np.unique(texts, return_inverse=True)
    return known.tolist(), code.astype(np.int64)


def _scatter(app: Codes, covariates: Floats, y: Floats) -> Floats:
    """Return the scatter of each application's runs around its own line, drawn towards the typical one."""
    squares, degrees = [], []
    for k in range(int(app.max()) + 1):
        rows = app == k
        design = np.column_stack((np.ones(rows.sum()), covariates[rows]))
        fit, _, rank, _ = np.linalg.lstsq(design, y[rows], rcond=1e-9)
        squares.append(float(((y[rows] - design @ fit) ** 2).sum()))
        degrees.append(int(rows.sum()) - int(rank))
    square, degree = np.array(squares), np.array(degrees, dtype=np.float64)
    some = degree > 0
    typical = float(np.median(square[some] / degree[some])) if some.any() else float(y.var())
    return np.maximum(np.sqrt((_PRIOR_RUNS * typical + square) / (_PRIOR_RUNS + degree)), _LEAST_SD)


def _effects(
    app: Codes, x: Floats, y: Floats, scatter: Floats, count: int
) -> tuple[tuple[Floats, ...], tuple[Pooled, ...]]:
    """Return, for each covariate, the slopes of the applications, drawn towards the mean of all, and that mean."""
    fits = [slopes_of(x[app == k], y[app == k]) if (app == k).any() else None for k in range(count)]
    none = (np.zeros(x.shape[1]), np.full(x.shape[1], np.inf))
    slopes, variances = (np.array(each) for each in zip(*(fit or none for fit in fits), strict=True))
    drawn = [_drawn(slopes[:, i], variances[:, i], scatter) for i in range(x.shape[1])]
    return tuple(own for own, _ in drawn), tuple(pooled for _, pooled in drawn)


def _drawn(slope: Floats, variance: Floats, scatter: Floats) -> tuple[Floats, Pooled]:
    some = np.isfinite(variance)
    if not some.any():
        return np.zeros(len(slope)), Pooled(0.0, 0.0, 0.0)
    pooled = pool(slope[some], scatter[some] ** 2 * variance[some])
    between = pooled.between_var if some.sum() > 1 else np.inf
    # An application's own runs are believed by their number, not by how well they agree: few runs agree by chance.
    own_var = float(np.mean(scatter**2)) * np.where(some, variance, 1.0)
    keep = np.where(some, 1.0 / (1.0 + own_var / between), 0.0) if between > 0.0 else np.zeros(len(slope))
    return pooled.mean + keep * (slope - pooled.mean), pooled


def _within(app: Codes, x: Floats, y: Floats) -> float:
    """Return the common slope within applications, 0 where x does not vary within any."""
    count = np.bincount(app)
    centre_x, centre_y = np.bincount(app, x) / count, np.bincount(app, y) / count
    dx = x - centre_x[app]
    spread = float(dx @ dx)
    return float(dx @ (y - centre_y[app])) / spread if spread > 1e-12 else 0.0


def _shrunk_means(code: Codes, values: Floats, groups: int) -> Floats:
    count = np.bincount(code, minlength=groups)
    mean = np.bincount(code, values, minlength=groups) / count
    within = float(((values - mean[code]) ** 2).sum()) / max(len(values) - groups, 1)
    if groups < 2 or within <= 0.0:
        return mean
    pooled = pool(mean, within / count)
    keep: Floats = pooled.between_var / (pooled.between_var + within / count)
    return keep * mean
