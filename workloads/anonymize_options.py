"""Choices of an anonymisation: group size, tier, time step, quasi-identifiers, columns that are kept."""

from __future__ import annotations

from dataclasses import dataclass

from wattq.errors import InvalidInputError

__all__ = ["BRONZE_STEP_S", "TIERS", "AnonymizeOptions"]

BRONZE_STEP_S = 3600
"""Step of dates in tier bronze, s."""

TIERS = {
    "gold": "full time resolution, hashed ids",
    "silver": "dates in steps of 1 to 60 s, hashed ids",
    "bronze": "dates in hours, durations in two digits, sizes in powers of two, no ids",
}
"""What each tier tells; from most to least."""

_LARGEST_STEP_S = 60
_LARGEST_K = 10**6


@dataclass(frozen=True)
class AnonymizeOptions:
    """Choices of `anonymize_file`.

    Attributes:
        k: fewest users that a group of equal quasi-identifiers must have to stay; 1 suppresses nothing.
        tier: a key of `TIERS`.
        aggregate_s: step of dates in tier silver, s, 1 to 60; None is 60. The other tiers take none.
        quasi: quasi-identifiers by name of column; empty takes sizes, queue and partition (not those that the tier
            leaves out).
        keep: further columns, or keys of an SWF header, that are written as they are.

    Raises:
        InvalidInputError: a value outside its range; the message names the option.
    """

    k: int = 5
    tier: str = "silver"
    aggregate_s: int | None = None
    quasi: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.k <= _LARGEST_K:
            raise InvalidInputError(f"--k {self.k}: a group has from 1 to {_LARGEST_K} users; 5 is usual")
        if self.tier not in TIERS:
            raise InvalidInputError(f"--tier '{self.tier}': no such tier; the tiers are {', '.join(TIERS)}")
        if self.aggregate_s is None:
            return
        if not 1 <= self.aggregate_s <= _LARGEST_STEP_S:
            raise InvalidInputError(f"--aggregate-s {self.aggregate_s}: the step is 1 to {_LARGEST_STEP_S} s")
        if self.tier != "silver":
            kept = "every second" if self.tier == "gold" else f"steps of {BRONZE_STEP_S} s"
            raise InvalidInputError(
                f"--aggregate-s {self.aggregate_s}: tier {self.tier} has {kept}; leave it out, or choose --tier silver"
            )

    @property
    def step_s(self) -> int:
        """Step of dates, s; 1 in tier gold, which leaves times as they are."""
        if self.tier == "silver":
            return _LARGEST_STEP_S if self.aggregate_s is None else self.aggregate_s
        return BRONZE_STEP_S if self.tier == "bronze" else 1
