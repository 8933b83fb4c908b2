"""The decisions: policies, written once as compiled functions, the registry that names them, and tests for any policy.

What `check_policy` and `Outlook` need is imported when it is first used, so that listing policies stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from wattq.errors import PolicyCheckError, PolicyError
from wattq.schedulers.orders import ORDERS
from wattq.schedulers.registry import POLICIES, POLICY_ALIASES, PolicySpec, make_policy, policy_spec

if TYPE_CHECKING:
    from wattq.schedulers.checking import RULES, CheckReport, Finding, check_policy
    from wattq.schedulers.outlook import Outlook

__all__ = [
    "ORDERS",
    "POLICIES",
    "POLICY_ALIASES",
    "RULES",
    "CheckReport",
    "Finding",
    "Outlook",
    "PolicyCheckError",
    "PolicyError",
    "PolicySpec",
    "check_policy",
    "make_policy",
    "policy_spec",
]

_MODULES = {"checking": ("RULES", "CheckReport", "Finding", "check_policy"), "outlook": ("Outlook",)}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
