"""Kinds of jobs in a workload: clusters of size, requested time and run time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from wattq.errors import SurrogateError
from wattq.surrogates.jobs import Jobs, Outcomes

__all__ = ["METHODS", "Cluster", "ClusterReport", "cluster_jobs", "clusters_text"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

METHODS = {
    "kmeans": "nearest of k centres; an open k by the silhouette",
    "gmm": "mixture of k normal distributions; an open k by the Bayesian information criterion",
}
"""Ways to find clusters."""

_MOST = 8
_SAMPLE = 2000


class Cluster(BaseModel):
    """One kind of jobs; medians of its jobs."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    jobs: int = Field(ge=1)
    share: float = Field(gt=0, le=1, description="of the clustered jobs")
    node_hours_share: float = Field(ge=0, le=1, description="of the node-hours of the clustered jobs")
    nodes: float = Field(ge=1)
    request_s: float | None = Field(description="requested time, s; null where the log has none")
    run_s: float = Field(ge=0)


class ClusterReport(BaseModel):
    """The kinds of jobs of a workload, the largest in node-hours first."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    source: str
    sha256: str
    synthetic: bool = Field(description="whether the jobs were generated rather than logged")
    method: str
    seed: int
    jobs: int = Field(ge=1)
    left_out: int = Field(ge=0, description="jobs of unknown run time")
    score: float | None = Field(description="what k was chosen by; null where it was given")
    clusters: tuple[Cluster, ...]


def cluster_jobs(
    jobs: Jobs, outcomes: Outcomes, *, k: int | None = None, method: str = "kmeans", seed: int = 0
) -> tuple[ClusterReport, Codes]:
    """Return the clusters of a workload, and the cluster of each job (-1 where its run time is unknown).

    Logarithms of size, requested time (where every job has one) and run time, each with mean 0 and variance 1. An open
    number of clusters is settled on 2,000 jobs drawn at random.

    Args:
        jobs: of a log.
        outcomes: what became of them.
        k: number of clusters, 1 to 50; the best of 2 to 8 when None.
        method: a key of `METHODS`.
        seed: same seed, same clusters.

    Raises:
        SurrogateError: when the method is unknown, k is out of range, or there are fewer than 20 jobs with run times.
    """
    if method not in METHODS:
        raise SurrogateError(f"method '{method[:40]}': there are {', '.join(METHODS)}")
    if k is not None and not 1 <= k <= 50:
        raise SurrogateError(f"{k} clusters: use 1 to 50, or leave the number open")
    rows = np.flatnonzero((outcomes.run_s > 0) & (jobs.hosts >= 1))
    if len(rows) < 20:
        raise SurrogateError(f"{jobs.source}: {len(rows)} jobs of known run time; clusters need 20 or more")
    points = _points(jobs, outcomes, rows)
    most = min(_MOST, len(np.unique(points, axis=0)))
    found, value = _found(points, [k] if k else list(range(2, most + 1)) or [1], method, seed)
    code = _ordered(found, (jobs.hosts * outcomes.run_s)[rows])
    everyone = np.full(jobs.n_jobs, -1)
    everyone[rows] = code
    report = ClusterReport(
        source=jobs.source,
        sha256=jobs.sha256,
        synthetic=jobs.synthetic,
        method=method,
        seed=seed,
        jobs=len(rows),
        left_out=jobs.n_jobs - len(rows),
        score=None if k else value,
        clusters=tuple(_cluster(jobs, outcomes, rows, rows[code == each]) for each in range(int(code.max()) + 1)),
    )
    return report, everyone


def _points(jobs: Jobs, outcomes: Outcomes, rows: Codes) -> Floats:
    columns = [jobs.hosts[rows].astype(np.float64), outcomes.run_s[rows]]
    request = jobs.request_s[rows]
    if (request > 0).all():
        columns.append(request)
    logs = np.log(np.column_stack(columns))
    spread = logs.std(axis=0)
    points: Floats = (logs - logs.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return points


def _found(points: Floats, counts: list[int], method: str, seed: int) -> tuple[Codes, float]:
    """Return the clusters of the best number and the score of that number, larger being better."""
    from threadpoolctl import threadpool_limits

    by: Callable[[Floats, int, int], tuple[Codes, float]] = _kmeans if method == "kmeans" else _gmm
    # Threads gain nothing on so few points, and wait for each other on a busy machine.
    with threadpool_limits(limits=1):
        if len(counts) == 1:
            return by(points, counts[0], seed)
        sample = points[np.random.default_rng(seed).permutation(len(points))[:_SAMPLE]]
        value, count = max((by(sample, count, seed)[1], -count) for count in counts)
        return by(points, -count, seed)[0], value


def _kmeans(points: Floats, count: int, seed: int) -> tuple[Codes, float]:
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    code = KMeans(count, n_init=10, random_state=seed).fit_predict(points).astype(np.int64)
    measured = len(points) <= _SAMPLE and 1 < len(np.unique(code)) < len(points)
    return code, float(silhouette_score(points, code)) if measured else -1.0


def _gmm(points: Floats, count: int, seed: int) -> tuple[Codes, float]:
    from sklearn.mixture import GaussianMixture

    mixture = GaussianMixture(count, n_init=3, random_state=seed, reg_covar=1e-2, max_iter=500, tol=1e-4).fit(points)
    return mixture.predict(points).astype(np.int64), -float(mixture.bic(points))


def _ordered(code: Codes, weight: Floats) -> Codes:
    """Return clusters numbered by falling weight."""
    known, place = np.unique(code, return_inverse=True)
    order = np.argsort(-np.bincount(place, weight), kind="stable")
    rank = np.empty(len(known), dtype=np.int64)
    rank[order] = np.arange(len(known))
    return rank[place]


def _cluster(jobs: Jobs, outcomes: Outcomes, every: Codes, rows: Codes) -> Cluster:
    hours = jobs.hosts * outcomes.run_s
    request = jobs.request_s[rows]
    return Cluster(
        jobs=len(rows),
        share=len(rows) / len(every),
        node_hours_share=min(float(hours[rows].sum() / hours[every].sum()), 1.0),
        nodes=float(np.median(jobs.hosts[rows])),
        request_s=float(np.median(request)) if (request > 0).all() else None,
        run_s=float(np.median(outcomes.run_s[rows])),
    )


def clusters_text(report: ClusterReport) -> str:
    """Return a report as text."""
    lines = [
        f"{report.jobs} jobs, {len(report.clusters)} clusters by {report.method}"
        + (", of a generated workload" if report.synthetic else ""),
        f"  {'cluster':>7}{'jobs':>8}{'share':>8}{'node-hours':>12}{'nodes':>8}{'requested s':>13}{'run s':>10}",
    ]
    for number, each in enumerate(report.clusters):
        request = "-" if each.request_s is None else f"{each.request_s:,.0f}"
        lines.append(
            f"  {number:7d}{each.jobs:8d}{each.share:8.1%}{each.node_hours_share:12.1%}{each.nodes:8g}"
            f"{request:>13}{each.run_s:10,.0f}"
        )
    return "\n".join(lines) + "\n"
