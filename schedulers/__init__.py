"""The decisions: policies, written once as compiled functions, the registry that names them, and tests for any policy.

What `check_policy` needs is imported when it is first used, so that listing policies stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from wattq.errors import PolicyCheckError, PolicyError
from wattq.schedulers.orders import ORDERS
from wattq.schedulers.registry import POLICIES, POLICY_ALIASES, PolicySpec, make_policy, policy_spec

if TYPE_CHECKING:
    from wattq.schedulers.checking import RULES, CheckReport, Finding, check_policy

__all__ = [
    "ORDERS",
    "POLICIES",
    "POLICY_ALIASES",
    "RULES",
    "CheckReport",
    "Finding",
    "PolicyCheckError",
    "PolicyError",
    "PolicySpec",
    "check_policy",
    "make_policy",
    "policy_spec",
]

_CHECKING = ("RULES", "CheckReport", "Finding", "check_policy")


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _CHECKING:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.checking"), name)
