"""Savings of the hourly task: identities, months, and no saving without equal work."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import InvalidInputError
from wattq.experiments.rl.node_power.savings import MONTH_H, Bill, saved

_AMOUNT = st.floats(-1e6, 1e6)
_ENERGY = st.floats(0.001, 1e4)


@settings(deadline=None)
@given(base=_AMOUNT, paid=_AMOUNT, before=_ENERGY, after=_ENERGY)
def test_parts_sum_to_the_total(base: float, paid: float, before: float, after: float) -> None:
    found = saved("always-on", Bill(base, before, 1.0, 336.0), Bill(paid, after, 1.0, 336.0), 1.0)
    rounding = 1e-12 * (abs(found.price_timing) + abs(found.energy_volume) + 1.0)
    assert found.price_timing + found.energy_volume == pytest.approx(found.total, rel=0, abs=rounding)
    volume = (before - after) * (paid / after)
    assert found.energy_volume == pytest.approx(volume, rel=0, abs=10 * rounding)


def test_months_and_years() -> None:
    found = saved("always-on", Bill(500.0, 10.0, 8.0, 336.0), Bill(400.0, 9.0, 8.0, 336.0), 8.0)
    assert found.share == pytest.approx(0.2)
    assert found.monthly == pytest.approx(100.0 * MONTH_H / 336.0)
    assert found.annual == pytest.approx(12 * found.monthly)
    assert found.void == ""


def test_effective_savings_pay_for_waits_and_for_work_that_is_left() -> None:
    base = Bill(500.0, 10.0, 8.0, 336.0, mean_wait_h=1.0)
    found = saved("always-on", base, Bill(400.0, 9.0, 4.0, 336.0, mean_wait_h=4.0), 8.0)
    assert found.effective == pytest.approx(0.2 * 0.25 / 4.0)


def test_less_work_voids_savings() -> None:
    base, less = Bill(500.0, 10.0, 1000.0, 336.0), Bill(400.0, 9.0, 998.9, 336.0)
    assert saved("always-on", base, less, 1000.0).void == "void: 99.89 % of the work of always-on"
    assert saved("always-on", base, Bill(400.0, 9.0, 999.0, 336.0), 1000.0).void == ""


def test_a_baseline_that_earns_has_no_share() -> None:
    found = saved("always-on", Bill(-5.0, 10.0, 1.0, 336.0), Bill(-9.0, 9.0, 1.0, 336.0), 1.0)
    assert (found.share, found.effective, found.total) == (None, None, 4.0)


def test_bills_of_other_hours_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="336 hours against 300"):
        saved("always-on", Bill(1.0, 1.0, 1.0, 300.0), Bill(1.0, 1.0, 1.0, 336.0), 1.0)


def test_bills_add_up() -> None:
    both = Bill(1.0, 2.0, 3.0, 100.0, 4.0) + Bill(10.0, 20.0, 30.0, 300.0, 8.0)
    assert both == Bill(11.0, 22.0, 33.0, 400.0, 7.0)
