"""How functions of this project are compiled.

numba's on-disk cache notices a change of the file that holds a function, but not of the files whose functions it
inlines. So the cache lives in a folder named by the contents of every compiled module and the versions of what
compiles them: a changed source never meets stale machine code.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

__all__ = ["inlined", "jitted"]

F = TypeVar("F", bound=Callable[..., Any])


def _digest() -> str:
    """Return a digest of the compiled modules (size, date and name of each) and of the compiler's version."""
    import llvmlite
    import numba

    rooms = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256(f"{numba.__version__} {llvmlite.__version__} {np.__version__}".encode())
    for room in ("simulator", "schedulers"):
        for path in sorted((rooms / room).rglob("*.py")):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _cache_dir() -> Path:
    """Return the folder for compiled code: the user's cache, or a temporary one where that cannot be written."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "wattq" / "compiled" / _digest()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.gettempdir()) / f"wattq-compiled-{os.getuid()}" / _digest()
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def _prepare() -> None:
    """Point numba's cache at the folder for these sources."""
    import numba.core.config as config

    if not os.environ.get("NUMBA_CACHE_DIR"):
        config.CACHE_DIR = str(_cache_dir())


_prepare()


def jitted(function: F) -> F:
    """Compile a function in numba's nopython mode and keep the machine code on disk."""
    import numba

    compiled: F = numba.njit(cache=True, error_model="numpy", nogil=True)(function)
    return compiled


def inlined(function: F) -> F:
    """Compile a small function that its callers always inline (arrays as arguments make calls dear)."""
    import numba

    compiled: F = numba.njit(error_model="numpy", forceinline=True, nogil=True)(function)
    return compiled
