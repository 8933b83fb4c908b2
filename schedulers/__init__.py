"""The decisions: policies, written once as compiled functions, and the registry that names them."""

from __future__ import annotations

from wattq.errors import PolicyError
from wattq.schedulers.orders import ORDERS
from wattq.schedulers.registry import POLICIES, POLICY_ALIASES, PolicySpec, make_policy, policy_spec

__all__ = ["ORDERS", "POLICIES", "POLICY_ALIASES", "PolicyError", "PolicySpec", "make_policy", "policy_spec"]
