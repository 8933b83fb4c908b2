"""``wattq config``: the settings in force."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Settings of loggers, store, exporters, HTTP API and Slurm hooks.")

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="Settings file (default: $WATTQ_CONFIG, the user's, then /etc/wattq/wattq.yaml)."),
]


@app.callback()
def _group() -> None:
    pass


@app.command()
def show(config: ConfigFile = None) -> None:
    """Print every setting in force, where it comes from, and what it is; passwords are not shown."""
    from wattq.settings import find_settings, load_settings, settings_origins, shown

    settings, origins = load_settings(config), settings_origins(config)
    typer.echo(f"# settings file: {find_settings(config) or 'none'}")
    for section in type(settings).model_fields:
        part = getattr(settings, section)
        typer.echo(f"{section}:")
        for key, field in type(part).model_fields.items():
            value = shown(getattr(part, key))
            typer.echo(f"  {key}: {value or repr('')}  # {field.description} ({origins[f'{section}.{key}']})")
