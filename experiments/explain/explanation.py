"""Why a job of a run started when it did, and what would have started it earlier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wattq.errors import InvalidInputError
from wattq.experiments.explain.levers import SCALINGS, job_levers, machine_levers, other_ways
from wattq.experiments.explain.recorded import Recorded, find_job, open_run
from wattq.experiments.explain.scene import DAY_S, Scene, set_scene
from wattq.experiments.explain.search import Finding, Tell, find_all
from wattq.workloads.options import CleaningOptions

__all__ = ["Explanation", "explain", "explain_recorded"]


@dataclass(frozen=True)
class Explanation:
    """The answer for one job.

    Attributes:
        scene: its wait, played again.
        by: share of its wait by which a change was to start it earlier.
        goal_s: date by which a change was to start it, s.
        passed: jobs submitted after it that started before it.
        findings: what came out for each kind of change; empty for a job that did not wait.
    """

    scene: Scene
    by: float
    goal_s: float
    passed: int
    findings: tuple[Finding, ...]


def explain(
    directory: Path | str,
    job: str,
    *,
    workloads: tuple[str, ...] = (),
    events: Path | None = None,
    params: Mapping[str, Any] | None = None,
    options: CleaningOptions | None = None,
    beta: Any = None,
    **how: Any,
) -> Explanation:
    """Explain when a job of a run started; see `recorded.open_run` for the run and `explain_recorded` for the rest."""
    run = open_run(Path(directory), workloads=workloads, events=events, params=params, options=options, beta=beta)
    return explain_recorded(run, job, **how)


def explain_recorded(
    run: Recorded,
    job: str,
    *,
    by: float = 0.25,
    scaling: str = "linear",
    horizon_s: float = DAY_S,
    simulations: int = 60,
    tell: Tell | None = None,
) -> Explanation:
    """Explain when a job of an open run started.

    Args:
        run: the run.
        job: id of the job, such as ``w0!42`` or ``42``.
        by: share of its wait by which a change is to start it earlier; 1 for a start at its submission.
        scaling: how its run time follows the number of its hosts, one of `levers.SCALINGS`.
        horizon_s: jobs submitted later than so long after its start are left out, s.
        simulations: simulations at most for each kind of change.
        tell: told of progress.

    Raises:
        InvalidInputError: a value is out of its range, the job is unknown, or the run cannot be played again.
    """
    _check(by, scaling, horizon_s, simulations)
    scene = set_scene(run, find_job(run, job), horizon_s)
    wait_s = scene.wait_s
    goal_s = scene.start_s - by * wait_s if np.isfinite(wait_s) else np.inf
    findings: list[Finding] = []
    if scene.timeline.stretches:
        levers = [*job_levers(scene, scaling), *machine_levers(scene), *other_ways(scene)]
        findings = find_all(scene, levers, goal_s if np.isfinite(goal_s) else np.finfo(float).max, simulations, tell)
    return Explanation(scene, by, goal_s, _passed(scene), tuple(findings))


def _passed(scene: Scene) -> int:
    """Return how many jobs submitted after a job started before it."""
    end_s = scene.start_s if np.isfinite(scene.start_s) else np.inf
    submit_s = scene.world.joined("submit_s")
    return int(((submit_s > scene.submit_s) & (scene.baseline.start_s < end_s)).sum())


def _check(by: float, scaling: str, horizon_s: float, simulations: int) -> None:
    if not 0.0 < by <= 1.0:
        raise InvalidInputError(f"--by {by:g}: the share of the wait is above 0 and at most 1")
    if scaling not in SCALINGS:
        raise InvalidInputError(f"--scaling {scaling}: no such rule; there are {', '.join(SCALINGS)}")
    if not 0.0 <= horizon_s < float("inf"):
        raise InvalidInputError(f"--horizon {horizon_s:g}: a number of seconds, 0 or more")
    if simulations < 1:
        raise InvalidInputError(f"--simulations {simulations}: at least 1")
