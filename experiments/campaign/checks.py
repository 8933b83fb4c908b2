"""What can be refused before anything runs: platforms and policies that there are not, parameters that break a rule."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from wattq.experiments.experiment_model import PolicySpec

__all__ = ["check_origin", "check_platform", "check_policy"]


@lru_cache(maxsize=10_000)
def check_platform(name: str, base: Path | None) -> None:
    """Read a platform, once.

    Raises:
        WattqError: there is none of that name, or its file breaks a rule.
    """
    from wattq.experiments.inputs import find_platform

    find_platform(name, base)


@lru_cache(maxsize=1000)
def check_origin(origin: str) -> None:
    """Read a date 0.

    Raises:
        InvalidInputError: it is neither a word that is known nor a date with its zone.
    """
    from wattq.schedulers.outlook import unix_time

    if origin not in ("series", "recorded"):
        unix_time(origin)


def check_policy(policy: Mapping[str, Any]) -> None:
    """Make a built-in policy, once, unless it waits for what its run fills in: a series, a date, a share of the peak.

    Policies in plain Python are made by workers alone.

    Raises:
        WattqError: there is no such policy, or a parameter breaks a rule.
    """
    _check_policy(json.dumps({"name": policy["name"], "params": policy.get("params") or {}}, sort_keys=True))


@lru_cache(maxsize=10_000)
def _check_policy(text: str) -> None:
    from wattq.experiments.study.plan import needs
    from wattq.schedulers import make_policy

    policy = PolicySpec.model_validate(json.loads(text))
    if ":" in policy.name:
        return
    shares = any(isinstance(value, str) and "% of" in value for value in policy.params.values())
    if not needs(policy) and not shares:
        make_policy(policy.name, policy.params)
