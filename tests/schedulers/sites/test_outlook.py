"""Signals as policies may know them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wattq.errors import InvalidInputError, SignalError
from wattq.platforms.signals.forecast import Forecaster
from wattq.platforms.signals.series import Signal
from wattq.schedulers.outlook import LONGEST_S, Outlook, unix_time

MARCH = 1614556800.0
HOUR = 3600.0


def series(values: list[float], *, step_s: float = HOUR, start_s: float = MARCH, unit: str = "g/kWh") -> Signal:
    starts = start_s + step_s * np.arange(len(values))
    quantity = "carbon" if unit == "g/kWh" else "price"
    return Signal(starts, float(starts[-1] + step_s), np.array(values, dtype=float), quantity, unit)


@pytest.mark.parametrize(
    ("origin", "seconds"),
    [
        (MARCH, MARCH),
        (0, 0.0),
        ("1614556800", MARCH),
        ("2021-03-01T00:00Z", MARCH),
        ("2021-03-01T01:00+01:00", MARCH),
        (" 2021-03-01 00:00:00+00:00 ", MARCH),
    ],
)
def test_dates(origin: object, seconds: float) -> None:
    assert unix_time(origin) == seconds


@pytest.mark.parametrize("origin", ["2021-03-01", "2021-03-01T00:00", "", "nan", "soon", math.inf, True, None])
def test_what_is_no_date(origin: object) -> None:
    with pytest.raises(InvalidInputError, match=r"zone|no date"):
        unix_time(origin)


def test_values_and_means_are_those_of_the_series() -> None:
    grid = Outlook(series([100, 200, 300, 400]), "2021-03-01T00:00Z")
    assert (grid.at(0), grid.at(3599), grid.at(3600)) == (100, 100, 200)
    assert grid.mean(0, 0, HOUR) == 100
    assert grid.mean(0, 1800, HOUR) == 150
    assert grid.mean(0, HOUR, 3 * HOUR) == 300
    assert grid.mean(0, 2 * HOUR, 0) == 300
    assert grid.unit == "g/kWh"
    # The past is not asked for: what began before now is counted from now on.
    assert grid.mean(HOUR, 0, HOUR) == 200
    later = Outlook(series([100, 200, 300, 400]), MARCH + HOUR)
    assert (later.at(0), later.mean(0, 0, 2 * HOUR)) == (200, 250)


def test_a_number_is_a_grid_that_never_changes() -> None:
    for number in (233.1, "233.1"):
        grid = Outlook(number)
        assert (grid.at(1e9), grid.mean(0, 5, math.inf), grid.unit) == (233.1, 233.1, "")
        assert grid.forecaster is None


def test_an_endless_job_sees_two_days() -> None:
    grid = Outlook(series([float(k) for k in range(96)]), MARCH)
    assert LONGEST_S == 48 * HOUR
    assert grid.mean(0, 0, math.inf) == pytest.approx(23.5)
    assert grid.mean(0, 0, 96 * HOUR) == pytest.approx(23.5)


@pytest.mark.parametrize("model", ["perfect", "persistence", "persistence:2", "noisy:26"])
def test_means_are_those_of_the_forecasts(model: str) -> None:
    signal = series([200 + 50 * math.sin(k / 4) for k in range(24 * 10)])
    grid = Outlook(signal, MARCH + 86400, model, 3)
    theirs = Forecaster(signal, model, 3)
    draw = np.random.default_rng(1)
    for now_s in (0.0, 12345.678, 5 * 86400.0, 8.9 * 86400):
        for _ in range(8):
            start_s, lasts_s = now_s + draw.uniform(0, 90000), draw.uniform(1, 170000)
            issued = theirs.forecast(grid.origin_s + now_s, 300000.0)
            begin = grid.origin_s + start_s
            assert grid.mean(now_s, start_s, lasts_s) == pytest.approx(issued.mean(begin, begin + lasts_s), rel=1e-9)


def test_only_what_was_knowable_comes_back() -> None:
    values = [200 + 50 * math.sin(k / 4) for k in range(24 * 6)]
    other = values[:72] + [900.0] * 72
    now_s = 71.5 * HOUR
    ours, theirs = (
        Outlook(series(each), MARCH, "persistence").mean(now_s, now_s, 30 * HOUR) for each in (values, other)
    )
    assert ours == theirs


def test_errors() -> None:
    grid = Outlook(series([100.0, 200.0]), MARCH)
    for date in (-1.0, 2 * HOUR):
        with pytest.raises(SignalError):
            grid.at(date)
        with pytest.raises(SignalError):
            grid.mean(date, date, 10.0)
    with pytest.raises(InvalidInputError, match="'origin' is missing"):
        Outlook(series([100.0]))
    with pytest.raises(SignalError, match="not finite"):
        Outlook("nan")
    with pytest.raises(SignalError, match="unknown"):
        Outlook(series([100.0]), MARCH, "guess")
