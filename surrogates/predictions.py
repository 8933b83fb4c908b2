"""A bundle's predictions for the jobs of a log, as a table."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.files import compress_for, plain_name, write_whole
from wattq.surrogates.bundle import Bundle
from wattq.surrogates.features import FeatureTable, build_features
from wattq.surrogates.log_file import JobLog
from wattq.surrogates.model import LEVELS
from wattq.surrogates.training import predict_table

__all__ = ["Predicted", "learned_rows", "predict_log", "write_predictions"]


@dataclass(frozen=True)
class Predicted:
    """A table of predictions.

    Attributes:
        columns: the columns by name, one entry per job.
        n_learned: number of jobs that the model had learned from.
    """

    columns: dict[str, Any]
    n_learned: int


def predict_log(bundle: Bundle, log: JobLog, table: FeatureTable | None = None) -> Predicted:
    """Return predictions of run times for all jobs of a log.

    Columns: job_id, submit_s, request_s, point_s, q05_s to q95_s (quantiles at `LEVELS`), upper_s (one job in ten
    outlives it), learned (1 where the model learned from the job).

    Args:
        bundle: of kind ``runtime``.
        log: the jobs; features are made of what was known at each submission.
        table: their features, where they were built before.
    """
    features = build_features(log.jobs, log.outcomes) if table is None else table
    found = predict_table(bundle.model, features)
    learned = learned_rows(bundle, log)
    quantiles = {f"q{round(100 * level):02d}_s": found.quantile_s[:, place] for place, level in enumerate(LEVELS)}
    columns: dict[str, Any] = {
        "job_id": list(log.job_id),
        "submit_s": log.jobs.submit_s,
        "request_s": log.jobs.request_s,
        "point_s": found.point_s,
        **quantiles,
        "upper_s": found.upper_s(),
        "learned": learned.astype(np.int64),
    }
    return Predicted(columns, int(learned.sum()))


def learned_rows(bundle: Bundle, log: JobLog) -> NDArray[np.bool_]:
    """Return which jobs of a log a model learned from; none when it learned from another log."""
    data = bundle.manifest.meta.data
    if data.sha256 != log.jobs.sha256 or data.first_submit_s is None or data.last_submit_s is None:
        return np.zeros(log.jobs.n_jobs, dtype=np.bool_)
    # Other cleaning may put date 0 elsewhere.
    shift = (log.jobs.unix_start_s or 0.0) - (data.unix_start_s or 0.0)
    submit, end = log.jobs.submit_s + shift, log.outcomes.end_s + shift
    within = (submit >= data.first_submit_s) & (submit <= data.last_submit_s)
    ended = np.ones_like(within) if data.until_s is None else end < data.until_s
    return within & ended & log.known


def write_predictions(predicted: Predicted, path: str | Path) -> Path:
    """Write predictions as CSV; seconds have one decimal.

    Raises:
        SurrogateError: when the name does not end with ``.csv``, ``.csv.gz`` or ``.csv.xz``.
        MissingFileError: when the file cannot be written.
    """
    import pandas as pd

    if not plain_name(path).endswith(".csv"):
        raise SurrogateError(f"{path}: predictions are written as CSV; end the name with .csv, .csv.gz or .csv.xz")
    stream = io.StringIO(newline="")
    pd.DataFrame(predicted.columns).to_csv(stream, index=False, float_format="%.1f", lineterminator="\n")
    return write_whole(path, compress_for(path, stream.getvalue().encode()))
