"""EASY on the jobs of a published table: wattq's engine beside the published protocol.

Usage: python easy_cross_check.py TRACE [FOLDER]
"""

import sys
from pathlib import Path

import numpy as np

from wattq.experiments.published import TraceFinder, load_protocol
from wattq.experiments.published.computing import bounded_slowdown, simulate
from wattq.experiments.published.jobs import JobTable, job_table
from wattq.experiments.published.protocol import PassSettings
from wattq.platforms import make_platform
from wattq.schedulers import make_policy
from wattq.simulator import simulate as run_engine
from wattq.workloads.model import CleaningReport, Profile, Workload
from wattq.workloads.swf import parse_swf_table


def read(name: str, folders: list[Path]) -> JobTable:
    protocol = load_protocol("sc15-easy")
    path, plain = TraceFinder(folders).find(name, protocol.traces[name])
    return job_table(parse_swf_table(plain, path.name), protocol.traces[name], protocol.cleaning)


def workload(jobs: JobTable, estimate_s: np.ndarray) -> Workload:
    """The jobs as Batsim sees them: a delay for each, and the estimate, one second longer, as walltime.

    The second keeps jobs that run for exactly their requested time from being killed; no start depends on it here.
    """
    run_s, profile = np.unique(jobs.run_s, return_inverse=True)
    profiles = tuple(Profile(f"{time:g}", "delay", {"type": "delay", "delay": time}) for time in run_s.tolist())
    unknown = np.full(jobs.n_jobs, -1)
    return Workload(
        "w0",
        jobs.processors_total,
        tuple(map(str, range(jobs.n_jobs))),
        jobs.submit_s,
        jobs.processors,
        estimate_s + 1,
        profile.astype(np.int64),
        profiles,
        *(unknown, unknown, unknown),
        CleaningReport(jobs.source, "", jobs.n_jobs, jobs.n_jobs),
    )


def main(name: str, folders: list[Path]) -> None:
    jobs = read(name, folders)
    jobs = jobs.take(np.argsort(jobs.submit_s, kind="stable"))
    print(f"{name:8} {'':16} {'published rules':>15} {'engine':>10} {'other starts':>14}")
    for times, of, factor in (("requested", "requested", 1), ("exact", "run", 1), ("doubled", "requested", 2)):
        estimate_s = factor * (jobs.run_s if of == "run" else jobs.request_s)
        for policy, order in (("easy", "submission"), ("easy-sjbf", "estimate")):
            _, published_s = simulate(jobs, PassSettings(order=order, estimate=of, factor=factor))
            run = run_engine(make_platform(jobs.processors_total), [workload(jobs, estimate_s)], make_policy(policy))
            engine_s = run.kernel.jobs["start_s"][: jobs.n_jobs]
            values = [bounded_slowdown(jobs, start_s, 10.0) for start_s in (published_s, engine_s)]
            other = np.mean(np.abs(engine_s - published_s) > 0.5)
            print(f"{policy:9} {times:15} {values[0]:15.6f} {values[1]:10.4f} {other:14.1%}")


main(sys.argv[1], [Path(folder) for folder in sys.argv[2:]])
