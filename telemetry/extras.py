"""Libraries of the extras ``telemetry`` and ``api``, imported where they are needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from wattq.errors import MissingDependencyError

__all__ = ["need"]


def need(module: str, extra: str, what: str) -> Any:
    """Import a library of an extra.

    Args:
        module: the library, such as ``sqlalchemy``.
        extra: the extra that installs it, ``telemetry`` or ``api``.
        what: what needs it, for the message.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError:
        raise MissingDependencyError(
            f"{what}: needs {module.partition('.')[0]}, which is not installed; pip install 'wattq[{extra}]'"
        ) from None
