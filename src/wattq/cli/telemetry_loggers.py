"""``wattq telemetry nvml``, ``rapl`` and ``node``: sensors of this machine, read on a fixed cadence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wattq.settings import Settings
    from wattq.telemetry.loggers import Recorder, Sink
    from wattq.telemetry.meters import FoundMeters

__all__ = ["node", "nvml", "rapl"]

_WAITS_FROM_S = 5.0

_Interval = Annotated[float, typer.Option("--interval", help="Seconds between two samples, 0.01 to 86400.")]
_Duration = Annotated[float | None, typer.Option("--duration", help="Stop after so many seconds.")]
_Count = Annotated[int | None, typer.Option("--count", help="Stop after so many samples.")]
_Device = Annotated[list[str] | None, typer.Option("--device", help="Read these alone: names, by commas; repeatable.")]
_Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="File: .csv grows line by line, .parquet appears at the end. Default: CSV here."),
]
_Append = Annotated[bool, typer.Option("--append", help="Go on with a CSV that is there.")]
_Store = Annotated[
    str | None, typer.Option("--store", help="Write to this store: a file, a URL, or `default` for the settings'.")
]
_Sysfs = Annotated[Path, typer.Option("--sysfs", help="Folder that holds `sys`, in place of the machine's own.")]


def nvml(
    interval: _Interval = 1.0,
    duration: _Duration = None,
    count: _Count = None,
    device: _Device = None,
    out: _Out = None,
    append: _Append = False,
    store: _Store = None,
) -> None:
    """Log power, energy, load, memory, temperature, clock and cap of NVIDIA GPUs.

    Devices are indices (0), names (gpu0) or UUIDs. SIGTERM and Ctrl-C end it in order.
    """
    from wattq.telemetry.loggers import NvmlRecorder
    from wattq.telemetry.meters import NvmlMeter

    settings = _settings()
    recorder = NvmlRecorder(NvmlMeter(_names(device)), _node(settings))
    _log(recorder, settings, (interval, duration, count), out, store, append=append)


def rapl(
    interval: _Interval = 1.0,
    duration: _Duration = None,
    count: _Count = None,
    device: _Device = None,
    out: _Out = None,
    append: _Append = False,
    store: _Store = None,
    sysfs: _Sysfs = Path("/"),
) -> None:
    """Log power and energy of processors and memory (RAPL), domain by domain, and the load of the processors.

    Devices are domains: package-0, dram-0, core-0. SIGTERM and Ctrl-C end it in order.
    """
    from wattq.errors import TelemetryError
    from wattq.telemetry.loggers import RaplRecorder
    from wattq.telemetry.meters import CpuShare, RaplMeter

    settings = _settings()
    meter = RaplMeter(sysfs, _names(device))
    if interval > meter.longest_s:
        raise TelemetryError(
            f"--interval {interval:g}: a counter may go round unseen in more than {meter.longest_s:.0f} s; use less"
        )
    recorder = RaplRecorder(meter, _node(settings), CpuShare())
    _log(recorder, settings, (interval, duration, count), out, store, append=append)


def node(
    interval: _Interval = 30.0,
    duration: _Duration = None,
    count: _Count = None,
    out: _Out = None,
    append: _Append = False,
    store: _Store = None,
    sysfs: _Sysfs = Path("/"),
) -> None:
    """Log load, temperatures, fans, clocks and power of this node.

    Power comes from the sensors that are here (IPMI, hwmon, RAPL and NVML); without any it is modelled from the load,
    in a column of its own. SIGTERM and Ctrl-C end it in order.
    """
    from wattq.telemetry.loggers import NodeRecorder
    from wattq.telemetry.meters import PowerOfNode, ThermalSensors, node_power_of

    settings = _settings()
    # A slow cadence has the time to wait for the controller's answer; a fast one takes the last that it gave.
    waits = interval >= _WAITS_FROM_S
    power = PowerOfNode.of_machine(node_power_of(settings.node), sysfs, ipmi_waits=waits)
    _say_missing(power.found)
    recorder = NodeRecorder(power, ThermalSensors(sysfs), _node(settings), longest_s=5.0 * interval)
    _log(recorder, settings, (interval, duration, count), out, store, append=append)


def _settings() -> Settings:
    from wattq.settings import load_settings

    return load_settings()


def _node(settings: Settings) -> str:
    import socket

    return settings.node.name or socket.gethostname()


def _names(device: list[str] | None) -> list[str]:
    return [name.strip() for names in device or [] for name in names.split(",") if name.strip()]


def _say_missing(found: FoundMeters) -> None:
    for sentence in found.missing.values():
        typer.echo(f"note: {sentence}", err=True)
    if not found.meters:
        typer.echo("note: no sensor of power: modelled_w is computed from the load (see `wattq config show`)", err=True)


def _log(
    recorder: Recorder,
    settings: Settings,
    when: tuple[float, float | None, int | None],
    out: Path | None,
    store: str | None,
    *,
    append: bool,
) -> None:
    from wattq.telemetry.loggers import Cadence, run_logger

    interval_s, duration_s, count = when
    try:
        cadence = Cadence(interval_s, duration_s=duration_s, count=count)
        sinks = _sinks(recorder, settings, out, store, append=append)
        report = run_logger(recorder, sinks, cadence)
    finally:
        recorder.close()
    typer.echo(report.text(), err=True)


def _sinks(recorder: Recorder, settings: Settings, out: Path | None, store: str | None, *, append: bool) -> list[Sink]:
    from wattq.errors import InvalidInputError
    from wattq.telemetry.loggers import CsvSink, ParquetSink, StoreSink

    if append and (out is None or out.suffix != ".csv"):
        raise InvalidInputError("--append goes with an --out of .csv; a Parquet file cannot grow")
    if out is not None and out.suffix not in (".csv", ".parquet"):
        raise InvalidInputError(f"--out '{out}': the ending says what to write; use .csv or .parquet")
    sinks: list[Sink] = []
    if store is not None:
        sinks.append(StoreSink(*_store(settings, store)))
    if out is not None and out.suffix == ".parquet":
        sinks.append(ParquetSink(out, recorder.columns))
    elif out is not None or store is None:
        sinks.append(CsvSink(out, recorder.columns, append=append))
    return sinks


def _store(settings: Settings, store: str) -> tuple[str, Path]:
    from wattq.errors import InvalidInputError
    from wattq.telemetry.loggers import spool_folder

    url = settings.store.url if store == "default" else store
    if not url:
        raise InvalidInputError("--store default: the settings name no store (key `url` of `store`); name one here")
    return url, spool_folder(url, settings.store.spool)
