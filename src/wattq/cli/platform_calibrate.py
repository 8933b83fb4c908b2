"""``wattq platform calibrate``: the power model of a machine from its telemetry."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from wattq.cli.platform_make import write
from wattq.cli.platform_options import pick, sleep_state, watts

if TYPE_CHECKING:
    from wattq.platforms.calibrate import FitOptions

__all__ = ["calibrate"]

_Column = typer.Option(help="Column of this; known names are found without.", metavar="COLUMN")


def calibrate(
    samples: Annotated[Path, typer.Argument(help="CSV of samples (also .gz, .xz), or of a cap or clock curve.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the states: .yaml, or .xml with --nodes.")
    ] = None,
    power: Annotated[str | None, _Column] = None,
    energy: Annotated[str | None, _Column] = None,
    load: Annotated[str | None, _Column] = None,
    time: Annotated[str | None, _Column] = None,
    interval: Annotated[str | None, _Column] = None,
    device: Annotated[str | None, _Column] = None,
    setting: Annotated[str | None, _Column] = None,
    rate: Annotated[str | None, _Column] = None,
    devices: Annotated[int | None, typer.Option(help="Devices whose rows take turns, where no column says.")] = None,
    wrap: Annotated[float | None, typer.Option(help="Value at which the energy counter starts again.")] = None,
    settle: Annotated[float, typer.Option(help="Idle means no load for so many s before and after.")] = 0.0,
    average: Annotated[float, typer.Option(help="Average samples over windows of so many s first.")] = 0.0,
    affine: Annotated[bool, typer.Option("--affine", help="One line through idle and loaded samples.")] = False,
    quantiles: Annotated[
        str | None, typer.Option(help="LOW:HIGH quantiles of the power taken as idle and full, without utilisation.")
    ] = None,
    combine: Annotated[str, typer.Option(help="Several devices: their `mean`, or their `sum` (parts of a host).")] = (
        "mean"
    ),
    setting_step: Annotated[float, typer.Option(help="Round clocks or caps to multiples of this (GHz or W).")] = 0.0,
    speed: Annotated[list[str] | None, typer.Option(help="SETTING=SPEED of work under it; repeatable.")] = None,
    app_class: Annotated[str, typer.Option("--class", help="Of a curve file: class of applications.")] = "all",
    host_w: Annotated[
        str | None, typer.Option(help="Of a curve file: IDLE_W:FULL_W[:FIXED_W] of the host that follows it.")
    ] = None,
    nodes: Annotated[int | None, typer.Option(help="Hosts of the platform to write.")] = None,
    sleep: Annotated[list[str] | None, typer.Option(help="Its sleep states, as `make` takes them.")] = None,
    name: Annotated[str, typer.Option(help="Its name.")] = "machine",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Fit idle and full power, clocks and caps to telemetry, with standard errors.

    Samples are rows of power (or of an energy counter) and utilisation, of one or more devices, with clock or cap if
    there are several. A curve file is Zeus's summary of runs under power caps, or Slurm's steps at two clocks.
    """
    from wattq.errors import InvalidInputError
    from wattq.platforms.measured import is_curve_file

    suffix = out.suffix if out else ""
    if out is not None and suffix not in (".yaml", ".yml", ".xml"):
        raise InvalidInputError(f"--out '{out}': write .yaml (power states) or .xml (a platform, with --nodes)")
    if (suffix == ".xml") != (nodes is not None):
        raise InvalidInputError("--nodes and an --out of .xml go together")
    if sleep and suffix != ".xml":
        raise InvalidInputError("--sleep belongs to a platform: --out of .xml and --nodes")
    columns = {"power": power, "energy": energy, "load": load, "time": time, "interval": interval}
    columns |= {"device": device, "setting": setting, "rate": rate}
    chosen = {role: column for role, column in columns.items() if column is not None}
    if is_curve_file(samples) and not chosen:
        report, text = _curve(samples, app_class, host_w, want=out is not None, as_json=as_json)
    else:
        if host_w is not None:
            raise InvalidInputError("--host-w is for a curve file; samples say the powers themselves")
        options = _options(settle, average, affine, quantiles, combine, setting_step, speed or [], seed)
        report, text = _fit(samples, chosen, devices, wrap, options, want=out is not None, as_json=as_json)
    typer.echo(report)
    if out is not None:
        _write(out, text, nodes, sleep or [], name)


def _options(
    settle: float,
    average: float,
    affine: bool,
    quantiles: str | None,
    combine: str,
    step: float,
    speed: Sequence[str],
    seed: int,
) -> FitOptions:
    from wattq.errors import InvalidInputError
    from wattq.platforms.calibrate import FitOptions

    if combine not in ("mean", "sum"):
        raise InvalidInputError(f"--combine '{combine}': there are mean and sum")
    how: Literal["mean", "sum"] = "sum" if combine == "sum" else "mean"
    pair = watts("--quantiles", quantiles, 2, 2) if quantiles is not None else None
    speeds = dict(_speed(text) for text in speed)
    return FitOptions(settle, average, affine, (pair[0], pair[1]) if pair else None, how, step, speeds, seed)


def _speed(text: str) -> tuple[float, float]:
    from wattq.errors import InvalidInputError

    setting, _, value = text.partition("=")
    try:
        return float(setting), float(value)
    except ValueError:
        raise InvalidInputError(f"--speed '{text}': write SETTING=SPEED, as 150=0.9") from None


def _fit(
    path: Path,
    columns: dict[str, str],
    devices: int | None,
    wrap: float | None,
    options: FitOptions,
    *,
    want: bool,
    as_json: bool,
) -> tuple[str, str]:
    import json

    from wattq.platforms.calibrate import (
        ReadOptions,
        calibrate_power,
        calibration_json,
        calibration_text,
        calibration_yaml,
        read_samples,
    )

    result = calibrate_power(read_samples(path, ReadOptions(columns, devices, wrap)), options)
    report = json.dumps(calibration_json(result), indent=2) if as_json else calibration_text(result)
    return report, calibration_yaml(result) if want else ""


def _curve(path: Path, app_class: str, host_w: str | None, *, want: bool, as_json: bool) -> tuple[str, str]:
    import json
    from dataclasses import asdict

    from wattq.errors import InvalidInputError
    from wattq.platforms.calibrate import curve_yaml
    from wattq.platforms.measured import curves_text, read_curves

    measured = read_curves(path)
    curve = pick("--class", app_class, measured.curves)
    report = json.dumps(asdict(measured), indent=2) if as_json else curves_text(measured)
    if not want:
        return report, ""
    if host_w is None:
        raise InvalidInputError("a curve says ratios only; add --host-w IDLE_W:FULL_W of the host that follows it")
    idle_w, full_w, *fixed = watts("--host-w", host_w, 2, 3)
    fixed_w = fixed[0] if fixed else 0.0
    return report, curve_yaml(measured, curve, idle_w=idle_w, full_w=full_w, fixed_w=fixed_w)


def _write(out: Path, text: str, nodes: int | None, sleep: Sequence[str], name: str) -> None:
    from wattq.platforms import make_platform
    from wattq.platforms.states_file import parse_states, write_states

    if nodes is None:
        write_states(out, text)
        typer.echo(f"{out}: power states", err=True)
        return
    states = parse_states(text, str(out))
    notes = states.provenance()
    write(make_platform(nodes, states.compute_states(), [sleep_state(s) for s in sleep], name=name, notes=notes), out)
