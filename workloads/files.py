"""Bytes in and out of workload files: those of `wattq.files`, with the errors of this room."""

from __future__ import annotations

from pathlib import Path

from wattq import files
from wattq.errors import WorkloadError
from wattq.files import MAX_PLAIN_BYTES, compress_for, plain_name, sha256_hex, write_whole

__all__ = ["MAX_PLAIN_BYTES", "compress_for", "decompress", "plain_name", "read_plain", "sha256_hex", "write_whole"]


def read_plain(path: str | Path, *, limit: int = MAX_PLAIN_BYTES) -> bytes:
    """Return the decompressed content of a file.

    Raises:
        MissingFileError: when the file is not there or cannot be read.
        WorkloadError: when it is truncated, damaged, or larger than `limit` bytes.
    """
    return files.read_plain(path, limit=limit, error=WorkloadError)


def decompress(data: bytes, source: str, *, limit: int = MAX_PLAIN_BYTES) -> bytes:
    """Return `data` decompressed when it starts as gzip or xz does, else as it is; `source` names it in errors.

    Raises:
        WorkloadError: when it is truncated, damaged, or larger than `limit` bytes.
    """
    return files.decompress(data, source, limit=limit, error=WorkloadError)
