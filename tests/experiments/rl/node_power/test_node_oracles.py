"""Lower bounds of the hourly task: exact small cases, order of the bounds, and schedules that stay above them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import InvalidInputError
from wattq.experiments.rl.node_power.oracles import (
    HourlyWork,
    Machine,
    contiguous_oracle,
    liquid_oracle,
)

SMALL = Machine(nodes=2, cores=4, idle_mw=0.1, used_mw=0.3)


def _work(*jobs: tuple[int, int, int], max_wait_h: int = 336) -> HourlyWork:
    table = np.array(jobs, dtype=np.int64).reshape(-1, 3)
    return HourlyWork(table[:, 0], table[:, 1], table[:, 2], max_wait_h)


def test_work_flows_to_the_cheapest_hours_after_its_arrival() -> None:
    price = np.array([1.0, 50.0, 20.0, 30.0, 40.0])
    found = liquid_oracle(_work((1, 2, 4)), price, SMALL)
    # all 8 core-hours could have run by the end of hour 2; a fluid may do them all in it, on both nodes
    assert found.value == pytest.approx(0.6 * 20.0)
    assert found.used_cores.tolist() == [0.0, 0.0, 8.0, 0.0, 0.0]
    assert found.served.tolist() == [0]
    assert found.unserved_core_h == 0.0


def test_one_piece_cannot_leave_out_a_dear_hour() -> None:
    price = np.array([10.0, 90.0, 10.0, 60.0])
    work = _work((0, 2, 4))
    assert liquid_oracle(work, price, SMALL).value == pytest.approx(0.6 * 10.0)
    found = contiguous_oracle(work, price, SMALL)
    assert found.value == pytest.approx(0.3 * (10.0 + 60.0))
    assert found.schedule_cost == pytest.approx(found.value)


def test_the_longest_wait_holds() -> None:
    price = np.array([10.0, 9.0, 1.0, 1.0])
    assert liquid_oracle(_work((0, 1, 4), max_wait_h=1), price, SMALL).value == pytest.approx(0.3 * 9.0)
    assert contiguous_oracle(_work((0, 1, 4), max_wait_h=1), price, SMALL).value == pytest.approx(0.3 * 9.0)


def test_nodes_are_on_while_prices_are_negative() -> None:
    price = np.array([-10.0, 5.0])
    found = liquid_oracle(_work((0, 1, 4)), price, SMALL)
    assert found.value == pytest.approx(-10.0 * (2 * 0.1 + 1 * 0.2))
    assert liquid_oracle(_work(), price, SMALL).value == pytest.approx(-10.0 * 0.2)


def test_work_that_fits_nowhere_is_reported() -> None:
    found = contiguous_oracle(_work((3, 2, 4), (0, 1, 8), (0, 1, 9)), np.ones(4), SMALL)
    assert (found.served.tolist(), found.unserved.tolist()) == ([1], [0, 2])
    assert (found.served_core_h, found.unserved_core_h) == (8.0, 17.0)


def test_capacity_pushes_work_to_dearer_hours() -> None:
    price = np.array([1.0, 5.0, 9.0])
    work = _work((0, 1, 8), (0, 1, 8), (0, 1, 8))
    assert liquid_oracle(work, price, SMALL).value == pytest.approx(0.6 * 15.0)
    assert contiguous_oracle(work, price, SMALL).value == pytest.approx(0.6 * 15.0)


@pytest.mark.parametrize(
    ("work", "price", "says"),
    [
        (lambda: _work((0, 0, 4)), [1.0], "duration_h 0"),
        (lambda: _work((-1, 1, 4)), [1.0], "arrival_h -1"),
        (lambda: _work((0, 1, 1), max_wait_h=-1), [1.0], "max_wait_h -1"),
        (lambda: _work((0, 1, 4)), [float("nan")], "finite"),
        (lambda: _work((0, 1, 8), (0, 1, 8)), [1.0], "do not fit"),
        (lambda: HourlyWork(np.zeros(2, int), np.ones(1, int), np.ones(1, int)), [1.0], "different length"),
    ],
)
def test_wrong_work_is_an_error(work: Callable[[], HourlyWork], price: list[float], says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        liquid_oracle(work(), np.array(price), SMALL)


_JOBS = st.lists(st.tuples(st.integers(0, 14), st.integers(1, 8), st.integers(1, 8)), min_size=1, max_size=5)
_PRICES = st.lists(st.floats(-50.0, 200.0), min_size=70, max_size=70)


def _schedules(work: HourlyWork, seed: int, horizon: int) -> np.ndarray:
    """Return cores at work by hour in a schedule in one piece, first come first served at random delays."""
    rng, free = np.random.default_rng(seed), np.full(horizon, 8)
    for arrival, duration, cores in zip(work.arrival_h, work.duration_h, work.cores, strict=True):
        start = arrival + rng.integers(0, 4)
        while (free[start : start + duration] < cores).any():
            start += 1
        free[start : start + duration] -= cores
    return 8 - free


@settings(max_examples=40, deadline=None)
@given(jobs=_JOBS, prices=_PRICES, seed=st.integers(0, 5))
def test_liquid_is_below_contiguous_and_both_below_schedules(
    jobs: list[tuple[int, int, int]], prices: list[float], seed: int
) -> None:
    work, price = _work(*jobs), np.array(prices)
    liquid, whole = liquid_oracle(work, price, SMALL), contiguous_oracle(work, price, SMALL)
    assert liquid.served.tolist() == whole.served.tolist()
    assert liquid.value <= whole.value
    used = _schedules(work, seed, len(price))
    on = np.where(price < 0.0, 2.0, used / 4.0)
    cost = float(price @ (0.1 * on + 0.2 * used / 4.0))
    slack = 1e-9 * (1.0 + abs(cost) + float(np.abs(price).sum()))
    assert whole.value <= cost + slack
    assert np.isnan(whole.schedule_cost) or whole.value <= whole.schedule_cost + slack
