"""Forecasts issued at regular dates, as one array that a compiled policy can index."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from wattq.errors import SignalError
from wattq.platforms.signals.forecast import Forecaster
from wattq.platforms.signals.persistence import Pieces
from wattq.platforms.signals.rules import FloatArray, utc_text

__all__ = ["ForecastTable", "forecast_table"]

_LARGEST = 20_000_000


@dataclass(frozen=True, eq=False)
class ForecastTable:
    """Row k is the forecast issued at `issue_s0` + k `issue_step_s`; column j its mean over one step of lead.

    Attributes:
        issue_s0: Unix second of the first issue.
        issue_step_s: seconds between two issues.
        lead_step_s: seconds that a column covers: [issue + j `lead_step_s`, issue + (j + 1) `lead_step_s`).
        values: float64[n_issues, n_leads], read-only, in the unit of the signal.
        unit: of the values.
        model: of the forecaster.
        seed: of the forecaster.
        upper_bound: whether the forecast is perfect, and results an upper bound.
        notes: what reports must say: upper bound, fallbacks.
    """

    issue_s0: float
    issue_step_s: float
    lead_step_s: float
    values: FloatArray
    unit: str
    model: str
    seed: int
    upper_bound: bool
    notes: tuple[str, ...]

    @property
    def horizon_s(self) -> float:
        """Seconds that each forecast covers."""
        return float(self.values.shape[1] * self.lead_step_s)

    def row(self, now_s: float) -> int:
        """Return the row of the newest forecast issued at `now_s` (Unix seconds) or before.

        Raises:
            SignalError: before the first issue, or a whole step or more after the last.
        """
        row = math.floor((now_s - self.issue_s0) / self.issue_step_s)
        if not 0 <= row < self.values.shape[0]:
            end_s = self.issue_s0 + self.values.shape[0] * self.issue_step_s
            span = f"{utc_text(self.issue_s0)} to {utc_text(end_s)}"
            raise SignalError(f"no forecast for {utc_text(now_s)}: the table holds the issues from {span}")
        return row

    def at(self, now_s: float, t_s: float) -> float:
        """Return what the newest forecast at `now_s` says of the time `t_s` (both Unix seconds).

        Raises:
            SignalError: for a `now_s` outside the table, or a `t_s` outside that forecast.
        """
        row = self.row(now_s)
        column = math.floor((t_s - self.issue_s0 - row * self.issue_step_s) / self.lead_step_s)
        if not 0 <= column < self.values.shape[1]:
            raise SignalError(
                f"{utc_text(t_s)} lies outside the {self.horizon_s:g} s of the forecast at {utc_text(now_s)}"
            )
        return float(self.values[row, column])


def forecast_table(
    forecaster: Forecaster,
    t0_s: float,
    t1_s: float,
    issue_step_s: float = 21600.0,
    lead_step_s: float = 3600.0,
    horizon_s: float = 172800.0,
) -> ForecastTable:
    """Issue a forecast every `issue_step_s` seconds in [t0, t1) and take its means over steps of lead.

    Raises:
        SignalError: when the series does not cover [t0, t1), for steps that are not positive, a horizon that is not
            positive or longer than 366 days, or a table of more than 20 million values.
    """
    _check(forecaster, t0_s, t1_s, issue_step_s, lead_step_s)
    n_issues = math.ceil((t1_s - t0_s) / issue_step_s)
    n_leads = math.ceil(horizon_s / lead_step_s)
    if n_leads < 1 or n_issues * n_leads > _LARGEST:
        raise SignalError(
            f"{n_issues} forecasts of {n_leads} steps; a table holds 1 to {_LARGEST} values: change a step"
        )
    issues_s = t0_s + np.arange(n_issues) * issue_step_s
    leads_s: FloatArray = np.arange(n_leads + 1, dtype=np.float64) * lead_step_s
    values = np.empty((n_issues, n_leads))
    for row, issue_s in enumerate(issues_s.tolist()):
        values[row] = _means(forecaster.pieces(issue_s, leads_s[-1]), leads_s)
    values.flags.writeable = False
    notes = (forecaster.notes(issue_s, leads_s[-1]) for issue_s in (issues_s[0], issues_s[-1]))
    unit, bound = forecaster.signal.unit, forecaster.upper_bound
    words = tuple(dict.fromkeys(note for pair in notes for note in pair))
    return ForecastTable(t0_s, issue_step_s, lead_step_s, values, unit, forecaster.model, forecaster.seed, bound, words)


def _means(pieces: Pieces, leads_s: FloatArray) -> FloatArray:
    """Return exact means between leads: the integral is linear within a piece, so interpolating it is exact."""
    edges_s = pieces.edges_s - pieces.edges_s[0]
    integral = np.concatenate(([0.0], np.cumsum(pieces.values * np.diff(edges_s))))
    means: FloatArray = np.diff(np.interp(leads_s, edges_s, integral)) / np.diff(leads_s)
    return means


def _check(forecaster: Forecaster, t0_s: float, t1_s: float, issue_step_s: float, lead_step_s: float) -> None:
    if not (t0_s < t1_s and forecaster.signal.covers(t0_s, t1_s)):
        wanted = f"{utc_text(t0_s)} to {utc_text(t1_s)}"
        raise SignalError(f"no forecasts from {wanted}: {forecaster.signal!r} does not cover that")
    for name, step_s in (("issue_step_s", issue_step_s), ("lead_step_s", lead_step_s)):
        if not 0.0 < step_s < math.inf:
            raise SignalError(f"{name} {step_s} of a forecast table; it must be positive")
