"""``wattq platform``: make, show and lint machines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattq.cli import platform_calibrate, platform_make, platform_power

if TYPE_CHECKING:
    from wattq.platforms import Platform

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Make, show, check and calibrate platforms (SimGrid XML).")

_Master = Annotated[str, typer.Option("--master-host", "-m", help="Host that runs Batsim's server.")]
_Roles = Annotated[list[str] | None, typer.Option("--role", "-r", help="HOSTS:ROLE, as Batsim's -r; repeatable.")]
_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def join(
    platforms: Annotated[
        list[str], typer.Argument(help="SITE=PLATFORM, or a preset or SimGrid XML file that is called like its site.")
    ],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write; standard output when absent.")] = None,
    name: Annotated[str, typer.Option(help="Name of the machine.")] = "sites",
) -> None:
    """Write one platform with the machines of several sites; each host has the property `site`."""
    from wattq.errors import InvalidInputError
    from wattq.platforms import join_platforms, load_platform

    sites: dict[str, Platform] = {}
    for text in platforms:
        site, sign, place = text.partition("=")
        if not sign:
            site, place = Path(text).stem, text
        if site in sites:
            raise InvalidInputError(f"site '{site}' is given twice; write SITE=PLATFORM with another name")
        sites[site] = load_platform(place)
    platform_make.write(join_platforms(sites, name=name), out)


@app.command()
def effective(
    platform: Annotated[str, typer.Argument(help="Preset or SimGrid XML file.")],
    beta: Annotated[float, typer.Option(help="Sensitivity of the work to speed, 0 to 1.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write; standard output when absent.")] = None,
) -> None:
    """Write a platform with the speeds that work of one sensitivity sees, for Batsim, which knows no other."""
    from wattq.platforms import effective_platform, load_platform

    platform_make.write(effective_platform(load_platform(platform), beta), out)


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
        width = max(map(len, PRESETS))
        lines = [f"{name:<{width}} {text}" for name, text in PRESETS.items()]
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


app.command("make")(platform_make.make)
app.command("calibrate")(platform_calibrate.calibrate)
app.command("curves")(platform_power.curves)
app.command("energy")(platform_power.energy)
