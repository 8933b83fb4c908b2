"""Speed of features and predictions, on jobs made up by a seed."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np

from wattq.experiments.bench import Result
from wattq.surrogates.features import build_features
from wattq.surrogates.jobs import Jobs, Outcomes
from wattq.surrogates.models import MODELS

__all__ = ["bench_surrogates", "made_up_log"]

_USERS = 300


def made_up_log(n_jobs: int, seed: int = 0) -> tuple[Jobs, Outcomes]:
    """Return jobs of 300 users who repeat themselves, a minute apart on average; synthetic."""
    rng = np.random.default_rng(seed)
    user = rng.integers(0, _USERS, n_jobs)
    typical_s = rng.lognormal(7.0, 1.5, _USERS)[user]
    run_s = np.ceil(np.clip(typical_s * rng.lognormal(0.0, 0.7, n_jobs), 1.0, 86_400.0))
    submit_s = np.cumsum(np.ceil(rng.exponential(60.0, n_jobs)))
    unknown = np.full(n_jobs, -1)
    jobs = Jobs(
        submit_s=submit_s,
        hosts=2 ** rng.integers(0, 6, n_jobs),
        request_s=3600.0 * np.ceil(run_s * rng.uniform(1.0, 5.0, n_jobs) / 3600.0),
        user=user,
        group=user % 20,
        queue=unknown,
        application=unknown,
        unix_start_s=None,
        utc_offset_s=None,
        source="made up",
        sha256="",
        synthetic=True,
    )
    return jobs, Outcomes(start_s=submit_s + np.ceil(rng.exponential(600.0, n_jobs)), run_s=run_s)


def bench_surrogates(n_jobs: int = 1_000_000) -> list[Result]:
    """Features of a million jobs, and predictions of the blend, all at once and one by one."""
    build_features(*made_up_log(100))
    jobs, outcomes = made_up_log(n_jobs)
    begin = time.perf_counter()
    table = build_features(jobs, outcomes)
    features_s = time.perf_counter() - begin
    model = MODELS["blend"]()
    learned = min(20_000, n_jobs // 2)
    model.fit(table, outcomes.run_s, np.arange(learned))
    x = table.take(slice(learned, learned + 50_000)).columns(model.needs)
    model.predict(x[:10])
    batch_s = min(_timed(lambda: model.predict(x)) for _ in range(3))
    single_s = float(np.median([_timed(partial(model.predict, x[row : row + 1])) for row in range(min(500, len(x)))]))
    return [
        Result(f"features of {n_jobs:,} jobs (synthetic)", features_s, 60.0, "s"),
        Result("blend, one batch", len(x) / batch_s, 50_000.0, "jobs/s", more_is_better=True),
        Result("blend, one job", single_s, 0.001, "s"),
    ]


def _timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin
