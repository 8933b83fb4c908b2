"""``wattq telemetry align``: measured power shared out to the jobs that drew it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wattq.surrogates.energy import Readings, WindowTable
    from wattq.telemetry.alignment import Alignment
    from wattq.telemetry.store import Store

__all__ = ["align"]


def align(
    samples: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Power samples, CSV (also .gz, .xz) or Parquet: of wattq's loggers, nvidia-smi, RAPL, IPMI "
            "(default: those of the store)."
        ),
    ] = None,
    jobs: Annotated[
        Path | None,
        typer.Option(
            "--jobs",
            help="Jobs: CSV job_id,start,end,node,cores, or a print of sacct with NodeList (default: the store's).",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="CSV of labels, which wattq surrogate train-energy reads.")
    ] = None,
    store: Annotated[
        str, typer.Option("--store", help="Store: path or URL (default: store.url of the settings).")
    ] = "",
    update: Annotated[bool, typer.Option("--update", help="Write measured joules into the store's jobs.")] = False,
    node: Annotated[
        str | None, typer.Option("--node", help="Name of the node of samples that name none; their devices add up.")
    ] = None,
    start: Annotated[str, typer.Option("--start", help="Only jobs that ran after this date, UTC.")] = "",
    end: Annotated[str, typer.Option("--end", help="Only jobs that began before this date, UTC.")] = "",
    time_zone: Annotated[
        str | None,
        typer.Option("--time-zone", help="Zone of the dates of sacct, such as Europe/Berlin (default: UTC)."),
    ] = None,
    hold: Annotated[
        str,
        typer.Option(
            help="Power between samples: `linear`, or that of the sample at the begin (`next`) or end (`last`)."
        ),
    ] = "linear",
    gap: Annotated[
        float | None, typer.Option(help="Samples further apart, s, leave a gap (default: 5 x usual).")
    ] = None,
    least_coverage: Annotated[float, typer.Option(help="Share of a job that must be measured.")] = 0.9,
    report: Annotated[Path | None, typer.Option("--report", help="JSON of all jobs and nodes to write.")] = None,
) -> None:
    """Integrate measured power over the windows of jobs: joules, coverage, and what the nodes drew idle.

    Jobs on one node share it by cores, so that their parts and the idle rest make its energy.
    """
    from wattq.errors import TelemetryError
    from wattq.files import write_whole
    from wattq.surrogates.energy import write_labels_csv
    from wattq.telemetry.alignment import align_power
    from wattq.telemetry.alignment_text import alignment_json, alignment_text

    if output is None and report is None and not update:
        raise TelemetryError("nothing to write: give -o FILE.csv, --report FILE.json, or --update with a store")
    with _opened(store, needed=not samples or jobs is None or update) as opened:
        table, readings = _inputs(opened, samples, jobs, node, (start, end), time_zone)
        found = align_power(table, readings, hold=hold, gap_s=gap, least_coverage=least_coverage)
        typer.echo(alignment_text(found), nl=False)
        if output is not None:
            write_labels_csv(found.labels, output, found.extra_columns)
            typer.echo(f"{found.labels.n_jobs} labels written to {output}")
        if report is not None:
            write_whole(report, alignment_json(found).encode())
            typer.echo(f"written: {report}")
        if update and opened is not None:
            _update(opened, found)


def _opened(url: str, *, needed: bool) -> AbstractContextManager[Store | None]:
    from wattq.errors import TelemetryError
    from wattq.settings import load_settings
    from wattq.telemetry.store import open_store

    if not needed:
        return nullcontext()
    address = url or load_settings().store.url
    if not address:
        raise TelemetryError("no store: name one with --store, or as store.url in the settings ($WATTQ_STORE_URL)")
    return open_store(address, create=False)


def _inputs(
    store: Store | None,
    samples: list[Path] | None,
    jobs: Path | None,
    node: str | None,
    dates: tuple[str, str],
    time_zone: str | None,
) -> tuple[WindowTable, list[Readings]]:
    """Return jobs and readings, from files where they are named, else from the store."""
    from wattq.telemetry.alignment import files_of_power, jobs_of_file, jobs_of_store, power_of_store
    from wattq.telemetry.period import date_s

    start, end = (date_s(text, name) if text else None for text, name in zip(dates, ("--start", "--end"), strict=True))
    if jobs is not None:
        table = jobs_of_file(jobs, time_zone, start, end)
    else:
        assert store is not None
        table = jobs_of_store(store, start, end)
    if samples:
        return table, files_of_power(samples, node)
    assert store is not None
    begin = min(window.start_s for window in table.windows)
    return table, power_of_store(store, begin, max(window.end_s for window in table.windows))


def _update(store: Store, found: Alignment) -> None:
    from wattq.telemetry.alignment import measured_rows

    stored = store.read("job_metrics", since_s=min(found.starts) - 60.0, until_s=max(found.starts) + 61.0)
    rows, lost = measured_rows(found, stored)
    store.write("job_metrics", rows)
    typer.echo(f"{len(rows)} jobs of the store updated")
    if lost:
        typer.echo(f"note: {lost} measured jobs are not in the store's job_metrics; nothing was written for them")
