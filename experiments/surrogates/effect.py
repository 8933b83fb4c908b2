"""What predictions do to the schedule: EASY and EASY-SJBF with requested, predicted and exact run times.

The protocol is that of Gaussier et al. (SC'15), whose values for requested, exact and doubled times `wattq reproduce
sc15-easy` has to the digit. Predictions are made in the simulated world: at the submission of a job, of jobs that ended
in this very simulation before; a job that outlives its estimate keeps its processors and is corrected. The requested
time stays the limit at which jobs are killed.

For an evaluation in several processes: one `Simulated` is one task (label, key, compute), `effect_tasks` lists those of
a log, and `effect_rows` makes the rows of each from what it computed. `schedule_effect` does all of it at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.experiments.published import passes
from wattq.experiments.published.jobs import JobTable, job_table
from wattq.experiments.published.predicted import Predicted, simulate_predicted
from wattq.experiments.published.protocol import Protocol, TraceSpec, load_protocol
from wattq.surrogates.session import FOR_BACKFILLING, EstimateRule

__all__ = [
    "GIVEN",
    "PARTS",
    "POLICIES",
    "SCALED",
    "SCALED_RULE",
    "Simulated",
    "effect_rows",
    "effect_table",
    "effect_tasks",
    "perturbed",
    "schedule_effect",
    "simulate_effect",
]

POLICIES: Mapping[str, str] = MappingProxyType({"EASY": "submission", "EASY-SJBF": "estimate"})
"""Order behind the head of the queue by the name of the policy."""

GIVEN = ("requested", "doubled", "exact")
"""Estimates that no model makes: the requested time, twice the requested time, the run time."""

SCALED = "fraction"
"""A part of the requested time, no prediction at all, corrected as predictions are: what the rule alone does."""

SCALED_RULE = EstimateRule(value="point", factor=0.2, correction="request")
"""Chosen as `FOR_BACKFILLING` was; parts from 0.15 to 0.25 do nearly as well."""

PARTS = ("first half", "second half", "whole")
"""Parts of a log by number of jobs. The rule for estimates was chosen on the first half of KTH-SP2."""

_PROTOCOL = "sc15-easy"
_BOUND_S = 10.0

Arrays = dict[str, NDArray[Any]]


@lru_cache(maxsize=8)
def effect_table(path: Path) -> JobTable:
    """Return the jobs of a log, cleaned and in the order of submission as the protocol wants them.

    Jobs without a positive run time, processors or a requested time are dropped; runs end at the requested time.

    Args:
        path: an SWF file, plain, .gz or .xz. One of the protocol's traces gets its machine; others that of the header.

    Raises:
        WorkloadError: when the file breaks its format, states no machine, or no job is left.
        SurrogateError: when the file is no SWF log.
    """
    from wattq.workloads.files import read_plain
    from wattq.workloads.formats import tell_format
    from wattq.workloads.swf import parse_swf_table

    plain = read_plain(path)
    if tell_format(plain, str(path)) != "swf":
        raise SurrogateError(f"{path}: the effect on the schedule is measured on logs with requested times (SWF)")
    protocol = load_protocol(_PROTOCOL)
    log = parse_swf_table(plain, path.name)
    table = job_table(log, _spec(protocol, log.sha256, path.name), protocol.cleaning)
    return table.take(np.argsort(table.submit_s, kind="stable"))


def _spec(protocol: Protocol, digest: str, name: str) -> TraceSpec:
    known = [spec for spec in protocol.traces.values() if spec.sha256 == digest]
    return known[0] if known else TraceSpec.model_construct(files=[name], sha256=digest, origin=name)


def simulate_effect(
    table: JobTable, policy: str, estimate: str, *, rule: EstimateRule = FOR_BACKFILLING, seed: int = 0
) -> Predicted:
    """Run a log under a policy.

    Args:
        table: as `effect_table` returns it.
        policy: a name in `POLICIES`.
        estimate: one of `GIVEN`, `SCALED`, or a model in ``MODELS``; a model that learns is trained as jobs end.
        rule: how predictions become estimates.
        seed: seed of the model.

    Raises:
        SurrogateError: when there is no such model.
    """
    if estimate not in GIVEN:
        from wattq.surrogates.rolling import new_session

        scaled = estimate == SCALED
        session = new_session("requested" if scaled else estimate, SCALED_RULE if scaled else rule, seed=seed)
        return simulate_predicted(table, POLICIES[policy], session)
    run_s, request_s = table.run_s, table.request_s
    given = {"requested": request_s, "doubled": 2.0 * request_s, "exact": run_s}[estimate]
    machine = passes.new_machine(table.submit_s, run_s, given.copy(), table.processors, table.processors_total)
    passes.serve(machine, passes.ORDERS[POLICIES[policy]])
    return Predicted(machine.start_s, given, np.zeros(table.n_jobs, dtype=np.int64))


@dataclass(frozen=True)
class Simulated:
    """A log under a policy with one kind of estimates, as a task of an evaluation.

    Attributes:
        log: name and path of the log.
        policy: a name in `POLICIES`.
        estimate: as for `simulate_effect`.
        seed: seed of the model.
    """

    log: tuple[str, Path]
    policy: str
    estimate: str
    seed: int = 0

    @property
    def label(self) -> str:
        """What it does, for the progress bar."""
        return f"{self.log[0]}: {self.policy}, {self.estimate}"

    def key(self) -> dict[str, Any]:
        """Return what the result depends on, beside the code."""
        table = effect_table(self.log[1])
        columns = (getattr(table, field.name) for field in fields(table))
        total = hashlib.sha256()
        for column in columns:
            total.update(column.tobytes() if isinstance(column, np.ndarray) else repr(column).encode())
        rules = [repr(FOR_BACKFILLING), repr(SCALED_RULE)]
        own = {"policy": self.policy, "estimate": self.estimate, "seed": self.seed}
        return {"kind": "schedule", "jobs": total.hexdigest(), "rules": rules, **own}

    def compute(self) -> Arrays:
        """Return start_s, estimate_s and outlived of every job, as in `Predicted`."""
        found = simulate_effect(effect_table(self.log[1]), self.policy, self.estimate, seed=self.seed)
        return {field.name: getattr(found, field.name) for field in fields(found)}

    def rows(self, arrays: Arrays) -> list[dict[str, Any]]:
        """Return the rows of what `compute` returned."""
        return effect_rows(effect_table(self.log[1]), self.policy, self.estimate, Predicted(**arrays))


def perturbed(table: JobTable, seed: int, *, share: float = 0.05, shift_s: float = 3600.0) -> JobTable:
    """Return a log that might have been: some jobs are missing, as many come twice, and all come earlier or later.

    The slowdown of one log hangs on a few crowded days and on chance: a job more or less at the right time moves it by
    a tenth. The mean over perturbed copies tells whether one estimate is better than another.

    Args:
        table: the jobs.
        seed: seed of the copy.
        share: share of the jobs that are missing, and of those that come twice.
        shift_s: most that a submission moves, s.
    """
    rng = np.random.default_rng(seed)
    draw = rng.random(table.n_jobs)
    times = np.where(draw < share, 0, np.where(draw > 1.0 - share, 2, 1))
    chosen = table.take(np.repeat(np.arange(table.n_jobs), times))
    moved = np.maximum(0.0, chosen.submit_s + np.round(rng.uniform(-shift_s, shift_s, chosen.n_jobs)))
    return replace(chosen, submit_s=moved).take(np.argsort(moved, kind="stable"))


def effect_tasks(log: tuple[str, Path], models: Sequence[str], seed: int = 0) -> list[Simulated]:
    """Return the simulations of a log, by estimate and policy: requested, models, exact."""
    learned = [name for name in models if name != "requested"]
    estimates = ("requested", "doubled", SCALED, *learned, "exact")
    return [Simulated(log, policy, estimate, seed) for estimate in estimates for policy in POLICIES]


def effect_rows(table: JobTable, policy: str, estimate: str, found: Predicted) -> list[dict[str, Any]]:
    """Return a simulation's rows, one for each of `PARTS`.

    Keys: policy, estimate, part, jobs; slowdown (mean bounded slowdown, bound 10 s); wait_s (mean wait);
    under_share (jobs whose first estimate was shorter than their run); late_share (jobs corrected at least once);
    corrections (mean number of corrections of a job).
    """
    flow_s = found.start_s - table.submit_s + table.run_s
    values = {
        "slowdown": np.maximum(1.0, flow_s / np.maximum(table.run_s, _BOUND_S)),
        "wait_s": found.start_s - table.submit_s,
        "under_share": found.estimate_s < table.run_s,
        "late_share": found.outlived > 0,
        "corrections": found.outlived,
    }
    half = table.n_jobs // 2
    rows = []
    for part, chosen in zip(PARTS, (slice(0, half), slice(half, None), slice(None)), strict=True):
        means = {name: float(np.mean(value[chosen])) for name, value in values.items()}
        jobs = len(table.number[chosen])
        rows.append({"policy": policy, "estimate": estimate, "part": part, "jobs": jobs, **means})
    return rows


def schedule_effect(
    path: Path, models: Sequence[str], *, seed: int = 0, done: Callable[[str], None] | None = None
) -> list[dict[str, Any]]:
    """Return the effect of models on the schedule of a log, as rows of `effect_rows`.

    Args:
        path: the log (SWF).
        models: names in ``MODELS``.
        seed: seed of the models.
        done: told what was simulated, each time.

    Raises:
        WattqError: as `effect_table` and `simulate_effect`.
    """
    rows = []
    for task in effect_tasks((path.name, path), models, seed):
        rows += task.rows(task.compute())
        if done is not None:
            done(task.label)
    return rows
