"""The grid and the building of a cell: date 0, carbon, price, and PUE by outside temperature."""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from pathlib import Path

from wattq.errors import CampaignError
from wattq.experiments.accounting import Tariff
from wattq.experiments.campaign.model import Campaign, SiteSpec
from wattq.experiments.inputs import beside
from wattq.experiments.study.grids import Grid
from wattq.platforms.signals import PueModel, Signal
from wattq.workloads.model import Workload

__all__ = ["origin_s", "tariff"]


def origin_s(campaign: Campaign, workload: Workload, grid: Grid | None, base: Path | None) -> float:
    """Return the Unix time of date 0 of a run without weeks; 0 where there is no series.

    Raises:
        CampaignError: the log has no date of its own.
        SignalError: the text is no date.
    """
    series = list(grid.signals) if grid is not None else []
    if campaign.site is not None and campaign.site.temperature is not None:
        series.append(_temperature(campaign.site, base))
    if not series:
        return 0.0
    if campaign.origin == "series":
        return max(float(signal.start_s[0]) for signal in series)
    if campaign.origin == "recorded":
        if workload.unix_start_s is None:
            raise CampaignError("origin 'recorded': the log has no date (UnixStartTime); give a date, or 'series'")
        return workload.unix_start_s
    from wattq.schedulers.outlook import unix_time

    return unix_time(campaign.origin)


def tariff(campaign: Campaign, grid: Grid | None, begin_s: float, base: Path | None) -> Tariff:
    """Return what energy is weighed with: the grid's series, and the PUE of the building, else of the grid."""
    pue: Signal | float = grid.pue if grid is not None else 1.0
    if campaign.site is not None:
        pue = _pue(campaign.site, base)
    return Tariff(grid.carbon if grid else None, grid.price if grid else None, pue, begin_s)


def _pue(site: SiteSpec, base: Path | None) -> Signal | float:
    model = PueModel(other_overhead=site.other_overhead)
    if site.ambient_c is not None:
        return float(model.pue(site.ambient_c))
    return model.signal(_temperature(site, base))


@lru_cache(maxsize=8)
def _temperature(site: SiteSpec, base: Path | None) -> Signal:
    from wattq.platforms.signals import read_signal
    from wattq.telemetry import locate_series, series_dirs

    path = locate_series(beside(str(site.temperature), base), data_dirs=series_dirs())
    found = read_signal(path, quantity="temperature")
    return dataclasses.replace(found, value=found.value + site.shift_c)
