"""``wattq workload anonymize`` and ``purge``: logs that may be handed on, and logs that may no longer be kept."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["anonymize", "purge"]

_LOG_HELP = "SWF log, table of sacct --parsable2, or CSV with a header; plain, gzip or xz."
_KEEP_HELP = "Further column, or key of an SWF header, that is written as it is; repeatable."
_QUASI_HELP = "Column that is a quasi-identifier; repeatable. Sizes, queues and partitions when absent."


def anonymize(
    source: Annotated[Path, typer.Argument(help=_LOG_HELP)],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write, in the form of SOURCE; also .gz or .xz.")],
    salt_file: Annotated[Path, typer.Option("--salt-file", help="File with the secret salt, 16 bytes at least.")],
    new_salt: Annotated[bool, typer.Option("--new-salt", help="Create the salt first.")] = False,
    k: Annotated[int, typer.Option("--k", help="Suppress groups of fewer users; 1 suppresses none.")] = 5,
    tier: Annotated[str, typer.Option(help="gold, silver or bronze: from most told to least.")] = "silver",
    aggregate_s: Annotated[
        int | None, typer.Option("--aggregate-s", help="Step of dates in tier silver, 1 to 60 s; 60 when absent.")
    ] = None,
    quasi: Annotated[list[str] | None, typer.Option("--quasi", help=_QUASI_HELP)] = None,
    keep: Annotated[list[str] | None, typer.Option("--keep", help=_KEEP_HELP)] = None,
) -> None:
    """Write a log without identities: ids hashed, small groups suppressed, times coarser; and its manifest."""
    from wattq.workloads.anonymize import anonymize_file
    from wattq.workloads.anonymize_options import AnonymizeOptions
    from wattq.workloads.anonymize_report import anonymize_lines
    from wattq.workloads.anonymize_salt import salt_warnings
    from wattq.workloads.manifest import manifest_path

    options = AnonymizeOptions(k, tier, aggregate_s, tuple(quasi or ()), tuple(keep or ()))
    report = anonymize_file(source, out, salt_file, options, new_salt=new_salt)
    for warning in salt_warnings(salt_file, out):
        typer.echo(f"wattq: warning: {warning}", err=True)
    typer.echo("\n".join(anonymize_lines(report, options)))
    typer.echo(f"{out} and {manifest_path(out).name} written")


def purge(
    files: Annotated[list[Path], typer.Argument(help=_LOG_HELP)],
    before: Annotated[str, typer.Option(help="Date, such as 2024-01-31, or 2024-01-31T12:00:00.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and change nothing.")] = False,
    audit_log: Annotated[
        Path | None,
        typer.Option("--audit-log", help="Where a line is added; wattq-purge.jsonl beside FILE when absent."),
    ] = None,
) -> None:
    """Remove the jobs that ended before a date from logs, in place, and write down that it was done."""
    from wattq.workloads.purge import purge_files, purge_line

    for entry in purge_files(files, before, audit_log=audit_log, dry_run=dry_run):
        typer.echo(purge_line(entry, dry_run=dry_run))
