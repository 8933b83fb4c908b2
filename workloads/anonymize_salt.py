"""The file that holds the salt: a secret that only its owner may read, and that never lies beside the output."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from wattq.errors import InvalidInputError, MissingFileError

__all__ = ["LEAST_SALT_BYTES", "check_place", "make_salt", "read_salt", "salt_warnings", "write_salt"]

LEAST_SALT_BYTES = 16
"""Shortest salt: 128 bits cannot be tried out."""

_MOST_SALT_BYTES = 4096
_LEAST_DIFFERENT = 8
_NEW_BYTES = 32


def make_salt() -> bytes:
    """Return a new salt: 256 random bits as 64 hexadecimal digits."""
    return secrets.token_hex(_NEW_BYTES).encode()


def read_salt(path: str | Path) -> bytes:
    """Return the salt of a file, without blanks and line ends around it.

    Raises:
        MissingFileError: the file cannot be read.
        InvalidInputError: it is too short, too long, or plainly not random.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            salt = file.read(_MOST_SALT_BYTES + 1).strip()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise MissingFileError(f"--salt-file {path}: cannot be read ({why}); --new-salt creates it") from None
    if len(salt) > _MOST_SALT_BYTES:
        raise InvalidInputError(f"--salt-file {path}: more than {_MOST_SALT_BYTES} bytes; is this the salt?")
    if len(salt) < LEAST_SALT_BYTES:
        raise InvalidInputError(
            f"--salt-file {path}: {len(salt)} bytes, a salt has {LEAST_SALT_BYTES} at least; create one with --new-salt"
        )
    if len(set(salt)) < _LEAST_DIFFERENT:
        raise InvalidInputError(
            f"--salt-file {path}: {len(set(salt))} different bytes, which can be guessed; create one with --new-salt"
        )
    return salt


def check_place(salt_file: Path, out: Path) -> None:
    """Refuse to create a salt in the folder of the output, from where it would be handed on with the data.

    Raises:
        InvalidInputError: the salt would lie there, or the file is there already.
    """
    if salt_file.resolve().parent == out.resolve().parent:
        raise InvalidInputError(
            f"--salt-file {salt_file}: the folder of the output, which is handed on; name a place elsewhere"
        )
    if salt_file.exists() or salt_file.is_symlink():
        raise InvalidInputError(
            f"--salt-file {salt_file}: exists, and --new-salt overwrites nothing (an old salt may still be needed); "
            "leave out --new-salt, or name another file"
        )


def write_salt(path: Path, salt: bytes) -> None:
    """Create the file of a salt; only its owner may read and write it.

    Raises:
        MissingFileError: the file exists or cannot be written.
    """
    made = False
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        made = True
        with os.fdopen(handle, "wb") as file:
            file.write(salt + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if made:
            with suppress(OSError):
                path.unlink()
        raise MissingFileError(
            f"--salt-file {path}: cannot be written ({error.strerror or error}); choose another place"
        ) from None


def salt_warnings(path: Path, out: Path) -> list[str]:
    """Return what is unwise about the place of a salt: others may read it, or it lies beside the output."""
    found = []
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        found.append(f"{path}: others may read the salt (mode {mode:03o}); run chmod 600 on it")
    if path.resolve().parent == out.resolve().parent:
        found.append(f"{path}: lies in the folder of the output; never hand on the salt with the data")
    return found
