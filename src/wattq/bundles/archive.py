"""The file of a bundle: a zip archive without compression, the same bytes for the same content.

Without compression an archive holds no more than its own size, so that a hostile file cannot fill the memory.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping

from wattq.errors import InvalidInputError

__all__ = ["MAX_BUNDLE_BYTES", "MAX_MEMBERS", "UNREADABLE", "pack", "unpack"]

MAX_BUNDLE_BYTES = 2**30
"""Largest bundle that is written or read (1 GiB)."""

MAX_MEMBERS = 4096
"""Most members of a bundle."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_DATE = (1980, 1, 1, 0, 0, 0)
_ErrorKind = type[InvalidInputError]
_AGAIN = "fetch the file again, or train the model again"
UNREADABLE = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, OverflowError),
    *(LookupError, TypeError, SyntaxError, RuntimeError, AttributeError, MemoryError),
)
"""What reading a damaged archive of arrays raises; methods of packing that Python lacks are errors of running."""


def pack(members: Mapping[str, bytes], *, error: _ErrorKind = InvalidInputError) -> bytes:
    """Return the archive of some members, in the order given.

    Args:
        members: bytes by name.
        error: class of the error.

    Raises:
        InvalidInputError: as `error`, when a name or the size is not one that `unpack` takes.
    """
    size = sum(map(len, members.values()))
    wrong = next((name for name in members if not _NAME.fullmatch(name)), None)
    if wrong is not None:
        raise error(f"{wrong[:120]!r}: names in a bundle are letters, digits, '_', '.' and '-'; rename it")
    if size > MAX_BUNDLE_BYTES - 2**20 or len(members) > MAX_MEMBERS:
        raise error(
            f"a bundle of {size:,} bytes in {len(members)} members: at most {MAX_BUNDLE_BYTES:,} bytes and "
            f"{MAX_MEMBERS} members are kept; train a smaller model"
        )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, _DATE)
            info.create_system = 3
            info.external_attr = 0o644 << 16
            archive.writestr(info, data)
    return stream.getvalue()


def unpack(data: bytes, source: str, *, error: _ErrorKind = InvalidInputError) -> dict[str, bytes]:
    """Return the members of an archive by name.

    Args:
        data: the archive.
        source: names the file in messages.
        error: class of the error.

    Raises:
        InvalidInputError: as `error`, when it is no archive, damaged, truncated, compressed, encrypted, or holds names
            that are paths, doubled, or too many.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            _check(infos, len(data), source, error)
            return {info.filename: archive.read(info) for info in infos}
    except InvalidInputError:
        raise
    except UNREADABLE as problem:
        words = str(problem)[:120] or type(problem).__name__
        raise error(f"{source}: not a bundle, or a damaged one ({words}); {_AGAIN}") from None


def _check(infos: list[zipfile.ZipInfo], size: int, source: str, error: _ErrorKind) -> None:
    names = [info.filename for info in infos]
    wrong = next((info for info in infos if not _NAME.fullmatch(info.filename)), None)
    if wrong is not None:
        raise error(f"{source}, member {wrong.filename[:120]!r}: not a name that a bundle may hold; {_AGAIN}")
    if len(set(names)) != len(names) or len(names) > MAX_MEMBERS:
        raise error(
            f"{source}: {len(names)} members of {len(set(names))} names; each is there once, at most {MAX_MEMBERS}; "
            f"{_AGAIN}"
        )
    for info in infos:
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 or info.compress_size != info.file_size:
            raise error(
                f"{source}, member '{info.filename}': compressed or encrypted; bundles hold members plain; {_AGAIN}"
            )
    if sum(info.file_size for info in infos) > size:
        raise error(f"{source}: the members claim more bytes than the file has ({size}); {_AGAIN}")
