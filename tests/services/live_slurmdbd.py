"""Slurm's accounting for tests: slurmdbd over a MariaDB of its own, begun by root and ended after the test."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_slurm import free_port, munge

__all__ = ["accounting"]

_USER = (
    "create user slurm@'127.0.0.1' identified by 'only-for-tests'; "
    "grant all on *.* to slurm@'127.0.0.1'; create database acct"
)


@contextlib.contextmanager
def accounting(folder: Path) -> Iterator[list[str]]:
    """Begin slurmdbd in a folder; yields the lines of slurm.conf by which a Slurm uses it.

    Meanwhile SLURM_CONF names a slurm.conf by which sacctmgr finds it. Skips where a program is missing.
    """
    server = next(filter(None, map(shutil.which, ("mariadbd", "/usr/sbin/mariadbd"))), None)
    if server is None or shutil.which("slurmdbd") is None or os.geteuid() != 0:
        pytest.skip("no accounting of Slurm can be begun here (slurmdbd, mariadb-server, root)")
    folder.mkdir()
    begun = munge()
    before = os.environ.get("SLURM_CONF")
    try:
        port, dbd = free_port(), free_port()
        begun.append(_database(folder, server, port))
        lines = ["AccountingStorageType=accounting_storage/slurmdbd", "AccountingStorageHost=127.0.0.1"]
        lines += [f"AccountingStoragePort={dbd}"]
        head = ["ClusterName=wattq", f"SlurmctldHost={socket.gethostname()}(127.0.0.1)", "SlurmUser=root"]
        (folder / "slurm.conf").write_text("\n".join([*head, *lines, ""]), encoding="ascii")
        os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
        begun.append(_slurmdbd(folder, port, dbd))
        yield lines
    finally:
        for daemon in reversed(begun):
            daemon.terminate()
            daemon.wait(30)
        shutil.rmtree(_place(), ignore_errors=True)
        os.environ.pop("SLURM_CONF", None)
        if before is not None:
            os.environ["SLURM_CONF"] = before


def _database(folder: Path, server: str, port: int) -> subprocess.Popen[bytes]:
    place = _place()
    place.mkdir()
    shutil.chown(place, "mysql", "mysql")
    words = ["mariadb-install-db", "--no-defaults", f"--datadir={place}/data", "--user=mysql", "--skip-test-db"]
    subprocess.run([*words, "--auth-root-authentication-method=normal"], check=True, capture_output=True, timeout=120)
    files = [f"--datadir={place}/data", f"--socket={place}/s", f"--pid-file={place}/pid", f"--tmpdir={place}"]
    small = ["--innodb-buffer-pool-size=64M", "--innodb-lock-wait-timeout=900", "--user=mysql"]
    options = ["--no-defaults", *files, f"--port={port}", "--bind-address=127.0.0.1", *small]
    with (folder / "mariadb.log").open("wb") as log:
        daemon = subprocess.Popen([server, *options], stderr=log, stdout=log)
    _wait(daemon, ["mariadb-admin", "--no-defaults", f"--socket={place}/s", "-uroot", "ping"])
    client = ["mariadb", "--no-defaults", f"--socket={place}/s", "-uroot", "-e", _USER]
    subprocess.run(client, check=True, capture_output=True, timeout=60)
    return daemon


def _place() -> Path:
    # Sockets have short names, and the database's user must reach its folder.
    return Path(tempfile.gettempdir()) / f"wattq-mariadb-{os.getpid()}"


def _slurmdbd(folder: Path, port: int, dbd: int) -> subprocess.Popen[bytes]:
    lines = [
        "AuthType=auth/munge",
        f"DbdHost={socket.gethostname()}",
        "DbdAddr=127.0.0.1",
        f"DbdPort={dbd}",
        "SlurmUser=root",
        f"LogFile={folder}/slurmdbd.log",
        f"PidFile={folder}/slurmdbd.pid",
        "StorageType=accounting_storage/mysql",
        "StorageHost=127.0.0.1",
        f"StoragePort={port}",
        "StorageUser=slurm",
        "StoragePass=only-for-tests",
        "StorageLoc=acct",
        "",
    ]
    conf = folder / "slurmdbd.conf"
    conf.write_text("\n".join(lines), encoding="ascii")
    conf.chmod(0o600)
    daemon = subprocess.Popen(["slurmdbd", "-D"], stderr=subprocess.DEVNULL)
    _wait(daemon, ["sacctmgr", "-n", "show", "qos"])
    return daemon


def _wait(daemon: subprocess.Popen[bytes], words: list[str]) -> None:
    until = time.monotonic() + 90
    while subprocess.run(words, capture_output=True, timeout=60, check=False).returncode != 0:
        assert daemon.poll() is None, words
        assert time.monotonic() < until, words
        time.sleep(0.5)
