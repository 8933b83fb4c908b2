"""What sleeping saves: a run between the same run always on, and the same run with idle for free."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from wattq.errors import InvalidInputError
from wattq.experiments.accounting.account import Account, account_history
from wattq.experiments.accounting.history import PowerHistory, always_on
from wattq.experiments.accounting.meters import Tariff
from wattq.experiments.table import aligned
from wattq.units import DAY_S

__all__ = ["MonthlySaving", "Savings", "savings", "savings_text"]

_MEASURES = {"facility_j": "energy", "carbon_g": "CO2e", "cost": "cost"}
_MONTH_S = 365.2425 / 12 * DAY_S


@dataclass(frozen=True)
class MonthlySaving:
    """One month, or the part of it in which the run lies.

    Attributes:
        month: ``2021-03``.
        always_on, run: amounts by measure, in the account's units (J, g, currency).
    """

    month: str
    always_on: dict[str, float]
    run: dict[str, float]


@dataclass(frozen=True)
class Savings:
    """A run between its two bounds; mappings are by measure (``facility_j``, ``carbon_g``, ``cost``).

    Attributes:
        always_on: the same jobs at the same dates, with no host ever asleep.
        run: the run.
        idle_free: only what hosts draw while they run jobs.
        months: by calendar month; they sum to the run.
        span_s: time that is counted.
    """

    always_on: dict[str, float]
    run: dict[str, float]
    idle_free: dict[str, float]
    months: tuple[MonthlySaving, ...]
    span_s: float

    def saved(self, measure: str) -> float:
        """Return always on minus the run; negative where the run took more."""
        return self.always_on[measure] - self.run[measure]

    def share(self, measure: str) -> float | None:
        """Return what was saved of what being always on takes; None where that is not above 0."""
        return self.saved(measure) / self.always_on[measure] if self.always_on[measure] > 0 else None

    def effective(self, measure: str) -> float | None:
        """Return what was saved of what could be: always on minus idle for free; None where that is not above 0."""
        room = self.always_on[measure] - self.idle_free[measure]
        return self.saved(measure) / room if room > 0 else None

    def per_year(self, measure: str) -> float:
        """Return what was saved per month of the span, times 12 (a month is 365.2425 / 12 days)."""
        return self.saved(measure) / (self.span_s / _MONTH_S) * 12.0 if self.span_s > 0 else 0.0


def savings(
    history: PowerHistory, tariff: Tariff | None = None, *, time_zone: str = "UTC", horizon_s: float | None = None
) -> Savings:
    """Return what a run saves against being always on, in all and by calendar month.

    Args:
        history: power of the run.
        tariff: signals, PUE and date of origin.
        time_zone: IANA name of the zone whose months count.
        horizon_s: as in `account`.

    Raises:
        SignalError: a signal does not cover the run.
        InvalidInputError: an unknown time zone, or a horizon before the end.
    """
    tariff, awake = tariff or Tariff(), always_on(history)
    whole = [account_history(each, tariff, horizon_s=horizon_s) for each in (awake, history)]
    months = []
    for month, window in _months(tariff.origin_s, whole[1].end_s, time_zone):
        pair = [account_history(each, tariff, window=window, horizon_s=horizon_s) for each in (awake, history)]
        months.append(MonthlySaving(month, _totals(pair[0]), _totals(pair[1])))
    computing = whole[1].parts["computing"]
    idle_free = {name: getattr(computing, name) for name in _totals(whole[1])}
    return Savings(_totals(whole[0]), _totals(whole[1]), idle_free, tuple(months), whole[1].end_s)


def _totals(account: Account) -> dict[str, float]:
    values = {name: getattr(account.total, name) for name in _MEASURES}
    return {name: value for name, value in values.items() if value is not None}


def _months(origin_s: float, end_s: float, time_zone: str) -> Iterator[tuple[str, tuple[float, float]]]:
    """Yield the months of a span with their windows in the run's time."""
    try:
        zone = ZoneInfo(time_zone)
        moment = datetime.fromtimestamp(origin_s, zone)
        datetime.fromtimestamp(origin_s + end_s, zone)
    except (ValueError, OSError, OverflowError, KeyError) as error:
        raise InvalidInputError(
            f"months from {origin_s:g} s in '{time_zone[:60]}': {error}; name an IANA zone"
        ) from None
    since = 0.0
    while since < end_s:
        year, month = moment.year + moment.month // 12, moment.month % 12 + 1
        following = datetime(year, month, 1, tzinfo=zone)
        until = min(following.timestamp() - origin_s, end_s)
        yield f"{moment.year}-{moment.month:02}", (since, until)
        since, moment = until, following


def savings_text(found: Savings, currency: str = "") -> str:
    """Return savings as aligned text: by month, in all, per year, and of what is possible."""
    names = [name for name in _MEASURES if name in found.run]
    units = {"facility_j": ("kWh", 3.6e6), "carbon_g": ("kg", 1e3), "cost": (currency, 1.0)}
    heading = [text for name in names for text in (f"Saved {_MEASURES[name]} {units[name][0]}", "%")]
    rows = [["Against always on", *heading]]
    rows += [[each.month, *_cells(names, units, each.always_on, each.run)] for each in found.months]
    rows.append(["all", *_cells(names, units, found.always_on, found.run)])
    yearly = [found.per_year(name) / units[name][1] for name in names]
    rows.append(["per year", *(text for value in yearly for text in (f"{value:,.2f}", ""))])
    rows.append(["of what idle takes", *(text for name in names for text in ("", _percent(found.effective(name))))])
    return aligned(rows)


def _cells(
    names: list[str], units: dict[str, tuple[str, float]], before: dict[str, float], after: dict[str, float]
) -> list[str]:
    cells = []
    for name in names:
        saved = before[name] - after[name]
        share = saved / before[name] if before[name] > 0 else None
        cells += [f"{saved / units[name][1] + 0.0:,.2f}", _percent(share)]
    return cells


def _percent(share: float | None) -> str:
    return "n/a" if share is None or not np.isfinite(share) else f"{100 * share:.1f}"
