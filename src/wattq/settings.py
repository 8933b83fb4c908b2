"""Settings of what runs for long: loggers, store, exporters, HTTP API, Slurm hooks.

A YAML file gives them by section, environment variables ``WATTQ_<SECTION>_<KEY>`` override it, options of a command
override both. A key that nobody knows is an error, in the file as in the environment.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wattq.errors import InvalidInputError, MissingFileError
from wattq.yaml_model import read_model

__all__ = [
    "ApiSettings",
    "ExporterSettings",
    "HoldSettings",
    "NodeSettings",
    "Settings",
    "SignalSettings",
    "SlurmSettings",
    "StoreSettings",
    "find_settings",
    "load_settings",
    "settings_origins",
    "shown",
]

_PREFIX = "WATTQ_"
_PASSWORD = re.compile(r"(?<=://)([^/@:]*):([^/@]*)@")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class StoreSettings(_Section):
    """Where measurements are kept."""

    url: str = Field(
        default="", description="database: a path of a SQLite file, or a URL such as postgresql://user@host/db"
    )
    spool: str = Field(default="", description="folder of rows that wait for the database")


class NodeSettings(_Section):
    """The node as `wattq.platforms.NodePower` describes it, where no sensor measures its power."""

    name: str = Field(default="", description="name of the node in rows and labels; the host name when empty")
    cpus: int = Field(
        default=0, ge=0, le=1024, description="CPU sockets counted one by one; 0 counts the node as a whole"
    )
    gpus: int = Field(default=0, ge=0, le=1024, description="accelerators")
    node_idle_w: float = Field(default=150.0, ge=0, description="node without its GPUs, no load, W")
    node_full_w: float = Field(default=450.0, ge=0, description="node without its GPUs, full load, W")
    cpu_idle_w: float = Field(default=60.0, ge=0, description="one CPU without load, W")
    cpu_full_w: float = Field(default=220.0, ge=0, description="one CPU under full load, W")
    gpu_idle_w: float = Field(default=40.0, ge=0, description="one GPU without load, W")
    gpu_full_w: float = Field(default=300.0, ge=0, description="one GPU under full load, W")
    other_w: float = Field(default=30.0, ge=0, description="what neither CPUs nor GPUs draw, where CPUs are counted, W")


class SignalSettings(_Section):
    """The grid of the site."""

    carbon: str = Field(default="", description="file of carbon intensities")
    price: str = Field(default="", description="file of prices")
    pue: float = Field(default=1.0, ge=1, description="facility over machine power")
    price_per_kwh: float = Field(default=0.12, description="price where no file gives one, per kWh")
    currency: str = Field(default="USD", description="currency of that price")
    carbon_kg_per_kwh: float = Field(default=0.5, ge=0, description="carbon intensity where no file gives one, kg/kWh")


class ApiSettings(_Section):
    """The HTTP API."""

    host: str = Field(default="127.0.0.1", description="address to listen at")
    port: int = Field(default=5000, ge=0, le=65535, description="port to listen at; 0 takes a free one")
    tokens: str = Field(default="", description="file of hashed tokens; none are asked for when empty")
    runtime_model: str = Field(default="", description="bundle that predicts run times")
    energy_model: str = Field(default="", description="bundle that predicts power")
    redis_url: str = Field(default="", description="Redis for the cache of answers; in process when empty")
    rate_per_s: float = Field(default=10.0, gt=0, description="requests per second and caller, in the long run")
    burst: int = Field(default=20, ge=1, description="requests that a caller may make at once")
    max_body_bytes: int = Field(default=1_000_000, ge=1000, description="largest body of a request")
    cache_ttl_s: float = Field(default=300.0, ge=0, description="how long an answer is kept, s")
    cache_entries: int = Field(default=10_000, ge=0, le=10_000_000, description="most answers kept in process")
    node_cores: int = Field(
        default=0, ge=0, le=100_000, description="cores of a node; jobs are charged their share, whole nodes when 0"
    )
    forecast: str = Field(
        default="persistence", description="forecast of prices and carbon intensities: persistence:DAYS or perfect"
    )


class ExporterSettings(_Section):
    """The Prometheus exporters."""

    host: str = Field(default="127.0.0.1", description="address to listen at")
    node_port: int = Field(default=9301, ge=0, le=65535, description="port of the node exporter; 0 takes a free one")
    slurm_port: int = Field(default=9300, ge=0, le=65535, description="port of the Slurm exporter; 0 takes a free one")
    aliases: bool = Field(default=True, description="show the metrics under their other names, hpc_..., too")
    fresh_s: float = Field(default=1.0, ge=0, le=60, description="how long one reading of the node's sensors serves, s")
    max_jobs: int = Field(default=1000, ge=0, le=100_000, description="jobs with metrics of their own")
    refresh_s: float = Field(default=10.0, gt=0, le=3600, description="seconds between two questions to Slurm")
    usage_s: float = Field(default=30.0, gt=0, le=3600, description="seconds between two questions what jobs use")
    command_s: float = Field(default=20.0, gt=0, le=600, description="longest that a command of Slurm may take, s")
    slurm_state: str = Field(
        default="", description="file of counters and of jobs already counted; in the user's state folder when empty"
    )


class SlurmSettings(_Section):
    """Prolog, epilog and monitor of Slurm, and switching nodes off and on."""

    log_dir: str = Field(default="/var/log/slurm/energy", description="folder of the jobs' logs")
    state_dir: str = Field(default="/run/wattq/slurm", description="folder of what hooks remember of running jobs")
    time_box_s: float = Field(default=5.0, gt=0, le=60, description="longest that a hook may take, s")
    sample_s: float = Field(default=30.0, gt=0, description="seconds between two samples of a job")
    exporter_url: str = Field(
        default="", description="Slurm exporter that is told of starts and ends; 'off', or empty for that of exporter"
    )
    api_url: str = Field(
        default="", description="HTTP API asked for predictions; 'off', or empty for that of section api"
    )
    api_token_file: str = Field(default="", description="file that holds the token for the HTTP API")
    post_s: float = Field(default=2.0, gt=0, le=60, description="longest wait for the exporter or the API, s")
    deliver_s: float = Field(default=30.0, gt=0, description="longest that a job's rows are tried on the database, s")
    gpu_caps: str = Field(
        default="", description="cap on each GPU of a job by its QoS, W, such as energy_efficient=250,low=200"
    )
    power_method: str = Field(
        default="command", pattern="^(command|ipmi|ssh)$", description="how nodes are switched: command, ipmi or ssh"
    )
    suspend_command: str = Field(default="", description="command that switches {node} off, for power_method command")
    resume_command: str = Field(default="", description="command that switches {node} on, for power_method command")
    bmc: str = Field(default="{node}-bmc", description="address of a node's management controller, for ipmi")
    bmc_user: str = Field(default="", description="user of the management controllers, for ipmi")
    bmc_password_file: str = Field(default="", description="file that holds their password, for ipmi")
    ssh_off: str = Field(default="systemctl poweroff", description="what a node runs to switch itself off, for ssh")
    wake_command: str = Field(default="", description="command that wakes {node}, for ssh, such as ether-wake {node}")
    power_log: str = Field(default="/var/log/slurm/wattq-power.log", description="log of switching nodes off and on")
    power_dry_run: bool = Field(default=False, description="write what would be switched into the log, switch nothing")


class HoldSettings(_Section):
    """Holding jobs of a live Slurm that agreed to wait, ``wattq slurm hold``."""

    signal: Literal["carbon", "price"] = Field(default="carbon", description="what jobs wait for: carbon or price")
    forecast: str = Field(
        default="published", description="forecast: published (what the file says), persistence, persistence:DAYS"
    )
    qos: str = Field(default="", description="QOS whose jobs agreed to wait, and how long: green=12h,flex=1d")
    max_wait_s: float = Field(
        default=86400.0, ge=0, le=2_592_000, description="longest wait of any job from its submission, s"
    )
    step_s: float = Field(default=3600.0, ge=1, le=86400, description="steps at which begin times are chosen, s")
    min_gain: float = Field(default=0.02, ge=0, lt=1, description="by how much better the time must be, a share")
    empty_gain: float = Field(
        default=0.1, ge=0, lt=1, description="the same where the machine would stand empty, a share"
    )
    run_share: float = Field(default=0.5, gt=0, le=1, description="expected run time as a share of the time limit")
    min_area_s: float = Field(default=0.0, ge=0, description="work below which no job waits, host-seconds")
    share: float = Field(default=0.5, ge=0, le=1, description="held work at most, as a share of all work")
    interval_s: float = Field(default=300.0, ge=1, le=86400, description="time between two looks at the queue, s")
    time_box_s: float = Field(default=30.0, gt=0, le=600, description="longest that a command of Slurm may take, s")
    folder: str = Field(default="/var/lib/wattq/hold", description="folder of audit log, lock and kill switch")
    kill_file: str = Field(default="", description="file that stops all holding while it is there (FOLDER/stop)")


class Settings(_Section):
    """All settings, by section.

    Attributes:
        store: where measurements are kept.
        node: power of the node without sensors.
        signals: carbon intensity and price.
        api: the HTTP API.
        exporter: the Prometheus exporters.
        slurm: hooks of Slurm.
        hold: holding jobs that agreed to wait.
    """

    store: StoreSettings = StoreSettings()
    node: NodeSettings = NodeSettings()
    signals: SignalSettings = SignalSettings()
    api: ApiSettings = ApiSettings()
    exporter: ExporterSettings = ExporterSettings()
    slurm: SlurmSettings = SlurmSettings()
    hold: HoldSettings = HoldSettings()


@dataclass(frozen=True)
class _Given:
    """What the environment sets: values by section and key, and the variables that set them."""

    values: dict[str, dict[str, str]]
    names: dict[tuple[str, str], str]


def find_settings(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the settings file in use: `path`, $WATTQ_CONFIG, the user's, the machine's, or None."""
    if path is not None:
        return path
    if environ.get("WATTQ_CONFIG"):
        return Path(environ["WATTQ_CONFIG"])
    own = Path(environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME") or "/nonexistent") / ".config")
    return next(
        (file for file in (own / "wattq" / "wattq.yaml", Path("/etc/wattq/wattq.yaml")) if file.is_file()), None
    )


def load_settings(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of the file and the environment, and defaults for the rest.

    Args:
        path: the file; None looks as `find_settings` does.
        environ: environment variables.

    Raises:
        MissingFileError: the file that was named is not there.
        InvalidInputError: a key is unknown or a value breaks its rule; the message names the place and the rule.
    """
    file = find_settings(path, environ)
    settings = Settings() if file is None else _read(file)
    given = _environment(environ)
    content = settings.model_dump()
    for section, values in given.values.items():
        content[section].update(values)
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InvalidInputError(_refusal(dict(first), given)) from None


def settings_origins(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return where each setting comes from, by ``section.key``.

    Raises:
        MissingFileError: as `load_settings`.
        InvalidInputError: as `load_settings`.
    """
    load_settings(path, environ)
    file = find_settings(path, environ)
    settings = Settings() if file is None else _read(file)
    names = _environment(environ).names
    origins: dict[str, str] = {}
    for section in Settings.model_fields:
        part = getattr(settings, section)
        for key in type(part).model_fields:
            in_file = section in settings.model_fields_set and key in part.model_fields_set
            origins[f"{section}.{key}"] = names.get((section, key)) or (str(file) if in_file else "default")
    return origins


def shown(value: object) -> str:
    """Return a value as text, without the password that an address may hold."""
    return _PASSWORD.sub(r"\1:***@", str(value))


def _read(file: Path) -> Settings:
    try:
        if not file.read_text(encoding="utf-8").strip():
            return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise MissingFileError(f"{file}: cannot be read ({error}); check the path") from None
    return read_model(file, Settings, f"is no settings file; write sections: {', '.join(Settings.model_fields)}")


def _environment(environ: Mapping[str, str]) -> _Given:
    given = _Given({}, {})
    for name, text in environ.items():
        section, _, key = name.removeprefix(_PREFIX).lower().partition("_")
        field = Settings.model_fields.get(section) if name.startswith(_PREFIX) else None
        if field is None or not key:
            continue
        keys = list(type(field.default).model_fields)
        if key not in keys:
            near = difflib.get_close_matches(key, keys, n=1)
            hint = f"did you mean {_variable(section, near[0])}" if near else f"there are {', '.join(keys)}"
            raise InvalidInputError(f"environment, {name}: is no setting of wattq; {hint}")
        given.values.setdefault(section, {})[key] = text
        given.names[section, key] = f"${name}"
    return given


def _variable(section: str, key: str) -> str:
    return f"{_PREFIX}{section.upper()}_{key.upper()}"


def _refusal(error: dict[str, Any], given: _Given) -> str:
    section, key = str(error["loc"][0]), str(error["loc"][1])
    return f"environment, {given.names.get((section, key), f'{section}.{key}')}: {error['input']!r}: {error['msg']}"
