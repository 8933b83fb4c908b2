"""PUE: constants, the published curve over temperature, the share that does not fall with the load."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import SignalError
from wattq.platforms.signals import PueModel, Signal, check_pue, constant_pue

OUTSIDE = Signal(
    np.array([0.0, 3600.0, 7200.0, 10800.0]), 14400.0, np.array([-20.0, 0.0, 20.0, 40.0]), "temperature", "degC"
)


def test_a_constant() -> None:
    signal = constant_pue(1.25, 0.0, 7200.0, "GB")
    assert (signal.quantity, signal.unit, signal.region, signal.at(7000.0)) == ("pue", "1", "GB", 1.25)
    assert check_pue(1.0) == 1.0
    for value in (0.99, math.nan, math.inf, -1.0):
        with pytest.raises(SignalError, match="at least 1"):
            check_pue(value)
        with pytest.raises(SignalError, match="at least 1"):
            constant_pue(value, 0.0, 1.0)


def test_the_published_curve() -> None:
    """1.05 or 1.06 at the cold end of the measurements, 1.30 or 1.31 at the warm one, as the paper says."""
    model = PueModel()
    assert model.pue(0.0) == 1.0743
    assert model.pue(20.0) == pytest.approx(1.0743 + 0.082 + 0.028682, rel=1e-15)
    assert model.pue(-3.9) == pytest.approx(1.0594, abs=1e-4)
    assert model.pue(35.0) == pytest.approx(1.3056, abs=1e-4)
    np.testing.assert_array_equal(model.pue(np.array([-30.0, 50.0])), model.pue(np.array([-3.9, 35.0])))


def test_a_fixed_share_weighs_more_at_low_load() -> None:
    model = PueModel(fixed_share=0.5, other_overhead=0.0257)
    assert model.pue(0.0, 1.0) == pytest.approx(1.1, rel=1e-15)
    assert model.pue(0.0, 0.25) == pytest.approx(1.0 + 0.1 * (0.5 / 0.25 + 0.5), rel=1e-15)
    assert PueModel().pue(0.0, 0.25) == PueModel().pue(0.0, 1.0)


@given(st.floats(-50.0, 60.0), st.floats(0.01, 1.0), st.floats(0.0, 1.0), st.floats(0.0, 2.0))
@settings(deadline=None, max_examples=100)
def test_site_power_is_pue_times_power(temperature: float, load: float, share: float, other: float) -> None:
    model = PueModel(share, other)
    pue = float(model.pue(temperature, load))
    assert pue > 1.0
    assert float(model.site_w(load * 5e5, 5e5, temperature)) == pytest.approx(pue * load * 5e5, rel=1e-12)
    assert float(model.site_w(0.0, 5e5, temperature)) == pytest.approx(share * (model.pue(temperature) - 1) * 5e5)


def test_a_signal_from_temperatures() -> None:
    model = PueModel(fixed_share=0.2)
    loads = np.array([0.5, 0.5, 1.0, 1.0])
    signal = model.signal(OUTSIDE, loads)
    np.testing.assert_array_equal(signal.value, model.pue(OUTSIDE.value, loads))
    np.testing.assert_array_equal(signal.edges_s, OUTSIDE.edges_s)
    assert (signal.quantity, signal.unit) == ("pue", "1")
    assert "Xu, Feng and Li 2013" in signal.source
    assert signal.notes == ("2 temperatures lie outside -3.9 to 35.0 degC, where the PUE of the end is held",)
    assert model.signal(OUTSIDE.slice(3600.0, 10800.0)).notes == ()


def test_bad_numbers_are_refused() -> None:
    for model in ({"fixed_share": 1.1}, {"fixed_share": math.nan}, {"other_overhead": -0.1}):
        with pytest.raises(SignalError, match="of a PUE model"):
            PueModel(**model)
    for load in (0.0, 1.01, math.nan):
        with pytest.raises(SignalError, match="share of the rated power"):
            PueModel().pue(20.0, load)
    with pytest.raises(SignalError, match="not finite"):
        PueModel().pue(math.nan)
    for power_w in (-1.0, 101.0, math.nan):
        with pytest.raises(SignalError, match=r"rated 100\.0 W"):
            PueModel().site_w(power_w, 100.0, 20.0)
    with pytest.raises(SignalError, match="signal of temperature"):
        PueModel().signal(constant_pue(1.1, 0.0, 1.0))
    with pytest.raises(SignalError, match="3 loads for 4 temperatures"):
        PueModel().signal(OUTSIDE, np.ones(3))
