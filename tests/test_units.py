"""Conversions of energy and mass."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattq import units


def test_one_kilowatt_hour() -> None:
    assert units.kwh_to_joules(1.0) == 3.6e6
    assert units.joules_to_kwh(3.6e6) == 1.0
    assert units.joules_to_wh(3.6e6) == 1000.0
    assert units.joules_to_mwh(3.6e6) == 0.001
    assert units.wh_to_joules(1.0) == 3600.0
    assert units.mwh_to_joules(1.0) == 3.6e9


def test_masses() -> None:
    assert units.grams_to_kg(2500.0) == 2.5
    assert units.grams_to_tonnes(2_500_000.0) == 2.5


def test_times() -> None:
    assert (units.HOUR_S, units.DAY_S, units.WEEK_S) == (3600.0, 86400.0, 604800.0)


@given(st.floats(-1e15, 1e15))
def test_there_and_back(energy: float) -> None:
    for unit in ("wh", "kwh", "mwh"):
        joules = getattr(units, f"{unit}_to_joules")(energy)
        assert getattr(units, f"joules_to_{unit}")(joules) == pytest.approx(energy, rel=1e-15)
