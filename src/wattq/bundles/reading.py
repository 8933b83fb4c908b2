"""From the path of a bundle to its manifest and its arrays, every digest compared."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.bundles.archive import MAX_BUNDLE_BYTES, pack, unpack
from wattq.bundles.arrays import array_bytes, bytes_array
from wattq.errors import InvalidInputError, MissingFileError

__all__ = ["ENDING", "MANIFEST", "array_members", "arrays_of", "bundle_of", "members_of", "read_bytes"]

ENDING = ".wattq"
"""How the name of a bundle ends."""

MANIFEST = "manifest.json"
"""Name of the manifest in it."""

_NPY = ".npy"

_ErrorKind = type[InvalidInputError]


def read_bytes(path: str | Path, *, remedy: str, error: _ErrorKind = InvalidInputError) -> bytes:
    """Return the bytes of a file as they are: what looks compressed is refused later, not unpacked.

    Args:
        path: the file.
        remedy: what to do when it is not there.
        error: class of the error for a file that is too large.

    Raises:
        MissingFileError: it cannot be read.
        InvalidInputError: as `error`, when it is too large.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > MAX_BUNDLE_BYTES:
            raise error(f"{path}: {size:,} bytes; a bundle has at most {MAX_BUNDLE_BYTES:,}; check the path")
        return path.read_bytes()
    except (OSError, ValueError) as problem:
        if isinstance(problem, InvalidInputError):
            raise
        why = getattr(problem, "strerror", None) or problem
        raise MissingFileError(f"{path}: cannot be read ({why}); {remedy}") from None


def members_of(
    data: bytes, source: str, *, remedy: str, error: _ErrorKind = InvalidInputError
) -> tuple[bytes, dict[str, bytes]]:
    """Return the bytes of the manifest, and the other members by name.

    Args:
        data: the bundle.
        source: names it in messages.
        remedy: what to do when it has no manifest.
        error: class of the error.

    Raises:
        InvalidInputError: as `error`, when it is no archive, or one without manifest.
    """
    members = unpack(data, source, error=error)
    if MANIFEST not in members:
        raise error(f"{source}: holds no {MANIFEST}; it is no bundle, {remedy}")
    return members.pop(MANIFEST), members


def arrays_of(
    members: Mapping[str, bytes], digests: Mapping[str, str], source: str, *, error: _ErrorKind = InvalidInputError
) -> dict[str, NDArray[Any]]:
    """Return the arrays of a bundle by name, after comparing every digest.

    Args:
        members: bytes by name, without the manifest.
        digests: sha256 of each array's bytes, as the manifest tells it.
        source: names the bundle in messages.
        error: class of the error.

    Raises:
        InvalidInputError: as `error`, when members are missing, others are there, or an array was changed.
    """
    if set(members) != {name + _NPY for name in digests}:
        raise error(
            f"{source}: {len(members)} members where the manifest lists {len(digests)} arrays, or others; "
            "fetch the bundle again, or train it again"
        )
    for name, digest in digests.items():
        if hashlib.sha256(members[name + _NPY]).hexdigest() != digest:
            raise error(f"{source}, array '{name}': not the bytes that were written; fetch the bundle again")
    return {name: bytes_array(members[name + _NPY], f"{source}, array '{name}'", error=error) for name in digests}


def array_members(
    arrays: Mapping[str, NDArray[Any]], *, error: _ErrorKind = InvalidInputError
) -> tuple[dict[str, bytes], dict[str, str]]:
    """Return the members that hold some arrays, in the order of their names, and the digests of these by array.

    Raises:
        InvalidInputError: as `error`, when an array holds anything but plain numbers.
    """
    members = {name + _NPY: array_bytes(name, np.asarray(arrays[name]), error=error) for name in sorted(arrays)}
    return members, {name: hashlib.sha256(members[name + _NPY]).hexdigest() for name in arrays}


def bundle_of(manifest: bytes, members: Mapping[str, bytes], *, error: _ErrorKind = InvalidInputError) -> bytes:
    """Return the bytes of a bundle.

    Raises:
        InvalidInputError: as `error`, when it is too large, or a name is not allowed.
    """
    return pack({MANIFEST: manifest, **members}, error=error)
