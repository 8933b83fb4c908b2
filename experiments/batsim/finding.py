"""The programs of a simulation with Batsim: Batsim itself (or `wattq-batsim`), and pybatsim, with their versions."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wattq.errors import MissingDependencyError, UnsupportedError

__all__ = [
    "ACCEPTED",
    "BATSIM_VARIABLE",
    "Program",
    "find_batsim",
    "find_pybatsim",
    "find_server",
    "locate",
    "said_version",
]

BATSIM_VARIABLE = "WATTQ_BATSIM"
"""Environment variable that names the program to use in place of ``batsim`` on PATH."""

ACCEPTED = (4, 2)
"""Version of Batsim whose results wattq was checked against: every patch release of it is accepted."""

_VERSION = re.compile(r"(?<![\w.])v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?(?![\d])")
_ANSWER_S = 60.0
_REMEDY = (
    "take Batsim 4.2.x (the shells in nix/ bring it), name the program in WATTQ_BATSIM, or set "
    "WATTQ_BATSIM=wattq-batsim for wattq's own server, which takes Batsim's options"
)
_PYBATSIM_REMEDY = (
    "install it with: pip install --no-deps pybatsim==4.0.0a0 (its pin of pyzmq cannot be met; a newer one works)"
)


@dataclass(frozen=True)
class Program:
    """A program that was found.

    Attributes:
        path: the file that runs.
        version: what it says of its version.
    """

    path: Path
    version: str

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.path.name

    @property
    def title(self) -> str:
        """Name and version, for people."""
        return f"{self.name} {self.version}"


def locate(name: str) -> Path | None:
    """Return the file of a program: a path, a name on PATH, or one that was installed beside this Python."""
    found = shutil.which(name)
    if found is None and os.sep not in name:
        found = shutil.which(name, path=str(Path(sys.executable).parent))
    return None if found is None else Path(found).absolute()


def find_batsim(environ: Mapping[str, str] | None = None) -> Program:
    """Return the Batsim to use: what ``WATTQ_BATSIM`` names, else ``batsim`` on PATH.

    Args:
        environ: environment variables; those of the process by default.

    Raises:
        MissingDependencyError: there is none, or it does not run.
        UnsupportedError: its version is not 4.2.x.
    """
    named = (os.environ if environ is None else environ).get(BATSIM_VARIABLE, "").strip()
    path = locate(named or "batsim")
    if path is None:
        place = f"{BATSIM_VARIABLE}={named}: no such program" if named else "batsim: not on PATH"
        raise MissingDependencyError(f"{place}; {_REMEDY}")
    return _checked(path)


def find_server() -> Program:
    """Return wattq's own protocol server, `wattq-batsim`.

    Raises:
        MissingDependencyError: it is not installed.
    """
    path = locate("wattq-batsim")
    if path is None:
        raise MissingDependencyError(
            "wattq-batsim: not installed; install wattq again (pip install -e . in a checkout)"
        )
    return _checked(path)


def find_pybatsim() -> Program:
    """Return pybatsim 4 with its version; it must be installed in the Python that runs wattq, where the policies are.

    Raises:
        MissingDependencyError: it is not installed.
        UnsupportedError: it is pybatsim 5, or older than 4.
    """
    try:
        version = importlib.metadata.version("pybatsim")
    except importlib.metadata.PackageNotFoundError:
        raise MissingDependencyError(f"pybatsim: not installed beside wattq; {_PYBATSIM_REMEDY}") from None
    if version.partition(".")[0] != "4":
        raise UnsupportedError(f"pybatsim {version}: pybatsim 4 speaks the protocol of Batsim 4.2; {_PYBATSIM_REMEDY}")
    path = shutil.which("pybatsim", path=str(Path(sys.executable).parent)) or shutil.which("pybatsim")
    if path is None:
        raise MissingDependencyError(f"pybatsim {version}: its program is not on PATH; {_PYBATSIM_REMEDY}")
    return Program(Path(path).absolute(), version)


def _checked(path: Path) -> Program:
    """Return a Batsim whose version is accepted."""
    text = said_version(path)
    match = _VERSION.search(text)
    if match is None:
        raise UnsupportedError(f"{path}: '--version' says {text[:60]!r}, which is no version of Batsim; {_REMEDY}")
    number = (int(match[1]), int(match[2]))
    if number[0] >= 5:
        raise UnsupportedError(
            f"{path}: Batsim {text} speaks another protocol (batprotocol, flatbuffers), takes other options and writes "
            f"other files than Batsim 4, and pybatsim 4 cannot talk to it; {_REMEDY}"
        )
    if number != ACCEPTED:
        raise UnsupportedError(
            f"{path}: Batsim {text} is not 4.2.x, and nothing here was compared with it (4.1 and 4.0 run on SimGrid "
            f"3.29 and 3.25, whose parallel tasks behave differently, and know no usage traces); {_REMEDY}"
        )
    return Program(path, text)


def said_version(path: Path) -> str:
    """Return the first line that a program prints for ``--version``.

    Raises:
        MissingDependencyError: the program does not run.
    """
    try:
        done = subprocess.run(
            [str(path), "--version"], capture_output=True, text=True, errors="replace", timeout=_ANSWER_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise MissingDependencyError(f"{path}: no answer to --version within {_ANSWER_S:g} s; {_REMEDY}") from None
    except OSError as error:
        raise MissingDependencyError(f"{path}: does not run ({error.strerror or error}); {_REMEDY}") from None
    lines = [line.strip() for line in (done.stdout + "\n" + done.stderr).splitlines() if line.strip()]
    if done.returncode != 0:
        said = f": {lines[-1][:200]}" if lines else ""
        raise MissingDependencyError(
            f"{path}: --version ended with exit code {done.returncode}{said}; the program does not run here; {_REMEDY}"
        )
    return lines[0] if lines else ""
