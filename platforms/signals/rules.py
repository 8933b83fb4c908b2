"""What a grid signal must be: its units and words, times in order, values within physics."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from wattq.errors import SignalError

if TYPE_CHECKING:
    from wattq.platforms.signals.series import Signal

__all__ = ["FloatArray", "check_signal", "number_row", "utc_text"]

FloatArray = NDArray[np.float64]

_UNITS = {
    "carbon": ("g/kWh", re.compile(r"g/kWh")),
    "price": ("EUR/MWh, or another currency code before /MWh", re.compile(r"[A-Z]{3}/MWh")),
    "pue": ("1", re.compile(r"1")),
    "temperature": ("degC", re.compile(r"degC")),
}
_KINDS = ("", "average", "marginal")
_LATEST_S = 1e11
_LARGEST = 1e9
_SCOPES = ("", "direct", "life-cycle")


def utc_text(t_s: float) -> str:
    """Return a Unix time as ISO 8601 in UTC, or the bare number where no calendar has it."""
    try:
        return datetime.fromtimestamp(float(t_s), UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, OSError, ValueError):
        return f"{t_s} s"


def number_row(numbers: object, name: str) -> FloatArray:
    """Return numbers as a read-only copy, float64[n] with n > 0.

    Raises:
        SignalError: for no number, several dimensions, or what is no number.
    """
    try:
        array: FloatArray = np.array(numbers, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise SignalError(f"{name} of a signal: {error}; give one-dimensional numbers") from None
    if array.ndim != 1 or array.size == 0:
        raise SignalError(f"{name} of a signal has shape {array.shape}; it must be a row of at least one number")
    array.flags.writeable = False
    return array


def check_signal(signal: Signal) -> None:
    """Hold a signal against the rules of its quantity.

    Raises:
        SignalError: naming the row, its date and its value, and the rule.
    """
    _check_words(signal)
    _check_times(signal)
    _check_values(signal)


def _check_words(signal: Signal) -> None:
    rule = _UNITS.get(signal.quantity)
    if rule is None:
        raise SignalError(f"quantity {signal.quantity!r} of a signal is unknown; it is one of {', '.join(_UNITS)}")
    if not rule[1].fullmatch(signal.unit):
        raise SignalError(f"unit {signal.unit!r} of {signal.quantity} is unknown; it must be {rule[0]}")
    for name, word, known in (("kind", signal.kind, _KINDS), ("scope", signal.scope, _SCOPES)):
        if word not in known:
            raise SignalError(f"{name} {word!r} of a signal is unknown; it is {' or '.join(known[1:])}, or empty")
    try:
        ZoneInfo(signal.time_zone)
    except (KeyError, ValueError, OSError):
        raise SignalError(f"time zone {signal.time_zone!r} of a signal is no IANA name such as Europe/London") from None


def _check_times(signal: Signal) -> None:
    if signal.start_s.size != signal.value.size:
        sizes = f"{signal.start_s.size} starts and {signal.value.size} values"
        raise SignalError(f"a signal has {sizes}; give one for each")
    edges = signal.edges_s
    wrong = ~(np.abs(edges) <= _LATEST_S)
    _refuse(signal, edges, wrong, lambda row: "no date; times are Unix seconds, not milliseconds")
    steps = np.diff(edges)
    _refuse(signal, edges[1:], steps <= 0.0, _order_rule(signal), first_row=2)


def _order_rule(signal: Signal) -> Callable[[int], str]:
    def rule(row: int) -> str:
        before = utc_text(signal.edges_s[row - 2])
        what = "the last value ends" if row > signal.start_s.size else "it begins"
        return f"{what} not after row {row - 1} ({before}); rows must be in order, without overlap"

    return rule


def _check_values(signal: Signal) -> None:
    values = signal.value
    _refuse(signal, values, ~np.isfinite(values), lambda row: "values are finite; fill gaps by a named rule")
    _refuse(signal, values, np.abs(values) > _LARGEST, lambda row: f"larger than {_LARGEST:g}; look at the unit")
    if signal.quantity == "pue":
        _refuse(signal, values, values < 1.0, lambda row: "a PUE is at least 1: the machine is part of the whole")
    if signal.quantity == "carbon" and signal.kind != "marginal":
        _refuse(signal, values, values < 0.0, lambda row: "an average intensity is never negative")
    if signal.quantity == "temperature":
        _refuse(signal, values, values < -273.15, lambda row: "nothing is colder than -273.15 degC")


def _refuse(signal: Signal, found: FloatArray, wrong: Any, rule: Callable[[int], str], first_row: int = 1) -> None:
    if not wrong.any():
        return
    index = int(np.argmax(wrong))
    row = index + first_row
    when = utc_text(signal.edges_s[row - 1])
    raise SignalError(f"{signal.quantity} signal, row {row} ({when}): {found[index]}: {rule(row)}")
