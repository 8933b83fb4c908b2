"""One door for all workload files, plain, gzip or xz: the format is told by content and name, or named.

The readers of logs and tables are imported when they are needed: JSON alone must not cost the start of pandas.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wattq.errors import WorkloadError
from wattq.workloads.batsim_json import parse_batsim_json
from wattq.workloads.files import decompress, plain_name, read_plain
from wattq.workloads.model import Workload
from wattq.workloads.options import CleaningOptions

if TYPE_CHECKING:
    from wattq.workloads.swf import SwfTable

__all__ = ["is_json", "parse_workload", "read_batsim_json", "read_log_table", "read_swf", "read_workload"]


def read_workload(
    path: str | Path,
    *,
    name: str = "w0",
    options: CleaningOptions | None = None,
    form: str = "parallel_homogeneous",
    speed_flops: float = 1e9,
    file_format: str | None = None,
) -> Workload:
    """Return the workload of a file, plain, gzip or xz.

    Args:
        path: the file.
        name: Batsim's name of the workload (``w0`` for the first one given).
        options: cleaning of a log; Batsim JSON and table files take none, because they are already exact.
        form: profile of logged jobs, ``parallel_homogeneous`` or ``delay``; exact files have their own profiles.
        speed_flops: speed of a host, flop/s, so that a logged job lasts its run time there; exact files have their
            own amounts.
        file_format: word of `wattq.workloads.FORMATS`; None tells it by content and name.

    Raises:
        MissingFileError: when the file cannot be read.
        WorkloadError: when it breaks its format; the message names line or key, value and rule.
        UnsupportedError: when a job uses a profile that is not simulated.
        InvalidInputError: when cleaning options are given for an exact file, or there is no such format.
        MissingDependencyError: when a Parquet file is read without pyarrow.
    """
    data = read_plain(path)
    base_dir = Path(path).resolve().parent
    return _parse(data, str(path), name, options, form, speed_flops, base_dir, file_format)


def parse_workload(
    data: bytes,
    source: str,
    *,
    name: str = "w0",
    options: CleaningOptions | None = None,
    form: str = "parallel_homogeneous",
    speed_flops: float = 1e9,
    base_dir: Path | None = None,
    file_format: str | None = None,
) -> Workload:
    """Return the workload of a file given as bytes (plain, gzip or xz); like `read_workload` without the disk."""
    plain = decompress(data, source)
    return _parse(plain, source, name, options, form, speed_flops, base_dir, file_format)


def _parse(
    data: bytes,
    source: str,
    name: str,
    options: CleaningOptions | None,
    form: str,
    speed_flops: float,
    base_dir: Path | None,
    file_format: str | None,
) -> Workload:
    word = _word(data, source, file_format)
    if word not in ("json", "table", "parquet"):
        from wattq.workloads.cleaning import clean_table

        chosen = options or CleaningOptions()
        return clean_table(_log(data, source, word, chosen), chosen, name=name, form=form, speed_flops=speed_flops)
    if options is not None and options != CleaningOptions():
        what = "Batsim JSON" if word == "json" else "a table that is clean already"
        raise WorkloadError(
            f"{source}: cleaning options are for SWF logs and others, this is {what}; leave them out or edit the file"
        )
    if word == "json":
        return parse_batsim_json(data, source, name=name, base_dir=base_dir)
    from wattq.workloads.table_file import parse_table_csv, parse_table_parquet

    parse = parse_table_csv if word == "table" else parse_table_parquet
    return parse(data, source, name=name, base_dir=base_dir)


def is_json(data: bytes, source: str) -> bool:
    """Return whether plain content is Batsim JSON: it starts with a brace, or its name ends with ``.json``."""
    return data.lstrip()[:1] == b"{" or plain_name(source).endswith(".json")


def _word(data: bytes, source: str, file_format: str | None) -> str:
    """Return the word of the format, told by content and name unless it is named."""
    # No other format begins with a brace, and telling them apart needs all their readers.
    if data.lstrip()[:1] == b"{" and file_format in (None, "json"):
        return "json"
    from wattq.workloads.formats import find_format, tell_format

    return tell_format(data, source) if file_format is None else find_format(file_format)


def read_log_table(
    path: str | Path, *, options: CleaningOptions | None = None, file_format: str | None = None
) -> SwfTable:
    """Return the rows of a log before any cleaning, with the names of its users, groups and queues by number.

    Raises:
        MissingFileError: when the file cannot be read.
        WorkloadError: when it breaks its format, or is no log.
    """
    data = read_plain(path)
    return _log(data, str(path), _word(data, str(path), file_format), options or CleaningOptions())


def _log(data: bytes, source: str, word: str, options: CleaningOptions) -> SwfTable:
    from wattq.workloads.formats import FORMATS

    parse = FORMATS[word].parse
    if parse is None:
        raise WorkloadError(f"{source}: {FORMATS[word].description} has jobs but no rows of a log; give a log")
    return parse(data, source, options)


def read_swf(
    path: str | Path,
    *,
    name: str = "w0",
    options: CleaningOptions | None = None,
    form: str = "parallel_homogeneous",
    speed_flops: float = 1e9,
) -> Workload:
    """Return the workload of an SWF file, plain, gzip or xz; see `parse_swf`."""
    from wattq.workloads.swf import parse_swf

    return parse_swf(read_plain(path), str(path), name=name, options=options, form=form, speed_flops=speed_flops)


def read_batsim_json(path: str | Path, *, name: str = "w0") -> Workload:
    """Return the workload of a Batsim JSON file, plain, gzip or xz; see `parse_batsim_json`."""
    return parse_batsim_json(read_plain(path), str(path), name=name, base_dir=Path(path).resolve().parent)
