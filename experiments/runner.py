"""Running simulations: one run into one directory, and all runs of an experiment."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wattq.experiments.catalogue import DEFAULT_TAU_S
from wattq.experiments.comparison import Case, group_runs
from wattq.experiments.engines import Embedded, Engine, clock_of, make_engine, with_clock
from wattq.experiments.experiment_model import Experiment, PolicySpec, Window, WorkloadSpec
from wattq.experiments.folders import folder_name, json_text, whole_directory, write_text
from wattq.experiments.inputs import find_platform, find_workload
from wattq.experiments.metrics import compute_metrics
from wattq.experiments.provenance import (
    describe_model,
    describe_platform,
    describe_predictor,
    describe_workload,
    environment,
)
from wattq.experiments.reading import read_run
from wattq.experiments.results import RunResults
from wattq.experiments.table import comparison_csv
from wattq.experiments.windows import cut
from wattq.platforms import platform_xml
from wattq.platforms.model import Platform
from wattq.workloads.model import Workload

__all__ = ["Job", "Progress", "compare", "jobs_of", "run_once", "submitted_csv"]

Progress = Callable[[int, int, str], None]
"""Called before each run with its number (from 0), the number of runs, and what it is; and once at the end."""


@dataclass(frozen=True)
class Job:
    """One run of an experiment: a workload (or a window of it) under a policy."""

    workload: int
    spec: WorkloadSpec
    policy: PolicySpec
    window: Window | None
    seed: int

    def directory(self, experiment: Experiment) -> str:
        """Return the name of the run's directory; parts that all runs share are left out."""
        parts = [self.spec.name] if len(experiment.workloads) > 1 else []
        parts += [self.window.name] if self.window is not None else []
        parts += [f"seed{self.seed}"] if len(experiment.seeds) > 1 else []
        return "/".join(folder_name(part) for part in [*parts, self.policy.title])


def jobs_of(experiment: Experiment) -> Iterator[Job]:
    """Yield the runs of an experiment: workloads, seeds, windows, then policies."""
    windows: list[Window | None] = list(experiment.windows) or [None]
    for index, spec in enumerate(experiment.workloads):
        seeds = experiment.seeds if spec.generate is not None else experiment.seeds[:1]
        for seed in seeds:
            for window in windows:
                for policy in experiment.policies:
                    yield Job(index, spec, policy, window, seed)


def run_once(
    platform: Platform,
    workloads: Sequence[Workload],
    policy: PolicySpec,
    directory: Path,
    *,
    energy: bool = False,
    events: Path | None = None,
    labels: Sequence[str] = (),
    tau_s: float = DEFAULT_TAU_S,
    origin: Mapping[str, Any] | None = None,
    engine: Engine | None = None,
) -> RunResults:
    """Simulate one policy and write a run directory: Batsim's files, summary, provenance, jobs, platform, metrics.

    Args:
        platform: the machine.
        workloads: w0, w1, ... in this order.
        policy: name and parameters.
        directory: made or replaced as a whole; untouched when anything fails.
        energy: whether energy is counted.
        events: file of external events in Batsim's format.
        labels: what reports call the workloads.
        tau_s: bound of the bounded slowdown, s.
        origin: what provenance adds (experiment, window, seed).
        engine: what simulates; the in-process engine by default.

    Raises:
        WattqError: the policy is unknown, the platform has no powers, the simulation aborts, ...
    """
    engine = engine or Embedded()
    policy = with_clock(policy, clock_of(workloads))
    with whole_directory(directory) as folder:
        engine.play(platform, workloads, policy, folder, energy=energy, events=events, target=directory)
        write_text(folder / "submitted.csv", submitted_csv(workloads))
        write_text(folder / "platform.xml", platform_xml(platform))
        described = {
            **environment(),
            **(origin or {}),
            "engine": engine.name,
            **engine.provenance,
            "energy": energy,
            "policy": {"name": policy.name, "label": policy.title, "params": dict(policy.params)},
            **describe_predictor(policy.params),
            **describe_model(policy.name, policy.params),
            "platform": describe_platform(platform),
            "workloads": [
                describe_workload(workload, label)
                for workload, label in zip(workloads, labels or [w.name for w in workloads], strict=True)
            ],
        }
        write_text(folder / "provenance.json", json_text(described))
        results = read_run(folder)
        write_text(folder / "metrics.json", json_text(compute_metrics(results, tau_s)))
    return replace(results, directory=directory)


def submitted_csv(workloads: Sequence[Workload]) -> str:
    """Return what ``submitted.csv`` holds: every job of the workloads with its request and its user."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    request = ("submission_time", "requested_number_of_resources", "requested_time")
    names = ("job_id", "workload_name", *request, "user", "queue")
    writer.writerow(names)
    for workload in workloads:
        columns = (workload.submit_s, workload.hosts, workload.walltime_s, workload.user, workload.queue)
        rows = zip(workload.job_id, *(column.tolist() for column in columns), strict=True)
        writer.writerows(
            (job, workload.name, f"{at:.6f}", hosts, f"{wall:.6f}", user, queue)
            for job, at, hosts, wall, user, queue in rows
        )
    return stream.getvalue()


def compare(
    experiment: Experiment,
    output: Path,
    *,
    base: Path | None = None,
    source: str = "",
    progress: Progress | None = None,
    engine: Engine | None = None,
) -> list[Case]:
    """Run every policy of an experiment and write runs, ``comparison.csv`` and, where asked for, ``report.html``.

    Args:
        experiment: what to run.
        output: folder of the results; runs go to ``runs/`` in it.
        base: directory that relative paths of the experiment refer to.
        source: name of the experiment file, for provenance.
        progress: told before each run.
        engine: what simulates, in place of the experiment's engine.

    Returns:
        The runs, grouped into cases that may be compared.
    """
    engine = engine or make_engine(experiment.engine, experiment.simulation_timeout_s)
    jobs = list(jobs_of(experiment))
    workloads: dict[tuple[int, int], Workload] = {}
    results = []
    for number, job in enumerate(jobs):
        name = job.directory(experiment)
        if progress is not None:
            progress(number, len(jobs), name)
        key = (job.workload, job.seed)
        if key not in workloads:
            workloads = {key: find_workload(job.spec, 0, seed=job.seed, base=base)}
        whole = workloads[key]
        part = whole if job.window is None else cut(whole, job.window)
        results.append(
            run_once(
                find_platform(experiment.platform_of(job.spec), base),
                [part],
                job.policy,
                output / "runs" / name,
                energy=experiment.energy,
                labels=[job.spec.name],
                tau_s=experiment.tau_s,
                origin=_origin(experiment, job, source),
                engine=engine,
            )
        )
    if progress is not None:
        progress(len(jobs), len(jobs), "")
    cases = group_runs(results, experiment.tau_s)
    write_text(output / "comparison.csv", comparison_csv(cases))
    if experiment.outputs.report:
        from wattq.experiments.report import report_html

        title = experiment.title or experiment.name
        write_text(output / "report.html", report_html(cases, title, experiment.description, experiment.tau_s))
    return cases


def _origin(experiment: Experiment, job: Job, source: str) -> dict[str, Any]:
    return {
        "experiment": experiment.name,
        "experiment_file": source,
        "window": job.window.name if job.window is not None else "",
        "seed": job.seed,
        "several_seeds": len(experiment.seeds) > 1,
        "tau_s": experiment.tau_s,
    }
