"""Labels as a CSV file: one row per job, and the source of its joules in every row."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError
from wattq.files import compress_for, read_plain, write_whole
from wattq.surrogates.energy.features import ENERGY_FEATURES
from wattq.surrogates.energy.jobs import LABEL_SOURCES, EnergyJobs, EnergyLabels
from wattq.workloads.text_table import TextTable, amount, read_csv

__all__ = ["LABEL_COLUMNS", "is_labels_csv", "labels_csv", "parse_labels_csv", "read_labels_csv", "write_labels_csv"]

LABEL_COLUMNS = ("job_id", "run_s", "energy_j", "label_source", *(feature.name for feature in ENERGY_FEATURES))
"""Columns of a file of labels; of the last ones, `nodes` alone is needed to read one."""

_NEEDED = ("run_s", "energy_j", "label_source", "nodes")
_RULE = "a number of 0 or more, or nothing"


def is_labels_csv(first_line: str) -> bool:
    """Return whether the first line of a text is the header of a file of labels."""
    return set(_NEEDED) <= {cell.strip().lower() for cell in first_line.split(",")}


def labels_csv(labels: EnergyLabels, extra: Mapping[str, Sequence[str]] | None = None) -> str:
    """Return labels as CSV; numbers are written so that they read back the same.

    Args:
        labels: the jobs.
        extra: further columns by name, with a text for each job; for people, they are not read back.
    """
    more = dict(extra or {})
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*LABEL_COLUMNS, *more))
    columns = [_texts(getattr(labels.jobs, feature.name)) for feature in ENERGY_FEATURES]
    head = (labels.job_id, _texts(labels.run_s), _texts(labels.energy_j), [labels.label_source] * labels.n_jobs)
    writer.writerows(zip(*head, *columns, *more.values(), strict=True))
    return out.getvalue()


def _texts(values: NDArray[np.float64] | NDArray[np.str_]) -> list[str]:
    return ["" if value != value else value if isinstance(value, str) else f"{value!r}" for value in values.tolist()]


def write_labels_csv(labels: EnergyLabels, path: str | Path, extra: Mapping[str, Sequence[str]] | None = None) -> Path:
    """Write labels as a file, plain, ``.gz`` or ``.xz``; it appears whole or not at all.

    Args:
        labels: the jobs.
        path: the file.
        extra: as for `labels_csv`.

    Raises:
        MissingFileError: when the folder cannot be written.
    """
    return write_whole(path, compress_for(path, labels_csv(labels, extra).encode()))


def read_labels_csv(path: str | Path) -> EnergyLabels:
    """Return the labels of a file.

    Raises:
        MissingFileError: when it cannot be read.
        InvalidInputError: when it is no file of labels, or a value breaks its rule.
    """
    return parse_labels_csv(read_plain(path), str(path))


def parse_labels_csv(data: bytes, source: str) -> EnergyLabels:
    """Return the labels of the plain content of a file; see `read_labels_csv`."""
    table = read_csv(data, source)
    table.require(*_NEEDED, what="a label has nodes, run time, joules and their source")
    if not table.n_rows:
        raise SurrogateError(f"{source}: no labels; give a row for each job")
    return EnergyLabels(
        jobs=_jobs(table),
        run_s=table.convert("run_s", amount, _RULE),
        energy_j=table.convert("energy_j", amount, _RULE),
        label_source=_source(table),
        source=source,
        sha256=table.sha256,
        job_id=tuple(table.column("job_id").tolist()) if "job_id" in table.columns else (),
    )


def _jobs(table: TextTable) -> EnergyJobs:
    numbers = {f.name: table.convert(f.name, amount, _RULE) for f in ENERGY_FEATURES if f.unit}
    names = {f.name: table.column(f.name).astype(np.str_) for f in ENERGY_FEATURES if not f.unit}
    return EnergyJobs.of(
        numbers["nodes"],
        request_s=numbers["request_s"],
        frequency_ghz=numbers["frequency_ghz"],
        slowdown=numbers["slowdown"],
        gpus=numbers["gpus"],
        application=names["application"],
        user=names["user"],
        queue=names["queue"],
    )


def _source(table: TextTable) -> str:
    found = sorted(set(table.column("label_source").tolist()))
    if len(found) != 1 or found[0] not in LABEL_SOURCES:
        raise SurrogateError(
            f"{table.source}: column 'label_source' holds {', '.join(map(repr, found))[:120]}; all rows have one "
            f"and the same of {', '.join(LABEL_SOURCES)}"
        )
    return str(found[0])
