"""What sweeps of the hourly task go through: weights that sum to one, and ranges of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import product
from math import isfinite

from wattq.errors import LearningError

__all__ = ["SWEPT_WEIGHTS", "parse_fixed", "parse_values", "weight_simplex"]

SWEPT_WEIGHTS = ("efficiency", "price", "idle", "age", "drop")
"""The weights that are swept, as in the published task; they sum to one."""

_MOST_CELLS = 10_000


def weight_simplex(step: float, fixed: Mapping[str, float] | None = None) -> list[dict[str, float]]:
    """Return all weights in multiples of a step that sum to one, in order.

    Args:
        step: such as 0.5; one must be a multiple of it.
        fixed: weights that are the same in all, by name; the others share what they leave of one.

    Raises:
        LearningError: a step that does not divide one, an unknown weight, or fixed weights of more than one, or
            that leave what is no multiple of the step.
    """
    if not (isfinite(step) and 0 < step <= 1):
        raise LearningError(f"--step {step:g}: give a number above 0 and at most 1, such as 0.5")
    part = Fraction(step).limit_denominator(1000)
    if part <= 0 or (1 / part).denominator != 1 or abs(float(part) - step) > 1e-9:
        raise LearningError(f"--step {step:g}: one must be a multiple of the step; give 0.5, 0.25, 0.2 or 0.1")
    kept = {name: _weight(name, value) for name, value in (fixed or {}).items()}
    rest = (1 - sum(kept.values())) / part
    if rest < 0 or rest.denominator != 1:
        raise LearningError(
            f"--fix-weights: they leave {float(rest * part):g} of one, which is no multiple of --step {step:g}"
        )
    free = [name for name in SWEPT_WEIGHTS if name not in kept]
    if not free and rest:
        raise LearningError("--fix-weights: all weights are fixed, and their sum is not one")
    return [_row(kept, dict(zip(free, shares, strict=True)), part) for shares in _shares(int(rest), len(free))]


def _weight(name: str, value: float) -> Fraction:
    if name not in SWEPT_WEIGHTS:
        raise LearningError(f"--fix-weights {name}: no such weight; there are {', '.join(SWEPT_WEIGHTS)}")
    if not (isfinite(value) and 0 <= value <= 1):
        raise LearningError(f"--fix-weights {name}={value:g}: give a number from 0 to 1")
    return Fraction(value).limit_denominator(1000)


def _shares(total: int, parts: int) -> list[tuple[int, ...]]:
    """Return all ways to share a whole number among parts."""
    if parts == 0:
        return [()]
    if (total + 1) ** (parts - 1) > 100 * _MOST_CELLS:
        raise LearningError(f"--step: more than {_MOST_CELLS:,} combinations; give a larger step or fix weights")
    found = [(*head, total - sum(head)) for head in product(range(total + 1), repeat=parts - 1) if sum(head) <= total]
    if len(found) > _MOST_CELLS:
        raise LearningError(f"--step: {len(found):,} combinations; give a larger step or fix weights")
    return found


def _row(kept: Mapping[str, Fraction], shares: Mapping[str, int], part: Fraction) -> dict[str, float]:
    whole = {**kept, **{name: part * count for name, count in shares.items()}}
    return {name: float(whole[name]) for name in SWEPT_WEIGHTS}


def parse_fixed(text: str) -> dict[str, float]:
    """Return weights from ``efficiency=0.5,drop=0``.

    Raises:
        LearningError: the text is of another form, or names a weight twice.
    """
    found: dict[str, float] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = (piece.strip() for piece in entry.partition("="))
        if not equals or name in found:
            raise LearningError(f"--fix-weights '{entry[:60]}': write NAME=NUMBER once for each, such as drop=0")
        found[name] = _number("--fix-weights", value)
    return found


def parse_values(option: str, text: str, *, whole: bool = False) -> list[float]:
    """Return numbers from ``0.5,1,1.5`` or ``0.5:1.5:7`` (from, to, how many), increasing and without doubles.

    Raises:
        LearningError: the text is of another form, negative, or too much.
    """
    if ":" in text:
        parts = [_number(option, part) for part in text.split(":")]
        if len(parts) != 3 or parts[2] != int(parts[2]) or not 1 <= parts[2] <= _MOST_CELLS:
            raise LearningError(f"{option} '{text[:60]}': write FROM:TO:HOW_MANY, such as 0.5:1.5:7")
        low, high, count = parts[0], parts[1], int(parts[2])
        values = [low + (high - low) * k / max(count - 1, 1) for k in range(count)]
    else:
        values = [_number(option, part) for part in text.split(",")]
    values = sorted({float(round(value)) if whole else round(value, 9) for value in values})
    if values[0] < 0 or len(values) > _MOST_CELLS:
        raise LearningError(f"{option} '{text[:60]}': give at most {_MOST_CELLS:,} numbers of at least 0")
    return values


def _number(option: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise LearningError(f"{option}: '{text.strip()[:60]}' is not a number")
    return value
