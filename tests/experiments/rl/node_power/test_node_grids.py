"""What sweeps go through: weights on a simplex, fixed weights, ranges of numbers."""

from __future__ import annotations

import pytest

from wattq.errors import LearningError
from wattq.experiments.rl.node_power.grids import SWEPT_WEIGHTS, parse_fixed, parse_values, weight_simplex


@pytest.mark.parametrize(("step", "count"), [(1.0, 5), (0.5, 15), (0.25, 70), (0.1, 1001)])
def test_a_step_gives_all_combinations(step: float, count: int) -> None:
    found = weight_simplex(step)
    assert len(found) == count
    assert len({tuple(row.values()) for row in found}) == count
    assert all(sum(row.values()) == pytest.approx(1.0, abs=1e-12) for row in found)
    assert tuple(found[0]) == SWEPT_WEIGHTS


def test_fixed_weights_stay() -> None:
    found = weight_simplex(0.25, {"drop": 0.0, "age": 0.5})
    assert len(found) == 6
    assert all(row["drop"] == 0.0 and row["age"] == 0.5 for row in found)
    assert weight_simplex(0.5, {"drop": 1.0})[0] == {**dict.fromkeys(SWEPT_WEIGHTS, 0.0), "drop": 1.0}


@pytest.mark.parametrize(
    ("step", "fixed", "says"),
    [
        (0.0, {}, "--step 0"),
        (0.3, {}, "multiple of the step"),
        (float("nan"), {}, "--step nan"),
        (0.5, {"age": 0.3}, "no multiple"),
        (0.5, {"age": 1.0, "drop": 0.5}, "no multiple"),
        (0.5, {"speed": 0.5}, "no such weight"),
        (0.5, {"age": 2.0}, "from 0 to 1"),
        (0.001, {}, "combinations"),
        (0.5, dict.fromkeys(SWEPT_WEIGHTS, 0.0), "all weights are fixed"),
    ],
)
def test_wrong_grids_are_errors(step: float, fixed: dict[str, float], says: str) -> None:
    with pytest.raises(LearningError, match=says):
        weight_simplex(step, fixed)


def test_numbers_and_weights_are_read() -> None:
    assert parse_fixed("efficiency=0.5, drop=0") == {"efficiency": 0.5, "drop": 0.0}
    assert parse_fixed("") == {}
    assert parse_values("--values", "1.5,0.5,1.5") == [0.5, 1.5]
    assert parse_values("--values", "0.5:1.5:3") == [0.5, 1.0, 1.5]
    assert parse_values("--values", "0:10:4", whole=True) == [0.0, 3.0, 7.0, 10.0]


@pytest.mark.parametrize("text", ["age", "age=1,age=2", "age=x", "age=nan"])
def test_wrong_weights_are_errors(text: str) -> None:
    with pytest.raises(LearningError, match="--fix-weights"):
        parse_fixed(text)


@pytest.mark.parametrize("text", ["", "a", "1:2", "1:2:0", "1:2:1.5", "-1", "0:1:99999"])
def test_wrong_values_are_errors(text: str) -> None:
    with pytest.raises(LearningError, match="--values"):
        parse_values("--values", text)
