"""Energy, CO2e and cost of a week: its jobs wherever they run, and the machine's overhead during the week."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wattq.errors import SignalError
from wattq.experiments.accounting import Account, PowerHistory, Tariff, account_week, reconstruct
from wattq.experiments.results import RunResults
from wattq.experiments.study.grids import Grid, Placed
from wattq.experiments.study.plan import WeekTask

__all__ = ["Counted", "WeekEnergy"]


@dataclass(frozen=True)
class Counted:
    """Sums of a week by name, the parts of the difference from EASY, and why values are missing."""

    values: dict[str, float] = field(default_factory=dict)
    parts: dict[str, float] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


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

    def of(self, number: int, placed: Placed) -> Counted:
        """Return what one run drew on one grid; without the grid's sums where it ran beyond the series."""
        if not self.histories:
            return Counted()
        history, grid = self.histories[number], self.grids[placed.grid]
        try:
            return Counted(_values(self._account(history, grid, placed)))
        except SignalError as error:
            alone = Grid(grid.name, pue=grid.pue)
            names = [name for name, signal in (("co2e_kg", grid.carbon), ("cost", grid.price)) if signal is not None]
            return Counted(_values(self._account(history, alone, placed)), {}, dict.fromkeys(names, str(error)))

    def _account(self, history: PowerHistory, grid: Grid, placed: Placed) -> Account:
        part = self.task.part
        tariff = Tariff(grid.carbon, grid.price, grid.pue, placed.origin_s)
        return account_week(history, tariff, part.window_s, horizon_s=max(history.end_s, part.end_s))


def _values(counted: Account) -> dict[str, float]:
    total = counted.total
    values = {"energy_kwh": total.facility_kwh}
    values |= {f"energy_{part}_kwh": amounts.facility_kwh for part, amounts in counted.parts.items()}
    if total.carbon_kg is not None:
        values["co2e_kg"] = total.carbon_kg
    if total.cost is not None:
        values[f"cost_{counted.currency.lower()}"] = total.cost
    return values
