"""Results that took long, kept by what they were computed from, so that a second run goes on where one was stopped."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.files import write_whole

__all__ = ["Cache", "code_digest", "default_cache"]

_HERE = ("effect", "logs", "models", "search", "spaces", "tasks")
_APART = ("energy", "explain")
"""Folders of the models that have no part in run times."""

_PACKAGES = ("numpy", "numba", "scipy", "scikit-learn", "torch", "optuna")


def default_cache() -> Path:
    """Return the folder of results in the user's cache."""
    from wattq.workloads.fetch import cache_dir

    return cache_dir() / "evaluate"


@functools.cache
def code_digest() -> str:
    """Return the sha256 of the code that results depend on, and of the versions of the libraries that it calls."""
    total = hashlib.sha256()
    for path in _sources():
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    for package in _PACKAGES:
        total.update(f"{package}={_version(package)}\n".encode())
    return total.hexdigest()


def _sources() -> list[Path]:
    """Return the files of the models and of the simulations that use them."""
    import wattq.experiments.published
    import wattq.surrogates

    folders = [Path(place).resolve() for place in (*wattq.surrogates.__path__, *wattq.experiments.published.__path__)]
    found = [path for folder in folders for path in sorted(folder.rglob("*.py")) if path.parent.name not in _APART]
    here = Path(__file__).resolve().parent
    return [*found, *(here / f"{name}.py" for name in _HERE)]


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


class Cache:
    """Arrays by key in a folder, one file each; a damaged or missing file counts as absent.

    Args:
        folder: where the files are; None keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def path(self, key: Mapping[str, Any]) -> Path:
        """Return the file of a key; the code and its libraries are part of every key.

        Raises:
            ValueError: when the cache keeps nothing.
        """
        if self.folder is None:
            raise ValueError("this cache keeps nothing")
        text = json.dumps({**key, "code": code_digest()}, sort_keys=True)
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:40]}.npz"

    def get(self, key: Mapping[str, Any]) -> dict[str, NDArray[Any]] | None:
        """Return the arrays of a key, or None where there are none."""
        if self.folder is None:
            return None
        try:
            with np.load(io.BytesIO(self.path(key).read_bytes()), allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files}
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error):
            return None

    def put(self, key: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep arrays under a key.

        Raises:
            MissingFileError: when the folder cannot be written.
        """
        if self.folder is None:
            return
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **dict(arrays))
        write_whole(self.path(key), buffer.getvalue())
