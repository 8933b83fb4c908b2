"""``wattq surrogate features``, ``train``, ``predict`` and ``show``: from a log to a bundle, and back to numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattq.cli.cleaning import with_cleaning
from wattq.workloads.options import CleaningOptions

if TYPE_CHECKING:
    from wattq.surrogates.log_file import JobLog

__all__ = ["features", "predict", "read_log", "show", "train"]

Log = Annotated[
    str,
    typer.Argument(help="Log of any of `wattq workload formats`, plain, gzip or xz; or a name of `wattq data list`."),
]
BundleFile = Annotated[Path, typer.Argument(help="Bundle, a file .wattq.")]
Data = Annotated[list[Path] | None, typer.Option("--data", help="Folder with traces, searched first; repeatable.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@with_cleaning
def features(
    log: Log,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write: .csv (also .gz, .xz), .parquet or .npz.")
    ],
    data: Data = None,
    options: CleaningOptions | None = None,
) -> None:
    """Write the features of every job of a log, made of what was known when it was submitted."""
    import time

    from wattq.cli.progress import progress_bar
    from wattq.files import sha256_hex
    from wattq.surrogates.feature_file import write_features
    from wattq.surrogates.features import build_features

    with progress_bar() as advance:
        steps = advance or (lambda done, total, what: None)
        steps(0, 3, "reading the log")
        found = read_log(log, data, options)
        steps(1, 3, f"features of {found.jobs.n_jobs:,} jobs")
        start = time.perf_counter()
        table = build_features(found.jobs, found.outcomes)
        took = time.perf_counter() - start
        steps(2, 3, f"writing {output.name}")
        path = write_features(table, found.job_id, output)
    typer.echo(f"{len(table.names)} features of {table.n_jobs:,} jobs written to {output}")
    typer.echo(f"log sha256 {found.jobs.sha256}\nfile sha256 {sha256_hex(path.read_bytes())}")
    typer.echo(f"features built in {took:.1f} s", err=True)


@with_cleaning
def train(
    log: Log,
    model: Annotated[str, typer.Option("--model", "-m", help="Name of the model; a wrong one lists them.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Bundle to write, NAME.wattq.")],
    until: Annotated[
        str, typer.Option(help="Learn from jobs that ended before this share of the jobs, or this date; 1 takes all.")
    ] = "0.8",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the model.")] = 0,
    data: Data = None,
    as_json: Json = False,
    options: CleaningOptions | None = None,
) -> None:
    """Train a model of run times on a log, measure it on the jobs after, and write it as a bundle."""
    from wattq.cli.progress import progress_bar
    from wattq.surrogates.bundle import save_bundle
    from wattq.surrogates.bundle_text import manifest_json, training_lines
    from wattq.surrogates.features import build_features
    from wattq.surrogates.training import make_model, parse_until, train_runtime

    make_model(model, seed)
    with progress_bar() as advance:
        steps = advance or (lambda done, total, what: None)
        steps(0, 3, "reading the log")
        found = read_log(log, data, options)
        steps(1, 3, f"features of {found.jobs.n_jobs:,} jobs")
        table = build_features(found.jobs, found.outcomes)
        steps(2, 3, f"training {model}")
        until_s = parse_until(until, found.jobs)
        trained = train_runtime(model, found.jobs, found.outcomes, until_s=until_s, seed=seed, table=table)
        manifest = save_bundle(output, trained.model, trained.meta)
    typer.echo(manifest_json(manifest) if as_json else "\n".join([*training_lines(manifest), f"written to {output}"]))


@with_cleaning
def predict(
    bundle: BundleFile,
    log: Log,
    output: Annotated[Path, typer.Option("--output", "-o", help="CSV file to write, also with .gz or .xz.")],
    data: Data = None,
    options: CleaningOptions | None = None,
) -> None:
    """Write a model's predictions for every job of a log: point, quantiles, upper estimate."""
    from wattq.surrogates.bundle import load_bundle
    from wattq.surrogates.predictions import predict_log, write_predictions

    loaded = load_bundle(bundle, kind="runtime")
    found = read_log(log, data, options)
    predicted = predict_log(loaded, found)
    write_predictions(predicted, output)
    typer.echo(f"{found.jobs.n_jobs:,} predictions by {loaded.manifest.model} written to {output}")
    if predicted.n_learned:
        typer.echo(f"note: {predicted.n_learned:,} of the jobs are those that the model learned from (column learned)")


def show(bundle: BundleFile, as_json: Json = False) -> None:
    """Print what a bundle says of itself: model, features, training data, figures, versions."""
    from wattq.surrogates.bundle import read_manifest
    from wattq.surrogates.bundle_text import manifest_json, manifest_lines

    manifest = read_manifest(bundle)
    typer.echo(manifest_json(manifest) if as_json else "\n".join(manifest_lines(manifest)))


def read_log(log: str, data: list[Path] | None, options: CleaningOptions | None) -> JobLog:
    """Return the log of a file, or of a name of the catalogue, looked for in `data` first."""
    from wattq.experiments.inputs import data_dirs
    from wattq.surrogates.log_file import read_job_log
    from wattq.workloads import locate_workload

    return read_job_log(locate_workload(log, data_dirs=[*(data or []), *data_dirs()]), options=options)
