"""Small integers of the event kernel: actors, their calls, messages, actions, and the reasons to abort."""

from __future__ import annotations

__all__: list[str] = []

# Actors.
SERVER, SUBMITTER, EVENTS, SCHEDULER, JOB, WAITER, KILLER, SWITCH, RANK = range(9)

# Blocking calls of actors ("simcalls").
(
    CALL_END,
    CALL_PUT,
    CALL_GET,
    CALL_SLEEP,
    CALL_START,
    CALL_WAIT,
    CALL_CREATE,
    CALL_ENERGY,
    CALL_CANCEL,
    CALL_KILL,
    CALL_RANK_PUT,
    CALL_RANK_GET,
) = range(12)

# Messages to the server.
(
    M_HELLO,
    M_BYE,
    M_SUBMITTED,
    M_EVENTS,
    M_COMPLETED,
    M_KILLED,
    M_WAITED,
    M_SWITCHED,
    M_DECISION,
    M_READY,
) = range(10)

# Timed actions.
A_TASK, A_SLEEP, A_TIMER, A_RANK_MESSAGE = range(4)
LIVE, DEAD = 1, 0

# How an actor was woken.
W_DONE, W_TIMEOUT, W_CANCELLED = range(3)

# Why Batsim aborts.
(
    OK,
    AB_NOT_SUBMITTED,
    AB_BAD_HOST,
    AB_BUSY,
    AB_NOT_READY,
    AB_NOT_COMPUTING_PSTATE,
    AB_SIZE,
    AB_UNKNOWN_JOB,
    AB_REJECT,
    AB_KILL,
    AB_PAST_CALL,
    AB_NO_ENERGY,
    AB_SLEEP_TO_SLEEP,
    AB_SWITCH_BUSY,
    AB_BAD_PSTATE,
    AB_UNAVAILABLE_TWICE,
    AB_AVAILABLE_TWICE,
    AB_CALL_AT_END,
    AB_VECTOR_SIZE,
    AB_DATE,
    AB_UNKNOWN_DECISION,
    AB_REGISTRATION,
    AB_STORAGE_WORK,
    AB_RETURN_CODE,
) = range(24)

# Snap thresholds of SimGrid (seconds; fraction of a task).
SNAP_S = 1e-9
SNAP_TASK = 1e-5 * 1e-9
