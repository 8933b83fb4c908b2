"""The workload model of Lublin and Feitelson (2003): rigid parallel jobs with a daily cycle."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError
from wattq.units import HOUR_S
from wattq.workloads.generate_table import MAX_JOBS, JobTable, build_workload, child_streams
from wattq.workloads.lublin_parameters import LUBLIN_CLASSES, LublinParameters, adapted
from wattq.workloads.model import Workload

__all__ = ["JOB_TYPES", "daily_cycle", "generate_lublin", "lublin_jobs"]

JOB_TYPES: dict[str, tuple[str, ...]] = {
    "all": ("all",),
    "batch": ("batch",),
    "interactive": ("interactive",),
    "both": ("interactive", "batch"),
}
"""What can be asked for -> the classes of jobs that arrive, each a process of its own."""

_QUEUES = {"all": -1, "interactive": 0, "batch": 1}
_BUCKETS = 48
_BUCKET_S = 24 * HOUR_S / _BUCKETS
_FIRST_BUCKET = 11
_LOG_LONGEST_RUN = 12.0
_LOG_LONGEST_GAP = 13.0

_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]


def generate_lublin(
    n_jobs: int,
    n_hosts: int,
    seed: int = 0,
    *,
    name: str = "w0",
    job_type: str = "all",
    load: float | None = None,
    parameters: Mapping[str, float] | None = None,
    walltime_factor: float = 1.0,
    form: str = "parallel_homogeneous",
    speed_flops: float = 1e9,
) -> Workload:
    """Return jobs of the model, marked as synthetic; see `lublin_jobs` for the arguments and errors.

    `walltime_factor` x the run time, rounded up, and one second is what users ask for: the model itself has no
    requested times, and at 1 they know their run times.
    """
    if not 1 <= walltime_factor <= 1e6:
        raise InvalidInputError(f"walltime factor {walltime_factor!r}: it must be from 1 to 1e6")
    table = lublin_jobs(n_jobs, n_hosts, seed, job_type=job_type, load=load, parameters=parameters)
    asked = np.ceil(table.duration_s * walltime_factor).astype(np.int64) + 1
    changed = "".join(f", {key}={value!r}" for key, value in sorted((parameters or {}).items()))
    recipe = (
        f"lublin(n_jobs={n_jobs}, n_hosts={n_hosts}, seed={seed}, job_type={job_type}, load={load!r}, "
        f"walltime_factor={walltime_factor!r}{changed})"
    )
    columns = (table.submit_s, table.duration_s, table.nodes, table.cores)
    table = JobTable(*columns, walltime_s=asked, queue=table.queue)
    return build_workload(table, n_hosts, recipe, name=name, form=form, speed_flops=speed_flops)


def lublin_jobs(
    n_jobs: int,
    n_hosts: int,
    seed: int = 0,
    *,
    job_type: str = "all",
    load: float | None = None,
    parameters: Mapping[str, float] | None = None,
) -> JobTable:
    """Return jobs of the model without walltimes; date 0 is a midnight.

    Args:
        n_jobs: number of jobs.
        n_hosts: nodes of the machine; the published sizes, for 128 nodes, move with its logarithm.
        seed: seed of the generator, 0 or more.
        job_type: one of `JOB_TYPES`: ``all`` draws from the parameters that do not tell batch and interactive jobs
            apart, ``both`` merges the two classes as their arrivals fall.
        load: offered load, work / (hosts x last arrival), reached by stretching the times between arrivals before
            the daily cycle is laid over them (to within a day of arrivals); None keeps the model's times.
        parameters: parameter of `LublinParameters` -> value, for every class that arrives.

    Raises:
        InvalidInputError: when an argument is outside its range.
    """
    _check(n_jobs, n_hosts, job_type, load)
    kinds = JOB_TYPES[job_type]
    streams = child_streams(seed, 3 * len(kinds))
    tables, points = [], []
    for number, kind in enumerate(kinds):
        values = adapted(LUBLIN_CLASSES[kind], n_hosts, parameters or {})
        sizes_stream, runs_stream, gaps_stream = streams[3 * number : 3 * number + 3]
        nodes = _sizes(sizes_stream, n_jobs, n_hosts, values)
        durations = _runtimes(runs_stream, nodes, values)
        points.append(np.cumsum(np.exp(_gaps(gaps_stream, n_jobs, values))))
        tables.append((kind, values, nodes, durations))
    stretch = _stretch(points, [row[2] * row[3] for row in tables], n_hosts, n_jobs, load)
    parts = [
        _part(_arrivals(at * stretch, values), durations, nodes, kind)
        for at, (kind, values, nodes, durations) in zip(points, tables, strict=True)
    ]
    return _merged(parts).take(np.arange(n_jobs))


def _check(n_jobs: int, n_hosts: int, job_type: str, load: float | None) -> None:
    rules = (
        ("n_jobs", n_jobs, 1 <= n_jobs <= MAX_JOBS, f"from 1 to {MAX_JOBS}"),
        ("n_hosts", n_hosts, 1 <= n_hosts < 2**31, "from 1 to 2147483647"),
        ("job_type", job_type, job_type in JOB_TYPES, f"one of {', '.join(JOB_TYPES)}"),
        ("load", load, load is None or 1e-6 <= load <= 1e6, "from 1e-6 to 1e6"),
    )
    for key, value, fits, rule in rules:
        if not fits:
            raise InvalidInputError(f"model lublin, {key}: {value!r}; it must be {rule}")


def _part(submit: _Ints, durations: _Ints, nodes: _Ints, kind: str) -> JobTable:
    table = JobTable.of(submit, durations, nodes)
    none: _Ints = np.full(submit.size, -1, dtype=np.int64)
    return JobTable(submit, durations, nodes, table.cores, none, np.full(submit.size, _QUEUES[kind], dtype=np.int64))


def _merged(parts: list[JobTable]) -> JobTable:
    if len(parts) == 1:
        return parts[0]
    columns = ("submit_s", "duration_s", "nodes", "cores", "walltime_s", "queue")
    joined = {column: np.concatenate([getattr(part, column) for part in parts]) for column in columns}
    return JobTable(**joined).sorted()


def _sizes(random: np.random.Generator, count: int, n_hosts: int, p: LublinParameters) -> _Ints:
    """Draw sizes: serial, a power of two, or any; logarithms of the latter two from the two-stage uniform."""
    kind, stage, place = random.random(count), random.random(count), random.random(count)
    log_size = np.where(stage <= p.uprob, p.ulow + place * (p.umed - p.ulow), p.umed + place * (p.uhi - p.umed))
    power = np.minimum(np.floor(log_size + 0.5), math.floor(math.log2(n_hosts)))
    sizes = np.floor(np.exp2(np.where(kind <= p.serial + p.pow2, power, log_size)) + 0.5)
    return np.where(kind <= p.serial, 1, np.clip(sizes, 1, n_hosts)).astype(np.int64)


def _runtimes(random: np.random.Generator, nodes: _Ints, p: LublinParameters) -> _Ints:
    """Draw run times in whole seconds: the logarithm is hyper-gamma, its mix depends on the size."""
    first = np.clip(p.pa * nodes + p.pb, 0.0, 1.0)

    def draw(rows: _Ints) -> _Floats:
        shape, scale = np.array([p.a2, p.a1]), np.array([p.b2, p.b1])
        mix = (random.random(rows.size) <= first[rows]).astype(np.int64)
        return np.asarray(random.gamma(shape[mix], scale[mix]))

    return np.maximum(np.floor(np.exp(_below(draw, nodes.size, _LOG_LONGEST_RUN))), 1).astype(np.int64)


def _gaps(random: np.random.Generator, count: int, p: LublinParameters) -> _Floats:
    """Draw the logarithm of the time between arrivals as it would be without a daily cycle."""
    return _below(lambda rows: random.gamma(p.aarr * p.arar, p.barr, rows.size), count, _LOG_LONGEST_GAP)


def _below(draw: Callable[[_Ints], _Floats], count: int, limit: float) -> _Floats:
    """Draw `count` numbers, and again where they exceed the limit."""
    values = np.full(count, np.inf)
    rows = np.arange(count)
    while rows.size:
        values[rows] = draw(rows)
        rows = rows[values[rows] > limit]
    return values


def _stretch(points: list[_Floats], work: list[_Ints], n_hosts: int, n_jobs: int, load: float | None) -> float:
    if load is None:
        return 1.0
    dates = np.concatenate(points)
    first = np.argsort(dates, kind="stable")[:n_jobs]
    total = float(np.sum(np.concatenate(work)[first].astype(np.float64)))
    return total / (n_hosts * load) / float(dates[first[-1]])


def daily_cycle(p: LublinParameters) -> _Floats:
    """Return the share of arrivals in each half hour of the day from midnight, relative to their mean (mean 1)."""
    steps = [_gamma_cdf((i + 0.5) / p.bnum, p.anum) - _gamma_cdf((i - 0.5) / p.bnum, p.anum) for i in range(11, 59)]
    weights = np.roll(np.array(steps), _FIRST_BUCKET - 1)
    # a cycle so narrow that a half hour gets nothing must still let time pass
    weights = np.maximum(weights, weights.max() * 1e-12)
    return np.asarray(weights / weights.mean())


def _gamma_cdf(x: float, shape: float) -> float:
    """Return the regularised lower incomplete gamma function by its power series."""
    term = total = 1.0 / shape
    n = shape
    while term > total * 1e-16:
        n += 1
        term *= x / n
        total += term
    return total * math.exp(shape * math.log(x) - x - math.lgamma(shape))


def _arrivals(points: _Floats, p: LublinParameters) -> _Ints:
    """Return the dates at which the daily cycle has let so many points pass; a mean half hour lets 1800 pass."""
    edges = np.concatenate([[0.0], np.cumsum(daily_cycle(p))]) * _BUCKET_S
    day, rest = np.divmod(points, edges[-1])
    dates = day * 24 * HOUR_S + np.interp(rest, edges, np.arange(_BUCKETS + 1) * _BUCKET_S)
    whole: _Ints = np.floor(dates).astype(np.int64)
    return whole
