"""The smallest change of what a user can change that moves a prediction as far as asked."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SurrogateError

__all__ = ["Aim", "Change", "Lever", "smallest_change"]

_PRECISE = 0.005  # relative width at which the bisection stops

Ask = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True)
class Aim:
    """How far a prediction is to move.

    Attributes:
        move: relative change, such as 0.2 for 20 % up or down.
        below: value that it is to fall below, in the unit of the prediction; None takes `move`.

    Raises:
        SurrogateError: when neither is a number above 0.
    """

    move: float = 0.2
    below: float | None = None

    def __post_init__(self) -> None:
        value = self.move if self.below is None else self.below
        if not (math.isfinite(value) and value > 0.0):
            raise SurrogateError(f"a prediction cannot be moved by or below {value:g}; give a number above 0")

    def reached(self, now: float, then: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return whether predictions `then` are far enough from the one `now`."""
        if self.below is not None:
            return np.asarray(then < self.below)
        return np.asarray(np.abs(then - now) >= self.move * abs(now))


@dataclass(frozen=True)
class Lever:
    """Something that a user can change.

    Attributes:
        name: ``request_s``, ``hosts`` or ``frequency_ghz``.
        unit: its unit.
        now: what the job asks for.
        low, high: bounds of the search.
        whole: whether only whole numbers are asked for.
        choices: the only values there are, where not every value between the bounds is one.
    """

    name: str
    unit: str
    now: float
    low: float
    high: float
    whole: bool = True
    choices: tuple[float, ...] = ()

    def candidates(self, per_octave: int = 8) -> NDArray[np.float64]:
        """Return the values tried at first: factors of 2 in so many steps, and both bounds."""
        if self.choices:
            found = np.array([value for value in self.choices if self.low <= value <= self.high])
        else:
            steps = np.arange(
                math.floor(per_octave * math.log2(self.low / self.now)),
                math.ceil(per_octave * math.log2(self.high / self.now)) + 1,
            )
            found = np.clip(self.now * 2.0 ** (steps / per_octave), self.low, self.high)
            found = np.unique(np.concatenate([np.round(found) if self.whole else found, [self.low, self.high]]))
        return np.asarray(found[found != self.now], dtype=np.float64)

    def distance(self, values: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Return how far values are from what is asked for, as the logarithm of their quotient."""
        return np.asarray(np.abs(np.log(np.asarray(values) / self.now)))


@dataclass(frozen=True)
class Change:
    """What the search for one lever found.

    Attributes:
        lever: what is changed.
        value: what to ask for instead; None where no value within the bounds moves the prediction so far.
        before, after: predictions with what is asked for now, and with `value`.
        tried: number of predictions that were made.
    """

    lever: Lever
    value: float | None
    before: float
    after: float | None
    tried: int

    @property
    def relative(self) -> float | None:
        """Relative change of the request: -0.25 asks for a quarter less."""
        return None if self.value is None else self.value / self.lever.now - 1.0


def smallest_change(lever: Lever, ask: Ask, now: float, aim: Aim) -> Change:
    """Return the smallest change of one lever that moves a prediction as far as asked.

    A grid of factors is searched on both sides of what is asked for; between the nearest value of a side that is far
    enough and its neighbour on the side of the present value, a bisection looks for a nearer one, to 0.5 % of the
    value. What a grid of eight steps per factor of 2 steps over is not found.

    Args:
        lever: what is changed, within its bounds.
        ask: from values of the lever to predictions.
        now: the prediction for what is asked for.
        aim: how far it is to move.
    """
    if bool(aim.reached(now, np.array([now]))[0]):
        return Change(lever, lever.now, now, now, 0)
    grid = lever.candidates()
    found = ask(grid) if len(grid) else np.empty(0)
    far = aim.reached(now, found)
    sides = [np.flatnonzero(far & (grid < lever.now)), np.flatnonzero(far & (grid > lever.now))]
    tried, best = len(grid), Change(lever, None, now, None, len(grid))
    for side in sides:
        if not len(side):
            continue
        nearest = int(side[np.argmin(lever.distance(grid[side]))])
        value, after, more = float(grid[nearest]), float(found[nearest]), 0
        if not lever.choices:
            value, after, more = _nearer(lever, ask, now, aim, (_neighbour(lever, grid, nearest), value, after))
        tried += more
        if best.value is None or lever.distance(value) < lever.distance(best.value):
            best = Change(lever, value, now, after, tried)
    return replace(best, tried=tried)


def _neighbour(lever: Lever, grid: NDArray[np.float64], place: int) -> float:
    """Return the next value of the grid on the way back to what is asked for now."""
    line: Sequence[float] = sorted([*grid.tolist(), lever.now])
    pairs = pairwise(line) if grid[place] > lever.now else pairwise(line[::-1])
    return next(before for before, value in pairs if value == grid[place])


def _nearer(
    lever: Lever, ask: Ask, now: float, aim: Aim, start: tuple[float, float, float]
) -> tuple[float, float, int]:
    """Return a value between one that is not far enough and one that is, its prediction, and how many were tried."""
    short, value, after = start
    tried = 0
    while abs(math.log(value / short)) > _PRECISE:
        middle = math.sqrt(short * value)
        middle = float(round(middle)) if lever.whole else middle
        if middle in (short, value):
            break
        found = ask(np.array([middle]))
        tried += 1
        if bool(aim.reached(now, found)[0]):
            value, after = middle, float(found[0])
        else:
            short = middle
    return value, after, tried
