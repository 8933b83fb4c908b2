"""What the agent sees of the grid is what was knowable."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wattq.errors import LearningError
from wattq.platforms import make_platform
from wattq.schedulers.rl.backfill import Fleet, Options, feature_names
from wattq.schedulers.rl.backfill.config import make_cfg
from wattq.schedulers.rl.backfill.scenario import hourly_forecasts


def _played(kit: Any, scenario: Any) -> list[tuple[float, np.ndarray]]:
    fleet = Fleet(scenario, 1)
    fleet.begin(0, 0)
    found = []
    choose = kit.randomly(0)
    while fleet.status[0] == 0:
        found.append((float(fleet.ledger(0).head["now_s"][0]), fleet.x[0].copy()))
        fleet.step(np.array([choose(fleet)]))
    return found


@pytest.mark.parametrize("forecast", ["persistence", "persistence:3"])
def test_the_future_does_not_show(kit: Any, forecast: str) -> None:
    carbon = kit.signal("carbon")
    change_s = 4 * 86400.0  # Unix; date 0 of the scenario is one day
    other = np.where(carbon.start_s >= change_s, 999.0, carbon.value)
    values = {"episodes": 1, "load": 0.2, "forecast": forecast}
    before = _played(kit, kit.scenario(carbon=carbon, **values))
    after = _played(kit, kit.scenario(carbon=kit.replace(carbon, value=other), **values))
    date_s = change_s - 86400.0
    same = [k for k, (now_s, _) in enumerate(before) if now_s < date_s]
    assert len(same) > 10
    assert len(before) > len(same)
    for k in same:
        assert before[k][0] == after[k][0]
        assert (before[k][1] == after[k][1]).all()
    assert any((x != y).any() for (_, x), (_, y) in zip(before, after, strict=False))


def test_hours_are_those_of_the_forecast(kit: Any) -> None:
    carbon, price = kit.signal("carbon"), kit.signal("price", 1)
    scenario = kit.scenario(carbon=carbon, price=price, forecast="perfect", episodes=1)
    names = feature_names(scenario.options.window)
    for now_s, x in _played(kit, scenario)[::10]:
        hour = int((now_s + 86400.0 + 1e-4) // 3600)
        for name, values, full in (("carbon", carbon.value, 1000.0), ("price", price.value, 500.0)):
            day = values[hour : hour + 24]
            at = names.index(f"{name}_hour_0")
            relative = np.clip((day - day.mean()) / np.abs(day).mean(), -1.0, 1.0)
            assert x[at : at + 24] == pytest.approx(relative, abs=1e-6)
            assert x[names.index(f"{name}_level")] == pytest.approx(day.mean() / full, abs=1e-6)
            assert x[names.index(f"{name}_rank")] == pytest.approx((day < day[0]).sum() / 23.0, abs=1e-6)


def test_without_signals_their_numbers_are_zero(kit: Any) -> None:
    names = feature_names(16)
    grid = [k for k, name in enumerate(names) if "carbon" in name or "price" in name or name.endswith("signal")]
    for _, x in _played(kit, kit.scenario()):
        assert not x[grid].any()


def test_clock_of_the_site(kit: Any) -> None:
    # Unix second 0 was a Thursday; the clock of the site is two hours ahead.
    scenario = kit.scenario(origin_s=0.0, utc_offset_s=7200.0)
    names = feature_names(16)
    now_s, x = _played(kit, scenario)[5]
    week = 2.0 * np.pi * ((3 * 86400.0 + 7200.0 + now_s) % 604800.0) / 604800.0
    assert x[names.index("week_sin")] == pytest.approx(np.sin(week), abs=1e-6)
    assert x[names.index("week_cos")] == pytest.approx(np.cos(week), abs=1e-6)


def test_forecasts_must_be_hourly(kit: Any) -> None:
    table = hourly_forecasts(kit.signal("carbon"), 0.0, 86400.0, "perfect")
    wrong = kit.replace(table, issue_step_s=21600.0)
    platform = make_platform(4, kit.STATES)
    assert len(make_cfg(Options(), platform, carbon=table)) > 24 * 24
    with pytest.raises(LearningError, match="hourly"):
        make_cfg(Options(), platform, carbon=wrong)
