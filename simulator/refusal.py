"""A decision of a scheduler that Batsim refuses while it reads it."""

from __future__ import annotations

from wattq.simulator import codes as x

__all__ = ["RefusedError"]


class RefusedError(Exception):
    """Raised when a decision is malformed; Batsim aborts when it comes to it.

    Attributes:
        reason: why, one of the ``AB_`` codes.
        job: number of the job concerned, -1 for none.
        why: what is wrong, in words; empty where the code says it all.
    """

    def __init__(self, reason: int = x.AB_UNKNOWN_DECISION, job: int = -1, why: str = "") -> None:
        super().__init__(why)
        self.reason = reason
        self.job = job
        self.why = why
