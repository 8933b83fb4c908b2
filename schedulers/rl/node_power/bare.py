"""Compiled functions that count no references."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

__all__ = ["bare"]

F = TypeVar("F", bound=Callable[..., Any])


def bare(compile_: Callable[[F], F]) -> Callable[[F], F]:
    """Return the decorator, `jitted` or `inlined`, for functions that make no arrays and return none.

    numba counts a reference for each array that is taken from the state, and again when it is let go. What only reads
    and writes arrays that its caller holds needs no count; without, an hour takes less than half the time. numba
    refuses to compile a function that does make an array.
    """

    def decorate(function: F) -> F:
        compiled: Any = compile_(function)
        compiled.targetoptions["_nrt"] = False
        return cast("F", compiled)

    return decorate
