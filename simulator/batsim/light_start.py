"""A quicker start of the program: what is looked for on the way and never used is not loaded."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

__all__ = ["leave_out_scipy"]


class _Refusal(MetaPathFinder):
    """Says of one package that it is not there."""

    def __init__(self, name: str) -> None:
        self._name = name

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Refuse the package; leave all others to the next finder."""
        if fullname == self._name:
            raise ModuleNotFoundError(f"{fullname} is left out of this program", name=fullname)
        return None


def leave_out_scipy() -> None:
    """Let numba do without scipy's linear algebra, which it loads with any compiled code, in 0.2 s, if it is there.

    No compiled function of the simulator multiplies matrices. For a process that does nothing else.
    """
    sys.meta_path.insert(0, _Refusal("scipy"))
