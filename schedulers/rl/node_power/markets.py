"""Several series of prices as one, for episodes side by side, and the hours of a year that are kept for measuring."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wattq.errors import LearningError
from wattq.schedulers.rl.node_power.prices import Prices

__all__ = ["GAP_H", "LEVEL", "PERIOD_H", "SPAN_H", "held_out_starts", "joined", "read_prices", "train_starts"]

SPAN_H = 504
"""Hours of a block: three weeks, so that a fortnight may begin on different days of it."""
GAP_H = 48
"""Hours between two blocks: what is forecast at the end of one does not reach into the next."""
PERIOD_H = 2 * (SPAN_H + GAP_H)
"""A block to measure with, a gap, a block to learn from, a gap; then it begins again."""
WEEK_H = 168
"""Hours that an episode may look back on."""
LEVEL = 50.0
"""Mean size of prices that are learned from, so that all series count alike."""

Ints = NDArray[np.int64]


def held_out_starts(n_hours: int, horizon_h: int) -> Ints:
    """Return the hours at which held-out episodes begin: one in each block to measure with, from hour 168 of it on.

    The first week of a block is what an episode may look back on; horizons of more than two weeks reach into the gap.
    """
    starts = np.arange(WEEK_H, n_hours - horizon_h + 1, PERIOD_H)
    return starts.astype(np.int64)


def train_starts(n_hours: int, horizon_h: int) -> Ints:
    """Return the hours, whole days apart, at which episodes that teach may begin, all within blocks to learn from.

    Raises:
        LearningError: when no episode of this length fits a block.
    """
    last = SPAN_H - horizon_h
    if last < WEEK_H - GAP_H:
        raise LearningError(
            f"horizon_h {horizon_h}: episodes that teach last {SPAN_H - WEEK_H + GAP_H} h at most; lower it"
        )
    firsts = np.arange(SPAN_H + GAP_H, n_hours - horizon_h + 1, PERIOD_H)
    # what an episode looks back on, a week, does not reach beyond the gap either
    starts = (firsts[:, None] + np.arange(WEEK_H - GAP_H, last + 1, 24)).ravel()
    return starts[starts <= n_hours - horizon_h].astype(np.int64)


def read_prices(text: str, *, forecast: str = "day-ahead") -> Prices:
    """Return the prices of ``FILE``, ``FILE#REGION`` or the name of a synthetic series (``sinus``, ``logic``).

    A file without time zone is read as UTC: hours of the day are then those of its own clock.

    Raises:
        LearningError: when the prices do not suit the task.
        SignalError: when the file cannot be read as a series of prices.
    """
    from pathlib import Path

    from wattq.errors import SignalError
    from wattq.platforms.signals import read_signal
    from wattq.schedulers.rl.node_power.prices import named_prices, prices_of

    path, _, region = text.partition("#")
    if not Path(path).exists() and not region:
        return named_prices(path, forecast=forecast)
    try:
        signal = read_signal(path, quantity="price", region=region or None)
    except SignalError as error:
        if "time zone" not in str(error) and "time_zone" not in str(error):
            raise
        signal = read_signal(path, quantity="price", region=region or None, time_zone="UTC")
    return prices_of(signal, forecast=forecast)


def joined(series: Sequence[Prices], horizon_h: int) -> tuple[Prices, Ints]:
    """Return several series one after the other, each scaled to the mean size `LEVEL`, and where episodes may begin.

    Args:
        series: hourly prices, of a few weeks each at least.
        horizon_h: hours of an episode.

    Raises:
        LearningError: when no episode fits any block to learn from.
    """
    if not series:
        raise LearningError("prices: give one series at least")
    values, forecasts, clocks, starts, begin = [], [], [], [], 0
    for each in series:
        scale = LEVEL / max(float(np.abs(each.value).mean()), 1e-9)
        values.append(each.value * scale)
        forecasts.append(each.forecast * scale)
        clocks.append(each.clock)
        starts.append(begin + train_starts(each.n_hours, horizon_h))
        begin += each.n_hours
    found = np.concatenate(starts)
    if not len(found):
        raise LearningError(f"prices: no series has the {2 * SPAN_H + GAP_H} hours that training needs")
    value = np.concatenate(values)
    low, high = (float(bound) for bound in np.percentile(value, (1.0, 99.0)))
    whole = Prices(
        value,
        np.ascontiguousarray(np.concatenate(forecasts)),
        np.concatenate(clocks),
        low,
        high,
        series[0].unit,
        series[0].start_s,
        "; ".join(each.source for each in series),
        any(each.synthetic for each in series),
        series[0].model,
    )
    return whole, found
