"""Stores of every kind: SQLite always, PostgreSQL and the stand-in of TimescaleDB where they can be had."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from live_postgres import PostgresServer, postgres_server
from live_timescale import TimescaleStandin, timescale_standin

from wattq.telemetry.store import Store, open_store

KINDS = [
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.service),
    pytest.param("timescaledb", marks=pytest.mark.service),
]


@dataclass(frozen=True)
class Place:
    """An empty database.

    Attributes:
        kind: ``sqlite``, ``postgresql`` or ``timescaledb``.
        url: its address.
        most: rows that may be written at a time; the stand-in ends when a message is large.
        connections: how many it takes at a time.
    """

    kind: str
    url: str
    most: int = 5000
    connections: int = 20


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def timescale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimescaleStandin]:
    with timescale_standin(tmp_path_factory.mktemp("timescale")) as standin:
        yield standin


def make_place(kind: str, request: pytest.FixtureRequest, folder: Path) -> Place:
    if kind == "sqlite":
        return Place(kind, str(folder / "store.db"))
    if kind == "postgresql":
        return Place(kind, request.getfixturevalue("postgres").database())
    return Place(kind, request.getfixturevalue("timescale").database(), most=50, connections=1)


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty database of each kind."""
    return make_place(request.param, request, tmp_path)


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    """An open store of each kind."""
    with open_store(place.url) as opened:
        yield opened


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "store.db")) as opened:
        yield opened
