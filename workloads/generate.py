"""Synthetic workloads that keep a machine saturated, for benchmarks and for when no trace can be had."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError
from wattq.workloads.model import CleaningReport, Workload
from wattq.workloads.profiles import check_form, runtime_profiles

__all__ = ["generate_saturated"]

_SHORTEST_S = 30
_LONGEST_S = 86_400
_POWER_OF_TWO_SHARE = 0.75
_REQUEST_STEPS_S = ((3600, 300), (4 * 3600, 900), (12 * 3600, 1800), (10**9, 3600))
"""Users ask for rounder times the longer the job: up to 1 h in steps of 5 min, and so on."""


def generate_saturated(
    n_jobs: int,
    n_hosts: int,
    seed: int = 0,
    *,
    name: str = "w0",
    load: float = 1.1,
    users: int = 100,
    form: str = "parallel_homogeneous",
    speed_flops: float = 1e9,
) -> Workload:
    """Return generated jobs whose work exceeds what the machine can do while they arrive.

    The same seed gives the same jobs. Sizes spread evenly over the logarithm from one host to the machine, three in
    four of them powers of two. Run times are whole seconds from 30 s to a day, spread evenly over the logarithm. Users
    ask for one to five times what they need, rounded up to 5 minutes for short jobs and to an hour for long ones, so no
    job reaches its walltime. Arrivals are a Poisson process in whole seconds, stretched so that work / (hosts x span)
    is `load`.

    Args:
        n_jobs: number of jobs, from 1 to 10**8.
        n_hosts: hosts of the machine, at least 1.
        seed: seed of the generator, 0 or more.
        name: Batsim's name of the workload.
        load: offered load; above 1 the queue grows until the last submission.
        users: number of users; a few of them submit most jobs.
        form: ``parallel_homogeneous`` or ``delay``.
        speed_flops: speed of a host, flop/s.

    Returns:
        A workload with ``synthetic`` set and no outcome.

    Raises:
        InvalidInputError: when an argument is outside its range.
    """
    _check(n_jobs, n_hosts, seed, load, users)
    check_form(form, speed_flops)
    random = np.random.default_rng(seed)
    hosts = _sizes(random, n_jobs, n_hosts)
    run = np.floor(_log_uniform(random, _SHORTEST_S, _LONGEST_S, n_jobs))
    submit = _arrivals(random, float(np.sum(hosts * run)) / (n_hosts * load), n_jobs)
    index, profiles = runtime_profiles(run, form, speed_flops)
    width = len(str(n_jobs - 1))
    unknown: NDArray[np.int64] = np.full(n_jobs, -1, dtype=np.int64)
    recipe = f"generate_saturated(n_jobs={n_jobs}, n_hosts={n_hosts}, seed={seed}, load={load!r}, users={users})"
    return Workload(
        name=name,
        nb_res=n_hosts,
        job_id=tuple(f"{number:0{width}d}" for number in range(n_jobs)),
        submit_s=submit,
        hosts=hosts,
        walltime_s=_requests(random, run),
        profile=index,
        profiles=profiles,
        user=np.minimum(random.geometric(5 / (users + 4), n_jobs), users).astype(np.int64),
        group=unknown,
        queue=unknown.copy(),
        report=CleaningReport(recipe, hashlib.sha256(recipe.encode()).hexdigest(), n_jobs, n_jobs),
        synthetic=True,
    )


def _check(n_jobs: int, n_hosts: int, seed: int, load: float, users: int) -> None:
    rules = (
        ("n_jobs", n_jobs, 1 <= n_jobs <= 10**8, "from 1 to 100000000"),
        ("n_hosts", n_hosts, 1 <= n_hosts < 2**31, "from 1 to 2147483647"),
        ("seed", seed, seed >= 0, "0 or more"),
        ("load", load, 0 < load <= 1e6, "greater than 0 and at most 1e6"),
        ("users", users, 1 <= users <= 10**6, "from 1 to 1000000"),
    )
    for key, value, fits, rule in rules:
        if not fits:
            raise InvalidInputError(f"generated workload, {key}: {value!r}; it must be {rule}")


def _log_uniform(random: np.random.Generator, low: float, high: float, count: int) -> NDArray[np.float64]:
    return np.asarray(low * np.exp(random.random(count) * np.log(high / low)))


def _sizes(random: np.random.Generator, n_jobs: int, n_hosts: int) -> NDArray[np.int64]:
    any_size = np.floor(_log_uniform(random, 1, n_hosts + 1, n_jobs))
    powers = 2.0 ** np.floor(np.log2(any_size))
    chosen = np.where(random.random(n_jobs) < _POWER_OF_TWO_SHARE, powers, any_size)
    return np.clip(chosen, 1, n_hosts).astype(np.int64)


def _arrivals(random: np.random.Generator, span_s: float, n_jobs: int) -> NDArray[np.float64]:
    dates = np.cumsum(random.exponential(1.0, n_jobs))
    dates -= dates[0]
    stretch = span_s / dates[-1] if n_jobs > 1 else 0.0
    return np.floor(dates * stretch)


def _requests(random: np.random.Generator, run: NDArray[np.float64]) -> NDArray[np.float64]:
    wanted = run * (1 + 4 * random.random(run.size) ** 2) + 1
    rounded = np.zeros_like(wanted)
    for limit, step in reversed(_REQUEST_STEPS_S):
        rounded = np.where(wanted <= limit, np.ceil(wanted / step) * step, rounded)
    return rounded
