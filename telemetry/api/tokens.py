"""Tokens of the API: a file of salted scrypt hashes, from which no token can be read."""

from __future__ import annotations

import datetime
import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wattq.errors import MissingFileError, TelemetryError
from wattq.files import write_whole

__all__ = ["TokenEntry", "create_token", "matches", "read_tokens", "revoke_token", "split_token"]

_PREFIX = "wattq"
_TOKEN = re.compile(r"wattq_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_COST, _BLOCK, _PARALLEL, _BYTES = 2**14, 8, 1, 32
_NAME = re.compile(r"[\w.@ -]{1,60}")
_MOST_BYTES = 2**22


class TokenEntry(BaseModel):
    """What is kept of a token."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[0-9a-f]{12}$", description="public part, by which the entry is found")
    name: str = Field(min_length=1, max_length=60, description="who uses it")
    created: str = Field(description="date, ISO 8601")
    salt: str = Field(pattern=r"^[0-9a-f]{32}$")
    hash: str = Field(pattern=r"^[0-9a-f]{64}$", description="scrypt of the secret part, n 16384, r 8, p 1")


class _TokenFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: str = Field(default="wattq tokens", pattern=r"^wattq tokens$")
    version: int = Field(default=1, ge=1, le=1)
    tokens: list[TokenEntry] = Field(default_factory=list, max_length=10_000)


@dataclass(frozen=True)
class SplitToken:
    """A token as a client shows it.

    Attributes:
        id: public part.
        secret: the rest.
    """

    id: str
    secret: str


def read_tokens(path: str | Path) -> list[TokenEntry]:
    """Return the entries of a file; none where it does not exist.

    Raises:
        MissingFileError: when it cannot be read.
        TelemetryError: when it is no file of tokens, or others may write it.
    """
    path = Path(path)
    if not path.exists():
        return []
    try:
        if path.stat().st_mode & 0o022:
            raise TelemetryError(f"{path}: others may write this file, and so let themselves in; chmod 600 it")
        data = path.read_bytes()[: _MOST_BYTES + 1]
    except OSError as error:
        raise MissingFileError(f"{path}: cannot be read ({error.strerror or error}); check its permissions") from None
    try:
        if len(data) > _MOST_BYTES:
            raise ValueError("it is too long")
        return _TokenFile.model_validate_json(data).tokens
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise TelemetryError(f"{path}: no file of tokens ({place}: {first['msg']}); make one anew") from None
    except ValueError as error:
        raise TelemetryError(f"{path}: no file of tokens ({error}); make one anew") from None


def create_token(path: str | Path, name: str) -> str:
    """Add a token to a file and return it; it is shown this once and kept nowhere.

    Raises:
        TelemetryError: when the name is taken or none, or the file is no file of tokens.
    """
    entries = read_tokens(path)
    if not _NAME.fullmatch(name):
        raise TelemetryError(f"token name {name[:60]!r}: use 1 to 60 letters, digits, blanks or one of _ . @ -")
    if any(entry.name == name for entry in entries):
        raise TelemetryError(f"{path}: there is a token of the name {name!r}; revoke it, or take another name")
    token_id, secret, salt = secrets.token_hex(6), secrets.token_urlsafe(32), secrets.token_bytes(16)
    created = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    entry = TokenEntry(id=token_id, name=name, created=created, salt=salt.hex(), hash=_hash(secret, salt).hex())
    _write(path, [*entries, entry])
    return f"{_PREFIX}_{token_id}_{secret}"


def revoke_token(path: str | Path, name: str) -> TokenEntry:
    """Remove a token, by name or id, and return what was kept of it.

    Raises:
        TelemetryError: when there is none.
    """
    entries = read_tokens(path)
    found = next((entry for entry in entries if name in (entry.name, entry.id)), None)
    if found is None:
        names = ", ".join(entry.name for entry in entries[:10]) or "none"
        raise TelemetryError(f"{path}: no token {name[:60]!r}; there are: {names}")
    _write(path, [entry for entry in entries if entry is not found])
    return found


def split_token(text: str) -> SplitToken | None:
    """Return the parts of a token, or None for a text that is none."""
    match = _TOKEN.fullmatch(text)
    return SplitToken(match[1], match[2]) if match else None


def matches(entry: TokenEntry, secret: str) -> bool:
    """Return whether a secret belongs to an entry; takes some 50 ms, and as long for a wrong one."""
    return secrets.compare_digest(_hash(secret, bytes.fromhex(entry.salt)), bytes.fromhex(entry.hash))


def _hash(secret: str, salt: bytes) -> bytes:
    return hashlib.scrypt(secret.encode(), salt=salt, n=_COST, r=_BLOCK, p=_PARALLEL, dklen=_BYTES, maxmem=64 * 2**20)


def _write(path: str | Path, entries: list[TokenEntry]) -> None:
    path = Path(path)
    old = os.umask(0o077)
    try:
        write_whole(path, (_TokenFile(tokens=entries).model_dump_json(indent=2) + "\n").encode())
    finally:
        os.umask(old)
