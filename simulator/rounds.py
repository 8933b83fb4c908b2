"""One round of decisions of a policy, and what is said when it fails."""

from __future__ import annotations

from typing import NoReturn

from wattq.errors import PolicyError, WattqError
from wattq.simulator.interface import Actions, Policy, View

__all__ = ["decide_in_python", "policy_gave_up"]


def decide_in_python(policy: Policy, view: View, actions: Actions) -> None:
    """Call a plain-Python policy.

    Raises:
        PolicyError: the policy asked for what no scheduler may do, or raised something else.
    """
    try:
        policy.decide(view, actions)
    except WattqError:
        raise
    except Exception as error:
        raise PolicyError(
            f"policy {getattr(policy, 'name', type(policy).__name__)}: it raised {type(error).__name__} at "
            f"{view.now} s: {error}; mend the policy"
        ) from error


def policy_gave_up(name: str, now_s: float) -> NoReturn:
    """Say that a compiled policy set ``head.error``, which only an exhausted plan of reservations does."""
    raise PolicyError(
        f"policy {name}: its plan of reservations outgrew its memory at {now_s} s; "
        "take a policy without a plan, such as 'easy', or a shorter window of the workload"
    )
