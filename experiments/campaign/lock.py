"""One campaign at a time in a folder.

The lock is a folder with its owner's name in it, made beside its place and renamed: a rename onto a folder that is not
empty fails, on shared folders, too. The owner renews it; another host takes a lock over that was not renewed for long,
and the same host one whose process is gone.
"""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from wattq.errors import CampaignError
from wattq.experiments.campaign.layout import new_nonce, read_json, write_json

__all__ = ["held"]

NAME = "lock"
OWNER = "owner.json"
RENEWED_S = 60.0
"""How often the owner renews its lock, s."""
STALE_S = 600.0
"""After so long without a renewal another host takes a lock over, s."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder while the block runs.

    Raises:
        CampaignError: another campaign holds it; the message says which.
    """
    nonce = _acquire(folder)
    stop = threading.Event()
    renewing = threading.Thread(target=_renew, args=(folder / NAME / OWNER, nonce, stop), daemon=True)
    renewing.start()
    try:
        yield
    finally:
        stop.set()
        renewing.join()
        _release(folder, nonce)


def _acquire(folder: Path) -> str:
    nonce = new_nonce()
    mine = folder / f".{NAME}-{nonce}"
    mine.mkdir()
    me = {"nonce": nonce, "host": socket.gethostname(), "pid": os.getpid(), "born": _born(os.getpid())}
    write_json(mine / OWNER, me)
    try:
        for _ in range(10):
            with suppress(OSError):
                mine.rename(folder / NAME)
                return nonce
            _refuse_if_alive(folder)
        raise CampaignError(f"{folder / NAME}: cannot be taken; another campaign begins here just now")
    finally:
        shutil.rmtree(mine, ignore_errors=True)


def _refuse_if_alive(folder: Path) -> None:
    """Move a lock away whose owner is gone.

    Raises:
        CampaignError: the owner lives, or may live.
    """
    lock = folder / NAME
    owner = read_json(lock / OWNER)
    if owner is None and lock.exists() and not _is_old(lock, folder):
        raise CampaignError(f"{lock}: is held by somebody who does not say who; if nobody runs, remove it")
    if owner is not None and _alive(owner, lock, folder):
        raise CampaignError(
            f"{folder}: another campaign runs here (process {owner.get('pid')} on {owner.get('host')}); wait for it, "
            f"choose another -o, or, if it is dead, remove {lock}"
        )
    away = folder / f".{NAME}-stale-{new_nonce()}"
    with suppress(OSError):
        lock.rename(away)
        # two that both saw the dead owner: the slower one may have moved the lock of the quicker one
        moved = read_json(away / OWNER)
        if moved is not None and owner is not None and moved.get("nonce") != owner.get("nonce"):
            away.rename(lock)
    shutil.rmtree(away, ignore_errors=True)


def _alive(owner: dict[str, Any], lock: Path, folder: Path) -> bool:
    if owner.get("host") != socket.gethostname():
        return not _is_old(lock / OWNER, folder)
    pid = owner.get("pid")
    if not isinstance(pid, int) or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    # numbers of processes come back; the date of birth tells
    return _born(pid) == owner.get("born")


def _born(pid: int) -> str:
    """Return when a process began, in ticks since the machine did; empty where the system does not say."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _is_old(path: Path, folder: Path) -> bool:
    """Return whether a file was not renewed for long, by the clock of the file server."""
    probe = folder / f".{NAME}-clock-{new_nonce()}"
    try:
        probe.touch()
        return probe.stat().st_mtime - path.stat().st_mtime > STALE_S
    except OSError:
        return False
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)


def _renew(owner: Path, nonce: str, stop: threading.Event) -> None:
    while not stop.wait(RENEWED_S):
        found = read_json(owner)
        if found is not None and found.get("nonce") == nonce:
            with suppress(OSError):
                os.utime(owner)


def _release(folder: Path, nonce: str) -> None:
    found = read_json(folder / NAME / OWNER)
    if found is not None and found.get("nonce") == nonce:
        away = folder / f".{NAME}-{nonce}"
        with suppress(OSError):
            (folder / NAME).rename(away)
        shutil.rmtree(away, ignore_errors=True)
