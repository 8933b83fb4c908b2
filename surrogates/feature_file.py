"""Features as a file: CSV, Parquet or NumPy's npz, with names, the digest of the log, and the same bytes every time."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wattq.errors import MissingDependencyError, SurrogateError
from wattq.files import compress_for, plain_name, write_whole
from wattq.surrogates.features import FeatureTable

__all__ = ["MARK", "feature_bytes", "write_features"]

MARK = "# wattq features "
"""What a CSV file of features begins with; JSON with the log's name and digest follows on the line."""

_ROWS = 20_000  # written at once


def write_features(table: FeatureTable, job_id: Sequence[str], path: str | Path) -> Path:
    """Write features, one row per job; the ending of the name says the format.

    Args:
        table: the features.
        job_id: names of the jobs.
        path: ``.csv`` (also ``.csv.gz``, ``.csv.xz``), ``.parquet`` or ``.npz``; it appears whole or not at all.

    Raises:
        SurrogateError: when the ending is another one.
        MissingDependencyError: when pyarrow is needed and absent.
        MissingFileError: when the file cannot be written.
    """
    name = plain_name(path)
    ending = next((ending for ending in (".csv", ".parquet", ".npz") if name.endswith(ending)), "")
    if not ending or (ending != ".csv" and name != Path(path).name):
        raise SurrogateError(f"{path}: the ending says what to write; use .csv (also .gz, .xz), .parquet or .npz")
    return write_whole(path, compress_for(path, feature_bytes(table, job_id, ending)))


def feature_bytes(table: FeatureTable, job_id: Sequence[str], ending: str) -> bytes:
    """Return the bytes of a file of features."""
    about = {"source": table.jobs.source.rpartition("/")[2], "sha256": table.jobs.sha256, "jobs": table.n_jobs}
    if ending == ".npz":
        return _npz(table, job_id, about)
    return _csv(table, job_id, about) if ending == ".csv" else _parquet(table, job_id, about)


def _npz(table: FeatureTable, job_id: Sequence[str], about: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    names, told = np.array(table.names), np.array(json.dumps(about))
    np.savez(stream, job_id=np.array(job_id), submit_s=table.jobs.submit_s, x=table.x, names=names, about=told)
    return stream.getvalue()


def _csv(table: FeatureTable, job_id: Sequence[str], about: dict[str, Any]) -> bytes:
    import pandas as pd

    stream = io.StringIO(newline="")
    stream.write(f"{MARK}{json.dumps(about)}\n" + ",".join(["job_id", "submit_s", *table.names]) + "\n")
    for low in range(0, table.n_jobs, _ROWS):
        part = slice(low, low + _ROWS)
        frame = pd.DataFrame(table.x[part], columns=list(table.names))
        frame.insert(0, "submit_s", table.jobs.submit_s[part])
        frame.insert(0, "job_id", list(job_id[part]))
        frame.to_csv(stream, header=False, index=False, lineterminator="\n")
    return stream.getvalue().encode()


def _parquet(table: FeatureTable, job_id: Sequence[str], about: dict[str, Any]) -> bytes:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingDependencyError("Parquet needs pyarrow; install it with: pip install 'wattq[parquet]'") from None
    columns = {"job_id": pa.array(job_id), "submit_s": pa.array(table.jobs.submit_s)}
    columns |= {name: pa.array(table.x[:, place]) for place, name in enumerate(table.names)}
    stream = io.BytesIO()
    pq.write_table(pa.table(columns).replace_schema_metadata({"wattq features": json.dumps(about)}), stream)
    return stream.getvalue()
