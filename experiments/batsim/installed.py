"""Programs around Batsim on this machine: which are here, in which version, and how to get the others."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from wattq.errors import MissingDependencyError, WattqError
from wattq.experiments.batsim.finding import Program, find_batsim, find_pybatsim, locate, said_version

__all__ = ["Installed", "programs"]

_NIX = "nix-shell in nix/ brings it"


@dataclass(frozen=True)
class Installed:
    """A program, here or not.

    Attributes:
        name: what it is called.
        purpose: what it is for.
        state: ``ok``, ``absent``, or ``refused`` where its version is not accepted.
        version: what it says of itself; empty when it is absent.
        remedy: what to do when it is not ok.
    """

    name: str
    purpose: str
    state: str
    version: str = ""
    remedy: str = ""


def programs() -> Iterator[Installed]:
    """Yield batsim, pybatsim, batsched, robin, nix and git, each looked up and asked for its version."""
    yield _with(find_batsim, "batsim", "simulates with --engine batsim, and to compare with (wattq verify-backend)")
    yield _with(find_pybatsim, "pybatsim", "runs policies for --engine batsim")
    batsched = os.environ.get("WATTQ_BATSCHED", "").strip() or "batsched"
    yield _plain("batsched", "schedulers in C++ for Batsim", f"{_NIX}; or name it in WATTQ_BATSCHED", batsched)
    yield _plain("robin", "runs Batsim and a scheduler together", f"{_NIX}; 'wattq robin' does the same")
    yield _plain("nix", "makes the shells in nix/", "on Debian: apt install nix-bin")
    yield _plain("git", "puts the revision into reports", "on Debian: apt install git")


def _with(find: Callable[[], Program], name: str, purpose: str) -> Installed:
    """Return a program that has rules of its own."""
    try:
        found = find()
    except MissingDependencyError as error:
        return Installed(name, purpose, "absent", remedy=str(error))
    except WattqError as error:
        return Installed(name, purpose, "refused", remedy=str(error))
    version = found.version if found.name == name else found.title
    return Installed(name, purpose, "ok", version)


def _plain(name: str, purpose: str, remedy: str, program: str = "") -> Installed:
    path = locate(program or name)
    if path is None:
        return Installed(name, purpose, "absent", remedy=remedy)
    return Installed(name, purpose, "ok", _version(path))


def _version(path: Path) -> str:
    """Return a version, empty when the program does not say."""
    try:
        return said_version(path).removeprefix(path.name).strip()
    except WattqError:
        return ""
