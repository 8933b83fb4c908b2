"""What wattq finds on this machine: libraries, programs, sensors, traces."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import re
from collections.abc import Iterator

from wattq import __version__
from wattq.experiments.batsim.installed import programs

__all__ = ["core_is_complete", "doctor_lines"]

_REMEDIES = {"batsim": "pip install --no-deps pybatsim==4.0.0a0 (its pin of pyzmq cannot be met; a newer pyzmq works)"}
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_EXTRA = re.compile(r"extra\s*==\s*['\"]([^'\"]+)['\"]")


def doctor_lines() -> Iterator[str]:
    """Yield the report, line by line."""
    yield f"wattq {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    needs = _requirements()
    for extra in sorted(needs, key=lambda name: (name != "", name)):
        yield ""
        yield f"extra '{extra}'" if extra else "core libraries"
        missing = [name for name in needs[extra] if not _version(name)]
        yield from (f"  {'ok' if _version(name) else 'MISSING':8}{name} {_version(name)}" for name in needs[extra])
        if missing:
            plain = f"pip install 'wattq[{extra}]'" if extra else "pip install wattq"
            yield f"  to get them: {_REMEDIES.get(extra, plain)}"
    yield ""
    yield "programs"
    for program in programs():
        yield f"  {program.state:8}{program.name} {program.version}".rstrip() + f": {program.purpose}"
        if program.remedy:
            yield f"          {program.remedy}"
    yield ""
    yield "sensors (wattq telemetry node)"
    yield from (f"  {line}" for line in _sensors())
    yield ""
    yield "traces of the catalogue (wattq data list)"
    yield from (f"  {line}" for line in _traces())


def core_is_complete() -> bool:
    """Return whether every library that wattq itself needs is installed."""
    return all(_version(name) for name in _requirements().get("", []))


def _requirements() -> dict[str, list[str]]:
    """Return the names of the required libraries by extra; the core is the extra ''."""
    try:
        lines = importlib.metadata.requires("wattq") or []
    except importlib.metadata.PackageNotFoundError:
        lines = []
    found: dict[str, list[str]] = {"": []}
    for line in lines:
        extra = _EXTRA.search(line)
        name = _NAME.match(line)
        if name is not None:
            found.setdefault(extra.group(1) if extra else "", []).append(name.group())
    return found


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _sensors() -> Iterator[str]:
    from wattq.telemetry.meters import find_meters

    found = find_meters()
    yield from (f"{'here':8}{meter.name}: {', '.join(meter.devices())}" for meter in found.meters)
    yield from (f"{'absent':8}{name}: {why}" for name, why in found.missing.items())
    found.close()


def _traces() -> Iterator[str]:
    from wattq.errors import WattqError
    from wattq.experiments.inputs import data_dirs
    from wattq.workloads import TRACES, cache_dir, find_trace

    for name in sorted(TRACES):
        try:
            path = find_trace(name, data_dirs())
        except WattqError as error:
            yield f"{'DAMAGED':8}{name}: {error}"
            continue
        yield f"{'here':8}{name}: {path}" if path else f"{'absent':8}{name}: wattq data get {name}"
    yield f"cache: {cache_dir()}"
