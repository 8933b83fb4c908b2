"""Digests of what decides a cell's results: its input files and the code."""

from __future__ import annotations

import hashlib
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import wattq
from wattq.experiments.inputs import beside, data_dirs

__all__ = ["anchored", "code_digest", "described", "file_digest", "text_digest"]

_ROOMS = ("platforms", "workloads", "simulator", "schedulers", "surrogates")
_LEARNING = ("training", "node_power", "sc20")
"""Of the learned policies: what no simulation of a log runs."""
_STUDIES = (
    "accounting",
    "batsim",
    "study",
    *(f"{name}.py" for name in ("engines", "fairness", "inputs", "metrics", "reading", "results", "runner")),
    *(f"{name}.py" for name in ("timelines", "waits", "windows")),
    *(f"campaign/{name}.py" for name in ("machines", "measuring", "sites", "work")),
)
_CHUNK = 2**20


@cache
def code_digest() -> str:
    """Return a digest of wattq's version and of the sources that decide results, as they are when first asked for.

    A worker that lives long keeps the code that it began with; this tells.
    """
    digest = hashlib.sha256(wattq.__version__.encode())
    root = Path(wattq.__file__).resolve().parent
    places = [*(root / room for room in _ROOMS), *(root / "experiments" / name for name in _STUDIES)]
    for path in sorted(path for place in places for path in ([place] if place.is_file() else place.rglob("*.py"))):
        if any(path.is_relative_to(root / "schedulers" / "rl" / name) for name in _LEARNING):
            continue
        digest.update(str(path.relative_to(root)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


@lru_cache(maxsize=100_000)
def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file; each is read once in a process."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def described(content: dict[str, Any], base: Path | None) -> dict[str, Any]:
    """Return what decides the results of a cell: its keys without names for tables, and files as their digests.

    Args:
        content: a campaign of one workload, one policy and one grid at most, as plain lists and mappings.
        base: directory that relative paths refer to first.

    Raises:
        WattqError: a file is missing.
    """
    told = ("name", "title", "description", "outputs", "weights", "factors", "exclude", "slurm", "platform", "tau_s")
    found = {key: value for key, value in content.items() if key not in told}
    found["tau_s"] = float(content.get("tau_s", 10.0))
    workload = dict(content["workloads"][0])
    found["platform"] = _platform(str(workload.pop("platform", None) or content.get("platform")), base)
    found["workloads"] = [_workload(workload, base)]
    found["policies"] = [_policy(content["policies"][0], base)]
    if workload.get("generate") is None:
        found["seeds"] = []
    if content.get("signals"):
        found["signals"] = [_grid(spec, base) for spec in content["signals"].values()]
    if (content.get("site") or {}).get("temperature"):
        found["site"] = {**content["site"], "temperature": _series(content["site"]["temperature"], base)}
    return found


def _platform(name: str, base: Path | None) -> str:
    from wattq.platforms import PRESETS

    path = Path(beside(name, base))
    return name if name in PRESETS or not path.is_file() else file_digest(path.resolve())


def _workload(spec: dict[str, Any], base: Path | None) -> dict[str, Any]:
    found = {key: value for key, value in spec.items() if key != "label"}
    if spec.get("source") is not None:
        found["source"] = _trace(str(spec["source"]), base)
    return found


@lru_cache(maxsize=10_000)
def _trace(name: str, base: Path | None) -> str:
    from wattq.workloads import locate_workload

    return file_digest(Path(locate_workload(beside(name, base), data_dirs=data_dirs())).resolve())


def _policy(spec: dict[str, Any], base: Path | None) -> dict[str, Any]:
    params = {key: _content(value, base) for key, value in (spec.get("params") or {}).items()}
    return {"name": _content(spec["name"], base), "params": params}


def _content(value: Any, base: Path | None) -> Any:
    """Return the digest of a file that a text names, else the value: models and series are what they hold."""
    path, rest = _file(value, base)
    return value if path is None else f"{file_digest(path)}{rest}"


def _file(value: Any, base: Path | None) -> tuple[Path | None, str]:
    """Return the file that a text such as ``easy.py:Easy`` names, and the rest of it; None where there is none."""
    if not isinstance(value, str) or len(value) > 1000 or ("." not in value and "/" not in value):
        return None, ""
    name, colon, rest = value.partition(":")
    path = Path(beside(name, base))
    return (path.resolve(), colon + rest) if path.is_file() else (None, "")


def anchored(value: Any, base: Path | None) -> Any:
    """Return a text that names a file with the file's whole path, which means the same in every process."""
    path, rest = _file(value, base)
    return value if path is None else f"{path}{rest}"


def _grid(spec: dict[str, Any], base: Path | None) -> dict[str, Any]:
    found = {key: value for key, value in spec.items() if key != "note"}
    for quantity in ("carbon", "price"):
        files = spec.get(quantity)
        if files is not None:
            found[quantity] = [_series(name, base) for name in ([files] if isinstance(files, str) else files)]
    return found


@lru_cache(maxsize=10_000)
def _series(name: str, base: Path | None) -> str:
    from wattq.telemetry import locate_series, series_dirs

    return file_digest(Path(locate_series(beside(name, base), data_dirs=series_dirs())).resolve())


def text_digest(text: str) -> str:
    """Return the begin of the SHA-256 of a text, as names of files have it."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
