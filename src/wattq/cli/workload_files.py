"""Workloads in and out of the commands of ``wattq workload``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from wattq.workloads import CleaningOptions, Workload

__all__ = ["WORKLOAD_ENDINGS", "read_source", "write_generated", "write_out"]

WORKLOAD_ENDINGS = (".json", ".swf", ".csv", ".parquet")
"""Endings of the files that can be written, also with ``.gz`` or ``.xz`` but for Parquet."""


def read_source(
    source: str,
    data: list[Path] | None,
    form: str,
    speed: float,
    options: CleaningOptions | None,
    file_format: str | None = None,
) -> Workload:
    """Return the workload of a file, or of a name of the catalogue, looked for in `data` first."""
    from wattq.experiments.inputs import data_dirs
    from wattq.workloads import locate_workload, read_workload

    path = locate_workload(source, data_dirs=[*(data or []), *data_dirs()])
    return read_workload(path, options=options, form=form, speed_flops=speed, file_format=file_format)


def write_out(workload: Workload, out: Path, form: str | None, speed: float, batsim_beta: str | None = None) -> None:
    """Write a workload in the format that the file's ending says."""
    from wattq.errors import InvalidInputError
    from wattq.workloads import write_batsim_json, write_swf, write_table

    name = out.name.removesuffix(".gz").removesuffix(".xz")
    if name.endswith(".json"):
        write_batsim_json(workload, out, form=form, speed_flops=speed, beta=batsim_beta)
        return
    if batsim_beta is not None:
        raise InvalidInputError(f"--batsim-beta {batsim_beta}: it is for Batsim's JSON; write a .json file")
    if form is not None and any(profile.type != form for profile in workload.profiles):
        raise InvalidInputError(f"--form {form}: the profiles are of another form, which only .json files can change")
    if name.endswith(".swf"):
        write_swf(workload, out, speed_flops=speed)
    elif name.endswith((".csv", ".parquet")):
        write_table(workload, out, speed_flops=speed)
    else:
        raise InvalidInputError(
            f"{out}: the ending says what to write; use .json, .swf or .csv, also with .gz or .xz, or .parquet"
        )


def write_generated(workload: Workload, out: Path, speed: float, *, what: str = "generated jobs") -> None:
    """Write a generated workload, and say what was written and the digest of its plain content."""
    from wattq.workloads.files import read_plain, sha256_hex

    write_out(workload, out, None, speed)
    typer.echo(f"{workload.n_jobs} {what} for {workload.nb_res} hosts written to {out}")
    if workload.extra is not None and out.name.removesuffix(".gz").removesuffix(".xz").endswith(".swf"):
        typer.echo("note: SWF does not hold the cores used on each node; the other formats do")
    typer.echo(f"sha256 {sha256_hex(read_plain(out))}")
