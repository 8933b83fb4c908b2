"""Quantities as SimGrid writes them: ``100Mf``, ``498MBps``, ``15us``.

A number is followed by its unit without a blank; the unit may be left out (flop/s, bytes/s, seconds), as SimGrid still
accepts. Decimal prefixes are k, M, G, T, P, E, Z, Y; binary ones Ki, Mi, ... (bandwidths only).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

__all__ = [
    "format_bandwidth",
    "format_number",
    "format_speed",
    "parse_bandwidth",
    "parse_speed",
    "parse_speeds",
    "parse_time",
]

_QUANTITY = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([A-Za-z]*)", re.ASCII)
_DECIMAL = ("k", "M", "G", "T", "P", "E", "Z", "Y")
_BINARY = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")
_LONG = ("kilo", "mega", "giga", "tera", "peta", "exa", "zeta", "yotta")
MAX_STATES = 1000


def _scales(unit: str, value: float, prefixes: tuple[str, ...], step: float) -> dict[str, float]:
    # Repeated multiplication, as SimGrid does it: 1e24 would differ from 1000.0 ** 8 in the last bit.
    scales = {unit: value}
    for prefix in prefixes:
        value *= step
        scales[prefix + unit] = value
    return scales


_SPEED = _scales("f", 1.0, _DECIMAL, 1000.0) | _scales("flops", 1.0, _LONG, 1000.0)
_BANDWIDTH = (
    _scales("bps", 0.125, _BINARY, 1024.0)
    | _scales("bps", 0.125, _DECIMAL, 1000.0)
    | _scales("Bps", 1.0, _BINARY, 1024.0)
    | _scales("Bps", 1.0, _DECIMAL, 1000.0)
)
_TIME = {"w": 604800.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "ps": 1e-12}


def _parse(text: str, units: Mapping[str, float], default: str, what: str) -> float:
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is not a {what}: write a number and a unit without a blank, as in '2.5{default}'")
    unit = match[2] or default
    if unit not in units:
        raise ValueError(f"'{text}' is not a {what}: unknown unit '{unit}', use one of {', '.join(units)}")
    value = float(match[1]) * units[unit]
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"'{text}' is not a {what}: it must be finite and not negative")
    return value


def parse_speed(text: str) -> float:
    """Return a speed in flop/s.

    Raises:
        ValueError: when the text is no speed; the message says why.
    """
    return _parse(text.strip(), _SPEED, "f", "speed")


def parse_speeds(text: str) -> tuple[float, ...]:
    """Return the speeds of a comma-separated list, one per power state, in flop/s.

    Raises:
        ValueError: when a part is no speed, or there are more than 1,000.
    """
    parts = text.split(",")
    if len(parts) > MAX_STATES:
        raise ValueError(f"{len(parts)} power states: at most {MAX_STATES} are accepted")
    return tuple(parse_speed(part) for part in parts)


def parse_bandwidth(text: str) -> float:
    """Return a bandwidth in bytes/s (``bps`` units are bits, an eighth).

    Raises:
        ValueError: when the text is no bandwidth above 0.
    """
    value = _parse(text, _BANDWIDTH, "Bps", "bandwidth")
    if value <= 0:
        raise ValueError(f"'{text}' is not a bandwidth: it must be above 0")
    return value


def parse_time(text: str) -> float:
    """Return a duration in seconds.

    Raises:
        ValueError: when the text is no duration.
    """
    return _parse(text, _TIME, "s", "duration")


def format_number(value: float) -> str:
    """Return the shortest text that reads back as the same double; integers without a point."""
    text = repr(float(value))
    return text[:-2] if text.endswith(".0") else text


def format_speed(value: float) -> str:
    """Return a speed with the largest prefix that reads back as the same double."""
    return _format(value, (("Gf", 1e9), ("Mf", 1e6), ("kf", 1e3)), "f", _SPEED)


def format_bandwidth(value: float) -> str:
    """Return a bandwidth with the largest prefix that reads back as the same double."""
    return _format(value, (("GBps", 1e9), ("MBps", 1e6), ("kBps", 1e3)), "Bps", _BANDWIDTH)


def _format(value: float, choices: tuple[tuple[str, float], ...], base: str, units: Mapping[str, float]) -> str:
    for unit, scale in choices:
        number = value / scale
        if 1e-3 < number < 1e6 and number * units[unit] == value and len(format_number(number)) <= 12:
            return format_number(number) + unit
    return format_number(value) + base
