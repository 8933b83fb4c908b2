"""``wattq benchmark``: CPU, I/O and mixed work, with the energy that it takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wattq.telemetry.benchmarks.options import Options

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Run CPU, I/O or mixed work and measure the energy that it takes.")

_Duration = Annotated[float, typer.Option(help="Seconds of work.")]
_Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write the results as JSON.")]
_Samples = Annotated[
    Path | None, typer.Option(help="Write power and utilisation, second by second, for: wattq platform calibrate.")
]
_Idle = Annotated[float, typer.Option(help="Seconds without work before, to measure idle power.")]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")]
_Config = Annotated[Path | None, typer.Option("--config", "-c", help="File of settings (see: wattq config show).")]
_TempDir = Annotated[Path | None, typer.Option(help="Folder for the files (default: the system's).")]


@app.command()
def cpu(
    duration: _Duration = 300.0,
    intensity: Annotated[
        str, typer.Option(help="Share of time in which workers work: 0.1 to 1, or low, medium, high.")
    ] = "1.0",
    cores: Annotated[int | None, typer.Option(help="Workers (default: one per core).")] = None,
    workload: Annotated[str, typer.Option(help="prime, matrix, floating, fibonacci or mixed.")] = "mixed",
    idle: _Idle = 0.0,
    output: _Output = None,
    samples: _Samples = None,
    quiet: _Quiet = False,
    config: _Config = None,
) -> None:
    """Compute, on some or all cores."""
    from wattq.telemetry.benchmarks import CpuOptions, parse_intensity

    share = parse_intensity(intensity)
    options = CpuOptions(duration, share, workload=workload, idle_s=idle, **({} if cores is None else {"cores": cores}))
    _run(options, output, samples, quiet, config)


@app.command()
def io(
    duration: _Duration = 300.0,
    threads: Annotated[int, typer.Option(help="Workers.")] = 4,
    workload: Annotated[
        str, typer.Option(help="sequential_write, sequential_read, random_access, file_operations or mixed.")
    ] = "mixed",
    data_size: Annotated[int, typer.Option(help="Size of each worker's file, MB.")] = 100,
    temp_dir: _TempDir = None,
    idle: _Idle = 0.0,
    output: _Output = None,
    samples: _Samples = None,
    quiet: _Quiet = False,
    config: _Config = None,
) -> None:
    """Read and write files, in a folder that is removed at the end."""
    from wattq.telemetry.benchmarks import IoOptions

    place = {} if temp_dir is None else {"temp_dir": temp_dir}
    options = IoOptions(duration, threads, workload, data_size, idle_s=idle, **place)
    _run(options, output, samples, quiet, config)


@app.command()
def mixed(
    duration: _Duration = 300.0,
    cpu_threads: Annotated[int, typer.Option(help="CPU workers.")] = 2,
    io_threads: Annotated[int, typer.Option(help="I/O workers.")] = 2,
    pattern: Annotated[str, typer.Option(help="alternating, concurrent or burst.")] = "alternating",
    cpu_io_ratio: Annotated[float, typer.Option(help="Weight of the CPU's work, 0.05 to 0.95.")] = 0.5,
    data_size: Annotated[int, typer.Option(help="Size of each I/O worker's file, MB.")] = 50,
    temp_dir: _TempDir = None,
    idle: _Idle = 0.0,
    output: _Output = None,
    samples: _Samples = None,
    quiet: _Quiet = False,
    config: _Config = None,
) -> None:
    """Compute, and read and write files: in turns, at once, or in bursts."""
    from wattq.telemetry.benchmarks import MixedOptions

    place = {} if temp_dir is None else {"temp_dir": temp_dir}
    options = MixedOptions(duration, cpu_threads, io_threads, pattern, cpu_io_ratio, data_size, idle_s=idle, **place)
    _run(options, output, samples, quiet, config)


def _run(options: Options, output: Path | None, samples: Path | None, quiet: bool, config: Path | None) -> None:
    import json
    import signal
    import sys

    from wattq.files import write_whole
    from wattq.settings import load_settings
    from wattq.telemetry.benchmarks import benchmark_document, benchmark_text, run_benchmark, samples_csv
    from wattq.telemetry.meters import PowerOfNode, ThermalSensors, node_power_of

    for file in (output, samples):
        _check_folder(file)
    # as Ctrl-C does: workers end, and files of the I/O work go
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    power = PowerOfNode.of_machine(node_power_of(load_settings(config).node), ipmi_waits=False)
    try:
        measured = run_benchmark(options, power, ThermalSensors())
    finally:
        power.close()
        signal.signal(signal.SIGTERM, before)
    document = benchmark_document(measured)
    if output is not None:
        write_whole(output, json.dumps(document, indent=2).encode() + b"\n")
    if samples is not None:
        write_whole(samples, samples_csv(measured).encode())
        if document["performance_metrics"]["energy"].get("source") == "modelled":
            typer.echo(f"{samples}: power is modelled here; calibrating with it gives the model back", err=True)
    if not quiet:
        typer.echo(benchmark_text(document))


def _check_folder(file: Path | None) -> None:
    """Refuse a file that could not be written, before minutes of work."""
    from wattq.errors import InvalidInputError

    if file is not None and not file.parent.is_dir():
        raise InvalidInputError(f"{file}: there is no folder '{file.parent}'; make it first")
