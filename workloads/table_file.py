"""The Workload table as a file, CSV or Parquet, and back without loss.

A CSV file begins with one line of comment, ``# wattq workload {...}``: what concerns the workload as a whole (machine,
profiles, dates, report) as JSON. The columns below it are those of `wattq.workloads.write_jobs_csv`, and ``job``, the
job's JSON object, where the jobs came from Batsim's JSON. In Parquet the same JSON is metadata of the schema.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wattq.errors import InvalidInputError, WorkloadError
from wattq.workloads.files import compress_for, plain_name, sha256_hex, write_whole
from wattq.workloads.model import Workload
from wattq.workloads.table_rows import strict_object, table_workload
from wattq.workloads.text_table import TextTable, read_csv, table_of
from wattq.workloads.writer import jobs_columns

__all__ = ["MARK", "is_table", "parse_table_csv", "parse_table_parquet", "table_csv", "write_table"]

MARK = "# wattq workload "
"""What a CSV file of the table begins with."""

_VERSION = 1
_MOST_ROWS = 50_000_000
_METADATA_KEY = b"wattq workload"


def is_table(data: bytes) -> bool:
    """Return whether plain content is the table as CSV."""
    return data.startswith((MARK.encode(), b"\xef\xbb\xbf" + MARK.encode()))


def write_table(workload: Workload, path: str | Path, *, speed_flops: float = 1e9) -> Path:
    """Write all that a workload holds, as CSV (``.csv``, also ``.gz`` and ``.xz``) or Parquet (``.parquet``).

    Args:
        workload: the jobs.
        path: the file; its ending says the format.
        speed_flops: speed of a host, flop/s, at which ``run_s`` is told; for people, it is not read back.

    Raises:
        InvalidInputError: when the ending is another one.
        MissingDependencyError: when pyarrow is needed and absent; the message names the extra.
        MissingFileError: when the file cannot be written.
        UnsupportedError: when a profile cannot be written (usage traces lie in files of their own).
    """
    name = plain_name(path)
    if name.endswith(".csv"):
        return write_whole(path, compress_for(path, table_csv(workload, speed_flops=speed_flops).encode()))
    if name.endswith(".parquet") and name == Path(path).name:
        from wattq.workloads.table_parquet import to_parquet

        about = {_METADATA_KEY: _about(workload).encode()}
        return write_whole(path, to_parquet(_columns(workload, speed_flops), about))
    raise InvalidInputError(f"{path}: a table is written as .csv, .csv.gz, .csv.xz or .parquet; choose one of them")


def table_csv(workload: Workload, *, speed_flops: float = 1e9) -> str:
    """Return the text of the CSV file that `write_table` writes."""
    columns = _columns(workload, speed_flops)
    out = io.StringIO()
    out.write(f"{MARK}{_about(workload)}\n")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return out.getvalue()


def _columns(workload: Workload, speed_flops: float) -> dict[str, Sequence[str]]:
    columns: dict[str, Sequence[str]] = {
        name: [str(value) for value in values] for name, values in jobs_columns(workload, speed_flops).items()
    }
    if workload.extra is not None:
        columns["job"] = [json.dumps(job, ensure_ascii=False) for job in workload.extra]
    return columns


def _about(workload: Workload) -> str:
    """Return what concerns the workload as a whole, as one line of JSON."""
    about = {
        "version": _VERSION,
        "name": workload.name,
        "nb_res": workload.nb_res,
        "unix_start_s": workload.unix_start_s,
        "utc_offset_s": workload.utc_offset_s,
        "synthetic": workload.synthetic,
        "profiles": {profile.name: profile.description for profile in workload.profiles},
        "listed_profiles": workload.listed_profiles,
        "report": dataclasses.asdict(workload.report),
    }
    return json.dumps(about, ensure_ascii=True, allow_nan=False)


def parse_table_csv(data: bytes, source: str, *, name: str = "w0", base_dir: Path | None = None) -> Workload:
    """Return the workload of a CSV file that `write_table` wrote, given as plain bytes.

    Args:
        data: the content, decompressed.
        source: name of the file.
        name: Batsim's name of the workload.
        base_dir: folder of the file, which usage traces are relative to.

    Raises:
        WorkloadError: names line, column, value and rule.
    """
    head, _, body = data.removeprefix(b"\xef\xbb\xbf").partition(b"\n")
    table = read_csv(body, source)
    moved = TextTable(source, sha256_hex(data), table.columns, table.lines + 1)
    about = _document(head.decode("utf-8", "replace").strip()[len(MARK) :], f"{source}, line 1")
    return table_workload(moved, about, name, base_dir)


def parse_table_parquet(data: bytes, source: str, *, name: str = "w0", base_dir: Path | None = None) -> Workload:
    """Return the workload of a Parquet file that `write_table` wrote, given as bytes; see `parse_table_csv`.

    Raises:
        MissingDependencyError: when pyarrow is absent; the message names the extra.
    """
    from wattq.workloads.table_parquet import from_parquet

    columns, metadata = from_parquet(data, source, _MOST_ROWS)
    if _METADATA_KEY not in metadata:
        raise WorkloadError(f"{source}: not a table that wattq wrote; Parquet files need its metadata, use CSV instead")
    rows = list(zip(*columns.values(), strict=True))
    table = table_of(source, sha256_hex(data), tuple(columns), rows, range(1, len(rows) + 1))
    return table_workload(table, _document(metadata[_METADATA_KEY].decode("utf-8", "replace"), source), name, base_dir)


def _document(text: str, place: str) -> Mapping[str, Any]:
    try:
        document = strict_object(text)
    except ValueError as error:
        raise WorkloadError(
            f"{place}: what concerns the workload is no JSON ({str(error)[:100]}); write it again"
        ) from None
    if document.get("version") != _VERSION:
        raise WorkloadError(f"{place}: not a table of version {_VERSION}; write it again with this version of wattq")
    return document
