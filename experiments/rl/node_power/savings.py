"""What a policy of the hourly task saves: only for equal work, by month and year, and split into its two causes."""

from __future__ import annotations

from dataclasses import dataclass

from wattq.errors import InvalidInputError

__all__ = ["EQUAL_WORK", "MONTH_H", "Bill", "Savings", "saved"]

EQUAL_WORK = 0.999
"""Share of the baseline's completed core-hours below which savings are void."""

MONTH_H = 365.2425 / 12 * 24
"""Hours of a month."""


@dataclass(frozen=True)
class Bill:
    """What a policy paid in an episode or in several, and what it did for it.

    Attributes:
        cost: in the currency of the prices.
        energy_mwh: energy drawn, MWh.
        core_h: completed core-hours.
        hours: time billed, h.
        mean_wait_h: mean wait of all jobs, those that never started included, h.
    """

    cost: float
    energy_mwh: float
    core_h: float
    hours: float
    mean_wait_h: float = 0.0

    def __add__(self, other: Bill) -> Bill:
        """Return both bills as one; mean waits are weighted by the hours billed."""
        hours = self.hours + other.hours
        wait = (self.mean_wait_h * self.hours + other.mean_wait_h * other.hours) / hours if hours > 0 else 0.0
        return Bill(
            self.cost + other.cost,
            self.energy_mwh + other.energy_mwh,
            self.core_h + other.core_h,
            hours,
            wait,
        )

    @property
    def rate(self) -> float:
        """Mean price paid, currency per MWh; 0 without energy."""
        return self.cost / self.energy_mwh if self.energy_mwh > 0 else 0.0


@dataclass(frozen=True)
class Savings:
    """A policy against a baseline over the same hours.

    Attributes:
        against: name of the baseline.
        baseline: its bill.
        policy: the policy's bill.
        completion: completed core-hours over those of always-on, which may not be those of ``baseline``.
    """

    against: str
    baseline: Bill
    policy: Bill
    completion: float

    @property
    def void(self) -> str:
        """Why these are no savings; empty where they are."""
        if self.completion >= EQUAL_WORK:
            return ""
        return f"void: {100 * self.completion:.2f} % of the work of always-on"

    @property
    def total(self) -> float:
        """The baseline's cost less the policy's."""
        return self.baseline.cost - self.policy.cost

    @property
    def share(self) -> float | None:
        """The total over the baseline's cost; None where that is not positive."""
        return self.total / self.baseline.cost if self.baseline.cost > 0 else None

    @property
    def price_timing(self) -> float:
        """Part that comes of paying another mean price: change of the price at the baseline's energy."""
        if self.baseline.energy_mwh <= 0 or self.policy.energy_mwh <= 0:
            return 0.0
        return (self.baseline.rate - self.policy.rate) * self.baseline.energy_mwh

    @property
    def energy_volume(self) -> float:
        """Part that comes of drawing less: change of the energy at the policy's mean price."""
        return self.total - self.price_timing

    @property
    def monthly(self) -> float:
        """The total per month of the hours billed."""
        return self.total / (self.baseline.hours / MONTH_H) if self.baseline.hours > 0 else 0.0

    @property
    def annual(self) -> float:
        """Twelve months of `monthly`."""
        return 12.0 * self.monthly

    @property
    def effective(self) -> float | None:
        """Share times completion squared over (extra mean wait in hours + 1), as the published sweeps state it."""
        extra = max(self.policy.mean_wait_h - self.baseline.mean_wait_h, 0.0)
        return None if self.share is None else self.share * self.completion**2 / (extra + 1.0)


def saved(against: str, baseline: Bill, policy: Bill, always_on_core_h: float) -> Savings:
    """Return what a policy saves against a baseline.

    Args:
        against: name of the baseline.
        baseline: its bill.
        policy: the policy's bill, of the same hours.
        always_on_core_h: core-hours that always-on completed on the same arrivals.

    Raises:
        InvalidInputError: the bills are of different hours.
    """
    if baseline.hours != policy.hours:
        raise InvalidInputError(
            f"savings against '{against}': {policy.hours:g} hours against {baseline.hours:g}; bill the same hours"
        )
    completion = policy.core_h / always_on_core_h if always_on_core_h > 0 else 1.0
    return Savings(against, baseline, policy, completion)
