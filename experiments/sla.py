"""A run held against service-level targets: which job or class broke which target, and by how much.

It needs the files of a run alone, wattq's or those of the real Batsim. ``COMPLETED_KILLED`` in ``jobs.csv`` is a job
that the scheduler killed, by preemption say (a job that ran into its walltime has another state).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from wattq.errors import InvalidInputError
from wattq.experiments.fairness import fairness
from wattq.experiments.results import RunResults
from wattq.experiments.sla_targets import PERCENTILE_TARGETS, SlaClass, SlaTargets
from wattq.experiments.waits import Population, population

__all__ = ["NO_CLASS", "ClassResult", "SlaReport", "Violation", "judge"]

NO_CLASS = "(none)"
"""What the jobs are called that no class matches."""

_KILLED = "COMPLETED_KILLED"


@dataclass(frozen=True)
class Violation:
    """A target that was not met.

    Attributes:
        job: full id; empty where a class or the run as a whole broke it.
        sla: name of the class; empty for the run.
        target: name of the target; ``start`` for a job that never started, whatever its class was promised.
        limit: what was promised; None for ``start``.
        value: what came; None for a rejected job.
        excess: by how much it was missed; None where that is not known.
        lower_bound: whether jobs that never started make value and excess lower bounds.
        reason: ``late``, ``killed``, ``rejected``, ``never started``, ``percentile``, ``preempted`` or ``unfair``.
    """

    job: str
    sla: str
    target: str
    limit: float | None
    value: float | None
    excess: float | None
    lower_bound: bool
    reason: str


@dataclass(frozen=True)
class ClassResult:
    """A class in numbers; percentiles are None without jobs, and lower bounds where jobs never started."""

    name: str
    jobs: int
    never_started: int
    rejected: int
    preempted: int
    values: dict[str, float | None]
    violations: int


@dataclass(frozen=True)
class SlaReport:
    """What came of the targets; ``fairness`` is empty where no user is known."""

    policy: str
    classes: tuple[ClassResult, ...]
    violations: tuple[Violation, ...]
    fairness: dict[str, float]

    @property
    def preempted(self) -> int:
        """Number of jobs that the scheduler killed."""
        return sum(one.preempted for one in self.classes)


@dataclass(frozen=True)
class _Job:
    """A job; the state is empty when it never started, its times are then lower bounds."""

    key: str
    submit_s: float
    state: str
    wait_s: float
    turnaround_s: float
    bounded_slowdown: float


def judge(run: RunResults, targets: SlaTargets) -> SlaReport:
    """Return how a run did.

    Args:
        run: the results.
        targets: what it is held against.

    Raises:
        InvalidInputError: a class or deadline is about what the files of the run do not tell.
    """
    jobs = population(run, targets.tau_s)
    found = {job.key: job for job in _jobs(run, jobs)}
    _check_known(run, targets, found)
    members = _members(run, targets, found)
    results, violations = [], []
    for sla in [*targets.classes, SlaClass.model_construct(name=NO_CLASS)]:
        result, broken = _judge_class(sla, members[sla.name], targets)
        results.append(result)
        violations.extend(broken)
    fair = fairness(jobs)
    if targets.jain_min is not None and fair["user_slowdown_jain"] < targets.jain_min:
        value = fair["user_slowdown_jain"]
        violations.append(
            Violation("", "", "jain_min", targets.jain_min, value, targets.jain_min - value, False, "unfair")
        )
    shown = results if results[-1].jobs else results[:-1]
    return SlaReport(run.policy, tuple(shown), tuple(violations), fair)


def _jobs(run: RunResults, jobs: Population) -> Iterable[_Job]:
    """Yield all jobs: those that ran, those that never started, those rejected."""
    submit_s = dict(zip(run.jobs.key, run.jobs.submit_s.tolist(), strict=True))
    if run.submitted is not None:
        submit_s |= dict(zip(run.submitted.key, run.submitted.submit_s.tolist(), strict=True))
    states = dict(zip(run.jobs.key, run.jobs.state, strict=True))
    columns = (jobs.wait_s.tolist(), jobs.turnaround_s.tolist(), jobs.bounded_slowdown.tolist())
    for key, wait_s, turnaround_s, slowdown in zip(jobs.key, *columns, strict=True):
        yield _Job(key, submit_s[key], states.get(key, ""), wait_s, turnaround_s, slowdown)
    for key in jobs.rejected:
        yield _Job(key, submit_s[key], "REJECTED", np.nan, np.nan, np.nan)


def _check_known(run: RunResults, targets: SlaTargets, jobs: dict[str, _Job]) -> None:
    """Refuse targets about owners that the run does not tell, and deadlines of jobs that it does not have."""
    submitted = run.submitted
    for what in ("user", "queue"):
        classes = [sla.name for sla in targets.classes if getattr(sla, what) is not None]
        column = getattr(submitted, what) if submitted is not None else np.empty(0)
        if classes and not (column >= 0).any():
            raise InvalidInputError(
                f"{run.directory}: class '{classes[0]}' is about jobs of some {what}, which the run does not tell; "
                "name the workload (--workload), or match by hosts and walltime"
            )
    if targets.jain_min is not None and (submitted is None or not (submitted.user >= 0).any()):
        raise InvalidInputError(
            f"{run.directory}: 'jain_min' compares users, which the run does not tell; name the workload (--workload)"
        )
    unknown = next((key for key in targets.deadlines if key not in jobs), None)
    if unknown is not None:
        raise InvalidInputError(
            f"{run.directory}: 'deadlines' names the job '{unknown}', which is not in the run; ids are of the form w0!7"
        )


def _members(run: RunResults, targets: SlaTargets, jobs: dict[str, _Job]) -> dict[str, list[_Job]]:
    """Return the jobs of each class, in the order of the run's files."""
    rows: dict[str, tuple[int, float, int, int]] = {}
    for key, hosts, wall_s in zip(run.jobs.key, run.jobs.hosts.tolist(), run.jobs.requested_s.tolist(), strict=True):
        rows[key] = (hosts, wall_s, -1, -1)
    if run.submitted is not None:
        s = run.submitted
        columns = (s.hosts.tolist(), s.requested_s.tolist(), s.user.tolist(), s.queue.tolist())
        rows |= dict(zip(s.key, zip(*columns, strict=True), strict=True))
    members: dict[str, list[_Job]] = {name: [] for name in [*(sla.name for sla in targets.classes), NO_CLASS]}
    for key, job in jobs.items():
        members[next((sla.name for sla in targets.classes if sla.matches(*rows[key])), NO_CLASS)].append(job)
    return members


def _judge_class(sla: SlaClass, jobs: Sequence[_Job], targets: SlaTargets) -> tuple[ClassResult, list[Violation]]:
    """Return a class in numbers, and its violations: those of jobs first."""
    broken = [violation for job in jobs for violation in _judge_job(sla, job, targets)]
    served = [job for job in jobs if job.state != "REJECTED"]
    left = sum(not job.state for job in jobs)
    preempted = sum(job.state == _KILLED for job in jobs)
    values: dict[str, float | None] = {}
    for target, (what, percent) in PERCENTILE_TARGETS.items():
        samples = [job.wait_s if what == "wait" else job.bounded_slowdown for job in served]
        value = float(np.percentile(samples, percent, method="linear")) if samples else None
        values[target] = value
        limit = getattr(sla, target)
        if limit is not None and value is not None and value > limit:
            broken.append(Violation("", sla.name, target, limit, value, value - limit, left > 0, "percentile"))
    most = sla.preemptions_max
    if most is not None and preempted > most:
        broken.append(Violation("", sla.name, "preemptions_max", most, preempted, preempted - most, False, "preempted"))
    rejected = len(jobs) - len(served)
    return ClassResult(sla.name, len(jobs), left, rejected, preempted, values, len(broken)), broken


def _judge_job(sla: SlaClass, job: _Job, targets: SlaTargets) -> list[Violation]:
    """Return the targets that a job broke."""
    promised = sla.name != NO_CLASS or job.key in targets.deadlines
    if not job.state:
        never = Violation(job.key, sla.name, "start", None, job.wait_s, None, True, "never started")
        return [never] if promised else []
    broken = []
    limit = sla.deadline_s
    if job.key in targets.deadlines:
        limit = targets.deadlines[job.key] - job.submit_s
    if limit is not None and (job.state in ("REJECTED", _KILLED) or job.turnaround_s > limit):
        broken.append(_missed_deadline(sla, job, limit))
    if sla.wait_max_s is not None and job.wait_s > sla.wait_max_s:
        excess = job.wait_s - sla.wait_max_s
        broken.append(Violation(job.key, sla.name, "wait_max_s", sla.wait_max_s, job.wait_s, excess, False, "late"))
    return broken


def _missed_deadline(sla: SlaClass, job: _Job, limit: float) -> Violation:
    """Return a missed deadline; a killed job did not finish, so that nobody knows by how much it would be late."""
    if job.state == "REJECTED":
        return Violation(job.key, sla.name, "deadline_s", limit, None, None, False, "rejected")
    if job.state == _KILLED:
        return Violation(job.key, sla.name, "deadline_s", limit, job.turnaround_s, None, False, "killed")
    return Violation(job.key, sla.name, "deadline_s", limit, job.turnaround_s, job.turnaround_s - limit, False, "late")
