"""Bytes in and out for every room: plain, gzip and xz, bounded in size; output files appear whole or not at all."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import zlib
from contextlib import suppress
from pathlib import Path

from wattq.errors import InvalidInputError, MissingFileError

__all__ = ["MAX_PLAIN_BYTES", "compress_for", "decompress", "plain_name", "read_plain", "sha256_hex", "write_whole"]

MAX_PLAIN_BYTES = 2**31
"""Largest decompressed input; a log of a million jobs takes about 10**8 bytes."""

ErrorKind = type[InvalidInputError]

_GZIP_MAGIC = b"\x1f\x8b"
_XZ_MAGIC = b"\xfd7zXZ\x00"
_XZ_MEMORY = 2**28
_CHUNK = 2**24


def sha256_hex(data: bytes) -> str:
    """Return the sha256 of plain content, the identity of a trace."""
    return hashlib.sha256(data).hexdigest()


def plain_name(path: str | Path) -> str:
    """Return a file name without ``.gz`` or ``.xz``."""
    name = Path(path).name
    return name[:-3] if name.endswith((".gz", ".xz")) else name


def read_plain(path: str | Path, *, limit: int = MAX_PLAIN_BYTES, error: ErrorKind = InvalidInputError) -> bytes:
    """Return the decompressed content of a file.

    Args:
        path: the file.
        limit: most bytes, packed or not.
        error: class of the error for content that cannot be used.

    Raises:
        MissingFileError: when the file is not there or cannot be read.
        InvalidInputError: as `error`, when it is truncated, damaged, or larger than `limit` bytes.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > limit:
            raise error(f"{path}: {size} bytes, more than the {limit} that are read; split the file")
        data = path.read_bytes()
    except OSError as problem:
        why = problem.strerror or str(problem)
        raise MissingFileError(f"{path}: cannot be read ({why}); check the path and its permissions") from None
    except ValueError as problem:
        raise MissingFileError(f"{str(path)!r}: not a path ({problem}); check the name") from None
    return decompress(data, str(path), limit=limit, error=error)


def decompress(
    data: bytes, source: str, *, limit: int = MAX_PLAIN_BYTES, error: ErrorKind = InvalidInputError
) -> bytes:
    """Return `data` decompressed when it starts as gzip or xz does, else as it is; `source` names it in errors."""
    if data.startswith(_GZIP_MAGIC):
        return _gunzip(data, source, limit, error)
    if data.startswith(_XZ_MAGIC):
        return _unxz(data, source, limit, error)
    return data


def _gunzip(data: bytes, source: str, limit: int, error: ErrorKind) -> bytes:
    out = bytearray()
    while data:
        stream = zlib.decompressobj(wbits=31)
        try:
            _drain_gzip(stream, data, out, source, limit, error)
        except zlib.error as problem:
            raise error(f"{source}: damaged gzip data ({problem}); fetch the file again") from None
        if not stream.eof:
            raise error(f"{source}: the gzip data ends early (truncated file); fetch the file again")
        data = stream.unused_data.lstrip(b"\0")
    return bytes(out)


def _drain_gzip(
    stream: zlib._Decompress, data: bytes, out: bytearray, source: str, limit: int, error: ErrorKind
) -> None:
    while True:
        piece = stream.decompress(data, _CHUNK)
        out += piece
        _check_size(len(out), source, limit, error)
        data = stream.unconsumed_tail
        if stream.eof or (not data and len(piece) < _CHUNK):
            return


def _unxz(data: bytes, source: str, limit: int, error: ErrorKind) -> bytes:
    out = bytearray()
    while data:
        stream = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
        try:
            _drain_xz(stream, data, out, source, limit, error)
        except lzma.LZMAError as problem:
            raise error(f"{source}: damaged xz data ({problem}); fetch the file again") from None
        if not stream.eof:
            raise error(f"{source}: the xz data ends early (truncated file); fetch the file again")
        data = stream.unused_data.lstrip(b"\0")
    return bytes(out)


def _drain_xz(
    stream: lzma.LZMADecompressor, data: bytes, out: bytearray, source: str, limit: int, error: ErrorKind
) -> None:
    out += stream.decompress(data, _CHUNK)
    while not stream.eof and not stream.needs_input:
        _check_size(len(out), source, limit, error)
        piece = stream.decompress(b"", _CHUNK)
        if not piece and not stream.eof:
            break
        out += piece
    _check_size(len(out), source, limit, error)


def _check_size(size: int, source: str, limit: int, error: ErrorKind) -> None:
    if size > limit:
        raise error(f"{source}: more than {limit} bytes when decompressed; split the file")


def compress_for(path: str | Path, data: bytes) -> bytes:
    """Return `data` compressed as the name's ending says; the same input always gives the same bytes."""
    name = str(path)
    if name.endswith(".gz"):
        return gzip.compress(data, mtime=0)
    return lzma.compress(data) if name.endswith(".xz") else data


def write_whole(path: str | Path, data: bytes) -> Path:
    """Write a file beside its place and rename it, so that it appears whole or not at all.

    Raises:
        MissingFileError: when the folder cannot be written.
    """
    path = Path(path)
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise MissingFileError(f"{path}: cannot be written ({error.strerror or error}); choose another place") from None
    return path
