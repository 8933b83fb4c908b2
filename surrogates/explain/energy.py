"""The explanation of one prediction of energy: nodes x power x run time, each by what the user asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.surrogates.bundle import Bundle
from wattq.surrogates.bundle_models import features_of
from wattq.surrogates.energy import ENERGY_FEATURES, EnergyJobs
from wattq.surrogates.explain.counterfactual import Change, Lever, smallest_change
from wattq.surrogates.explain.job import ExplainOptions, Explanation, contributions_of, some_others, walltime_lever
from wattq.surrogates.explain.requests import Moment, Request
from wattq.surrogates.features import build_features, feature_columns
from wattq.surrogates.log_file import JobLog
from wattq.surrogates.training import predict_table

__all__ = ["EnergyQuestion", "explain_energy"]

Floats = NDArray[np.float64]
Rows = NDArray[np.float32]

_RUN = "run_s"


@dataclass(frozen=True)
class EnergyQuestion:
    """What is asked beside the job.

    Attributes:
        runtime: bundle of run times; the requested times stand for them without one.
        frequency_ghz: the clock that all jobs ask for, GHz; the machine's default without it.
        clocks_ghz: the clocks that a user may ask for instead; none are tried without them.
        beta: how far run times follow the clock when it changes, 0 to 1.

    Raises:
        SurrogateError: when a clock is not above 0, or beta is not from 0 to 1.
    """

    runtime: Bundle | None = None
    frequency_ghz: float | None = None
    clocks_ghz: tuple[float, ...] = field(default=())
    beta: float = 1.0

    def __post_init__(self) -> None:
        asked = () if self.frequency_ghz is None else (self.frequency_ghz,)
        wrong = next((clock for clock in (*asked, *self.clocks_ghz) if not 0.0 < clock < math.inf), None)
        if wrong is not None:
            raise SurrogateError(f"clock {wrong:g} GHz: a clock is above 0")
        if not 0.0 <= self.beta <= 1.0:
            raise SurrogateError(f"--beta {self.beta:g}: the share of the run time that follows the clock is 0 to 1")

    @property
    def now_ghz(self) -> float:
        """The clock that jobs run at: the one asked for, else the highest that can be asked for; NaN unknown."""
        return max(self.clocks_ghz, default=math.nan) if self.frequency_ghz is None else self.frequency_ghz


class _Table:
    """Jobs as rows of numbers, and back: names are numbered."""

    def __init__(self, bundle: Bundle, jobs: EnergyJobs, run_s: Floats) -> None:
        read = {*features_of(bundle.model), "nodes"}
        self.columns = tuple(feature for feature in ENERGY_FEATURES if feature.name in read)
        self.names = (*(feature.name for feature in self.columns), _RUN)
        self._model = bundle.model
        self._known: dict[str, NDArray[np.str_]] = {}
        parts = [self._numbers(feature.name, feature.unit, getattr(jobs, feature.name)) for feature in self.columns]
        self.x: Rows = np.stack([*parts, run_s], axis=1).astype(np.float32)

    def _numbers(self, name: str, unit: str, values: NDArray[Any]) -> Floats:
        if unit:
            return np.asarray(values, dtype=np.float64)
        self._known[name], codes = np.unique(values, return_inverse=True)
        return codes.astype(np.float64)

    def words(self, row: int) -> dict[str, str]:
        """Return the names in a row."""
        numbered = ((place, f.name) for place, f in enumerate(self.columns) if not f.unit)
        return {name: str(self._known[name][int(self.x[row, place])]) for place, name in numbered}

    def ask(self, x: Rows) -> Floats:
        """Return the energy of rows, J."""
        given: dict[str, Any] = {}
        for place, feature in enumerate(self.columns):
            values = x[:, place].astype(np.float64)
            given[feature.name] = values if feature.unit else self._known[feature.name][values.astype(np.int64)]
        nodes = given.pop("nodes")
        power: Floats = self._model.predict(EnergyJobs.of(nodes, **given)).point_w
        energy: Floats = nodes * power * x[:, -1].astype(np.float64)
        return energy


def explain_energy(
    bundle: Bundle,
    log: JobLog,
    job: str,
    options: ExplainOptions | None = None,
    question: EnergyQuestion | None = None,
) -> Explanation:
    """Return why a bundle's model predicts the energy that it predicts for a job; same seed, same explanation.

    The contributions are those of nodes, clock, names and predicted run time. A job's joules are not in a log, so there
    is no permutation importance.

    Args:
        bundle: of kind ``energy``.
        log: the log that the job is part of.
        job: name of the job.
        options: method, aim and sizes.
        question: run times, clocks.

    Raises:
        SurrogateError: when there is no such job, or its run time is not predicted.
        MissingDependencyError: when the method needs a library that is absent.
    """
    options, question = options or ExplainOptions(), question or EnergyQuestion()
    row, run_s = log.row_of(job), _run_times(log, question)
    if not np.isfinite(run_s[row]):
        raise SurrogateError(
            f"{log.jobs.source}: job '{job}' has no requested time; give a bundle of run times (--runtime)"
        )
    clock = math.nan if question.frequency_ghz is None else question.frequency_ghz
    table = _Table(bundle, EnergyJobs.of_jobs(log.jobs, frequency_ghz=clock), run_s)
    others = some_others(np.flatnonzero(np.isfinite(run_s)), row, options)
    found = contributions_of(table.ask, table.names, table.x[row], table.x[others], options)
    asked = {"hosts": float(log.jobs.hosts[row]), "request_s": float(log.jobs.request_s[row])}
    return Explanation(
        job=log.job_id[row],
        source=log.jobs.source.rpartition("/")[2],
        model=bundle.manifest.model,
        unit="J",
        learned=False,
        asked=asked | {"frequency_ghz": question.now_ghz},
        contributions=found,
        groups={},
        importance=None,
        aim=options.aim,
        changes=_changes(table, log, row, found.value, options, question),
        words=table.words(row),
    )


def _run_times(log: JobLog, question: EnergyQuestion) -> Floats:
    if question.runtime is None:
        return log.jobs.request_s
    return predict_table(question.runtime.model, build_features(log.jobs, log.outcomes)).point_s


def _changes(
    table: _Table, log: JobLog, row: int, now: float, options: ExplainOptions, question: EnergyQuestion
) -> tuple[Change, ...]:
    """Return the smallest change of walltime, nodes and clock; run times follow where a bundle predicts them."""
    times = _Times(log, row, question, float(table.x[row, -1]))
    request_s, hosts = times.asked.request_s, times.asked.hosts
    place = {name: at for at, name in enumerate(table.names)}

    def ask(count: int, **columns: Floats | float) -> Floats:
        x = np.repeat(table.x[row : row + 1], count, axis=0)
        for name, values in columns.items():
            if name in place:
                x[:, place[name]] = values
        return table.ask(x)

    found = []
    if np.isfinite(request_s):
        lever = walltime_lever(request_s)
        found.append(
            smallest_change(
                lever,
                lambda v: ask(len(v), request_s=v, run_s=times.of([Request(hosts, s) for s in v])),
                now,
                options.aim,
            )
        )
    nodes = Lever("hosts", "1", float(hosts), 1.0, float(max(log.nb_res, hosts)))
    found.append(
        smallest_change(
            nodes,
            lambda v: ask(len(v), nodes=v, run_s=times.of([Request(int(n), request_s) for n in v])),
            now,
            options.aim,
        )
    )
    if question.clocks_ghz:
        found.append(_clock_change(ask, times.now_s, now, options, question))
    return tuple(found)


def _clock_change(ask: Any, run_s: float, now: float, options: ExplainOptions, question: EnergyQuestion) -> Change:
    at, beta = question.now_ghz, question.beta
    clocks = tuple(sorted(set(question.clocks_ghz)))
    lever = Lever("frequency_ghz", "GHz", at, clocks[0], clocks[-1], whole=False, choices=clocks)
    return smallest_change(
        lever,
        lambda v: ask(len(v), frequency_ghz=v, run_s=run_s * (beta * at / v + 1.0 - beta)),
        now,
        options.aim,
    )


class _Times:
    """Run times of one job for other requests: predicted, or those requested."""

    def __init__(self, log: JobLog, row: int, question: EnergyQuestion, now_s: float) -> None:
        self.asked = Request(int(log.jobs.hosts[row]), float(log.jobs.request_s[row]))
        self.now_s = now_s
        self._model = None if question.runtime is None else question.runtime.model
        self._moment = None if self._model is None else Moment(log.jobs, log.outcomes, row)

    def of(self, requests: list[Request]) -> Floats:
        """Return the run times for some requests, s."""
        asked = np.array([request.request_s for request in requests])
        if self._model is None or self._moment is None:
            return asked
        x = self._moment.features(requests)[:, feature_columns(self._model.needs)]
        point: Floats = self._model.predict(np.ascontiguousarray(x)).point_s
        capped: Floats = np.fmin(point, asked)
        return capped
