"""The generator options that would make work like a given workload, and how far off each would be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattq.errors import WorkloadError
from wattq.units import HOUR_S
from wattq.workloads.arrivals import ATTRIBUTES, LAWS
from wattq.workloads.bursts import SMALL
from wattq.workloads.generate_table import JobTable, table_of
from wattq.workloads.model import Workload
from wattq.workloads.suggest_bursts import BurstFit, find_bursts
from wattq.workloads.suggest_laws import LawFit, fit_law
from wattq.workloads.suggest_lublin import fit_lublin

__all__ = ["Suggestion", "suggest_generators", "suggestion_lines"]

_BOUNDS = {
    "arrivals": (0, 1500, "--wg-max-jobs-hour"),
    "duration": (1, 170, "--max-duration"),
    "nodes": (1, 16, "--max-nodes"),
    "cores": (1, 96, "--max-cores"),
}
_FOUR = {"flat": "--wg-flat-targets4", "poisson": "--wg-poisson-lambdas4", "uniform": "--wg-uniform-ranges4"}
_MOST_HOURS = 10**6


@dataclass(frozen=True)
class Suggestion:
    """A generator that could make such work.

    Attributes:
        model: command of ``wattq workload generate``.
        options: option -> value.
        distances: what is drawn -> Kolmogorov-Smirnov distance between the workload and what the model would draw, from
            0 (the same) to 1.
    """

    model: str
    options: Mapping[str, str]
    distances: Mapping[str, float]

    @property
    def command(self) -> str:
        """The command to type, without the file to write."""
        words = [word for option, value in self.options.items() for word in (option, value)]
        return " ".join(["wattq", "workload", "generate", self.model, *words])


def suggest_generators(workload: Workload, *, speed_flops: float = 1e9) -> list[Suggestion]:
    """Return a suggestion for each model, the nearest first (by the mean distance of arrivals, duration and nodes).

    Durations are whole hours, rounded up. Hours that stand out as bursts are told from the others first (see
    `wattq.workloads.suggest_bursts`). A Poisson mean is that whose draws, held within the bounds, have the mean found;
    targets and ranges are the least and greatest values found. Of the model lublin, the shares of serial jobs and
    powers of two and the load are fitted; the rest is as published.

    Args:
        workload: the jobs, one or more.
        speed_flops: speed of a host, flop/s, at which computing profiles last their run time.

    Raises:
        WorkloadError: when a run time is not known, or the workload has no job or spans more than 10**6 hours.
    """
    table = table_of(workload, speed_flops=speed_flops)
    bins = table.submit_s // int(HOUR_S)
    hours = int(bins.max() - bins.min()) + 1
    if hours > _MOST_HOURS:
        raise WorkloadError(
            f"{workload.report.source}: {hours} h from first to last submission; generators fill at most {_MOST_HOURS}"
        )
    bursts = find_bursts(table, bins - bins.min(), hours)
    values = _values(table, bursts)
    shared = {"--hours": str(hours), "--hosts": str(workload.nb_res)}
    found = [_hourly(kind, values, shared, bursts) for kind in LAWS]
    options, distances = fit_lublin(table, workload.nb_res)
    return sorted([*found, Suggestion("lublin", options, distances)], key=_mean_distance)


def suggestion_lines(suggestions: list[Suggestion]) -> list[str]:
    """Return the suggestions for people, one command and its distances each."""
    lines = []
    for suggestion in suggestions:
        off = ", ".join(f"{key} {value:.3f}" for key, value in suggestion.distances.items())
        lines += [suggestion.command, f"    distance (0 same, 1 apart): {off}"]
    return lines


def _mean_distance(suggestion: Suggestion) -> float:
    # not every model draws cores, and where none are known all agree on one
    return float(np.mean([suggestion.distances[key] for key in ("arrivals", "duration", "nodes")]))


def _values(table: JobTable, bursts: BurstFit) -> dict[str, NDArray[np.int64]]:
    jobs = table.take(bursts.base_jobs)
    duration_h = -(-jobs.duration_s // int(HOUR_S))
    return dict(zip(ATTRIBUTES, (bursts.base_counts, duration_h, jobs.nodes, jobs.cores), strict=True))


def _hourly(
    kind: str, values: Mapping[str, NDArray[np.int64]], shared: Mapping[str, str], bursts: BurstFit
) -> Suggestion:
    options, fits = dict(shared), {}
    for name, numbers in values.items():
        low, high, option = _BOUNDS[name]
        most = int(numbers.max(initial=low))
        if most > high:
            options[option] = str(most)
        fits[name] = fit_law(kind, numbers, low, max(high, most))
    options[_FOUR[kind]] = ",".join(_shown(kind, fit) for fit in fits.values())
    if kind == "flat" and any(fit.law.b for fit in fits.values()):
        options["--wg-flat-jitters4"] = ",".join(f"{fit.law.b:g}" for fit in fits.values())
    for name, probability in (("small", bursts.small), ("heavy", bursts.heavy)):
        if probability:
            options[f"--wg-burst-{name}-prob"] = f"{probability:.4g}"
    if bursts.small and int(options.get("--wg-max-jobs-hour", "1500")) < SMALL.jobs[1] + fits["arrivals"].law.a:
        options["--wg-max-jobs-hour"] = str(int(SMALL.jobs[1] + fits["arrivals"].law.a) + 1)
    return Suggestion(kind, options, {name: fit.distance for name, fit in fits.items()})


def _shown(kind: str, fit: LawFit) -> str:
    if kind == "uniform":
        return f"{fit.law.a:.0f}:{fit.law.b:.0f}"
    return f"{fit.law.a:.0f}" if kind == "flat" else f"{fit.law.a:.4g}"
