"""``wattq api``: the HTTP API, and its tokens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from wattq.settings import Settings

__all__ = ["app"]

app = typer.Typer(help="Serve predictions and recommendations over HTTP; make tokens for it.")
token = typer.Typer(no_args_is_help=True, help="Make, list and revoke tokens; the file holds hashes alone.")
app.add_typer(token, name="token")

TokenFile = Annotated[
    Path | None, typer.Option("--tokens", help="File of hashed tokens (default: api.tokens of the settings).")
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="Settings file (default: $WATTQ_CONFIG, the user's, then /etc/wattq/wattq.yaml)."),
]


@app.callback(invoke_without_command=True)
def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen at (default: 127.0.0.1).")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen at (default: 5000; 0: a free one).")
    ] = None,
    config: ConfigFile = None,
    runtime_model: Annotated[
        str | None, typer.Option("--runtime-model", help="Bundle of `wattq surrogate train`: predicts run times.")
    ] = None,
    energy_model: Annotated[
        str | None, typer.Option("--energy-model", help="Bundle of `wattq surrogate train-energy`: predicts power.")
    ] = None,
    store: Annotated[
        str | None, typer.Option(help="Store of finished jobs: a path of a SQLite file, or postgresql://...")
    ] = None,
    carbon: Annotated[str | None, typer.Option(help="Series of carbon intensity.")] = None,
    price: Annotated[str | None, typer.Option(help="Series of prices.")] = None,
    forecast: Annotated[
        str | None, typer.Option(help="Forecast of both: persistence, persistence:DAYS or perfect.")
    ] = None,
    tokens: TokenFile = None,
    no_tokens: Annotated[
        bool, typer.Option("--no-tokens", help="Let everybody in, also at an address that others can reach.")
    ] = False,
    redis: Annotated[str | None, typer.Option(help="Redis for the cache: redis://127.0.0.1:6379/0.")] = None,
    rate: Annotated[float | None, typer.Option(min=0.001, help="Requests per second and caller (default: 10).")] = None,
    burst: Annotated[int | None, typer.Option(min=1, help="Requests of a caller at once (default: 20).")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Log more, with tracebacks.")] = False,
) -> None:
    """Serve predictions and recommendations over HTTP until told to stop."""
    if context.invoked_subcommand is not None:
        return
    given: dict[str, dict[str, Any]] = {
        "api": {
            "host": host,
            "port": port,
            "runtime_model": runtime_model,
            "energy_model": energy_model,
            "forecast": forecast,
            "tokens": None if tokens is None else str(tokens),
            "redis_url": redis,
            "rate_per_s": rate,
            "burst": burst,
        },
        "signals": {"carbon": carbon, "price": price},
        "store": {"url": store},
    }
    settings = _settings(config, given)
    from wattq.telemetry.api import serve as run

    run(settings, no_tokens=no_tokens, debug=debug)


@token.command()
def create(
    name: Annotated[str, typer.Argument(help="Who will use it.")], tokens: TokenFile = None, config: ConfigFile = None
) -> None:
    """Make a token and print it; it is shown this once."""
    from wattq.telemetry.api.tokens import create_token

    typer.echo(create_token(_token_file(tokens, config), name))


@token.command("list")
def list_tokens(tokens: TokenFile = None, config: ConfigFile = None) -> None:
    """List the tokens: public part, date, name."""
    from wattq.telemetry.api.tokens import read_tokens

    for entry in read_tokens(_token_file(tokens, config)):
        typer.echo(f"{entry.id}  {entry.created}  {entry.name}")


@token.command()
def revoke(
    name: Annotated[str, typer.Argument(help="Name or public part of the token.")],
    tokens: TokenFile = None,
    config: ConfigFile = None,
) -> None:
    """Revoke a token; a service that runs refuses it within five seconds."""
    from wattq.telemetry.api.tokens import revoke_token

    entry = revoke_token(_token_file(tokens, config), name)
    typer.echo(f"revoked: {entry.id}  {entry.name}")


def _settings(config: Path | None, given: dict[str, dict[str, Any]]) -> Settings:
    """Return the settings in force, with what the command line gives."""
    from pydantic import ValidationError

    from wattq.errors import InvalidInputError
    from wattq.settings import load_settings

    settings = load_settings(config)
    content = settings.model_dump()
    for section, values in given.items():
        content[section].update({key: value for key, value in values.items() if value is not None})
    try:
        return type(settings).model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise InvalidInputError(f"{place}: {first['input']!r}: {first['msg']}") from None


def _token_file(tokens: Path | None, config: Path | None) -> Path:
    from wattq.errors import InvalidInputError

    found = tokens or _settings(config, {}).api.tokens
    if not found:
        raise InvalidInputError("--tokens: no file is named, and api.tokens is not set; give one")
    return Path(found)
