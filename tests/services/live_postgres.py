"""A real PostgreSQL of this machine alone, begun for tests and ended by them.

``postgres_server()`` begins one; ``server.database()`` makes an empty database in it and returns its URL; ``stop`` and
``start`` take it away and bring it back on the same port, with its data.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

__all__ = ["PostgresServer", "free_port", "postgres_server"]

_NAMES = itertools.count(1)


def free_port() -> int:
    """Return a port of the loopback interface that nothing listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _program(name: str) -> str:
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    found = shutil.which(name) or (str(debian[0]) if debian else None)
    if found is None:
        pytest.skip(f"PostgreSQL's {name} is not installed")
    return found


class PostgresServer:
    """A server with a folder and a port of its own.

    Attributes:
        folder: where its data and its log lie.
        port: where it listens, on 127.0.0.1.
    """

    def __init__(self, folder: Path) -> None:
        # The server refuses to run as root; an account of the package's does then.
        self.user = "postgres" if os.geteuid() == 0 else None
        self.folder, self.port = folder, free_port()
        self.control = _program("pg_ctl")
        self._run(
            _program("initdb"), "-D", str(folder / "data"), "-A", "trust", "-U", "wattq", "--no-sync", "-E", "UTF8"
        )

    def _run(self, *words: str) -> None:
        output = self.folder / "commands.log"
        with output.open("ab") as log:
            done = subprocess.run(words, stdout=log, stderr=log, user=self.user, cwd=self.folder, check=False)
        assert done.returncode == 0, output.read_text(encoding="utf-8")

    def start(self) -> None:
        """Begin to serve, and wait until it does."""
        options = f"-p {self.port} -k '{self.folder}' -c listen_addresses=127.0.0.1 -c fsync=off"
        data, log = str(self.folder / "data"), str(self.folder / "server.log")
        self._run(self.control, "-D", data, "-l", log, "-o", options, "-w", "start")

    def stop(self, mode: str = "fast") -> None:
        """End it: ``fast`` breaks connections, ``immediate`` is a crash."""
        self._run(self.control, "-D", str(self.folder / "data"), "-m", mode, "-w", "stop")

    def url(self, database: str = "postgres") -> str:
        """Return the address of a database."""
        return f"postgresql://wattq@127.0.0.1:{self.port}/{database}"

    def database(self) -> str:
        """Make an empty database and return its address."""
        import psycopg

        name = f"test_{next(_NAMES)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)


@contextlib.contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Begin a server, and end it whatever happens; skips by name where PostgreSQL is not installed."""
    folder = Path(tempfile.mkdtemp(prefix="wattq-pg-"))
    try:
        if os.geteuid() == 0:
            try:
                shutil.chown(folder, "postgres")
            except LookupError:
                pytest.skip("the account 'postgres', which PostgreSQL runs as under root, is not there")
        server = PostgresServer(folder)
        server.start()
        try:
            yield server
        finally:
            with contextlib.suppress(AssertionError):
                server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
