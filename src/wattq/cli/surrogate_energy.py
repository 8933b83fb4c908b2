"""``wattq surrogate train-energy`` and its like: power and energy of jobs; clusters and anomalies of workloads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wattq.surrogates.energy import EnergyLabels

__all__ = ["anomalies", "clusters", "evaluate_energy", "label_energy", "predict_energy", "train_energy"]

Labels = Annotated[
    Path,
    typer.Argument(
        help="Joules of jobs: a CSV of labels, ARCHER2's step energies, a sacct print with ConsumedEnergyRaw, or the "
        "folder of a run with energy."
    ),
]
Nodes = Annotated[
    list[str] | None, typer.Option("--nodes", help="APPLICATION=NODES where the file does not say; repeatable.")
]
Synthetic = Annotated[
    bool,
    typer.Option(
        "--synthetic-energy", help="Allow made-up joules (a log will do); all that comes of them is marked synthetic."
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of made-up joules.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="File to write, JSON.")]
Log = Annotated[str, typer.Argument(help="Log of any of `wattq workload formats`; or a name of `wattq data list`.")]
Data = Annotated[list[Path] | None, typer.Option("--data", help="Folder with traces, searched first; repeatable.")]


def train_energy(
    labels: Labels,
    output: Annotated[Path, typer.Option("--output", "-o", help="Bundle to write, NAME.wattq.")],
    model: Annotated[
        str, typer.Option("--model", "-m", help="Name of the model; auto takes the best on what it has not seen.")
    ] = "auto",
    nodes: Nodes = None,
    synthetic: Synthetic = False,
    seed: Seed = 0,
) -> None:
    """Train a model of the mean power of jobs on their joules, and write it as a bundle."""
    from wattq.surrogates.bundle import save_bundle
    from wattq.surrogates.energy.training import train_energy as train

    found = _labels(labels, nodes, synthetic, seed)
    trained = train(found, model, seed=seed)
    save_bundle(output, trained.model, trained.meta)
    _say_source(found)
    for each in trained.scores:
        if each.group == "all":
            typer.echo(f"{each.model}: {each.power_mape:.1%} mean error of power, {each.protocol}s held out in turn")
    typer.echo(f"{trained.model.name} written to {output}")


def evaluate_energy(
    labels: Labels,
    output: Output = None,
    nodes: Nodes = None,
    synthetic: Synthetic = False,
    seed: Seed = 0,
) -> None:
    """Measure models of power on applications and jobs that they have not seen, and the effect of the clock."""
    from wattq.files import write_whole
    from wattq.surrogates.energy import energy_json, energy_report, energy_text

    report = energy_report(_labels(labels, nodes, synthetic, seed))
    typer.echo(energy_text(report), nl=False)
    if output is not None:
        write_whole(output, energy_json(report).encode())
        typer.echo(f"written: {output}")


def label_energy(
    windows: Annotated[
        Path, typer.Argument(help="CSV: job_id,start,end,devices, and cores, application, user, queue, if known.")
    ],
    samples: Annotated[Path, typer.Option("--samples", help="CSV of power samples (also .gz, .xz), with times.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="CSV of labels to write (also .gz, .xz).")],
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
    wrap: Annotated[float | None, typer.Option(help="Value at which an energy counter starts again.")] = None,
) -> None:
    """Integrate power samples over the windows of jobs, and write the joules as labels."""
    from wattq.platforms.calibrate import ReadOptions, read_samples
    from wattq.surrogates.energy import labels_from_samples, read_windows, series_of, write_labels_csv

    table = read_windows(windows)
    read = read_samples(samples, ReadOptions(wrap=wrap))
    found = labels_from_samples(table, read, series_of(read, hold=hold, gap_s=gap), least_coverage=least_coverage)
    write_labels_csv(found, output)
    _say_source(found)
    typer.echo(f"{found.n_jobs} labels written to {output}")


def predict_energy(
    bundle: Annotated[Path, typer.Argument(help="Bundle of kind energy, a file .wattq.")],
    log: Log,
    output: Annotated[Path, typer.Option("--output", "-o", help="CSV file to write, also with .gz or .xz.")],
    runtime: Annotated[
        Path | None, typer.Option("--runtime", help="Bundle of run times (default: the requested times).")
    ] = None,
    frequency: Annotated[float | None, typer.Option(help="Clock that the jobs ask for, GHz.")] = None,
    data: Data = None,
) -> None:
    """Write mean power and energy of every job of a log, from its request and its predicted run time."""
    import numpy as np

    from wattq.cli.surrogate_train import read_log
    from wattq.surrogates.bundle import load_bundle
    from wattq.surrogates.energy import EnergyJobs
    from wattq.surrogates.energy import predict_energy as predict
    from wattq.surrogates.energy.training import write_energy_predictions
    from wattq.surrogates.features import build_features
    from wattq.surrogates.training import predict_table

    loaded = load_bundle(bundle, kind="energy")
    timed = None if runtime is None else load_bundle(runtime, kind="runtime")
    found = read_log(log, data, None)
    jobs = EnergyJobs.of_jobs(found.jobs, frequency_ghz=np.nan if frequency is None else frequency)
    if timed is None:
        times = found.jobs.request_s
        energy = predict(loaded.model, jobs, times)
    else:
        predicted = predict_table(timed.model, build_features(found.jobs, found.outcomes))
        times, energy = predicted.point_s, predict(loaded.model, jobs, predicted)
    source = loaded.manifest.meta.label_source
    write_energy_predictions(output, tuple(found.job_id), jobs, times, energy, source)
    typer.echo(f"{jobs.n_jobs:,} predictions by {loaded.manifest.model} (label_source={source}) written to {output}")


def clusters(
    log: Log,
    output: Output = None,
    k: Annotated[int | None, typer.Option("--k", help="Number of clusters (default: the best of 2 to 8).")] = None,
    method: Annotated[str, typer.Option(help="kmeans or gmm.")] = "kmeans",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the search.")] = 0,
    data: Data = None,
) -> None:
    """Find the kinds of jobs of a log: clusters of size, requested time and run time."""
    from wattq.cli.surrogate_train import read_log
    from wattq.surrogates.energy import cluster_jobs, clusters_text

    found = read_log(log, data, None)
    report, _ = cluster_jobs(found.jobs, found.outcomes, k=k, method=method, seed=seed)
    typer.echo(clusters_text(report), nl=False)
    _write_report(report.model_dump_json(indent=1), output)


def anomalies(
    labels: Labels,
    output: Output = None,
    fence: Annotated[float, typer.Option(help="Interquartile ranges beyond the quartiles that are still usual.")] = 1.5,
    least_jobs: Annotated[int, typer.Option(help="A group of like jobs has at least so many.")] = 8,
    nodes: Nodes = None,
    synthetic: Synthetic = False,
    seed: Seed = 0,
) -> None:
    """List jobs whose energy per node-hour is far from that of jobs of the same application, else user."""
    from wattq.surrogates.energy import anomalies as find
    from wattq.surrogates.energy import anomalies_text

    report = find(_labels(labels, nodes, synthetic, seed), fence=fence, least_jobs=least_jobs)
    typer.echo(anomalies_text(report), nl=False)
    _write_report(report.model_dump_json(indent=1), output)


def _labels(path: Path, nodes: list[str] | None, synthetic: bool, seed: int) -> EnergyLabels:
    from wattq.experiments.inputs import data_dirs
    from wattq.surrogates.energy import read_labels
    from wattq.workloads import locate_workload

    place = locate_workload(str(path), data_dirs=data_dirs()) if synthetic and not path.exists() else path
    return read_labels(place, nodes=dict(_node_count(word) for word in nodes or []), synthetic=synthetic, seed=seed)


def _node_count(word: str) -> tuple[str, int]:
    from wattq.errors import InvalidInputError

    name, _, count = word.rpartition("=")
    if not name or not count.isdecimal() or not 1 <= len(count) <= 9 or int(count) < 1:
        raise InvalidInputError(f"--nodes '{word[:60]}': write APPLICATION=NUMBER, such as --nodes CASTEP/al3x3=4")
    return name, int(count)


def _say_source(labels: EnergyLabels) -> None:
    typer.echo(f"labels: {labels.n_jobs} jobs, label_source={labels.label_source}")
    for note in labels.notes:
        typer.echo(f"note: {note}")


def _write_report(text: str, output: Path | None) -> None:
    from wattq.files import write_whole

    if output is not None:
        write_whole(output, (text + "\n").encode())
        typer.echo(f"written: {output}")
