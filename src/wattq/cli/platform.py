"""``wattq platform``: make, show and lint machines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wattq.platforms import ComputeState, Platform, SleepState

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Make, show and check platforms (SimGrid XML).")

_Master = Annotated[str, typer.Option("--master-host", "-m", help="Host that runs Batsim's server.")]
_Roles = Annotated[list[str] | None, typer.Option("--role", "-r", help="HOSTS:ROLE, as Batsim's -r; repeatable.")]
_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def make(
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write; standard output when absent.")] = None,
    preset: Annotated[str | None, typer.Option(help="Write this preset instead; `show --list` names them.")] = None,
    nodes: Annotated[int | None, typer.Option(help="Number of compute hosts.")] = None,
    state: Annotated[
        list[str] | None,
        typer.Option(help="SPEED or SPEED:IDLE_W[:EPSILON_W]:FULL_W per computing state, as 1Gf:100:200; repeatable."),
    ] = None,
    sleep: Annotated[
        list[str] | None,
        typer.Option(help="POWER_W:OFF_S:OFF_W:ON_S:ON_W per sleep state, as 10:5:125:64:115; repeatable."),
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the machine.")] = "machine",
    prefix: Annotated[str, typer.Option(help="Start of the host names.")] = "h",
    cores: Annotated[int, typer.Option(help="Cores of each host (a job loads one of them).")] = 1,
    prop: Annotated[list[str] | None, typer.Option(help="KEY=VALUE property of every host; repeatable.")] = None,
) -> None:
    """Write a platform of identical hosts, or a preset, as SimGrid XML."""
    from wattq.errors import InvalidInputError
    from wattq.platforms import make_platform

    if preset is not None:
        if nodes is not None or state or sleep or prop:
            raise InvalidInputError("--preset is a whole machine; leave out --nodes, --state, --sleep and --prop")
        _write(_preset(preset), out)
        return
    if nodes is None:
        raise InvalidInputError("say how many hosts: --nodes N, or take a ready machine with --preset NAME")
    states = [_compute_state(text) for text in state or ["1Gf"]]
    platform = make_platform(
        nodes,
        states,
        [_sleep_state(text) for text in sleep or []],
        name=name,
        prefix=prefix,
        cores=cores,
        properties=_properties(prop or []),
    )
    _write(platform, out)


@app.command()
def effective(
    platform: Annotated[str, typer.Argument(help="Preset or SimGrid XML file.")],
    beta: Annotated[float, typer.Option(help="Sensitivity of the work to speed, 0 to 1.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write; standard output when absent.")] = None,
) -> None:
    """Write a platform with the speeds that work of one sensitivity sees, for Batsim, which knows no other."""
    from wattq.platforms import effective_platform, load_platform

    _write(effective_platform(load_platform(platform), beta), out)


@app.command()
def show(
    platform: Annotated[str | None, typer.Argument(help="Preset or SimGrid XML file.")] = None,
    list_presets: Annotated[bool, typer.Option("--list", help="List the presets.")] = False,
    master: _Master = "master_host",
    role: _Roles = None,
    mmax: Annotated[int, typer.Option(help="Keep only the first N compute hosts; 0 keeps all.")] = 0,
    as_json: _AsJson = False,
) -> None:
    """Show hosts, power states, switching times and the cost of control messages."""
    import json

    from wattq.errors import InvalidInputError
    from wattq.platforms import PRESETS, load_platform
    from wattq.platforms.summary import summarise, summary_text

    if list_presets:
        lines = [f"{name:<15} {text}" for name, text in PRESETS.items()]
        typer.echo(json.dumps(dict(PRESETS), indent=2) if as_json else "\n".join(lines))
        return
    if platform is None:
        raise InvalidInputError("say which platform: a preset (see --list) or a SimGrid XML file")
    summary = summarise(load_platform(platform, master=master, roles=role or (), mmax=mmax))
    typer.echo(json.dumps(summary, indent=2) if as_json else summary_text(summary))


@app.command()
def lint(
    platform: Annotated[Path, typer.Argument(help="SimGrid XML file.")],
    master: _Master = "master_host",
    role: _Roles = None,
    as_json: _AsJson = False,
) -> None:
    """Report what makes Batsim abort or count wrong energy; exit code 2 when there are errors."""
    import json
    from dataclasses import asdict

    from wattq.platforms import lint_platform

    findings = lint_platform(platform, master=master, roles=role or ())
    errors = sum(finding.severity == "error" for finding in findings)
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            typer.echo(f"{finding.place}: {finding.severity}: {finding.message}")
        typer.echo(f"{platform}: {errors} error(s), {len(findings) - errors} warning(s)")
    if errors:
        raise typer.Exit(2)


def _preset(name: str) -> Platform:
    import difflib

    from wattq.errors import InvalidInputError
    from wattq.platforms import PRESETS, load_platform

    if name not in PRESETS:
        near = difflib.get_close_matches(name, PRESETS, n=3) or list(PRESETS)
        raise InvalidInputError(f"--preset '{name}': no such preset; there are {', '.join(near)}")
    return load_platform(name)


def _write(platform: Platform, out: Path | None) -> None:
    from wattq.platforms import platform_xml, write_platform

    if out is None:
        typer.echo(platform_xml(platform), nl=False)
        return
    write_platform(platform, out)
    typer.echo(f"{out}: {platform.n_compute} compute hosts", err=True)


def _compute_state(text: str) -> ComputeState:
    from wattq.errors import InvalidInputError
    from wattq.platforms import ComputeState
    from wattq.platforms.units_text import parse_speed

    speed, *watts = text.split(":")
    if len(watts) not in (0, 2, 3):
        raise InvalidInputError(f"--state '{text}': write SPEED, SPEED:IDLE_W:FULL_W or SPEED:IDLE_W:EPSILON_W:FULL_W")
    try:
        flops = parse_speed(speed)
    except ValueError as error:
        raise InvalidInputError(f"--state '{text}': {error}") from None
    if not watts:
        return ComputeState(flops)
    idle, *epsilon, full = _numbers("--state", text, watts)
    return ComputeState(flops, idle, full, epsilon[0] if epsilon else None)


def _sleep_state(text: str) -> SleepState:
    from wattq.errors import InvalidInputError
    from wattq.platforms import SleepState

    parts = text.split(":")
    if len(parts) != 5:
        raise InvalidInputError(f"--sleep '{text}': write POWER_W:OFF_S:OFF_W:ON_S:ON_W, as 10:5:125:64:115")
    return SleepState(*_numbers("--sleep", text, parts))


def _numbers(option: str, text: str, parts: Sequence[str]) -> list[float]:
    from wattq.errors import InvalidInputError

    try:
        return [float(part) for part in parts]
    except ValueError:
        raise InvalidInputError(f"{option} '{text}': every field but the speed is a plain number (W or s)") from None


def _properties(pairs: Sequence[str]) -> dict[str, str]:
    from wattq.errors import InvalidInputError

    properties = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign or not key:
            raise InvalidInputError(f"--prop '{pair}': write KEY=VALUE")
        properties[key] = value
    return properties
