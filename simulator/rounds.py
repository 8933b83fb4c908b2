"""One round of decisions of a policy, and what is said when it fails."""

from __future__ import annotations

from typing import NoReturn

from wattq.errors import PolicyError, WattqError
from wattq.simulator.faults import CAP_TOO_LOW, NO_POWER, NO_SLEEP_STATE, NO_SWITCH_SPEED, OUT_OF_SIGNAL
from wattq.simulator.interface import Actions, Policy, View
from wattq.simulator.learning_faults import NOT_COUNTED, OTHER_STATES, STARTS_NOTHING

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


def policy_gave_up(name: str, now_s: float, error: int = 0) -> NoReturn:
    """Say that a compiled policy set ``head.error``: its plan outgrew its memory, or a host cannot sleep.

    Args:
        name: name of the policy.
        now_s: date, s.
        error: what it set.
    """
    if error == NO_SLEEP_STATE:
        raise PolicyError(
            f"policy {name}: a host has no power state to sleep in, with its transitions off and on; give every host "
            "one (property 'sleep_pstates'), or take a policy that switches no hosts, such as 'easy'"
        )
    if error == NO_SWITCH_SPEED:
        raise PolicyError(
            f"policy {name}: how long a host takes to switch off and on is not known, since Batsim does not tell the "
            "speeds of power states; name the platform file in the scheduler's options (key 'platform')"
        )
    if error == NO_POWER:
        raise PolicyError(
            f"policy {name}: what the hosts draw is not known, and a cap cannot be kept blindly; give a platform with "
            "powers, and to a scheduler beside Batsim its file (key 'platform')"
        )
    if error == OUT_OF_SIGNAL:
        raise PolicyError(
            f"policy {name}: its signal does not cover date {now_s} s; give a longer series, another 'origin', or a "
            "shorter workload"
        )
    if error == CAP_TOO_LOW:
        raise PolicyError(
            f"policy {name}: the machine draws more than the cap although no job runs, or no job that waits fits under "
            f"it, at {now_s} s; raise the cap"
        )
    if error == OTHER_STATES:
        raise PolicyError(
            f"policy {name}: a host has other computing power states than those that the model learned to choose from "
            "(their number, or their speeds or powers relative to each other); take a model for this machine, or train "
            "one"
        )
    if error == STARTS_NOTHING:
        raise PolicyError(
            f"policy {name}: jobs wait on a machine without work at {now_s} s, and it decided ten thousand times "
            "without starting one; train it for longer, or take another policy"
        )
    if error == NOT_COUNTED:
        raise PolicyError(
            f"policy {name}: its model chooses power states, for which energy has to be counted; count it (-E of "
            "`wattq run`, 'energy: true' in an experiment file)"
        )
    raise PolicyError(
        f"policy {name}: its plan of reservations outgrew its memory at {now_s} s; "
        "take a policy without a plan, such as 'easy', or a shorter window of the workload"
    )
