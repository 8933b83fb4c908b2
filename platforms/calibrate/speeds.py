"""How fast work runs in each setting, from samples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from wattq.errors import InvalidInputError
from wattq.platforms.calibrate.fit import Value
from wattq.platforms.calibrate.samples import Samples

__all__ = ["place_of", "relative_speeds"]

Floats = NDArray[np.float64]
_MOST_LISTED = 16


def relative_speeds(
    samples: Samples, given: Mapping[float, float], setting: Floats, values: Sequence[float], notes: list[str]
) -> list[Value]:
    """Return the speed in each setting relative to the first.

    Args:
        samples: with the rate of work, or the clocks.
        given: speeds said by hand, by setting; empty when there are none.
        setting: of each sample, rounded.
        values: the settings, highest first.
        notes: gets what was assumed.

    Raises:
        InvalidInputError: when the speed in some setting cannot be told.
    """
    if len(values) == 1:
        return [Value(1.0, 0.0)]
    if given:
        missing = [f"{value:g}" for value in values if value not in given]
        if missing:
            raise InvalidInputError(f"{samples.source}: --speed is missing for {', '.join(missing)} {samples.unit}")
        first = given[values[0]]
        return [Value(given[value] / first, math.nan) for value in values]
    if not np.isnan(samples.rate).all():
        return _rates(samples, setting, values)
    if samples.unit == "GHz":
        notes.append("no rate of work: speed is the ratio of the clocks (assumed)")
        return [Value(value / values[0], math.nan) for value in values]
    raise InvalidInputError(
        f"{samples.source}: caps of {', '.join(f'{v:g}' for v in values[:_MOST_LISTED])} W, but not how fast work runs "
        "under them: add a column of the rate of work, or say --speed CAP=SPEED for each"
    )


def _rates(samples: Samples, setting: Floats, values: Sequence[float]) -> list[Value]:
    means = []
    for value in values:
        busy = (setting == value) & ~np.isnan(samples.rate) & ~(samples.load == 0)
        rate = samples.rate[busy]
        if not rate.size or rate.mean() <= 0:
            raise InvalidInputError(
                f"{samples.source}{place_of(value, samples.unit)}: no rate of work above 0; log it in each setting"
            )
        error = float(rate.std(ddof=1) / math.sqrt(rate.size)) if rate.size > 1 else math.nan
        means.append((float(rate.mean()), error))
    first, first_error = means[0]
    relative = [math.hypot(error / mean, first_error / first) for mean, error in means]
    return [Value(1.0, 0.0)] + [
        Value(mean / first, mean / first * share) for (mean, _), share in zip(means[1:], relative[1:], strict=True)
    ]


def place_of(setting: float, unit: str) -> str:
    """Return `` at 150 W``, or nothing where there is no setting."""
    return "" if math.isnan(setting) else f" at {setting:g} {unit}"
