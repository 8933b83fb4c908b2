"""Arrays and values of a saved model, checked before anything is made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError

__all__ = ["array", "codes", "names", "value"]


def array(arrays: Mapping[str, NDArray[Any]], name: str, length: int | None = None) -> NDArray[np.float64]:
    """Return a one-dimensional array of finite numbers.

    Raises:
        SurrogateError: when it is missing, of another shape or type, or not finite.
    """
    if name not in arrays:
        raise SurrogateError(f"energy model: no array '{name}'; the bundle is of another version or damaged")
    found = arrays[name]
    good = found.ndim == 1 and found.dtype.kind in "fi" and (length is None or len(found) == length)
    if not good or not np.isfinite(found).all():
        raise SurrogateError(f"energy model: array '{name}' of {found.dtype} {found.shape} is not what it must be")
    return found.astype(np.float64)


def value(meta: Mapping[str, Any], name: str) -> float:
    """Return a finite number.

    Raises:
        SurrogateError: when it is missing or none.
    """
    found = meta.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float) or not np.isfinite(found):
        raise SurrogateError(f"energy model: {name} is {found!r:.40}; it must be a number")
    return float(found)


def names(meta: Mapping[str, Any], name: str) -> list[str]:
    """Return a list of different names.

    Raises:
        SurrogateError: when it is missing or something else.
    """
    found = meta.get(name)
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found) or len(set(found)) < len(found):
        raise SurrogateError(f"energy model: {name} is no list of different names; the bundle is damaged")
    return list(found)


def codes(known: Sequence[str], texts: NDArray[np.str_]) -> NDArray[np.int64]:
    """Return the place of each text among the known ones, -1 where it is not."""
    places = {name: place for place, name in enumerate(known)}
    return np.fromiter((places.get(text, -1) for text in texts.tolist()), np.int64, len(texts))
