"""``wattq workload merge``, ``formats`` and ``query``: logs of many kinds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wattq.cli.cleaning import with_cleaning
from wattq.cli.workload_files import read_source, write_out
from wattq.workloads.options import CleaningOptions

if TYPE_CHECKING:
    from wattq.workloads import Workload

__all__ = ["formats", "merge", "query"]

_Data = Annotated[list[Path] | None, typer.Option("--data", help="Folder with traces, searched first; repeatable.")]


@with_cleaning
def merge(
    sources: Annotated[list[str], typer.Argument(help="Two or more workloads, of any format.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="File to write: .json, .swf, .csv or .parquet; none of the sources.")
    ],
    machine: Annotated[
        str, typer.Option(help="Hosts of the machine: sum (a partition for each log), max (one machine) or a number.")
    ] = "sum",
    same_people: Annotated[
        bool, typer.Option("--same-people", help="User, group and queue numbers mean the same in all logs.")
    ] = False,
    file_format: Annotated[str | None, typer.Option("--format", help="Format of the sources, when not told.")] = None,
    data: _Data = None,
    options: CleaningOptions | None = None,
) -> None:
    """Merge logs in the order of submission, each cleaned by the same options."""
    from dataclasses import replace

    from wattq.workloads import CleaningOptions, merge_workloads, report_lines

    chosen = options or CleaningOptions()
    _refuse_overwriting(sources, out, data)
    kept = replace(chosen, rebase=False)
    works = [_read_one(source, data, kept, file_format, given=options is not None) for source in sources]
    size: str | int = int(machine) if machine.isascii() and machine.isdigit() else machine
    workload = merge_workloads(works, machine=size, same_people=same_people, rebase=chosen.rebase)
    write_out(workload, out, None, 1e9)
    typer.echo("\n".join(report_lines(workload.report)))
    typer.echo(f"{workload.n_jobs} jobs for {workload.nb_res} hosts written to {out}")


def _read_one(
    source: str, data: list[Path] | None, options: CleaningOptions, file_format: str | None, *, given: bool
) -> Workload:
    """Read one log on its own axis; exact files take no cleaning and so get none unless the user asked for it."""
    from wattq.workloads.files import read_plain
    from wattq.workloads.formats import FORMATS, find_format, tell_format

    path = _path(source, data)
    word = find_format(file_format) if file_format else tell_format(read_plain(path), str(path))
    exact = FORMATS[word].parse is None and not given
    return read_source(str(path), data, "parallel_homogeneous", 1e9, None if exact else options, word)


def _refuse_overwriting(sources: list[str], out: Path, data: list[Path] | None) -> None:
    from wattq.errors import InvalidInputError

    paths = [_path(source, data).resolve() for source in sources]
    for path in paths:
        if out.resolve() == path or (out.exists() and out.samefile(path)):
            raise InvalidInputError(f"--out {out}: one of the logs to be merged; name another file to write")
        if paths.count(path) > 1:
            raise InvalidInputError(f"{path}: given twice, its jobs would be there twice; name each log once")


def _path(source: str, data: list[Path] | None) -> Path:
    from wattq.experiments.inputs import data_dirs
    from wattq.workloads import locate_workload

    return locate_workload(source, data_dirs=[*(data or []), *data_dirs()])


def formats(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the formats that are read, and how each is told."""
    import json

    from wattq.workloads import FORMATS

    rows: list[dict[str, Any]] = [
        {"format": word, "what": entry.description, "told_by": entry.told_by} for word, entry in FORMATS.items()
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        typer.echo(f"{row['format']:<14}{row['what']}\n{'':<14}told by: {row['told_by']}")


def query(name: Annotated[str, typer.Argument(help="Trace that is fetched by a query: google2019.")]) -> None:
    """Print the query that makes the CSV file of a trace (BigQuery, standard SQL)."""
    from wattq.errors import InvalidInputError
    from wattq.workloads import google2019_query

    if name.lower() != "google2019":
        raise InvalidInputError(f"query {name[:40]!r}: there is one for google2019 only; give that name")
    typer.echo(google2019_query(), nl=False)
