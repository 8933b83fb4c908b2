"""What a compiled policy writes into ``head.error`` when it cannot go on; 101 is a plan that outgrew its memory."""

from __future__ import annotations

__all__ = ["CAP_TOO_LOW", "NO_POWER", "NO_SLEEP_STATE", "NO_SWITCH_SPEED", "OUT_OF_SIGNAL"]

NO_SLEEP_STATE = 102  # a host cannot sleep, which the policy asks of all
NO_SWITCH_SPEED = 103  # nobody told how long a host takes to switch off or on
OUT_OF_SIGNAL = 104  # no forecast reaches the present
CAP_TOO_LOW = 105  # the machine draws more than the cap although no job runs
NO_POWER = 106  # nobody told what a host draws
