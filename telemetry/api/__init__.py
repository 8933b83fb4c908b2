"""The HTTP API: predictions of energy, cost and CO2e, and recommendations of when to start.

Names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattq.telemetry.api.app import create_app
    from wattq.telemetry.api.process import make_service, serve
    from wattq.telemetry.api.service import Service
    from wattq.telemetry.api.tokens import create_token, read_tokens, revoke_token

__all__ = ["Service", "create_app", "create_token", "make_service", "read_tokens", "revoke_token", "serve"]

_MODULES = {
    "app": ("create_app",),
    "process": ("make_service", "serve"),
    "service": ("Service",),
    "tokens": ("create_token", "read_tokens", "revoke_token"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}
# Libraries of the extra `api`, without which these modules cannot be imported.
_NEEDS = {"app": ("fastapi",), "process": ("fastapi", "uvicorn"), "service": ("prometheus_client",)}


def __getattr__(name: str) -> Any:
    """Import a public name from its module the first time it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from wattq.telemetry.extras import need

    for library in _NEEDS.get(_HOME[name], ()):
        need(library, "api", "the HTTP API")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
