"""Arrays of a bundle as ``.npy`` bytes: version 1.0, C order, plain numbers; nothing is evaluated or unpickled."""

from __future__ import annotations

import io
import math
import re

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError

__all__ = ["array_bytes", "bytes_array"]

_ErrorKind = type[InvalidInputError]
_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    rb"\{'descr': '([<|][a-z][0-9])', 'fortran_order': False, "
    rb"'shape': \(((?:[0-9]{1,12}, ?)*(?:[0-9]{1,12})?)\), \} *\n"
)
_TYPES = ("|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f4", "<f8")
_MOST_DIMENSIONS = 8


def array_bytes(name: str, array: NDArray[np.generic], *, error: _ErrorKind = InvalidInputError) -> bytes:
    """Return an array as the bytes of a ``.npy`` file.

    Args:
        name: names the array in messages.
        array: of plain numbers.
        error: class of the error.

    Raises:
        InvalidInputError: as `error`, when its type is none of the plain numbers.
    """
    plain = np.ascontiguousarray(array).reshape(array.shape)
    plain = plain.astype(plain.dtype.newbyteorder("<"), copy=False)
    if plain.dtype.str not in _TYPES or plain.ndim > _MOST_DIMENSIONS:
        raise error(
            f"array '{name}' of type {array.dtype} with {array.ndim} dimensions: a bundle holds booleans, whole "
            f"numbers and numbers of at most 8 bytes in at most {_MOST_DIMENSIONS} dimensions; convert it"
        )
    stream = io.BytesIO()
    np.lib.format.write_array(stream, plain, version=(1, 0), allow_pickle=False)
    return stream.getvalue()


def bytes_array(data: bytes, place: str, *, error: _ErrorKind = InvalidInputError) -> NDArray[np.generic]:
    """Return the array of the bytes of a ``.npy`` file, as a copy that may be written to.

    The header is read by a fixed pattern, not evaluated, and the size must be exactly that of the shape.

    Args:
        data: the bytes.
        place: file and member, for messages.
        error: class of the error.

    Raises:
        InvalidInputError: as `error`, when the bytes are anything but what `array_bytes` writes.
    """
    length = int.from_bytes(data[8:10], "little")
    header = _HEADER.fullmatch(data[10 : 10 + length]) if data.startswith(_MAGIC) else None
    kind = header[1].decode() if header else ""
    if header is None or kind not in _TYPES:
        raise error(f"{place}: {data[:40]!r} does not begin as an array does; train the model again")
    shape = tuple(int(word) for word in header[2].split(b",") if word.strip())
    dtype, body = np.dtype(kind), data[10 + length :]
    if len(shape) > _MOST_DIMENSIONS or math.prod(shape) * dtype.itemsize != len(body):
        raise error(
            f"{place}: {len(body)} bytes for shape {shape} of {dtype}; the two must agree; train the model again"
        )
    return np.frombuffer(body, dtype).reshape(shape).copy()
