"""What a learned policy writes into ``head.error`` when it cannot go on, beside the numbers of `faults`."""

from __future__ import annotations

__all__ = ["NOT_COUNTED", "OTHER_STATES", "STARTS_NOTHING"]

OTHER_STATES = 107  # a host has other power states than those that the policy learned to choose from
STARTS_NOTHING = 108  # jobs wait on an idle machine, and it goes on deciding without starting one
NOT_COUNTED = 109  # the policy chooses power states, and energy is not counted
