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

_IMPORT = re.compile(rb"^from wattq\.([\w.]+)\.(\w+) import", re.MULTILINE)
_IMPORT_AS = re.compile(rb"^from wattq\.(\w+) import (\w+) as", re.MULTILINE)

_LEARNING = "schedulers/rl"

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
    places = [path for room in {*rooms, "simulator", "schedulers", "surrogates"} for path in (top / room).rglob("*.py")]
    sources = {path.relative_to(top).with_suffix("").as_posix(): path.read_bytes() for path in places}
    parents = tuple(f"{room}/" for room in rooms)
    # Learning stands apart: what it compiles uses the simulator and the schedulers, and is used by neither.
    apart = () if any(room.startswith(_LEARNING) for room in rooms) else (f"{_LEARNING}/",)
    own = [
        name
        for name in sources
        if name.startswith(parents) and not name.startswith(apart) and b"simulator.jit import" in sources[name]
    ]
    waiting = ["simulator/jit", *own]
    found: dict[str, bytes] = {}
    while waiting:
        name = waiting.pop()
        if name in sources and name not in found:
            found[name] = sources[name]
            imports = (b"/".join(parts).decode() for parts in _IMPORT.findall(sources[name]))
            waiting.extend(path.replace(".", "/") for path in imports)
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


def _rooms(module: str) -> tuple[str, ...]:
    """Return the rooms whose compiled code the functions of a module may use."""
    # Only what these import from the simulator and the schedulers makes them stale, which `_digest` follows.
    if module.startswith("wattq.surrogates."):
        return ("surrogates",)
    if module.startswith(("wattq.experiments.", "wattq.schedulers.rl.")):
        return (module.removeprefix("wattq.").rpartition(".")[0].replace(".", "/"),)
    return ("simulator",) if ".simulator." in module else ("simulator", "schedulers")


def jitted(function: F) -> F:
    """Compile a function in numba's nopython mode and keep the machine code on disk."""
    import numba

    config: Any = import_module("numba.core.config")
    if not os.environ.get("NUMBA_CACHE_DIR"):
        config.CACHE_DIR = _cache_dir(_rooms(function.__module__))
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
