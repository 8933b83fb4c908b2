"""Where a store is: the path of an SQLite file, or the URL of a PostgreSQL database."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from wattq.errors import TelemetryError
from wattq.telemetry.extras import need

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["Address", "parse_address"]

FORMS = "give the path of an SQLite file, sqlite:////absolute/file.db, or postgresql://user:password@host:5432/database"
_POSTGRES = ("postgresql", "postgres", "postgresql+psycopg", "timescaledb")
_SQLITE = ("sqlite", "sqlite+pysqlite")


@dataclass(frozen=True)
class Address:
    """A parsed address.

    Attributes:
        path: the file of an SQLite store; None for PostgreSQL.
        url: the URL of a PostgreSQL database, without the options below; None for SQLite.
        shown: the address without its password, for messages.
        pool: most connections at a time.
        prepare_threshold: after how many runs psycopg prepares a statement; None never, as poolers need it.
    """

    path: Path | None
    url: sa.URL | None
    shown: str
    pool: int = 5
    prepare_threshold: int | None = 5


def parse_address(text: str) -> Address:
    """Return what an address means.

    Args:
        text: a path, ``sqlite:///relative.db``, ``sqlite:////absolute.db`` or ``postgresql://...``; options of libpq
            may follow a ``?``, and ``pool=N`` and ``prepare_threshold=N|none`` beside them.

    Raises:
        TelemetryError: it is empty, or of another kind of database.
        MissingDependencyError: a PostgreSQL address without SQLAlchemy or psycopg.
    """
    scheme, mark, rest = str(text).strip().partition("://")
    if not mark:
        return _sqlite(str(text).strip(), text)
    if scheme in _SQLITE:
        return _sqlite(unquote(rest[1:].partition("?")[0]) if rest.startswith("/") else "", text)
    if scheme in _POSTGRES:
        return _postgres(rest)
    raise TelemetryError(f"store '{scheme}://...': no kind of store; {FORMS}")


def _sqlite(name: str, text: str) -> Address:
    if not name or name == ":memory:" or "\0" in name:
        raise TelemetryError(f"store {str(text)!r}: names no file; {FORMS}")
    path = Path(name).expanduser()
    return Address(path, None, str(path))


def _postgres(rest: str) -> Address:
    sa = need("sqlalchemy", "telemetry", "the store")
    try:
        url = sa.make_url(f"postgresql+psycopg://{rest}")
        pool = _count(url.query.get("pool", "5"), "pool", 1)
        threshold = _threshold(url.query.get("prepare_threshold", "5"))
    except (sa.exc.ArgumentError, ValueError) as problem:
        raise TelemetryError(f"store 'postgresql://...': cannot be understood ({problem}); {FORMS}") from None
    if not url.database:
        raise TelemetryError(f"store '{_shown(url)}': names no database; {FORMS}")
    need("psycopg", "telemetry", "a store in PostgreSQL")
    return Address(None, url.difference_update_query(("pool", "prepare_threshold")), _shown(url), pool, threshold)


def _shown(url: Any) -> str:
    plain = url.set(drivername="postgresql", query={})
    return str(plain.render_as_string(hide_password=True))


def _count(text: object, name: str, least: int) -> int:
    if not isinstance(text, str) or not text.isdigit() or not least <= int(text) <= 1000:
        raise ValueError(f"{name}={text}: must be a whole number from {least} to 1000")
    return int(text)


def _threshold(text: object) -> int | None:
    return None if text == "none" else _count(text, "prepare_threshold", 0)
