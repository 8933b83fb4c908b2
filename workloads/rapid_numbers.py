"""Numbers as Batsim's JSON library reads and prints them.

Batsim parses JSON with RapidJSON at normal precision: the digits become an integer or double significand, which is
then multiplied or divided by a power of ten. Beyond 15 digits the result can differ from the nearest double by a few
units in the last place. Objects that it forwards were printed by the Grisu2 algorithm (Loitsch, PLDI 2010) and read
again, which can move them once more.
"""

from __future__ import annotations

import math
import re
from functools import cache

__all__ = ["forwarded_number", "parse_number"]

_NUMBER = re.compile(r"^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$", re.ASCII)
_SHORT = re.compile(r"-?\d+\.\d+\Z", re.ASCII)
_EXACT = 2**53 - 1
_WORD = 1 << 64


def parse_number(text: str) -> float:
    """Return the double that Batsim reads from a JSON number with a fraction or an exponent.

    Raises:
        ValueError: the text is no JSON number, or too large for a double.
    """
    if len(text) <= 16 and _SHORT.match(text):
        return float(text)  # at most 15 digits: significand and power are exact
    match = _NUMBER.match(text)
    if match is None:
        raise ValueError(f"{text[:40]} is not a number")
    sign, whole, fraction, exponent = match[1], match[2], match[3] or "", int((match[4] or "0")[:8])
    if len(whole) + len(fraction) <= 15 and abs(exponent - len(fraction)) <= 22:
        value = float(text)  # significand and power are exact, so the one rounding is the nearest double's
    else:
        value = _by_significand(whole, fraction, exponent)
    if not math.isfinite(value):
        raise ValueError(f"number {text[:40]} is too large for a double; write a smaller one")
    return -value if sign and value > 0 else value


def _by_significand(whole: str, fraction: str, exponent: int) -> float:
    """Return significand times power of ten, gathered digit by digit as RapidJSON does."""
    significant = max(len(whole.lstrip("0")), 1) - 1
    shift = 0
    rest = fraction
    integer, unread = _integer_part(whole)
    if unread:
        value = float(integer)
        for digit in unread:
            value = value * 10.0 + int(digit)
    else:
        while rest and integer <= _EXACT:
            integer = integer * 10 + int(rest[0])
            rest = rest[1:]
            shift -= 1
            significant += integer != 0
        value = float(integer)
    for digit in rest:
        if significant >= 17:
            break
        value = value * 10.0 + int(digit)
        shift -= 1
        significant += value > 0.0
    return _scaled(value, exponent + shift)


def _integer_part(whole: str) -> tuple[int, str]:
    """Return what fits 64 bits of the digits before the point, and the digits that are left."""
    integer = 0
    for i, digit in enumerate(whole):
        if integer * 10 + int(digit) >= _WORD:
            return integer, whole[i:]
        integer = integer * 10 + int(digit)
    return integer, ""


def _scaled(value: float, power: int) -> float:
    """Return value times ten to a power, in one operation where the power is a double."""
    if power < -308:
        return _scaled(_scaled(value, -308), power + 308) if power >= -616 else 0.0
    if power > 308:
        return math.inf if value > 0.0 else 0.0
    return value * float(f"1e{power}") if power >= 0 else value / float(f"1e{-power}")


def forwarded_number(value: float) -> float:
    """Return a double as it arrives after Batsim printed and read it again."""
    if value == 0.0 or (abs(value) < 2**53 and value == int(value)):
        return value
    digits, power = _grisu2(abs(value))
    return math.copysign(parse_number(_printed(digits, power)), value)


def _printed(digits: str, power: int) -> str:
    """Return digits times a power of ten in the form that RapidJSON prints."""
    point = len(digits) + power
    if power >= 0 and point <= 21:
        return digits + "0" * power + ".0"
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    rest = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{rest}e{point - 1}"


def _normalized(f: int, e: int) -> tuple[int, int]:
    """Return f * 2**e with 64 significant bits."""
    shift = 64 - f.bit_length()
    return f << shift, e - shift


def _times(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    """Return the rounded upper half of a product."""
    product = a[0] * b[0]
    return (product >> 64) + (product >> 63 & 1), a[1] + b[1] + 64


@cache
def _power_of_ten(k: int) -> tuple[int, int]:
    """Return ten to the k as a 64-bit significand, rounded to nearest, and a binary exponent."""
    if k >= 0:
        exact = 10**k
        shift = exact.bit_length() - 64
        if shift <= 0:
            return exact << -shift, shift
        f = (exact + (1 << (shift - 1))) >> shift
    else:
        divisor = 10**-k
        shift = -(divisor.bit_length() + 63)
        f = ((1 << (-shift + 1)) // divisor + 1) >> 1
        if f < 1 << 63:
            shift -= 1
            f = ((1 << (-shift + 1)) // divisor + 1) >> 1
    if f == _WORD:
        return f >> 1, shift + 1
    return f, shift


def _grisu2(value: float) -> tuple[str, int]:
    """Return digits and power of ten of a positive double."""
    mantissa, exponent = math.frexp(value)
    f, e = int(mantissa * 2**53), exponent - 53
    if e < -1074:
        f >>= -1074 - e
        e = -1074
    upper = _normalized(2 * f + 1, e - 1)
    low_f, low_e = (4 * f - 1, e - 2) if f == 1 << 52 else (2 * f - 1, e - 1)
    lower = (low_f << (low_e - upper[1]), upper[1])
    estimate = (-61 - upper[1]) * 0.30102999566398114 + 347
    index = (math.ceil(estimate) >> 3) + 1
    power = -348 + index * 8
    c = _power_of_ten(power)
    w = _times(_normalized(f, e), c)
    high = (_times(upper, c)[0] - 1, _times(upper, c)[1])
    low = _times(lower, c)[0] + 1
    digits, shift = _digits(w[0], high[0], high[1], high[0] - low)
    return digits, shift - power


def _round(digits: list[int], delta: int, rest: int, ten_kappa: int, distance: int) -> None:
    """Move the last digit towards the value."""
    while (
        rest < distance
        and delta - rest >= ten_kappa
        and (rest + ten_kappa < distance or distance - rest > rest + ten_kappa - distance)
    ):
        digits[-1] -= 1
        rest += ten_kappa


def _digits(w: int, high: int, e: int, delta: int) -> tuple[str, int]:
    """Return the digits between the boundaries, and the power of ten of the last one."""
    one = 1 << -e
    distance = high - w
    whole, part = high >> -e, high & (one - 1)
    digits: list[int] = []
    kappa = len(str(whole))
    while kappa > 0:
        kappa -= 1
        digit, whole = divmod(whole, 10**kappa)
        if digit or digits:
            digits.append(digit)
        rest = (whole << -e) + part
        if rest <= delta:
            _round(digits, delta, rest, 10**kappa << -e, distance)
            return "".join(map(str, digits)), kappa
    while True:
        part, delta = part * 10, delta * 10
        digit = part >> -e
        if digit or digits:
            digits.append(digit)
        part &= one - 1
        kappa -= 1
        if part < delta:
            scale = 10**-kappa if -kappa < 9 else 0
            _round(digits, delta, part, one, distance * scale)
            return "".join(map(str, digits)), kappa
