"""Run directories and files that appear whole or not at all."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from wattq.errors import InvalidInputError
from wattq.experiments.csvfile import find_file

__all__ = [
    "check_target",
    "folder_name",
    "is_run",
    "json_text",
    "run_directories",
    "whole_directory",
    "write_text",
]


def write_text(path: Path, text: str) -> None:
    """Write a file beside its place, then rename it; a reader sees the old content or the new one.

    Raises:
        InvalidInputError: the file cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8", newline="")
        part.replace(path)
    except OSError as error:
        raise InvalidInputError(
            f"{path}: cannot be written ({error.strerror or error}); choose another place"
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def json_text(content: Any) -> str:
    """Return JSON with two blanks of indentation, keys in their order; NaN is refused."""
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


@contextmanager
def whole_directory(target: Path, replaceable: Callable[[Path], bool] | None = None) -> Iterator[Path]:
    """Yield a directory to fill; it takes the target's place when the block ends without an exception.

    Args:
        target: the directory to be.
        replaceable: whether a directory may be replaced; by default one that holds a run.

    Raises:
        InvalidInputError: the target holds something that may not be replaced, or cannot be written.
    """
    check_target(target, replaceable)
    part = target.with_name(f"{target.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        yield part
        _swap(part, target)
    except OSError as error:
        raise InvalidInputError(
            f"{target}: cannot be written ({error.strerror or error}); choose another -o"
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def check_target(target: Path, replaceable: Callable[[Path], bool] | None = None) -> None:
    """Refuse a directory that `whole_directory` would refuse; to be asked before long work.

    Raises:
        InvalidInputError: it holds something that may not be replaced.
    """
    if target.exists() and not (target.is_dir() and ((replaceable or is_run)(target) or not any(target.iterdir()))):
        what = "run directory" if replaceable is None else "earlier result of this command"
        raise InvalidInputError(f"{target}: exists and is no {what}; choose another -o or remove it")


def _swap(part: Path, target: Path) -> None:
    old = target.with_name(f"{target.name}.old.part")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    part.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def is_run(directory: Path) -> bool:
    """Return whether a directory holds the results of a run."""
    return any(find_file(directory, name) is not None for name in ("jobs.csv", "out_jobs.csv"))


def run_directories(place: Path) -> list[Path]:
    """Return the run directories at or below a place, sorted by path.

    Raises:
        InvalidInputError: there is none.
    """
    if is_run(place):
        return [place]
    found = sorted({path.parent for path in place.rglob("*jobs.csv*") if path.is_file()})
    runs = [path for path in found if is_run(path) and not any(part.endswith(".part") for part in path.parts)]
    if not runs:
        raise InvalidInputError(f"{place}: no run directory (a folder with jobs.csv) here or below; give one")
    return runs


def folder_name(text: str) -> str:
    """Return a text as the name of a folder: letters, digits, dots, dashes; other characters become dashes."""
    return re.sub(r"[^A-Za-z0-9.=_+-]+", "-", text).strip("-.") or "run"
