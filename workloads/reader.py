"""One door for all workload files: SWF or Batsim JSON, plain, gzip or xz, told apart by content and name.

The reader of logs is imported when it is needed: JSON alone must not cost the start of pandas.
"""

from __future__ import annotations

from pathlib import Path

from wattq.errors import WorkloadError
from wattq.workloads.batsim_json import parse_batsim_json
from wattq.workloads.files import decompress, plain_name, read_plain
from wattq.workloads.model import Workload
from wattq.workloads.options import CleaningOptions

__all__ = ["is_json", "parse_workload", "read_batsim_json", "read_swf", "read_workload"]


def read_workload(
    path: str | Path,
    *,
    name: str = "w0",
    options: CleaningOptions | None = None,
    form: str = "parallel_homogeneous",
    speed_flops: float = 1e9,
) -> Workload:
    """Return the workload of an SWF or Batsim JSON file, plain, gzip or xz.

    Args:
        path: the file.
        name: Batsim's name of the workload (``w0`` for the first one given).
        options: cleaning of a log; a Batsim JSON file takes none, because it is already exact.
        form: profile of logged jobs, ``parallel_homogeneous`` or ``delay``; JSON has its own profiles.
        speed_flops: speed of a host, flop/s, so that a logged job lasts its run time there; JSON has its own amounts.

    Raises:
        MissingFileError: when the file cannot be read.
        WorkloadError: when it breaks its format; the message names line or key, value and rule.
        UnsupportedError: when a job uses a profile that is not simulated.
        InvalidInputError: when cleaning options are given for a Batsim JSON file.
    """
    data = read_plain(path)
    base_dir = Path(path).resolve().parent
    return _parse(data, str(path), name, options, form, speed_flops, base_dir)


def parse_workload(
    data: bytes,
    source: str,
    *,
    name: str = "w0",
    options: CleaningOptions | None = None,
    form: str = "parallel_homogeneous",
    speed_flops: float = 1e9,
    base_dir: Path | None = None,
) -> Workload:
    """Return the workload of a file given as bytes (plain, gzip or xz); like `read_workload` without the disk."""
    return _parse(decompress(data, source), source, name, options, form, speed_flops, base_dir)


def _parse(
    data: bytes,
    source: str,
    name: str,
    options: CleaningOptions | None,
    form: str,
    speed_flops: float,
    base_dir: Path | None,
) -> Workload:
    if not is_json(data, source):
        from wattq.workloads.swf import parse_swf

        return parse_swf(data, source, name=name, options=options, form=form, speed_flops=speed_flops)
    if options is not None and options != CleaningOptions():
        raise WorkloadError(
            f"{source}: cleaning options are for SWF logs, this is Batsim JSON; leave them out or edit the file"
        )
    return parse_batsim_json(data, source, name=name, base_dir=base_dir)


def is_json(data: bytes, source: str) -> bool:
    """Return whether plain content is Batsim JSON: it starts with a brace, or its name ends with ``.json``."""
    return data.lstrip()[:1] == b"{" or plain_name(source).endswith(".json")


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
