"""Samples of every feature, by which a bundle notices that a feature of the same name is now built otherwise."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence

import numpy as np

from wattq.surrogates.features import build_features
from wattq.surrogates.jobs import Jobs, Outcomes

__all__ = ["PROBED", "changed_features", "feature_samples"]

PROBED = (30, 55, 79)
"""Jobs of a made-up log whose features are the samples."""

_N = 80
_CLOSE = 1e-4  # two machines may differ in the last digit of a logarithm


@functools.cache
def feature_samples() -> Mapping[str, tuple[float | None, ...]]:
    """Return the values of every feature for three jobs of a made-up log, None where unknown."""
    number = np.arange(_N)
    submit_s = np.cumsum(number * 37 % 29).astype(np.float64) * 61.0
    request_s = np.where(number % 17 == 5, np.nan, np.array([600.0, 3600.0, 7200.0, 86_400.0])[number % 6 % 4])
    run_s = np.fmin((number * 7919 % 4001) + 1.0, request_s)
    columns = (number * 3 % 5 % 4, number % 3 - 1, number % 4 - 1, number % 4 // 2 - number % 17 // 13)
    hosts = np.array([1, 2, 8])[number % 5 % 3]
    jobs = Jobs(submit_s, hosts, request_s, *columns, unix_start_s=843_436_800.0, utc_offset_s=3600.0)
    table = build_features(jobs, Outcomes(submit_s + number * 23 % 11 * 50.0, run_s))
    rows = table.x[list(PROBED)].astype(np.float64).T.tolist()
    return {name: tuple(_told(value) for value in values) for name, values in zip(table.names, rows, strict=True)}


def _told(value: float) -> float | None:
    return None if math.isnan(value) else float(f"{value:.7g}")


def changed_features(samples: Mapping[str, Sequence[float | None]]) -> list[str]:
    """Return the names of those features whose samples are not those of this version."""
    here = feature_samples()
    return [name for name, values in samples.items() if name in here and not _alike(values, here[name])]


def _alike(ones: Sequence[float | None], others: Sequence[float | None]) -> bool:
    if len(ones) != len(others):
        return False
    return all(
        one is other if one is None or other is None else math.isclose(one, other, rel_tol=_CLOSE, abs_tol=_CLOSE)
        for one, other in zip(ones, others, strict=True)
    )
