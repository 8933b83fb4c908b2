"""``wattq telemetry exporter``: metrics for Prometheus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from wattq.settings import Settings
    from wattq.telemetry.exporters import Book

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Show metrics of this node, or of Slurm, to Prometheus.")

_Host = Annotated[str | None, typer.Option(help="Address to listen at (default: 127.0.0.1, or exporter.host).")]
_Aliases = Annotated[
    bool | None, typer.Option("--aliases/--no-aliases", help="Show the names hpc_... too (default: yes).")
]
_Once = Annotated[bool, typer.Option("--once", help="Print the metrics once and stop.")]
_Config = Annotated[Path | None, typer.Option("--config", "-c", help="File of settings (see: wattq config show).")]


@app.command()
def node(
    host: _Host = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen at (default: 9301).")] = None,
    aliases: _Aliases = None,
    sysfs_root: Annotated[Path, typer.Option(help="Folder that holds sys and proc, for sensors.")] = Path("/"),
    once: _Once = False,
    config: _Config = None,
) -> None:
    """Show temperatures, power, energy and load of this node.

    A metric whose sensor is missing is absent. SIGTERM ends the exporter.
    """
    import time

    from wattq.telemetry.exporters import MetricsServer, NodeExporter, serve_until_told

    settings = _settings(config, host=host, node_port=port, aliases=aliases)
    exporter = NodeExporter(settings, sysfs_root)
    with exporter.running():
        if once:
            # utilisation is counted between two readings
            time.sleep(max(0.2, settings.exporter.fresh_s))
            exporter.page.refresh()
            _print(exporter.page.book)
            return
        server = MetricsServer(settings.exporter.host, settings.exporter.node_port, exporter.routes)
        for name, why in exporter.missing.items():
            _say(f"without {name}: {why}")
        serve_until_told(server, _say)


@app.command()
def slurm(
    host: _Host = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen at (default: 9300).")] = None,
    aliases: _Aliases = None,
    max_jobs: Annotated[
        int | None, typer.Option(min=0, max=100_000, help="Jobs with metrics of their own (default: 1000).")
    ] = None,
    refresh: Annotated[
        float | None, typer.Option(min=1, max=3600, help="Seconds between two questions to Slurm (default: 10).")
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="File of counters and jobs already counted (default: in ~/.local/state/wattq).")
    ] = None,
    store: Annotated[
        str | None, typer.Option(help="Store with energies of jobs (default: store.url; none when empty).")
    ] = None,
    once: _Once = False,
    config: _Config = None,
) -> None:
    """Show the queue of Slurm, its jobs, their energy, and how many ended.

    Slurm is asked in the background, so that a slow one never delays a scrape. Prolog and epilog may tell it of jobs
    by POST. SIGTERM ends the exporter.
    """
    from wattq.errors import SlurmError
    from wattq.telemetry.exporters import MetricsServer, SlurmExporter, serve_until_told

    given = {"host": host, "slurm_port": port, "aliases": aliases, "max_jobs": max_jobs, "refresh_s": refresh}
    settings = _settings(config, **given, slurm_state=str(state) if state else None)
    if store is not None:
        settings = settings.model_copy(update={"store": settings.store.model_copy(update={"url": store})})
    exporter = SlurmExporter(settings, tell=(lambda text: None) if once else _say)
    if once:
        if not exporter.refresh():
            raise SlurmError(f"Slurm does not answer: {exporter.collector.problems[0]}")
        _print(exporter.page.book)
        return
    server = MetricsServer(settings.exporter.host, settings.exporter.slurm_port, exporter.routes)
    with exporter.running():
        serve_until_told(server, _say)


def _settings(config: Path | None, **given: object) -> Settings:
    """Return the settings of file and environment, with the options that were given over those of the section."""
    from wattq.settings import load_settings

    settings = load_settings(config)
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return settings.model_copy(update={"exporter": settings.exporter.model_copy(update=chosen)})


def _print(book: Book) -> None:
    from wattq.telemetry.exporters import render

    typer.echo(render(book)[0].decode(), nl=False)


def _say(text: str) -> None:
    typer.echo(text, err=True)
