"""``wattq slurm hold``: hold and release jobs that agreed to wait; a dry run unless told to act."""

from __future__ import annotations

import signal as signals
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wattq.cli.slurm_advise import CarbonOption, ConfigOption, PriceOption, RecordedOption, node_power, source
from wattq.errors import InvalidInputError

if TYPE_CHECKING:
    from wattq.schedulers.slurm.holder import Holder
    from wattq.settings import Settings

__all__ = ["hold", "plugin"]


def hold(
    apply: Annotated[bool, typer.Option("--apply", help="Act; without it nothing is changed.")] = False,
    once: Annotated[bool, typer.Option("--once", help="Look once and end.")] = False,
    interval: Annotated[
        float | None,
        typer.Option(min=1, help="Look again and again, so many seconds apart (default: hold.interval_s)."),
    ] = None,
    release_all: Annotated[
        bool, typer.Option("--release-all", help="Pull the kill switch and let go at once all that is held here.")
    ] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Print what holding has saved so far by the audit log.")
    ] = False,
    signal: Annotated[str, typer.Option(help="What jobs wait for: carbon or price (default: hold.signal).")] = "",
    carbon: CarbonOption = "",
    price: PriceOption = "",
    folder: Annotated[
        Path | None, typer.Option(help="Folder of audit log, lock and kill switch (default: hold.folder).")
    ] = None,
    platform: Annotated[
        str, typer.Option("--platform", "-p", help="Preset or XML file of the machine (default: section node).")
    ] = "",
    recorded: RecordedOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each look.")] = False,
    config: ConfigOption = None,
) -> None:
    """Hold jobs that agreed to wait until cleaner or cheaper hours; by begin times, which pass by themselves.

    Says what it would do. With --apply it does it, again and again, or once with --once.
    """
    settings = _settings(config, signal, carbon, price, folder)
    if sum((once, interval is not None, release_all, report)) > 1:
        raise InvalidInputError("--once, --interval, --release-all and --report exclude each other; give one of them")
    if recorded is not None and (apply or release_all):
        raise InvalidInputError("--recorded: recorded answers cannot be changed; leave out --apply and --release-all")
    ending = threading.Event()
    holder = _holder(settings, platform, recorded, ending.is_set)
    if report:
        from wattq.schedulers.slurm.hold_text import totals_json, totals_text
        from wattq.schedulers.slurm.outcomes import totals_by_user, totals_of

        events = holder.log.read()
        totals, users = totals_of(events), totals_by_user(events)
        typer.echo(totals_json(totals, users) if json else totals_text(totals, users, holder.currency))
    elif release_all:
        _tell(holder.release_all("pulled by wattq slurm hold --release-all"), json, settings)
        typer.echo(f"nothing is held while {holder.kill_file} is there; remove it to hold again", err=True)
    else:
        _run(holder, settings, apply, once or (interval is None and not apply), interval, json, ending)


def plugin(
    interval: Annotated[
        float | None, typer.Option(min=1, help="Seconds between two looks of hold (default: hold.interval_s).")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Print job_submit.lua: jobs that agree to wait begin a little later, so that hold sees them first."""
    from wattq.schedulers.slurm.plugin_text import submit_plugin
    from wattq.settings import load_settings

    hold = load_settings(config).hold
    typer.echo(submit_plugin(hold.model_copy(update={"interval_s": interval or hold.interval_s})), nl=False)


def _run(
    holder: Holder,
    settings: Settings,
    apply: bool,
    once: bool,
    interval: float | None,
    json: bool,
    ending: threading.Event,
) -> None:
    """Look once, or again and again until told to end."""
    from contextlib import nullcontext

    from wattq.schedulers.slurm.holder import hold_lock

    with hold_lock(holder.folder) if apply else nullcontext():
        if once:
            _tell(holder.look(apply), json, settings)
            return
        from wattq.schedulers.slurm.watching import watch

        for number in (signals.SIGTERM, signals.SIGINT):
            signals.signal(number, lambda *_: ending.set())
        watch(
            holder, apply, interval or settings.hold.interval_s, ending, lambda look: _tell(look, json, settings),
            lambda words: typer.echo(f"wattq: {words}", err=True),
        )  # fmt: skip


def _tell(look: Any, json: bool, settings: Settings) -> None:
    from wattq.schedulers.slurm.hold_text import look_json, look_text

    typer.echo(look_json(look) if json else look_text(look, settings.hold.signal))
    for problem in look.problems:
        typer.echo(f"wattq: {problem}", err=True)


def _settings(config: Path | None, signal: str, carbon: str, price: str, folder: Path | None) -> Settings:
    """Return the settings with what the command line says in their place."""
    from wattq.settings import load_settings

    settings = load_settings(config)
    if signal and signal not in ("carbon", "price"):
        raise InvalidInputError(f"--signal '{signal}': jobs wait for carbon or price; give one of them")
    hold = settings.hold.model_copy(
        update={key: value for key, value in (("signal", signal), ("folder", str(folder or ""))) if value}
    )
    given = settings.signals.model_copy(
        update={key: value for key, value in (("carbon", carbon), ("price", price)) if value}
    )
    return settings.model_copy(update={"hold": hold, "signals": given})


def _holder(settings: Settings, platform: str, recorded: Path | None, ending: Callable[[], bool]) -> Holder:
    from wattq.platforms import load_platform
    from wattq.schedulers.slurm.holder import Holder

    ask, clock = source(settings, recorded)
    machine = load_platform(platform) if platform else None
    return Holder(ask, settings.hold, settings.signals, node_power(settings), machine, clock=clock, ending=ending)
