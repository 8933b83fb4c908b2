"""How functions of this project are compiled.

numba's on-disk cache notices a change of the file that holds a function, but not of the files whose functions it
inlines. So the cache lives in a folder named by the contents of every compiled module and the versions of what
compiles them: a changed source never meets stale machine code.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

__all__ = ["inlined", "jitted", "summing"]

_IMPORT = re.compile(rb"^from wattq\.(\w+)\.(\w+) import", re.MULTILINE)
_IMPORT_AS = re.compile(rb"^from wattq\.(\w+) import (\w+) as", re.MULTILINE)

F = TypeVar("F", bound=Callable[..., Any])


@cache
def _digest(rooms: tuple[str, ...]) -> str:
    """Return a digest of the sources of these rooms and of the versions of what compiles them."""
    import llvmlite
    import numba

    top = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256(f"{numba.__version__} {llvmlite.__version__} {np.__version__}".encode())
    for path, source in sorted(_compiled_sources(top, rooms).items()):
        digest.update(path.encode() + source)
    return digest.hexdigest()[:16]


def _compiled_sources(top: Path, rooms: tuple[str, ...]) -> dict[str, bytes]:
    """Return the modules of these rooms that hold compiled functions, and those that they import, by relative path."""
    sources = {f"{room}/{path.stem}": path.read_bytes() for room in rooms for path in (top / room).glob("*.py")}
    waiting = [name for name, source in sources.items() if b"simulator.jit import" in source or name == "simulator/jit"]
    found: dict[str, bytes] = {}
    while waiting:
        name = waiting.pop()
        if name in sources and name not in found:
            found[name] = sources[name]
            waiting.extend("/".join(part.decode() for part in parts) for parts in _IMPORT.findall(sources[name]))
            waiting.extend(f"{room.decode()}/{module.decode()}" for room, module in _IMPORT_AS.findall(sources[name]))
    return found


@cache
def _cache_dir(rooms: tuple[str, ...]) -> str:
    """Return the folder for compiled code: in the user's cache, or a temporary one where that cannot be written."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "wattq" / "compiled" / _digest(rooms)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.gettempdir()) / f"wattq-compiled-{os.getuid()}" / _digest(rooms)
        folder.mkdir(parents=True, exist_ok=True)
    return str(folder)


def jitted(function: F) -> F:
    """Compile a function in numba's nopython mode and keep the machine code on disk."""
    import numba

    config: Any = import_module("numba.core.config")
    if not os.environ.get("NUMBA_CACHE_DIR"):
        simulator = ".simulator." in function.__module__
        config.CACHE_DIR = _cache_dir(("simulator",) if simulator else ("simulator", "schedulers"))
    compiled: Any = numba.njit(cache=True, error_model="numpy", nogil=True)(function)
    return cast("F", compiled)


def inlined(function: F) -> F:
    """Compile a small function for use inside compiled functions only."""
    import numba

    compiled: Any = numba.njit(error_model="numpy", nogil=True)(function)
    return cast("F", compiled)


def summing(function: F) -> F:
    """Compile a function whose sums may be taken in any order, so that they use vector instructions."""
    import numba

    compiled: Any = numba.njit(error_model="numpy", nogil=True, fastmath={"reassoc", "nsz", "nnan"})(function)
    return cast("F", compiled)
