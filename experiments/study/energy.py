"""Energy, CO2e and cost of a week: its jobs wherever they run, and the machine's overhead during the week."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wattq.errors import SignalError
from wattq.experiments.accounting import (
    Account,
    Decomposition,
    PowerHistory,
    Tariff,
    account_week,
    decompose,
    reconstruct,
)
from wattq.experiments.results import RunResults
from wattq.experiments.study.grids import Grid, Placed
from wattq.experiments.study.lower_bounds import WeekBounds
from wattq.experiments.study.plan import WeekTask
from wattq.units import JOULES_PER_KWH

__all__ = ["Counted", "Terms", "WeekEnergy"]

Terms = dict[str, dict[str, float]]
"""Quantity -> term of the difference from EASY -> its value in the quantity's unit."""


@dataclass(frozen=True)
class Counted:
    """Energy of one run on one grid.

    Attributes:
        values: sums of the week by name; names end in units.
        terms: why they differ from EASY's; empty for EASY itself and without it.
        fixed: whether the energy of the two could not have differed.
        missing: why values are missing, by name.
        bounds: what no schedule of the work can go below, by name; with EASY alone.
    """

    values: dict[str, float] = field(default_factory=dict)
    terms: Terms = field(default_factory=dict)
    fixed: bool = False
    missing: dict[str, str] = field(default_factory=dict)
    bounds: dict[str, float] = field(default_factory=dict)


class WeekEnergy:
    """Counts the energy of a week's runs.

    Args:
        task: the week.
        runs: the results of its runs, in order.
        grids: the grids by name.
    """

    def __init__(self, task: WeekTask, runs: Sequence[RunResults], grids: Mapping[str, Grid]) -> None:
        self.task, self.grids = task, grids
        self.histories = [reconstruct(run, task.platform) for run in runs] if task.energy else []
        self.base = next((number for number, planned in enumerate(task.runs) if planned.is_baseline), None)
        self._base_accounts: dict[str, Account] = {}
        easy = runs[self.base] if self.base is not None and task.bounds_drain_s is not None else None
        self.bounds = None if easy is None else WeekBounds(task, easy, task.bounds_drain_s or 0.0)

    def of(self, number: int, placed: Placed) -> Counted:
        """Return what one run drew on one grid; without the grid's sums where it ran beyond the series."""
        if not self.histories:
            return Counted()
        grid = self.grids[placed.grid]
        try:
            found = self._account(self.histories[number], grid, placed)
            why = self._difference(number, found, grid, placed)
        except SignalError as error:
            alone = Grid(grid.name, pue=grid.pue)
            names = [name for name, signal in (("co2e_kg", grid.carbon), ("cost", grid.price)) if signal is not None]
            missing = dict.fromkeys(names, str(error))
            return Counted(_values(self._account(self.histories[number], alone, placed)), missing=missing)
        if why is None:
            return Counted(_values(found), bounds=self._bounds(number, found, grid, placed))
        return Counted(_values(found), _terms(why, found), why.bound)

    def _account(self, history: PowerHistory, grid: Grid, placed: Placed) -> Account:
        part = self.task.part
        tariff = Tariff(grid.carbon, grid.price, grid.pue, placed.origin_s)
        return account_week(history, tariff, part.window_s, horizon_s=max(history.end_s, part.end_s))

    def _bounds(self, number: int, found: Account, grid: Grid, placed: Placed) -> dict[str, float]:
        if self.bounds is None or number != self.base:
            return {}
        return self.bounds.of(grid, placed, cost_name(found.currency))

    def _difference(self, number: int, found: Account, grid: Grid, placed: Placed) -> Decomposition | None:
        if self.base is None or number == self.base:
            return None
        if grid.name not in self._base_accounts:
            self._base_accounts[grid.name] = self._account(self.histories[self.base], grid, placed)
        return decompose(self._base_accounts[grid.name], found, allow_less_work=True)


def cost_name(currency: str) -> str:
    """Return the name of the cost in a currency."""
    return f"cost_{currency.lower()}"


def _values(counted: Account) -> dict[str, float]:
    total = counted.total
    values = {"energy_kwh": total.facility_kwh}
    values |= {f"energy_{part}_kwh": amounts.facility_kwh for part, amounts in counted.parts.items()}
    if total.carbon_kg is not None:
        values["co2e_kg"] = total.carbon_kg
    if total.cost is not None:
        values[cost_name(counted.currency)] = total.cost
    return values


def _terms(why: Decomposition, counted: Account) -> Terms:
    units = {
        "facility_j": ("energy_kwh", JOULES_PER_KWH),
        "carbon_g": ("co2e_kg", 1000.0),
        "cost": (cost_name(counted.currency), 1.0),
    }
    return {
        units[measure][0]: {term: value / units[measure][1] for term, value in difference.terms.items()}
        for measure, difference in why.measures.items()
        if measure in units
    }
